//! The slow queries as people and programs read them.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::query::{Example, Operation, Query};
use crate::values::seconds;

/// The slow queries of a [`Client`](crate::Client), by shape; those that took most time in all first.
///
/// 200 shapes are kept: a new one replaces the one that was not seen for longest, whose queries then count as forgotten.
/// Printed, it is a table. Neither that nor the serialised form holds values of queries.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// What took so long is slow; in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub threshold: Duration,
    /// What was seen of each shape.
    pub shapes: Vec<SlowShape>,
    /// How many shapes had to make room for others.
    pub forgotten_shapes: u64,
    /// How many queries had such a shape.
    pub forgotten: u64,
}

/// Slow queries that differ in their values only.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SlowShape {
    /// Who saw them. Queries that both saw are counted by each.
    pub source: Source,
    /// The name of the database.
    pub database: String,
    /// The name of the collection.
    pub collection: String,
    /// What was done.
    pub operation: Operation,
    /// What was asked, with `"?"` for every value, in at most 1000 characters: `{business: "?"} sort {createdAt: -1}`.
    pub shape: String,
    /// How many there were.
    pub count: u64,
    /// Of these, those that failed.
    pub errors: u64,
    /// Those that took too long, however short that bound is.
    pub timeouts: u64,
    /// Those that were dropped while they waited.
    pub cancelled: u64,
    /// The time of all of them, in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub total: Duration,
    /// The longest time, in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub max: Duration,
    /// What 95 % of them did not exceed, with an error of at most 1.6 %, in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub p95: Duration,
    /// How long ago the last one ended, in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub ago: Duration,
    #[serde(skip)]
    pub(super) example: Query,
}

/// Who saw a slow query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// The client's own [`Collection`](crate::Collection): with the way to the server, and the wait for a connection.
    Client,
    /// The server's profiler: what the server needed, for whichever program.
    Profiler,
}

impl Snapshot {
    /// The slowest query of each shape of a database, with its values, for [`IndexManager::advise`](crate::IndexManager::advise).
    /// Inserts, what reads a collection whole and unsorted, and what has a collation of its own, are left out, as no ordinary index helps
    /// them; so are queries of more than 16 KiB, whose values are not kept.
    pub fn examples(&self, database: &str) -> Vec<Example> {
        let shapes = self.shapes.iter().filter(|shape| shape.database == database);
        let served = |shape: &&SlowShape| {
            shape.operation != Operation::Insert && !shape.example.asked.collated && !shape.example.asked.hidden
        };
        let queries = shapes.filter(served).map(SlowShape::query);
        queries.filter(|query| !(query.filter.is_empty() && query.sort.is_empty())).collect()
    }
}

impl SlowShape {
    /// The slowest one, to be [analysed](crate::IndexManager::analyze_query). It holds its values (of one of more than 16 KiB, `"?"`
    /// instead), and does not show them.
    pub fn example(&self) -> &Query {
        &self.example
    }

    fn query(&self) -> Example {
        self.example.served(self.p95)
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shapes.is_empty() {
            return writeln!(f, "No query took {:?} or longer.", self.threshold);
        }
        writeln!(
            f,
            "{:>7} {:>7} {:>9} {:>9} {:>9} {:>9}  {:<8} query",
            "count", "failed", "p95", "max", "total", "last", "seen by"
        )?;
        for shape in &self.shapes {
            writeln!(f, "{shape}")?;
        }
        if self.forgotten > 0 {
            writeln!(f, "{} more, of {} shapes that made room for these", self.forgotten, self.forgotten_shapes)?;
        }
        Ok(())
    }
}

impl fmt::Display for SlowShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, database, collection, operation, shape, .. } = self;
        let failed = self.errors + self.timeouts + self.cancelled;
        let [p95, max, total] = [self.p95, self.max, self.total].map(|time| format!("{time:.0?}"));
        let ago = format!("{} s ago", self.ago.as_secs());
        let source = match source {
            Source::Client => "client",
            Source::Profiler => "profiler",
        };
        write!(
            f,
            "{:>7} {failed:>7} {p95:>9} {max:>9} {total:>9} {ago:>9}  {source:<8} {database}.{collection}.{operation} {shape}",
            self.count
        )
    }
}
