//! The manager of a database's indexes: plans, applies, and advises.
//!
//! May use: `advice`, `command`, `conversions`, `error`, `lease`, `model`, `plan`, `query`.
//!
//! Only `apply` and `optimize` write indexes, through `index_commands`, `lease` its own document, and `trial` a sample of its
//! own. An index is dropped only on request.

use std::time::Duration;

use mongodb::Database;

use crate::advice::{self, AdviceSelection, IndexAdvice, QueryAnalysis, TrialSettings};
use crate::error::Error;
use crate::model::{DeclaredIndex, Indexed};
use crate::plan::{ApplyReport, IndexPlan, Settings};
use crate::query::{Query, QuerySample};

mod advise;
mod apply;
mod build;
mod declared;
mod index_commands;
mod optimize;
mod quorum;
mod trial;

use advise::{QueryExaminer, skip_refused};
use declared::DeclaredIndexes;

/// Manages the indexes of a database: those that models declare, and advice on others.
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
    declared: DeclaredIndexes,
    trials: Option<TrialSettings>,
}

impl IndexManager {
    /// Creates a manager without any model.
    pub fn new(db: &Database) -> Self {
        Self { declared: DeclaredIndexes::new(db), trials: None }
    }

    /// Adds the indexes of a model, and the options of its collection. The options of several models of one collection are joined; those
    /// that differ are a conflict in the plan.
    pub fn model<M: Indexed>(mut self) -> Self {
        self.declared.add_options(M::COLLECTION, M::COLLECTION_OPTIONS);
        self.collection(M::COLLECTION, M::INDEXES)
    }

    /// Adds indexes of a collection by name, such as the `INDEXES` of a model that is stored in several collections.
    pub fn collection(mut self, name: &str, indexes: &[DeclaredIndex]) -> Self {
        self.declared.add(name, indexes);
        self
    }

    /// Sets the time without a use after which [`advise`](Self::advise) reports an index as unused. Default 7 days, so that weekly jobs
    /// count. Servers count from their start.
    pub fn unused_after(mut self, time: Duration) -> Self {
        self.declared.unused = time;
        self
    }

    /// Makes [`advise`](Self::advise) and [`analyze_query`](Self::analyze_query) try each suggestion: on a sample of the collection with its
    /// indexes, which is explained without and with the suggested ones, and dropped afterwards, also if the future is dropped. Suggestions that
    /// do not help there become a note. Not tried are indexes of joined collections.
    ///
    /// This writes to the database: up to the documents and bytes of the settings, in a collection `fastness_trial_..`. It requires the role
    /// `readWrite`; without it, a note says so. A process that dies in between leaves its sample behind.
    pub fn trials(mut self, settings: TrialSettings) -> Self {
        self.trials = Some(settings);
        self
    }

