//! The indexes of a database: planned, applied, and advised on.
//!
//! May use: `advise`, `ask`, `error`, `lease`, `model`, `plan`, `query`, `values`.
//!
//! Only `apply` and `optimize` write, through `server`, and nothing is ever dropped that was not asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use mongodb::Database;

use crate::advise::{self, Advice, Analysis, Chosen};
use crate::error::Error;
use crate::model::{Declaration, Indexed};
use crate::plan::{Plan, Report, Settings};
use crate::query::{Example, Query};

mod apply;
mod build;
mod declared;
mod optimize;
mod server;

use declared::Declared;

/// The indexes that models declare, and the database that is to have them.
///
/// ```no_run
/// use fastness::Indexed;
/// use fastness::mongo::IndexManager;
/// use fastness::mongo::plan::Settings;
///
/// #[derive(Indexed)]
/// #[indexed(collection = "products")]
/// struct Product {
///     #[index]
///     price: f64,
/// }
///
/// # async fn start(db: mongodb::Database) -> Result<(), fastness::mongo::Error> {
/// let indexes = IndexManager::new(&db).model::<Product>();
/// println!("{}", indexes.plan().await?);
///
/// let report = indexes.apply(&Settings::default()).await?;
/// if !report.is_complete() {
///     eprintln!("{report}");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is done until `plan` or `apply` is called"]
pub struct IndexManager {
    declared: Declared,
}

impl IndexManager {
    /// Of no model yet.
    pub fn new(db: &Database) -> Self {
        Self { declared: Declared::new(db) }
    }

    /// With those of one more model.
    pub fn model<M: Indexed>(self) -> Self {
        self.collection(M::COLLECTION, M::INDEXES)
    }

    /// With these in a collection, for what no model declares.
    pub fn collection(mut self, name: &str, indexes: &[Declaration]) -> Self {
        self.declared.add(name, indexes);
        self
    }

    /// How long no query must have used an index for [`advise`](Self::advise) to call it unused. Default 7 days, as what is done once a week
    /// counts, too; servers count from their start on.
    pub fn unused_after(mut self, time: Duration) -> Self {
        self.declared.unused = time;
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
        self.declared.plan().await
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
    /// [`Settings::patience`] allows ([`Error::is_busy`]). What fails for single indexes is in the report.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the server finishes the build that it has begun, and the lease ends by itself. Call it again.
    pub async fn apply(&self, options: &Settings) -> Result<Report, Error> {
        apply::apply(&self.declared, options).await
    }

    /// Says which indexes these slow queries lack, and which existing ones of the declared collections nobody needs.
    ///
    /// Each query that took 100 ms or more is run once more, to see how many documents it reads in vain: for more than 500, an index
    /// is suggested, unless there is one already that serves it. An index is not needed if another one begins with its keys,
    /// or if no server has used it for [a week](Self::unused_after); never if it is unique, or lets documents expire. The latter takes the role
    /// `clusterMonitor`; without it, nothing is said of unused indexes.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or the indexes may not be listed. A query that cannot be explained is left out.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub async fn advise(&self, slow: &[Example]) -> Result<Advice, Error> {
        let mut existing = BTreeMap::new();
        let mut advice = Advice::default();
        for (collection, _) in &self.declared.collections {
            let listing = server::list(&self.declared.db, collection).await?;
            let usages = advise::usage(&self.declared.db, collection).await?;
            advice.unneeded.extend(self.declared.unneeded(collection, &listing, &usages));
            advice.usage.extend(usages);
            existing.insert(collection.clone(), listing.to_queries());
        }
        let mut explained = Vec::new();
        for query in slow.iter().filter(|query| query.took >= advise::SLOW) {
            if !existing.contains_key(&query.collection) {
                // A view has no indexes, and says so.
                match said_of_a_query(server::list(&self.declared.db, &query.collection).await)? {
                    Some(listing) => drop(existing.insert(query.collection.clone(), listing.to_queries())),
                    None => continue,
                }
            }
            if let Some(found) = said_of_a_query(advise::explain(&self.declared.db, query).await)? {
                explained.push((query.clone(), found));
            }
        }
        advice.missing =
            advise::missing(&explained, |collection| existing.get(collection).cloned().unwrap_or_default());
        Ok(advice)
    }

    /// Runs one query once more, for at most 30 seconds, and says what the server does for it, and which index would help. What would
    /// write is not done.
    ///
    /// ```no_run
    /// use bson::doc;
    /// use fastness::mongo::IndexManager;
    /// use fastness::mongo::slow::Query;
    ///
    /// # async fn look(db: mongodb::Database) -> Result<(), fastness::mongo::Error> {
    /// let query = Query::find("products", doc! { "business": 7 }).sort(doc! { "createdAt": -1 });
    /// println!("{}", IndexManager::new(&db).analyze_query(&query).await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or does not understand the query: an operator that does not exist, `$text` or `$near` without their
    /// index.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub async fn analyze_query(&self, query: &Query) -> Result<Analysis, Error> {
        let existing = server::list(&self.declared.db, &query.collection).await?.to_queries();
        let (explained, took) = advise::explain_query(&self.declared.db, query).await?;
        Ok(Analysis::new(query, took, explained, &existing))
    }

    /// Does what was chosen of an [advice](Self::advise), and tells what was done. Nothing is touched that was not chosen.
    ///
    /// Indexes are built as by [`apply`](Self::apply): by one process of a fleet, while the others wait. What is there by then is kept. An index
    /// is hidden or dropped only if nobody needs it still; one that is hidden already may be dropped. Never one that is unique,
    /// or lets documents expire.
    ///
    /// ```no_run
    /// use fastness::mongo::advise::Chosen;
    /// use fastness::mongo::plan::Settings;
    /// use fastness::mongo::{Client, Error, IndexManager};
    ///
    /// # async fn optimize(client: &Client, indexes: IndexManager) -> Result<(), Error> {
    /// let advice = indexes.advise(&client.slow_queries().examples("shop")).await?;
    /// println!("{advice}");
    /// let mut chosen = Chosen::default();
    /// for suggestion in &advice.missing {
    ///     chosen = chosen.create(suggestion); // if a person says so
    /// }
    /// for unneeded in &advice.unneeded {
    ///     chosen = chosen.hide(&unneeded.collection, &unneeded.index);
    /// }
    /// println!("{}", indexes.optimize_indexes(&chosen, &Settings::default()).await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As those of [`apply`](Self::apply); what fails for single indexes is in the report.
    ///
    /// # Cancel safety
    ///
    /// As that of [`apply`](Self::apply).
    pub async fn optimize_indexes(&self, chosen: &Chosen, options: &Settings) -> Result<Report, Error> {
        optimize::optimize(&self.declared, chosen, options).await
    }
}

/// What the server says, or nothing where it refuses: that concerns one query of many.
fn said_of_a_query<T>(said: Result<T, Error>) -> Result<Option<T>, Error> {
    match said {
        Ok(said) => Ok(Some(said)),
        Err(error) if error.is_unreachable() => Err(error),
        Err(error) => {
            tracing::warn!(%error, "nothing is said of a query");
            Ok(None)
        }
    }
}
