//! Records slow queries by shape.
//!
//! Only slow queries get here, so a lock is cheap enough. The values of one example are stored for each shape, in memory only: they are
//! never logged, printed or serialised.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::snapshot::{QueryShape, QuerySource, Snapshot};
use crate::query::{Operation, Query, QueryParts};
use fastness_core::Clock;
use fastness_core::seam::{LogThrottle, Mutex, bucket_middle, bucket_of, lock, nanos, now};

/// Maximum number of shapes. A new one replaces the one that was last seen the longest time ago.
pub(crate) const MAX_SHAPES: usize = 200;

/// Outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryOutcome {
    Ok,
    Failed,
    TimedOut,
    /// The future was dropped while it waited.
    Cancelled,
}

/// The slow queries of one client.
#[derive(Debug)]
pub(crate) struct SlowQueryRecorder {
    /// Minimum duration of a slow query, in nanoseconds.
    pub(crate) threshold: u64,
    pub(crate) clock: Clock,
    state: Mutex<RecorderState>,
}

#[derive(Debug, Default)]
struct RecorderState {
    shapes: HashMap<ShapeKey, ShapeFigures>,
    forgotten_shapes: u64,
    forgotten: u64,
    /// Time up to which each database's profile was read.
    read: HashMap<String, bson::DateTime>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ShapeKey {
    source: QuerySource,
    database: String,
    collection: String,
    operation: Operation,
    shape: String,
}

/// Figures of one shape.
#[derive(Debug)]
struct ShapeFigures {
    count: u64,
    errors: u64,
    timeouts: u64,
    cancelled: u64,
    total: u64,
    max: u64,
    /// Buckets of the histogram that `timed` uses; empty ones are left out.
    buckets: BTreeMap<usize, u64>,
    last: u64,
    throttle: LogThrottle,
    /// The slowest query.
    example: Query,
}

/// A slow query.
pub(crate) struct SlowCall<'a> {
    pub(crate) source: QuerySource,
    pub(crate) database: &'a str,
    pub(crate) collection: &'a str,
    pub(crate) operation: Operation,
    pub(crate) parts: QueryParts,
    pub(crate) took: u64,
    pub(crate) outcome: QueryOutcome,
    /// Nanoseconds since it ended.
    pub(crate) ago: u64,
}

impl SlowQueryRecorder {
    pub(crate) fn new(threshold: Duration, clock: Clock) -> Self {
        Self { threshold: nanos(threshold), clock, state: Mutex::default() }
    }

    /// Counts a query. If the client measured it, also logs it, at most once a second for each shape.
    pub(crate) fn add(&self, slow: SlowCall<'_>) {
        let SlowCall { source, database, collection, operation, outcome, took, .. } = slow;
        let shape = slow.parts.shape(operation);
        let Some(left_out) = self.count(slow, shape.clone()) else { return };
        if source == QuerySource::Client {
            let ms = took / 1_000_000;
            tracing::warn!(database, collection, %operation, %shape, ms, outcome = outcome.name(), left_out, "a slow query");
        }
    }

    /// Returns whether a line may be logged: the number of lines that were left out since the last one.
    fn count(&self, slow: SlowCall<'_>, shape: String) -> Option<u64> {
        let SlowCall { source, database, collection, operation, parts, took, outcome, ago } = slow;
        let now = now(&self.clock);
        let key =
            ShapeKey { source, database: database.to_owned(), collection: collection.to_owned(), operation, shape };
        let mut state = lock(&self.state);
        if !state.shapes.contains_key(&key) {
            state.evict_oldest();
        }
        let example = Query::new(collection, operation, parts.without_large_values());
        let figures = state.shapes.entry(key).or_insert_with(|| ShapeFigures::new(example.clone()));
        figures.add(took, outcome, now.saturating_sub(ago), example);
        figures.throttle.admit(now)
    }

    /// Claims the records of a database's profile up to `newest`, and returns the end of the last claim. The caller counts the records
    /// after that, so that two concurrent readers count each record once.
    pub(crate) fn claim(&self, database: &str, newest: bson::DateTime) -> bson::DateTime {
        let mut state = lock(&self.state);
        let last = state.read.entry(database.to_owned()).or_insert(bson::DateTime::MIN);
        let before = *last;
        *last = newest.max(before);
        before
    }

    /// Returns the time up to which a database's profile was read.
    pub(crate) fn read_until(&self, database: &str) -> bson::DateTime {
        lock(&self.state).read.get(database).copied().unwrap_or(bson::DateTime::MIN)
    }

    /// Returns the current figures, with the shapes in descending order of total time.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let now = now(&self.clock);
        let state = lock(&self.state);
        let mut shapes: Vec<_> = state.shapes.iter().map(|(key, figures)| figures.snapshot(key, now)).collect();
        shapes.sort_by(|one, other| other.total.cmp(&one.total).then_with(|| one.shape.cmp(&other.shape)));
        Snapshot {
            threshold: Duration::from_nanos(self.threshold),
            shapes,
            forgotten_shapes: state.forgotten_shapes,
            forgotten: state.forgotten,
        }
    }
}

impl RecorderState {
    fn evict_oldest(&mut self) {
        if self.shapes.len() < MAX_SHAPES {
            return;
        }
        let oldest = self.shapes.iter().min_by_key(|(_, figures)| figures.last).map(|(key, _)| key.clone());
        if let Some(figures) = oldest.and_then(|key| self.shapes.remove(&key)) {
            self.forgotten_shapes += 1;
            self.forgotten += figures.count;
        }
    }
}

impl ShapeFigures {
    fn new(example: Query) -> Self {
        Self {
            count: 0,
            errors: 0,
            timeouts: 0,
            cancelled: 0,
            total: 0,
            max: 0,
            buckets: BTreeMap::new(),
            last: 0,
            throttle: LogThrottle::new(),
            example,
        }
    }

    fn add(&mut self, took: u64, outcome: QueryOutcome, at: u64, example: Query) {
        self.count += 1;
        match outcome {
            QueryOutcome::Ok => {}
            QueryOutcome::Failed => self.errors += 1,
            QueryOutcome::TimedOut => self.timeouts += 1,
            QueryOutcome::Cancelled => self.cancelled += 1,
        }
        self.total = self.total.saturating_add(took);
        *self.buckets.entry(bucket_of(took)).or_default() += 1;
        self.last = self.last.max(at);
        if took > self.max {
            self.max = took;
            self.example = example;
        }
    }

    /// Returns the lowest duration that 95 % did not exceed.
    fn p95(&self) -> u64 {
        let rank = (self.count * 95).div_ceil(100);
        let mut counted = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            counted += **count;
            counted >= rank
        });
        found.map_or(0, |(bucket, _)| bucket_middle(*bucket).min(self.max))
    }

    fn snapshot(&self, key: &ShapeKey, now: u64) -> QueryShape {
        QueryShape {
            source: key.source,
            database: key.database.clone(),
            collection: key.collection.clone(),
            operation: key.operation,
            shape: key.shape.clone(),
            count: self.count,
            errors: self.errors,
            timeouts: self.timeouts,
            cancelled: self.cancelled,
            total: Duration::from_nanos(self.total),
            max: Duration::from_nanos(self.max),
            p95: Duration::from_nanos(self.p95()),
            ago: Duration::from_nanos(now.saturating_sub(self.last)),
            example: self.example.clone(),
        }
    }
}

impl QueryOutcome {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "error",
            Self::TimedOut => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}
