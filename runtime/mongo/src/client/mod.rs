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
mod uri;

pub use settings::Settings;
use snapshot::ClientCounters;
pub use snapshot::Snapshot;

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
/// let count = client.bounded("count the products", async { products.estimated_document_count().await }).await?;
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
    /// After the limit the operations are dropped, which closes their connections; then the server stops them, except index builds.
    ///
    /// ```no_run
    /// # async fn find(client: fastness::mongo::Client) -> Result<(), fastness::mongo::Error> {
    /// let products = client.database("shop").collection::<bson::Document>("products");
    /// let product = client.bounded("find a product", async { products.find_one(bson::doc! { "sku": 7 }).await }).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_timeout`] after the time limit. Otherwise the driver's error, without stored values in its text.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the operation.
    pub async fn bounded<T>(
        &self,
        action: &str,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        self.run_bounded(self.operation_timeout, action, operation).await
    }

    /// Sends a `ping`, and returns how long the reply took. The time limit is 1 s.
    ///
    /// # Errors
    ///
    /// Fails as [`bounded`](Self::bounded) does.
    pub async fn ping(&self) -> Result<Duration, Error> {
        let began = now(&self.slow.clock);
        let admin = self.database("admin");
        let ping = async { admin.run_command(doc! { "ping": 1 }).await };
        self.run_bounded(Self::PING_TIMEOUT, "ping MongoDB", ping).await?;
        Ok(Duration::from_nanos(now(&self.slow.clock) - began))
    }

    /// Returns the current figures of all pools of this client.
    pub fn snapshot(&self) -> Snapshot {
        self.counters.snapshot()
    }

    async fn run_bounded<T>(
        &self,
        bound: Duration,
        action: &str,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        let began = now(&self.slow.clock);
        let outcome = with_timeout(bound, || action.to_owned(), operation).await;
        self.count(now(&self.slow.clock) - began, outcome.as_ref().err());
        outcome
    }

    /// Applies the time limit, without timing or counting the operation.
    pub(crate) async fn with_timeout<T>(
        &self,
        action: impl Fn() -> String,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        with_timeout(self.operation_timeout, action, operation).await
    }

    pub(crate) fn count(&self, nanos: u64, error: Option<&Error>) {
        self.counters.operation(nanos, error);
    }

    pub(crate) fn slow(&self) -> &SlowQueryRecorder {
        &self.slow
    }
}

async fn with_timeout<T>(
    bound: Duration,
    action: impl Fn() -> String,
    operation: impl Future<Output = mongodb::error::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(bound, operation).await {
        Ok(outcome) => outcome.map_err(|error| Error::from_driver(action(), &error)),
        Err(_) => Err(Error::timeout(action(), bound)),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Client");
        shown.field("servers", &self.address).field("operation_timeout", &self.operation_timeout);
        shown.field("snapshot", &self.snapshot()).finish_non_exhaustive()
    }
}
