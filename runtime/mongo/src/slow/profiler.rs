//! The database profiler of the server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;
use serde::Serialize;

use super::recorder::{QueryOutcome, SlowCall, SlowQueryRecorder};
use super::snapshot::QuerySource;
use crate::command::collect;
use crate::conversions::{read_count, serialize_seconds};
use crate::error::Error;
use crate::query::{Operation, read_command, read_write};

#[cfg(test)]
mod tests;

/// The profiler of one database, which also records operations of other programs.
///
/// The profiler is enabled per database, but its threshold and sample rate apply to the whole server. Each server of a replica set has
/// its own; this is the profiler of the primary. It requires the role `dbAdmin`, and does not exist behind a router of a sharded cluster.
/// The server's list contains values of queries; they are read into [`slow_queries`](crate::Client::slow_queries), which do not show
/// them.
///
/// ```no_run
/// use fastness::mongo::slow::Settings;
/// use fastness::mongo::{Client, Error};
///
/// # async fn profile(client: &Client) -> Result<(), Error> {
/// let profiler = client.profiler(&client.database("shop"));
/// profiler.enable(&Settings::default()).await?;
/// // Later, as often as you like:
/// profiler.read().await?;
/// println!("{}", client.slow_queries());
/// profiler.disable().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Profiler {
    db: Database,
    recorder: Arc<SlowQueryRecorder>,
}

/// Settings of the profiler.
///
/// ```
/// use std::time::Duration;
/// use fastness::mongo::slow::Settings;
///
/// let half_of_slow_operations = Settings::default().slow(Duration::from_millis(250)).sample_rate(0.5);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Settings {
    level: i32,
    slow: Duration,
    sample_rate: f64,
}

/// Status of the profiler.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProfilingStatus {
    /// MongoDB's profiling level: 0 off, 1 slow operations, 2 all operations.
    pub level: i32,
    /// Minimum duration of a slow operation, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub slow: Duration,
    /// Fraction of the slow operations that is recorded, 0 to 1.
    pub sample_rate: f64,
    /// True if the server has a profiling filter, which replaces `slow` and `sample_rate`.
    pub filtered: bool,
}

/// Maximum number of records that one read takes; further ones wait for the next. `system.profile` holds 1 MiB by default.
const MAX_RECORDS_PER_READ: i64 = 10_000;

impl Default for Settings {
    /// Records every operation that takes 100 ms or more.
    fn default() -> Self {
        Self { level: 1, slow: Duration::from_millis(100), sample_rate: 1.0 }
    }
}

impl Settings {
    /// Sets MongoDB's profiling level. Only 1, the default, is [accepted](Profiler::enable): 2 records every operation, at the cost of a
    /// write for each.
    pub fn level(mut self, level: i32) -> Self {
        self.level = level;
        self
    }

    /// Sets the minimum duration of a recorded operation, in whole milliseconds. Default 100 ms.
    pub fn slow(mut self, threshold: Duration) -> Self {
        self.slow = threshold;
        self
    }

    /// Sets the fraction of slow operations to record, 0 to 1. Default 1.
    pub fn sample_rate(mut self, rate: f64) -> Self {
        self.sample_rate = rate;
        self
    }

    fn command(&self) -> Result<Document, Error> {
        const ACTION: &str = "profile";
        if self.level != 1 {
            let why = format!(
                "level {} is not supported, because 2 records every operation: leave it at 1, \
                 and lower `slow` instead; `disable` turns the profiler off",
                self.level
            );
            return Err(Error::other(ACTION, why));
        }
        if !(0.0..=1.0).contains(&self.sample_rate) {
            return Err(Error::other(
                ACTION,
                format!("`sample_rate` is {}: give a number from 0 to 1", self.sample_rate),
            ));
        }
        let slow = i32::try_from(self.slow.as_millis()).unwrap_or(i32::MAX);
        Ok(doc! { "profile": 1, "slowms": slow, "sampleRate": self.sample_rate })
    }
}

impl Profiler {
    pub(crate) fn new(db: &Database, recorder: Arc<SlowQueryRecorder>) -> Self {
        Self { db: db.clone(), recorder }
    }

    /// Enables the profiler, and returns its previous status.
    ///
    /// # Errors
    ///
    /// [`Error::is_unauthorized`] without the role `dbAdmin`. An error without a request for a level other than 1, or a sample rate
    /// outside of 0 to 1.
    pub async fn enable(&self, profile: &Settings) -> Result<ProfilingStatus, Error> {
        self.run(profile.command()?).await
    }

