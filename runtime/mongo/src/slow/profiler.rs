//! The server's own list of slow operations, where it may be switched on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;
use serde::Serialize;

use super::record::{Ending, Record, Slow};
use super::snapshot::Source;
use crate::ask::all;
use crate::error::Error;
use crate::query::{Asked, Operation};
use crate::values::{count, seconds};

#[cfg(test)]
mod tests;

/// The profiler of one database: it also sees what other programs do.
///
/// It is switched on for a database, but from what time on it counts, and how much of it, holds for the whole server; and each server of a
/// set has one of its own, of which this is the primary's. It takes the role `dbAdmin`, and is not there behind a router of a sharded cluster. What is
/// listed holds values of queries; here it is read into [`slow_queries`](crate::Client::slow_queries), which do not show them.
///
/// ```no_run
/// use fastness::mongo::slow::Settings;
/// use fastness::mongo::{Client, Error};
///
/// # async fn look(client: &Client) -> Result<(), Error> {
/// let profiler = client.profiler(&client.database("shop"));
/// profiler.enable(&Settings::default()).await?;
/// // .. and later, as often as you like:
/// profiler.read().await?;
/// println!("{}", client.slow_queries());
/// profiler.disable().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Profiler {
    db: Database,
    record: Arc<Record>,
}

/// What is to be profiled.
///
/// ```
/// use std::time::Duration;
/// use fastness::mongo::slow::Settings;
///
/// let half_of_what_takes_long = Settings::default().slow(Duration::from_millis(250)).sample_rate(0.5);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Settings {
    level: i32,
    slow: Duration,
    sample_rate: f64,
}

/// What the profiler does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Profiling {
    /// 0: nothing; 1: it lists what is slow; 2: it lists everything.
    pub level: i32,
    /// From what time on an operation is slow, in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub slow: Duration,
    /// The share of the slow operations that it lists, 0 to 1.
    pub sample_rate: f64,
    /// Somebody gave it a filter, which counts instead of `slow` and `sample_rate`.
    pub filtered: bool,
}

/// A read of more than that waits for the next one. A profile has a size of 1 MiB unless somebody changed it.
const MOST: i64 = 10_000;

impl Default for Settings {
    /// All that takes 100 ms or more.
    fn default() -> Self {
        Self { level: 1, slow: Duration::from_millis(100), sample_rate: 1.0 }
    }
}

impl Settings {
    /// MongoDB's level. Only 1 (the default) is [accepted](Profiler::enable): 2 lists every operation, which costs each of them a write.
    pub fn level(mut self, level: i32) -> Self {
        self.level = level;
        self
    }

    /// From what time on an operation is listed, in whole milliseconds. Default 100 ms.
    pub fn slow(mut self, threshold: Duration) -> Self {
        self.slow = threshold;
        self
    }

    /// The share of those that is listed, 0 to 1. Default 1.
    pub fn sample_rate(mut self, rate: f64) -> Self {
        self.sample_rate = rate;
        self
    }

    fn command(&self) -> Result<Document, Error> {
        const DOING: &str = "profile";
        if self.level != 1 {
            let why = format!(
                "level {} is not for use beside real traffic, as 2 writes down every operation: leave it at 1, \
                 and lower `slow` instead; `disable` switches it off",
                self.level
            );
            return Err(Error::other(DOING, why));
        }
        if !(0.0..=1.0).contains(&self.sample_rate) {
            return Err(Error::other(DOING, format!("a share of {} cannot be: give one of 0 to 1", self.sample_rate)));
        }
        let slow = i32::try_from(self.slow.as_millis()).unwrap_or(i32::MAX);
        Ok(doc! { "profile": 1, "slowms": slow, "sampleRate": self.sample_rate })
    }
}

impl Profiler {
    pub(crate) fn new(db: &Database, record: Arc<Record>) -> Self {
        Self { db: db.clone(), record }
    }

    /// Switches it on, and says what it did before.
    ///
    /// # Errors
    ///
    /// [`Error::is_unauthorized`] without the role `dbAdmin`; for a level other than 1, or a share outside of 0 to 1, without asking the
    /// server.
    pub async fn enable(&self, profile: &Settings) -> Result<Profiling, Error> {
        self.ask(profile.command()?).await
    }

    /// Switches it off, and says what it did before. The list stays.
    ///
    /// # Errors
    ///
    /// [`Error::is_unauthorized`] without the role `dbAdmin`.
    pub async fn disable(&self) -> Result<Profiling, Error> {
        self.ask(doc! { "profile": 0 }).await
    }

    /// What it does now.
    ///
    /// # Errors
    ///
    /// [`Error::is_unauthorized`] without the role `dbAdmin`.
    pub async fn status(&self) -> Result<Profiling, Error> {
        self.ask(doc! { "profile": -1 }).await
    }

