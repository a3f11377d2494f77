//! What the server does for a query.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;
use serde::Serialize;

use crate::error::Error;
use crate::query::{Example, Query};
use crate::values::count;
use fastness_core::Clock;
use fastness_core::seam::now;

/// What the server did for a query when it was run once more (`explain`, `executionStats`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explained {
    /// Documents that it read.
    pub documents: u64,
    /// Entries of indexes that it read.
    pub keys: u64,
    /// Documents that it returned.
    pub returned: u64,
    /// The names of the indexes that it used; of the one over `_id` only where it reads a range of it.
    pub indexes: Vec<String>,
    /// It read the whole collection.
    pub scanned: bool,
    /// It sorted what it had found, since no index had it in order.
    pub sorted_in_memory: bool,
}

/// A query that would take longer is not explained.
const LIMIT: Duration = Duration::from_secs(30);

impl Explained {
    /// How many documents or entries it read in vain.
    pub fn wasted(&self) -> u64 {
        self.documents.max(self.keys).saturating_sub(self.returned)
    }

    /// From the reply to `explain`. Of an aggregation whose first stage is a query, that one counts; of one that shards did, what they
    /// did together.
    pub(crate) fn of(reply: &Document) -> Self {
        let Ok(shards) = reply.get_document("shards") else { return Self::of_one(reply) };
        let shards = shards.iter().filter_map(|(_, shard)| shard.as_document()).map(Self::of_one);
        shards.reduce(Self::and).unwrap_or_default()
    }

    fn and(mut self, other: Self) -> Self {
        self.documents += other.documents;
        self.keys += other.keys;
        self.returned += other.returned;
        self.scanned |= other.scanned;
        self.sorted_in_memory |= other.sorted_in_memory;
        for index in other.indexes {
            self.uses(&index);
        }
        self
    }

    fn uses(&mut self, index: &str) {
        if !self.indexes.iter().any(|known| known == index) {
            self.indexes.push(index.to_owned());
        }
    }

    fn of_one(reply: &Document) -> Self {
        let first = reply.get_array("stages").ok().and_then(|stages| stages.first()?.as_document());
        let root = first.and_then(|stage| stage.get_document("$cursor").ok()).unwrap_or(reply);
        let stats = root.get_document("executionStats").ok();
        let total = |field| count(stats.and_then(|stats| stats.get(field)));
        let mut explained = Self {
            documents: total("totalDocsExamined"),
            keys: total("totalKeysExamined"),
            returned: total("nReturned"),
            ..Self::default()
        };
        let planner = root.get_document("queryPlanner").ok();
        if let Some(plan) = planner.and_then(|planner| planner.get_document("winningPlan").ok()) {
            // Of the newer engine, it is one level below.
            explained.walk(plan.get_document("queryPlan").unwrap_or(plan));
        }
        explained
    }

    fn walk(&mut self, plan: &Document) {
        match plan.get_str("stage") {
            Ok("COLLSCAN") => self.scanned = true,
            Ok("SORT") => self.sorted_in_memory = true,
            _ => {}
        }
        if let Ok(index) = plan.get_str("indexName") {
            self.uses(index);
        }
        for below in ["inputStage", "queryPlan", "winningPlan"] {
            plan.get_document(below).into_iter().for_each(|below| self.walk(below));
        }
        for below in ["inputStages", "shards"] {
            let below = plan.get_array(below).into_iter().flatten().filter_map(Bson::as_document);
            below.for_each(|below| self.walk(below));
        }
    }
}

/// Runs the query once more, for at most [`LIMIT`], and asks what was done.
pub(crate) async fn explain(db: &Database, query: &Example) -> Result<Explained, Error> {
    let find = Query::find(&query.collection, query.filter.clone()).sort(query.sort.clone()).limit(query.limit);
    explain_query(db, &find).await.map(|(explained, _)| explained)
}

/// The same for any query; says also how long it took.
pub(crate) async fn explain_query(db: &Database, query: &Query) -> Result<(Explained, Duration), Error> {
    let limit = i64::try_from(LIMIT.as_millis()).unwrap_or(i64::MAX);
    let command = doc! { "explain": query.command(), "verbosity": "executionStats", "maxTimeMS": limit };
    let clock = Clock::system();
    let began = now(&clock);
    let reply = db.run_command(command).await;
    let took = Duration::from_nanos(now(&clock) - began);
    let reply = reply.map_err(|error| Error::of(format!("explain a query of `{}`", query.collection), &error))?;
    Ok((Explained::of(&reply), took))
}
