//! Figures of slow queries, for display and serialisation.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::conversions::serialize_seconds;
use crate::query::{Operation, Query, QuerySample};

/// The slow queries of a [`Client`](crate::Client) by shape, in descending order of total time.
///
/// Up to 200 shapes are stored: a new one replaces the one that was last seen the longest time ago, whose queries then count as
/// forgotten. The printed form is a table. Neither it nor the serialised form contains values of queries.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Minimum duration of a slow query, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub threshold: Duration,
    /// Figures of each shape.
    pub shapes: Vec<QueryShape>,
    /// Number of shapes that were replaced by others.
    pub forgotten_shapes: u64,
    /// Number of queries of these shapes.
    pub forgotten: u64,
}

/// Slow queries of one query shape: they differ in their values only.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct QueryShape {
    /// The observer. Queries that both observed are counted by each.
    pub source: QuerySource,
    /// Name of the database.
    pub database: String,
    /// Name of the collection.
    pub collection: String,
    /// The operation.
    pub operation: Operation,
    /// The query with `"?"` for every value, up to 1000 characters: `{business: "?"} sort {createdAt: -1}`.
    pub shape: String,
    /// Number of queries.
    pub count: u64,
    /// Number of queries that failed.
    pub errors: u64,
    /// Number of queries that exceeded the operation timeout, even if that is shorter than the threshold.
    pub timeouts: u64,
    /// Number of queries whose future was dropped while it waited.
    pub cancelled: u64,
    /// Total duration, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub total: Duration,
    /// Maximum duration, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub max: Duration,
    /// 95th percentile of the duration, with a relative error of at most 1.6 %, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub p95: Duration,
    /// Time since the last query ended, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub ago: Duration,
    #[serde(skip)]
    pub(super) example: Query,
}

/// Observer of a slow query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QuerySource {
    /// The client's own [`Collection`](crate::Collection). Durations include the network and the wait for a connection.
    Client,
    /// The server's profiler. Durations are those of the server, for queries of any program.
    Profiler,
}

impl Snapshot {
    /// Returns the slowest query of each shape of a database with its values, for [`IndexManager::advise`](crate::IndexManager::advise).
    ///
    /// Operations that no index helps are left out: inserts, and unsorted finds of a whole collection. Queries of more than 16 KiB are left
    /// out too, because their values are not stored.
    pub fn examples(&self, database: &str) -> Vec<QuerySample> {
        let shapes = self.shapes.iter().filter(|shape| shape.database == database);
        let served = |shape: &&QueryShape| {
            let parts = &shape.example.parts;
            let all = shape.operation == Operation::Find && parts.filter.is_empty() && parts.sort.is_empty();
            shape.operation != Operation::Insert && !all && !parts.hidden
        };
        shapes.filter(served).map(QueryShape::sample).collect()
    }
}

impl QueryShape {
    /// Returns the slowest query, for an [analysis](crate::IndexManager::analyze_query). It contains its values, and does not print them.
    /// Values of a query of more than 16 KiB are `"?"`.
    pub fn example(&self) -> &Query {
        &self.example
    }

    fn sample(&self) -> QuerySample {
        QuerySample::new(self.example.clone(), self.p95)
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
            "count", "failed", "p95", "max", "total", "last", "source"
        )?;
        for shape in &self.shapes {
            writeln!(f, "{shape}")?;
        }
        if self.forgotten > 0 {
            writeln!(f, "{} more, of {} shapes that were replaced by these", self.forgotten, self.forgotten_shapes)?;
        }
        Ok(())
    }
}

impl fmt::Display for QueryShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, database, collection, operation, shape, .. } = self;
        let failed = self.errors + self.timeouts + self.cancelled;
        let [p95, max, total] = [self.p95, self.max, self.total].map(|time| format!("{time:.0?}"));
        let ago = format!("{} s ago", self.ago.as_secs());
        let source = match source {
            QuerySource::Client => "client",
            QuerySource::Profiler => "profiler",
        };
        write!(
            f,
            "{:>7} {failed:>7} {p95:>9} {max:>9} {total:>9} {ago:>9}  {source:<8} {database}.{collection}.{operation} {shape}",
            self.count
        )
    }
}