    /// Disables the profiler, and returns its previous status. Recorded operations stay in `system.profile`.
    ///
    /// # Errors
    ///
    /// [`Error::is_unauthorized`] without the role `dbAdmin`.
    pub async fn disable(&self) -> Result<ProfilingStatus, Error> {
        self.run(doc! { "profile": 0 }).await
    }

    /// Returns the current status.
    ///
    /// # Errors
    ///
    /// [`Error::is_unauthorized`] without the role `dbAdmin`.
    pub async fn status(&self) -> Result<ProfilingStatus, Error> {
        self.run(doc! { "profile": -1 }).await
    }

    async fn run(&self, command: Document) -> Result<ProfilingStatus, Error> {
        let reply = self.db.run_command(command).await;
        let reply = reply.map_err(|error| Error::from_driver(format!("profile `{}`", self.db.name()), &error))?;
        let slow = Duration::from_millis(read_count(reply.get("slowms")));
        let level = i32::try_from(read_count(reply.get("was"))).unwrap_or(0);
        let sample_rate = reply.get_f64("sampleRate").unwrap_or(1.0);
        Ok(ProfilingStatus { level, slow, sample_rate, filtered: reply.contains_key("filter") })
    }

    /// Adds the operations that were recorded since the last read to the client's slow queries, and returns their number. Operations
    /// faster than the client's own threshold are ignored.
    ///
    /// Finds, aggregations, counts, distincts, updates and deletes count, except on system collections.
    ///
    /// # Errors
    ///
    /// [`Error::is_unauthorized`] without the role `dbAdmin`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it completes adds nothing.
    pub async fn read(&self) -> Result<usize, Error> {
        let name = self.db.name();
        let action = || format!("read the profile of `{name}`");
        let since = self.recorder.read_until(name);
        let find = doc! {
            "find": "system.profile",
            "filter": {
                "ts": { "$gt": since },
                "ns": { "$ne": format!("{name}.system.profile") },
                "op": { "$in": ["query", "command", "update", "remove"] },
            },
            "sort": { "ts": 1 },
            "limit": MAX_RECORDS_PER_READ,
        };
        let records = collect(&self.db, find, action).await?;
        let hello =
            self.db.run_command(doc! { "hello": 1 }).await.map_err(|error| Error::from_driver(action(), &error))?;
        let Some(newest) = records.last().and_then(|last| last.get_datetime("ts").ok()) else { return Ok(0) };
        let since = self.recorder.claim(name, *newest);
        let unread = records.iter().filter(|record| record.get_datetime("ts").is_ok_and(|at| *at > since));
        let now = hello.get_datetime("localTime").unwrap_or(newest).timestamp_millis();
        let slow = unread.filter_map(|record| read_record(name, record, now));
        Ok(slow.filter(|slow| slow.took >= self.recorder.threshold).map(|slow| self.recorder.add(slow)).count())
    }
}

/// Reads a record of the profiler; `None` if it is not a query of the application.
fn read_record<'a>(database: &'a str, record: &'a Document, now: i64) -> Option<SlowCall<'a>> {
    const MS: u64 = 1_000_000;
    let (found, collection) = record.get_str("ns").ok()?.split_once('.')?;
    let command = record.get_document("command").ok()?;
    // Skips our own queries and the server's: neither is a query of the application.
    if found != database || collection.starts_with("system.") || command.contains_key("$truncated") {
        return None;
    }
    let (operation, parts) = match record.get_str("op").ok()? {
        "query" | "command" => read_command(command)?,
        "update" => (Operation::Update, read_write(Operation::Update, command)),
        "remove" => (Operation::Remove, read_write(Operation::Remove, command)),
        _ => return None,
    };
    let ago = record.get_datetime("ts").map_or(0, |at| now.saturating_sub(at.timestamp_millis()));
    Some(SlowCall {
        source: QuerySource::Profiler,
        database,
        collection,
        operation,
        parts,
        took: read_count(record.get("millis")).saturating_mul(MS),
        outcome: if record.contains_key("errCode") { QueryOutcome::Failed } else { QueryOutcome::Ok },
        ago: u64::try_from(ago).unwrap_or(0).saturating_mul(MS),
    })
}

impl fmt::Debug for Profiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profiler({})", self.db.name())
    }
}
