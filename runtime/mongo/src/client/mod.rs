//! The client: a time limit on operations, and figures of its connection pools.
//!
//! May use: `error`, `slow`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use mongodb::Database;

use crate::error::Error;
use crate::slow::{self, Profiler, SlowQueryRecorder};
use fastness_core::seam::now;

mod settings;
mod snapshot;
mod tasks;
mod uri;

pub use settings::Settings;
use snapshot::ClientCounters;
pub use snapshot::Snapshot;
pub(crate) use tasks::ClosedEffect;
use tasks::DriverTasks;

/// The driver's client, with a time limit on operations and figures of its connection pools.
///
/// ```no_run
/// use fastness::mongo::Settings;
///
/// # async fn start() -> Result<(), fastness::mongo::Error> {
/// let client = Settings::from_uri("mongodb://localhost/shop").await?.connect()?;
/// if let Err(error) = client.ping().await {
///     eprintln!("MongoDB does not answer: {error}");
/// }
/// let products = client.database("shop").collection::<bson::Document>("products");
/// let count = client.bounded("count the products", async move { products.estimated_document_count().await }).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    driver: mongodb::Client,
    address: String,
    default_database: Option<String>,
    operation_timeout: Duration,
    max_pool_size: u64,
    counters: Arc<ClientCounters>,
    tasks: Arc<DriverTasks>,
    slow: Arc<SlowQueryRecorder>,
}

impl Client {
    /// Time limit of a [`ping`](Self::ping).
    pub const PING_TIMEOUT: Duration = Duration::from_secs(1);

    /// Returns the driver's client, whose operations have no time limit.
    pub fn driver(&self) -> &mongodb::Client {
        &self.driver
    }

    /// Returns a database by name.
    pub fn database(&self, name: &str) -> Database {
        self.driver.database(name)
    }

    /// Returns the database that the URI names.
    pub fn default_database(&self) -> Option<Database> {
        self.default_database.as_deref().map(|name| self.database(name))
    }

    /// Returns the maximum number of connections to each server; 0 for no limit.
    pub fn max_pool_size(&self) -> u64 {
        self.max_pool_size
    }

    /// Returns the slow queries so far: those of this client's `Collection`s, and those of the server's profiler that were
    /// [read](Profiler::read).
    pub fn slow_queries(&self) -> slow::Snapshot {
        self.slow.snapshot()
    }

    /// Returns the server's profiler for a database of this client. It also records operations of other programs.
    pub fn profiler(&self, db: &Database) -> Profiler {
        Profiler::new(db, self.slow.clone())
    }

    /// Runs operations on this client's databases, with the [`operation_timeout`](Settings::operation_timeout) as the time limit for all
    /// of them. `action` completes the error text "cannot ..".
    ///
    /// A task of its own runs the future, because the driver wants its futures polled to their end. So the future owns what it uses, and a
    /// session, which is borrowed, cannot go into it. The task of a caller that was dropped, or is out of time, goes on until the time limit
    /// and a second longer; then it is aborted, which closes its connection. That ends reads on the server, not writes. Give the options a
    /// `max_time`, by which the server ends the operation itself.
    ///
    /// ```no_run
    /// # async fn find(client: fastness::mongo::Client) -> Result<(), fastness::mongo::Error> {
    /// let products = client.database("shop").collection::<bson::Document>("products");
    /// let find = async move { products.find_one(bson::doc! { "sku": 7 }).await };
    /// let product = client.bounded("find a product", find).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_timeout`] after the time limit. Otherwise the driver's error, without stored values in its text.
    ///
    /// # Cancel safety
    ///
    /// The operation goes on in its task, and may have been done or not.
    ///
    /// # Panics
    ///
    /// A panic of the operation goes on in the caller. Without a tokio runtime, this panics.
    pub async fn bounded<T: Send + 'static>(
        &self,
        action: &str,
        operation: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
    ) -> Result<T, Error> {
        self.run_bounded(self.operation_timeout, action, Box::pin(operation)).await
    }

    /// Sends a `ping`, and returns how long the reply took. The time limit is 1 s.
    ///
    /// # Errors
    ///
    /// Fails as [`bounded`](Self::bounded) does.
    pub async fn ping(&self) -> Result<Duration, Error> {
        let began = now(&self.slow.clock);
        let admin = self.database("admin");
        let ping = async move { admin.run_command(doc! { "ping": 1 }).await };
        self.run_bounded(Self::PING_TIMEOUT, "ping MongoDB", ping).await?;
        Ok(Duration::from_nanos(now(&self.slow.clock) - began))
    }

    /// Returns the current figures of all pools of this client.
    pub fn snapshot(&self) -> Snapshot {
        self.counters.snapshot()
    }

    async fn run_bounded<T: Send + 'static>(
        &self,
        bound: Duration,
        action: &str,
        operation: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
    ) -> Result<T, Error> {
        let began = now(&self.slow.clock);
        let outcome = self.run_in_task((bound, ClosedEffect::GoesOn), || action.to_owned(), |_| operation).await;
        self.count(now(&self.slow.clock) - began, outcome.as_ref().err());
        outcome
    }

    /// Runs an operation in a task, with the time limit, without timing or counting it. `start` makes the operation of the time that is
    /// left for it.
    pub(crate) async fn in_task<T: Send + 'static, F>(
        &self,
        closed: ClosedEffect,
        action: impl Fn() -> String,
        start: impl FnOnce(Duration) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = mongodb::error::Result<T>> + Send + 'static,
    {
        self.run_in_task((self.operation_timeout, closed), action, start).await
    }

    async fn run_in_task<T: Send + 'static, F>(
        &self,
        (bound, closed): (Duration, ClosedEffect),
        action: impl Fn() -> String,
        start: impl FnOnce(Duration) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = mongodb::error::Result<T>> + Send + 'static,
    {
        let clock = &self.slow.clock;
        let ended = async {
            let began = now(clock);
            let place = self.tasks.place().await;
            let left = bound.saturating_sub(Duration::from_nanos(now(clock) - began));
            // The driver's futures are large, and each layer would hold a copy.
            self.tasks.run(place, (left, closed), Box::pin(start(left))).await
        };
        match tokio::time::timeout(bound, ended).await {
            Ok(Some(outcome)) => outcome.map_err(|error| Error::from_driver(action(), &error)),
            Ok(None) => Err(Error::other(action(), "the runtime is shutting down")),
            Err(_) => Err(Error::timeout(action(), bound)),
        }
    }

    pub(crate) fn count(&self, nanos: u64, error: Option<&Error>) {
        self.counters.operation(nanos, error);
    }

    pub(crate) fn slow(&self) -> &SlowQueryRecorder {
        &self.slow
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Client");
        shown.field("servers", &self.address).field("operation_timeout", &self.operation_timeout);
        shown.field("snapshot", &self.snapshot()).finish_non_exhaustive()
    }
}
