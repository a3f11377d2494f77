//! The indexes of a database: what a user starts with.

use std::collections::BTreeMap;

use mongodb::Database;

use super::advise::{self, Advice, SlowQuery};
use super::error::Error;
use super::normal::Index;
use super::options::ApplyOptions;
use super::plan::{Collection, Plan};
use super::report::Report;
use super::{IndexSpec, Indexed, apply, server};

/// The indexes that models declare, and the database that is to have them.
///
/// ```no_run
/// use fastness::Indexed;
/// use fastness::index::{ApplyOptions, Indexes};
///
/// #[derive(Indexed)]
/// #[indexed(collection = "products")]
/// struct Product {
///     #[index]
///     price: f64,
/// }
///
/// # async fn start(db: mongodb::Database) -> Result<(), fastness::index::Error> {
/// let indexes = Indexes::new(&db).model::<Product>();
/// println!("{}", indexes.plan().await?);
///
/// let report = indexes.apply(&ApplyOptions::default()).await?;
/// if !report.is_complete() {
///     eprintln!("{report}");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is done until `plan` or `apply` is called"]
pub struct Indexes {
    db: Database,
    /// By collection, in the order in which they were named.
    declared: Vec<(String, Vec<IndexSpec>)>,
}

impl Indexes {
    /// Of no model yet.
    pub fn new(db: &Database) -> Self {
        Self { db: db.clone(), declared: Vec::new() }
    }

    /// With those of one more model.
    pub fn model<M: Indexed>(self) -> Self {
        self.collection(M::COLLECTION, M::INDEXES)
    }

    /// With these in a collection, for what no model declares.
    pub fn collection(mut self, name: &str, indexes: &[IndexSpec]) -> Self {
        match self.declared.iter_mut().find(|(collection, _)| collection == name) {
            Some((_, specs)) => specs.extend_from_slice(indexes),
            None => self.declared.push((name.to_owned(), indexes.to_vec())),
        }
        self
    }

    /// Compares what is declared with what the server has. Reads only, and takes a role that may read (`read`).
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or a collection's indexes may not be listed.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let mut collections = Vec::with_capacity(self.declared.len());
        for (name, specs) in &self.declared {
            let listing = server::list(&self.db, name).await?;
            let declared = specs.iter().map(|spec| Index::declared(spec, listing.collation.as_ref())).collect();
            collections.push(Collection { name: name.clone(), declared, existing: listing.indexes });
        }
        Ok(Plan::new(self.db.name(), collections))
    }

    /// Makes the database have the indexes that are declared, as far as `options` allow, and tells what was done.
    ///
    /// Every process of a fleet may call it when it starts: one of them builds, the others wait, and then find nothing left
    /// to do. What the server refuses does not keep it from doing the rest. Where all is as declared, this is only a
    /// [`plan`](Self::plan).
    ///
    /// It takes the role `readWrite`, and `dbAdmin` to change indexes in place. Without the right to write to the collection
    /// `fastness_leases` there is no waiting for one another, which is harmless as long as all declare the same.
    ///
    /// # Errors
    ///
    /// If the indexes cannot be listed, or if another process was building all the time that
    /// [`ApplyOptions::patience`] allows ([`Error::is_busy`]). What fails for single indexes is in the report.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the server finishes the build that it has begun, and the lease ends by itself. Call it again.
    pub async fn apply(&self, options: &ApplyOptions) -> Result<Report, Error> {
        apply::apply(self, &self.db, options).await
    }

    /// Says which indexes these slow queries lack, and which existing ones of the declared collections nobody needs.
    ///
    /// Each query that took 100 ms or more is run once more, to see how many documents it reads in vain: for more than 500, an index
    /// is suggested, unless there is one already that serves it. An index is not needed if another one begins with its keys,
    /// or if no server has used it for a week; never if it is unique, or lets documents expire. The latter takes the role
    /// `clusterMonitor`; without it, nothing is said of unused indexes.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or the indexes may not be listed. A query that cannot be explained is left out.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub async fn advise(&self, slow: &[SlowQuery]) -> Result<Advice, Error> {
        let mut existing = BTreeMap::new();
        let mut advice = Advice::default();
        for (collection, _) in &self.declared {
            let indexes = server::list(&self.db, collection).await?.indexes;
            let usages = advise::usage(&self.db, collection).await?;
            advice.unneeded.extend(advise::unneeded(collection, &indexes, &usages));
            advice.usage.extend(usages);
            existing.insert(collection.clone(), indexes);
        }
        let mut explained = Vec::new();
        for query in slow.iter().filter(|query| query.took >= advise::SLOW) {
            if !existing.contains_key(&query.collection) {
                let indexes = server::list(&self.db, &query.collection).await?.indexes;
                existing.insert(query.collection.clone(), indexes);
            }
            match advise::explain(&self.db, query).await {
                Ok(found) => explained.push((query.clone(), found)),
                Err(error) if error.is_unreachable() => return Err(error),
                Err(error) => tracing::warn!(%error, "nothing is said of a query"),
            }
        }
        advice.missing =
            advise::missing(&explained, |collection| existing.get(collection).cloned().unwrap_or_default());
        Ok(advice)
    }
}
