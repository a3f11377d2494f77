//! Examines queries: explains each, counts what its conditions match, and chooses the indexes that it lacks.

use std::collections::BTreeMap;

use bson::{Document, doc};
use mongodb::Database;

use super::index_commands::{self, ExistingIndexes};
use super::trial;
use crate::advice::{
    self, AccessCounts, CollectionAccess, ExplainResult, Explanation, MeasuredReads, MissingIndex, QueryAnalysis,
    TrialSettings,
};
use crate::command::collect;
use crate::error::Error;
use crate::query::Query;

/// Examines the queries of one database, and lists the indexes of each collection once.
pub(super) struct QueryExaminer<'a> {
    db: &'a Database,
    /// Indexes by collection; `None` if they cannot be listed, as those of a view.
    listings: BTreeMap<String, Option<ExistingIndexes>>,
    /// Bounds of trials, if suggestions are tried.
    trials: Option<&'a TrialSettings>,
}

/// Number of documents that are read to find fields with words or places.
const NAMING_SAMPLE: i32 = 20;

impl<'a> QueryExaminer<'a> {
    pub(super) fn new(db: &'a Database, trials: Option<&'a TrialSettings>) -> Self {
        Self { db, listings: BTreeMap::new(), trials }
    }

    /// Adds the indexes of a collection that are known already.
    pub(super) fn know(&mut self, collection: &str, listing: ExistingIndexes) {
        self.listings.insert(collection.to_owned(), Some(listing));
    }

    /// Examines one query.
    pub(super) async fn examine(&mut self, query: &Query) -> Result<QueryAnalysis, Error> {
        if !self.listings.contains_key(&query.collection) {
            let listing = index_commands::list(self.db, &query.collection).await?;
            self.know(&query.collection, listing);
        }
        let (explained, took) = advice::explain_query(self.db, query).await?;
        let (explanation, refused) = match explained {
            Ok(explanation) => (Some(explanation), None),
            Err(error) => (None, Some(error)),
        };
        let listing = self.listings.get(&query.collection).and_then(Option::as_ref);
        let mut found = QueryAnalysis {
            collection: query.collection.clone(),
            exists: listing.is_some_and(|listing| !listing.indexes.is_empty()),
            operation: query.operation,
            shape: query.parts.shape(query.operation),
            took,
            explained: explanation.as_ref().map(|found| found.result.clone()).unwrap_or_default(),
            refused: refused.as_ref().map(ToString::to_string),
            missing: Vec::new(),
            notes: Vec::new(),
        };
        let access = advice::access(query, explanation.as_ref());
        if found.exists {
            self.examine_access(query, access, explanation.as_ref(), &mut found).await?;
            self.try_out(query, &mut found).await?;
        }
        if advice::wastes(&found.explained) {
            for access in advice::joined(&query.parts.pipeline, query.parts.collation.as_ref()) {
                self.examine_joined(query, access, &mut found).await?;
            }
        }
        match refused {
            Some(error) if found.missing.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    async fn examine_access(
        &self,
        query: &Query,
        mut access: CollectionAccess,
        explanation: Option<&Explanation>,
        found: &mut QueryAnalysis,
    ) -> Result<(), Error> {
        if explanation.is_some_and(|explanation| !advice::is_wasteful(&explanation.result, &access)) {
            return Ok(());
        }
        if query.is_hinted() {
            found
                .notes
                .push("the query names its index in a hint, and uses no other: remove the hint first".to_owned());
            return Ok(());
        }
        if access.lacks_fields() {
            access.name_fields(&self.documents(&access.collection).await?);
        }
        let measured = explanation.map(|explanation| {
            let ExplainResult { documents, keys, sorted_in_memory, .. } = explanation.result;
            MeasuredReads { reads: documents + keys, documents, sorts: sorted_in_memory }
        });
        let arrays = explanation.map(|explanation| explanation.arrays.clone()).unwrap_or_default();
        self.choose(query, &access, measured, arrays, found).await
    }

    /// Tries the suggestions on a sample, and removes them if they do not help there.
    async fn try_out(&self, query: &Query, found: &mut QueryAnalysis) -> Result<(), Error> {
        let Some(settings) = self.trials.filter(|_| !found.missing.is_empty()) else { return Ok(()) };
        let Some(listing) = self.listings.get(&query.collection).and_then(Option::as_ref) else { return Ok(()) };
        match trial::run(self.db, query, listing, &found.missing, settings).await {
            Ok(trial) if trial.helps() => {
                found.missing.iter_mut().for_each(|missing| missing.trial = Some(trial.clone()));
            }
            Ok(trial) => {
                let shells: Vec<_> = found.missing.drain(..).map(|missing| missing.shell).collect();
                found.notes.push(format!("{} does not help {trial}", shells.join("; ")));
            }
            Err(error) if error.is_unreachable() => return Err(error),
            Err(error) => found.notes.push(format!("no trial: {error}")),
        }
        Ok(())
    }

    async fn examine_joined(
        &mut self,
        query: &Query,
        access: CollectionAccess,
        found: &mut QueryAnalysis,
    ) -> Result<(), Error> {
        if !self.listings.contains_key(&access.collection) {
            let listing = skip_refused(index_commands::list(self.db, &access.collection).await)?;
            self.listings.insert(access.collection.clone(), listing);
        }
        // Without an index each of them reads the whole collection.
        let measured = MeasuredReads { reads: u64::MAX, documents: u64::MAX, sorts: false };
        self.choose(query, &access, Some(measured), Vec::new(), found).await
    }

    /// Counts, and adds the indexes that an access lacks.
    async fn choose(
        &self,
        query: &Query,
        access: &CollectionAccess,
        measured: Option<MeasuredReads>,
        arrays: Vec<String>,
        found: &mut QueryAnalysis,
    ) -> Result<(), Error> {
        let Some(listing) = self.listings.get(&access.collection).and_then(Option::as_ref) else { return Ok(()) };
        let mut counts = match AccessCounts::count(self.db, access).await {
            Ok(counts) => counts,
            Err(error) if error.is_unreachable() => return Err(error),
            Err(error) => {
                found.notes.push(format!("there is no advice without counts: {error}"));
                return Ok(());
            }
        };
        counts.add_arrays(arrays);
        let existing = listing.for_queries_with(access.collation());
        let took = (found.took, found.explained.clone());
        for chosen in advice::choose(access, &counts, &existing, counts.bounded(measured)) {
            advice::add(&mut found.missing, MissingIndex::new(chosen, query, took.clone(), &existing));
        }
        Ok(())
    }

    /// Reads some documents, to find the fields with words or places.
    async fn documents(&self, collection: &str) -> Result<Vec<Document>, Error> {
        let find = doc! { "find": collection, "limit": NAMING_SAMPLE, "singleBatch": true };
        collect(self.db, find, || format!("read documents of `{}.{collection}`", self.db.name())).await
    }
}

/// Returns `None` and logs a warning if the server refuses: one query of many cannot be explained. An unreachable server is an error.
pub(super) fn skip_refused<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_unreachable() => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the server refused to list indexes or to explain a query: it is left out of the advice");
            Ok(None)
        }
    }
}
