//! Explain results.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;
use serde::Serialize;

use crate::conversions::read_count;
use crate::error::{Error, code};
use crate::query::Query;
use fastness_core::Clock;
use fastness_core::seam::now;

/// Result of running a query again under `explain` with `executionStats`. Figures of all shards are added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExplainResult {
    /// Number of documents read, those of joined collections included.
    pub documents: u64,
    /// Number of index entries read, those of joined collections included.
    pub keys: u64,
    /// Number of documents returned; for an aggregation, by its first stages.
    pub returned: u64,
    /// Names of the indexes used. The index on `_id` is listed only if a range of it was read.
    pub indexes: Vec<String>,
    /// True if the whole collection was read.
    pub scanned: bool,
    /// True if the result was sorted in memory, because no index returned it in order.
    pub sorted_in_memory: bool,
}

/// An explained query: the figures, and the query as the server runs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Explanation {
    pub(crate) result: ExplainResult,
    /// The filter that reaches the collection, parts of later stages included.
    pub(super) filter: Option<Document>,
    /// The sort in memory with its limit.
    pub(super) sort: Option<(Document, u64)>,
    /// The fields that the query needs, if it needs only some.
    pub(super) needed: Option<Vec<String>>,
    /// Paths that an index states to be arrays.
    pub(crate) arrays: Vec<String>,
}

/// Time limit of an explained query on the server.
const EXPLAIN_TIMEOUT: Duration = Duration::from_secs(30);

impl ExplainResult {
    /// Returns the number of documents or index entries that were read and not returned, whichever is larger.
    pub fn wasted(&self) -> u64 {
        self.documents.max(self.keys).saturating_sub(self.returned)
    }

    /// Reads a reply of `explain`.
    #[cfg(test)]
    pub(crate) fn from_reply(reply: &Document) -> Self {
        Explanation::from_reply(reply).result
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
}

impl Explanation {
    /// Reads a reply of `explain`.
    pub(crate) fn from_reply(reply: &Document) -> Self {
        let Ok(shards) = reply.get_document("shards") else { return Self::from_shard(reply) };
        let shards = shards.iter().filter_map(|(_, shard)| shard.as_document()).map(Self::from_shard);
        shards.reduce(|one, other| Self { result: one.result.merge(other.result), ..one }).unwrap_or_default()
    }

    fn from_shard(reply: &Document) -> Self {
        let stages = reply.get_array("stages").ok();
        let first = stages.and_then(|stages| stages.first()?.as_document());
        let root = first.and_then(|stage| stage.get_document("$cursor").ok()).unwrap_or(reply);
        let stats = root.get_document("executionStats").ok();
        let total = |field| read_count(stats.and_then(|stats| stats.get(field)));
        let mut found = Self::default();
        found.result.documents = total("totalDocsExamined");
        found.result.keys = total("totalKeysExamined");
        found.result.returned = total("nReturned");
        let planner = root.get_document("queryPlanner").ok();
        found.filter = planner.and_then(|planner| planner.get_document("parsedQuery").ok()).cloned();
        if let Some(plan) = planner.and_then(|planner| planner.get_document("winningPlan").ok()) {
            // The slot-based engine nests the plan one level deeper.
            found.read_plan(plan.get_document("queryPlan").unwrap_or(plan));
        }
        let second = stages.and_then(|stages| stages.get(1)?.as_document());
        found.result.sorted_in_memory |= second.is_some_and(|stage| stage.contains_key("$sort"));
        for stage in stages.into_iter().flatten().skip(1).filter_map(Bson::as_document) {
            found.add_joined(stage);
        }
        found
    }

    /// Adds the reads of other collections.
    fn add_joined(&mut self, stage: &Document) {
        let part = stage.get_document("executionStats").unwrap_or(stage);
        if part.contains_key("totalDocsExamined") {
            self.result.documents += read_count(part.get("totalDocsExamined"));
            self.result.keys += read_count(part.get("totalKeysExamined"));
            return;
        }
        for (_, below) in stage {
            match below {
                Bson::Document(below) => self.add_joined(below),
                Bson::Array(below) => {
                    below.iter().filter_map(Bson::as_document).for_each(|below| self.add_joined(below));
                }
                _ => {}
            }
        }
    }

    fn read_plan(&mut self, plan: &Document) {
        match plan.get_str("stage") {
            Ok("COLLSCAN") => self.result.scanned = true,
            Ok("SORT") => {
                self.result.sorted_in_memory = true;
                let pattern = plan.get_document("sortPattern").cloned().unwrap_or_default();
                self.sort = Some((pattern, read_count(plan.get("limitAmount"))));
            }
            Ok("PROJECTION_SIMPLE" | "PROJECTION_DEFAULT" | "PROJECTION_COVERED") if self.needed.is_none() => {
                self.needed = plan.get_document("transformBy").ok().and_then(needed);
            }
            _ => {}
        }
        if let Ok(index) = plan.get_str("indexName") {
            self.result.add_index(index);
            self.arrays.extend(multikey_paths(plan));
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

/// Returns the paths that an index states to be arrays, as `explain` shows them.
fn multikey_paths(plan: &Document) -> Vec<String> {
    let Ok(stated) = plan.get_document("multiKeyPaths") else { return Vec::new() };
    let paths = stated.iter().filter_map(|(_, paths)| paths.as_array()).flatten();
    paths.filter_map(Bson::as_str).map(str::to_owned).collect()
}

/// Returns the fields that a projection includes; `None` if it excludes some or computes.
fn needed(projection: &Document) -> Option<Vec<String>> {
    let mut needed = Vec::new();
    let mut id = true;
    for (field, value) in projection {
        let included = match value {
            Bson::Boolean(included) => *included,
            Bson::Int32(included) => *included != 0,
            Bson::Int64(included) => *included != 0,
            Bson::Double(included) => *included != 0.0,
            _ => return None,
        };
        match (field.as_str(), included) {
            ("_id", included) => id = included,
            (_, false) => return None,
            (field, true) => needed.push(field.to_owned()),
        }
    }
    if id {
        needed.push("_id".to_owned());
    }
    Some(needed)
}

/// Explains a query, which runs it again for at most 30 s, and returns also how long it took. `None` if the server refuses it because it
/// lacks an index for words or places.
pub(crate) async fn explain_query(
    db: &Database,
    query: &Query,
) -> Result<(Result<Explanation, Error>, Duration), Error> {
    let limit = i64::try_from(EXPLAIN_TIMEOUT.as_millis()).unwrap_or(i64::MAX);
    let command = doc! { "explain": query.command(), "verbosity": "executionStats", "maxTimeMS": limit };
    let clock = Clock::system();
    let began = now(&clock);
    let reply = db.run_command(command).await;
    let took = Duration::from_nanos(now(&clock) - began);
    match reply {
        Ok(reply) => Ok((Ok(Explanation::from_reply(&reply)), took)),
        Err(error) => {
            let error = Error::from_driver(format!("explain a query of `{}`", query.collection), &error);
            let lacks_index = [code::MISSING_INDEX, code::NO_PLAN].map(Some).contains(&error.code());
            if lacks_index { Ok((Err(error), took)) } else { Err(error) }
        }
    }
}
