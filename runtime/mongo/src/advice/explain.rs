//! Explain results.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;
use serde::Serialize;

use crate::conversions::read_count;
use crate::error::Error;
use crate::query::{Query, QuerySample};
use fastness_core::Clock;
use fastness_core::seam::now;

/// Result of running a query again under `explain` with `executionStats`. Figures of all shards are added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExplainResult {
    /// Number of documents read.
    pub documents: u64,
    /// Number of index entries read.
    pub keys: u64,
    /// Number of documents returned.
    pub returned: u64,
    /// Names of the indexes used. The index on `_id` is listed only if a range of it was read.
    pub indexes: Vec<String>,
    /// True if the whole collection was read.
    pub scanned: bool,
    /// True if the result was sorted in memory, because no index returned it in order.
    pub sorted_in_memory: bool,
}

/// Time limit of an explained query on the server.
const EXPLAIN_TIMEOUT: Duration = Duration::from_secs(30);

impl ExplainResult {
    /// Returns the number of documents or index entries that were read and not returned, whichever is larger.
    pub fn wasted(&self) -> u64 {
        self.documents.max(self.keys).saturating_sub(self.returned)
    }

    /// Reads a reply of `explain`. For an aggregation, only the query of its first stage counts.
    pub(crate) fn from_reply(reply: &Document) -> Self {
        let Ok(shards) = reply.get_document("shards") else { return Self::from_shard(reply) };
        let shards = shards.iter().filter_map(|(_, shard)| shard.as_document()).map(Self::from_shard);
        shards.reduce(Self::merge).unwrap_or_default()
    }

    fn merge(mut self, other: Self) -> Self {
        self.documents += other.documents;
        self.keys += other.keys;
        self.returned += other.returned;
        self.scanned |= other.scanned;
        self.sorted_in_memory |= other.sorted_in_memory;
        for index in other.indexes {
            self.add_index(&index);
        }
        self
    }

    fn add_index(&mut self, index: &str) {
        if !self.indexes.iter().any(|known| known == index) {
            self.indexes.push(index.to_owned());
        }
    }

    fn from_shard(reply: &Document) -> Self {
        let first = reply.get_array("stages").ok().and_then(|stages| stages.first()?.as_document());
        let root = first.and_then(|stage| stage.get_document("$cursor").ok()).unwrap_or(reply);
        let stats = root.get_document("executionStats").ok();
        let total = |field| read_count(stats.and_then(|stats| stats.get(field)));
        let mut explained = Self {
            documents: total("totalDocsExamined"),
            keys: total("totalKeysExamined"),
            returned: total("nReturned"),
            ..Self::default()
        };
        let planner = root.get_document("queryPlanner").ok();
        if let Some(plan) = planner.and_then(|planner| planner.get_document("winningPlan").ok()) {
            // The slot-based engine nests the plan one level deeper.
            explained.read_plan(plan.get_document("queryPlan").unwrap_or(plan));
        }
        explained
    }

    fn read_plan(&mut self, plan: &Document) {
        match plan.get_str("stage") {
            Ok("COLLSCAN") => self.scanned = true,
            Ok("SORT") => self.sorted_in_memory = true,
            _ => {}
        }
        if let Ok(index) = plan.get_str("indexName") {
            self.add_index(index);
        }
        for below in ["inputStage", "queryPlan", "winningPlan"] {
            plan.get_document(below).into_iter().for_each(|below| self.read_plan(below));
        }
        for below in ["inputStages", "shards"] {
            let below = plan.get_array(below).into_iter().flatten().filter_map(Bson::as_document);
            below.for_each(|below| self.read_plan(below));
        }
    }
}

/// Explains a query, which runs it again for at most [`EXPLAIN_TIMEOUT`].
pub(crate) async fn explain(db: &Database, query: &QuerySample) -> Result<ExplainResult, Error> {
    let find = Query::find(&query.collection, query.filter.clone()).sort(query.sort.clone()).limit(query.limit);
    explain_query(db, &find).await.map(|(explained, _)| explained)
}

/// Explains any query, and returns also how long it took.
pub(crate) async fn explain_query(db: &Database, query: &Query) -> Result<(ExplainResult, Duration), Error> {
    let limit = i64::try_from(EXPLAIN_TIMEOUT.as_millis()).unwrap_or(i64::MAX);
    let command = doc! { "explain": query.command(), "verbosity": "executionStats", "maxTimeMS": limit };
    let clock = Clock::system();
    let began = now(&clock);
    let reply = db.run_command(command).await;
    let took = Duration::from_nanos(now(&clock) - began);
    let reply =
        reply.map_err(|error| Error::from_driver(format!("explain a query of `{}`", query.collection), &error))?;
    Ok((ExplainResult::from_reply(&reply), took))
}