    /// Compares the declared indexes with those of the server. Reads only; requires the role `read`.
    ///
    /// # Errors
    ///
    /// Fails if the server cannot be reached, or the user may not list the indexes.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn plan(&self) -> Result<IndexPlan, Error> {
        self.declared.plan().await
    }

    /// Creates and changes indexes so that the database matches the declarations, as far as `options` allow, and reports the outcome.
    ///
    /// Every process of a fleet may call this at its start: one builds, the others wait, and then have nothing left to do. A refusal of
    /// the server for one index does not stop the others. If everything is as declared, the call costs as much as a [`plan`](Self::plan).
    ///
    /// Requires the role `readWrite`, and `dbAdmin` to change indexes in place. Without the right to write to the collection
    /// `fastness_leases`, processes do not wait for each other, which is harmless as long as all declare the same indexes.
    ///
    /// # Errors
    ///
    /// Fails if the indexes cannot be listed, or if another process held the lease for longer than [`Settings::max_wait`]
    /// ([`Error::is_busy`]). Failures for single indexes are in the report.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the server finishes the current build, and the lease expires. Call again to apply the rest.
    pub async fn apply(&self, options: &Settings) -> Result<ApplyReport, Error> {
        apply::apply(&self.declared, options).await
    }

    /// Returns the indexes that these slow queries lack, and the indexes of the declared collections that are not needed.
    ///
    /// Each query that took 100 ms or more is run again under `explain`, for at most 30 s. If it read more than 500 documents or index
    /// entries that it did not return, sorted more than 500 documents in memory, or could have been answered by an index alone, one
    /// aggregation of at most 2 s on each of its collections counts what its conditions match, of a large collection in a random sample of
    /// 2 000 documents; it runs on a secondary if there is one. The index with the least expected reads is suggested, if it would halve the
    /// reads or spare the sort.
    ///
    /// An index is not needed if no server used it since it began to count, and the key of another one begins with its key, or
    /// [a week](Self::unused_after) has passed. Unique indexes and indexes with a time to live are never reported. The use is known to users
    /// with the role `clusterMonitor`; without it, no index is called needless, and `notes` says so.
    ///
    /// # Errors
    ///
    /// Fails if the server cannot be reached, or the user may not list the indexes. A query that cannot be explained is left out.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn advise(&self, slow: &[QuerySample]) -> Result<IndexAdvice, Error> {
        let mut examiner = QueryExaminer::new(&self.declared.db, self.trials.as_ref());
        let mut advice = IndexAdvice::default();
        for (collection, _) in &self.declared.collections {
            let listing = index_commands::list(&self.declared.db, collection).await?;
            let usages = advice::usage(&self.declared.db, collection).await?;
            advice.unneeded.extend(self.declared.unneeded(collection, &listing, &usages).await);
            if usages.is_empty() && listing.indexes.len() > 1 {
                advice.notes.push(format!(
                    "{collection}: the use of its indexes is unknown, so none is called needless: grant the role `clusterMonitor`, and \
                     ask a set rather than a router"
                ));
            }
            advice.usage.extend(usages);
            examiner.know(collection, listing);
        }
        for sample in slow.iter().filter(|sample| sample.took >= advice::MIN_DURATION) {
            // A view has no indexes, and listing them is an error.
            let Some(found) = skip_refused(examiner.examine(&sample.query).await)? else { continue };
            advice.notes.extend(found.notes);
            for mut missing in found.missing {
                missing.evidence.took = sample.took;
                advice::add(&mut advice.missing, missing);
            }
        }
        advice.missing.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.evidence.explained.wasted()));
        Ok(advice)
    }

    /// Runs one query again under `explain`, for at most 30 s, and returns the result and the index that would help. Writes are not
    /// executed.
    ///
    /// ```no_run
    /// use bson::doc;
    /// use fastness::mongo::IndexManager;
    /// use fastness::mongo::slow::Query;
    ///
    /// # async fn analyze(db: mongodb::Database) -> Result<(), fastness::mongo::Error> {
    /// let query = Query::find("products", doc! { "business": 7 }).sort(doc! { "createdAt": -1 });
    /// println!("{}", IndexManager::new(&db).analyze_query(&query).await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if the server cannot be reached, or rejects the query: an unknown operator, or `$text` or `$near` without their index.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn analyze_query(&self, query: &Query) -> Result<QueryAnalysis, Error> {
        QueryExaminer::new(&self.declared.db, self.trials.as_ref()).examine(query).await
    }

    /// Carries out the selected parts of an [advice](Self::advise), and reports the outcome. Nothing else is touched.
    ///
    /// Indexes are built as by [`apply`](Self::apply): by one process of a fleet, while the others wait. Missing indexes that exist by
    /// then are kept as they are. An index is hidden or dropped only if it is still not needed, or is hidden already; never if it is
    /// unique or has a time to live.
    ///
    /// ```no_run
    /// use fastness::mongo::advice::AdviceSelection;
    /// use fastness::mongo::plan::Settings;
    /// use fastness::mongo::{Client, Error, IndexManager};
    ///
    /// # async fn optimize(client: &Client, indexes: IndexManager) -> Result<(), Error> {
    /// let advice = indexes.advise(&client.slow_queries().examples("shop")).await?;
    /// println!("{advice}");
    /// let mut chosen = AdviceSelection::default();
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
    /// Fails as [`apply`](Self::apply) does. Failures for single indexes are in the report.
    ///
    /// # Cancel safety
    ///
    /// The same holds as for [`apply`](Self::apply).
    pub async fn optimize_indexes(&self, chosen: &AdviceSelection, options: &Settings) -> Result<ApplyReport, Error> {
        optimize::optimize(&self.declared, chosen, options).await
    }
}
