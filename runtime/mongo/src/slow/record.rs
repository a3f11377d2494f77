//! Which queries were slow, by shape.
//!
//! Only what was slow comes here, so a lock is cheap enough. Values are kept for one example of each shape, in memory only:
//! nothing here logs, prints or serialises them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::snapshot::{SlowShape, Snapshot, Source};
use crate::query::{Asked, Operation, Query};
use fastness_core::Clock;
use fastness_core::seam::{Gate, Mutex, bucket_middle, bucket_of, lock, nanos, now};

/// How many shapes are kept. A new one replaces the one that was not seen for longest.
pub(crate) const SHAPES: usize = 200;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Failed,
    TimedOut,
    /// It was dropped while it waited.
    Cancelled,
}

/// The slow queries of one client.
#[derive(Debug)]
pub(crate) struct Record {
    /// Nanoseconds; what took so long is slow.
    pub(crate) threshold: u64,
    pub(crate) clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shapes: HashMap<Key, Seen>,
    forgotten_shapes: u64,
    forgotten: u64,
    /// Up to when each database's profile was read.
    read: HashMap<String, bson::DateTime>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: Source,
    database: String,
    collection: String,
    operation: Operation,
    shape: String,
}

/// What was seen of one shape.
#[derive(Debug)]
struct Seen {
    count: u64,
    errors: u64,
    timeouts: u64,
    cancelled: u64,
    total: u64,
    max: u64,
    /// Of the histogram that `timed` uses, the buckets that hold anything.
    buckets: BTreeMap<usize, u64>,
    last: u64,
    gate: Gate,
    /// The slowest one.
    example: Query,
}

/// One slow query.
pub(crate) struct Slow<'a> {
    pub(crate) source: Source,
    pub(crate) database: &'a str,
    pub(crate) collection: &'a str,
    pub(crate) operation: Operation,
    pub(crate) asked: Asked,
    pub(crate) took: u64,
    pub(crate) ending: Ending,
    /// How long ago it ended.
    pub(crate) ago: u64,
}

impl Record {
    pub(crate) fn new(threshold: Duration, clock: Clock) -> Self {
        Self { threshold: nanos(threshold), clock, state: Mutex::default() }
    }

    /// Counts a query, and logs it if it was seen by the client, once a second at most for each shape.
    pub(crate) fn add(&self, slow: Slow<'_>) {
        let Slow { source, database, collection, operation, ending, took, .. } = slow;
        let shape = slow.asked.shape(operation);
        let Some(left_out) = self.count(slow, shape.clone()) else { return };
        if source == Source::Client {
            let ms = took / 1_000_000;
            tracing::warn!(database, collection, %operation, %shape, ms, outcome = ending.name(), left_out, "a slow query");
        }
    }

    /// Whether a line may be written, and how many were left out since the last.
    fn count(&self, slow: Slow<'_>, shape: String) -> Option<u64> {
        let Slow { source, database, collection, operation, asked, took, ending, ago } = slow;
        let now = now(&self.clock);
        let key = Key { source, database: database.to_owned(), collection: collection.to_owned(), operation, shape };
        let mut state = lock(&self.state);
        if !state.shapes.contains_key(&key) {
            state.make_room();
        }
        let example = Query::new(collection, operation, asked.kept());
        let seen = state.shapes.entry(key).or_insert_with(|| Seen::new(example.clone()));
        seen.add(took, ending, now.saturating_sub(ago), example);
        seen.gate.admit(now)
    }

    /// Claims what a database's profile says up to `newest`; what is newer than the answer is the caller's to count. So of two
    /// who read at once, each query is counted by one.
    pub(crate) fn claim(&self, database: &str, newest: bson::DateTime) -> bson::DateTime {
        let mut state = lock(&self.state);
        let last = state.read.entry(database.to_owned()).or_insert(bson::DateTime::MIN);
        let before = *last;
        *last = newest.max(before);
        before
    }

    /// Up to when a database's profile was read.
    pub(crate) fn read_until(&self, database: &str) -> bson::DateTime {
        lock(&self.state).read.get(database).copied().unwrap_or(bson::DateTime::MIN)
    }

    /// As of now, those that took most time in all first.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let now = now(&self.clock);
        let state = lock(&self.state);
        let mut shapes: Vec<_> = state.shapes.iter().map(|(key, seen)| seen.snapshot(key, now)).collect();
        shapes.sort_by(|one, other| other.total.cmp(&one.total).then_with(|| one.shape.cmp(&other.shape)));
        Snapshot {
            threshold: Duration::from_nanos(self.threshold),
            shapes,
            forgotten_shapes: state.forgotten_shapes,
            forgotten: state.forgotten,
        }
    }
}

impl State {
    fn make_room(&mut self) {
        if self.shapes.len() < SHAPES {
            return;
        }
        let oldest = self.shapes.iter().min_by_key(|(_, seen)| seen.last).map(|(key, _)| key.clone());
        if let Some(seen) = oldest.and_then(|key| self.shapes.remove(&key)) {
            self.forgotten_shapes += 1;
            self.forgotten += seen.count;
        }
    }
}

impl Seen {
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
            gate: Gate::new(),
            example,
        }
    }

    fn add(&mut self, took: u64, ending: Ending, at: u64, example: Query) {
        self.count += 1;
        match ending {
            Ending::Done => {}
            Ending::Failed => self.errors += 1,
            Ending::TimedOut => self.timeouts += 1,
            Ending::Cancelled => self.cancelled += 1,
        }
        self.total = self.total.saturating_add(took);
        *self.buckets.entry(bucket_of(took)).or_default() += 1;
        self.last = self.last.max(at);
        if took > self.max {
            self.max = took;
            self.example = example;
        }
    }

    /// The least time that 95 % did not exceed.
    fn p95(&self) -> u64 {
        let rank = (self.count * 95).div_ceil(100);
        let mut seen = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        found.map_or(0, |(bucket, _)| bucket_middle(*bucket).min(self.max))
    }

    fn snapshot(&self, key: &Key, now: u64) -> SlowShape {
        SlowShape {
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

impl Ending {
    fn name(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Failed => "error",
            Self::TimedOut => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}