    async fn ask(&self, command: Document) -> Result<Profiling, Error> {
        let asked = self.db.run_command(command).await;
        let reply = asked.map_err(|error| Error::of(format!("profile `{}`", self.db.name()), &error))?;
        let slow = Duration::from_millis(count(reply.get("slowms")));
        let level = i32::try_from(count(reply.get("was"))).unwrap_or(0);
        let sample_rate = reply.get_f64("sampleRate").unwrap_or(1.0);
        Ok(Profiling { level, slow, sample_rate, filtered: reply.contains_key("filter") })
    }

    /// Adds what was listed since the last time to the client's slow queries, whose threshold counts here, too; says how many that were.
    /// Searches, aggregations, counts, lists of values, updates and deletions count, in other collections than the system's.
    ///
    /// # Errors
    ///
    /// [`Error::is_unauthorized`] without the role `dbAdmin`.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, nothing was added.
    pub async fn read(&self) -> Result<usize, Error> {
        let name = self.db.name();
        let doing = || format!("read the profile of `{name}`");
        let since = self.record.read_until(name);
        let find = doc! {
            "find": "system.profile",
            "filter": {
                "ts": { "$gt": since },
                "ns": { "$ne": format!("{name}.system.profile") },
                "op": { "$in": ["query", "command", "update", "remove"] },
            },
            "sort": { "ts": 1 },
            "limit": MOST,
        };
        let listed = all(&self.db, find, doing).await?;
        let hello = self.db.run_command(doc! { "hello": 1 }).await.map_err(|error| Error::of(doing(), &error))?;
        let Some(newest) = listed.last().and_then(|last| last.get_datetime("ts").ok()) else { return Ok(0) };
        let since = self.record.claim(name, *newest);
        let unread = listed.iter().filter(|listed| listed.get_datetime("ts").is_ok_and(|at| *at > since));
        let now = hello.get_datetime("localTime").unwrap_or(newest).timestamp_millis();
        let slow = unread.filter_map(|listed| seen(name, listed, now));
        Ok(slow.filter(|slow| slow.took >= self.record.threshold).map(|slow| self.record.add(slow)).count())
    }
}

/// What a document of the profile says, if it is of a query.
fn seen<'a>(database: &'a str, listed: &'a Document, now: i64) -> Option<Slow<'a>> {
    const MS: u64 = 1_000_000;
    let (found, collection) = listed.get_str("ns").ok()?.split_once('.')?;
    let command = listed.get_document("command").ok()?;
    // Ours, or a server's own: neither is a query of the application's.
    if found != database || collection.starts_with("system.") || command.contains_key("$truncated") {
        return None;
    }
    let (operation, asked) = match listed.get_str("op").ok()? {
        "query" | "command" => of_command(command)?,
        "update" => (Operation::Update, by(command, "q")),
        "remove" => (Operation::Remove, by(command, "q")),
        _ => return None,
    };
    let ago = listed.get_datetime("ts").map_or(0, |at| now.saturating_sub(at.timestamp_millis()));
    Some(Slow {
        source: Source::Profiler,
        database,
        collection,
        operation,
        asked,
        took: count(listed.get("millis")).saturating_mul(MS),
        ending: if listed.contains_key("errCode") { Ending::Failed } else { Ending::Done },
        ago: u64::try_from(ago).unwrap_or(0).saturating_mul(MS),
    })
}

fn of_command(command: &Document) -> Option<(Operation, Asked)> {
    let (name, _) = command.iter().next()?;
    Some(match name.as_str() {
        "find" => {
            let sort = command.get_document("sort").cloned().unwrap_or_default();
            let limit = u32::try_from(count(command.get("limit"))).unwrap_or(0);
            (Operation::Find, Asked { sort, limit, ..by(command, "filter") })
        }
        "count" => (Operation::Count, by(command, "query")),
        "distinct" => {
            let field = command.get_str("key").unwrap_or_default().to_owned();
            (Operation::Distinct, Asked { field, ..by(command, "query") })
        }
        "aggregate" => {
            let stages = command.get_array("pipeline").ok()?;
            let pipeline: Vec<_> = stages.iter().filter_map(Bson::as_document).cloned().collect();
            let first = pipeline.first().and_then(|stage| stage.keys().next());
            if first.is_some_and(|stage| ["$indexStats", "$collStats", "$planCacheStats"].contains(&stage.as_str())) {
                return None;
            }
            (Operation::Aggregate, Asked { pipeline, collated: command.contains_key("collation"), ..Asked::default() })
        }
        _ => return None,
    })
}

fn by(command: &Document, field: &str) -> Asked {
    let filter = command.get_document(field).cloned().unwrap_or_default();
    Asked { filter, collated: command.contains_key("collation"), ..Asked::default() }
}

impl fmt::Debug for Profiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profiler({})", self.db.name())
    }
}
