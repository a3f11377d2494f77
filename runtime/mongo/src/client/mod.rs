//! The client: bounds on operations, and the figures of its pools.
//!
//! May use: `error`, `slow`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use mongodb::Database;

use crate::error::Error;
use crate::slow::{self, Profiler, Record};
use fastness_core::seam::now;

mod settings;
mod snapshot;
mod uri;

pub use settings::Settings;
use snapshot::Counters;
pub use snapshot::Snapshot;

/// The driver's client, with a bound on operations, and its pool's figures.
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
    shown: String,
    default_database: Option<String>,
    operation_timeout: Duration,
    max_pool_size: u64,
    counters: Arc<Counters>,
    slow: Arc<Record>,
}

impl Client {
    /// The longest time that a [`ping`](Self::ping) waits.
    pub const PING_TIMEOUT: Duration = Duration::from_secs(1);

    /// The driver's client, whose operations have no bound.
    pub fn driver(&self) -> &mongodb::Client {
        &self.driver
    }

    /// A database by name.
    pub fn database(&self, name: &str) -> Database {
        self.driver.database(name)
    }

    /// The database that the URI names.
    pub fn default_database(&self) -> Option<Database> {
        self.default_database.as_deref().map(|name| self.database(name))
    }

    /// How many connections there may be to each server; 0: any number.
    pub fn max_pool_size(&self) -> u64 {
        self.max_pool_size
    }

    /// What was slow so far: seen by this client's `Collection`s, and by the server where its profile [was read](Profiler::read).
    pub fn slow_queries(&self) -> slow::Snapshot {
        self.slow.snapshot()
    }

    /// The server's profiler of a database of this client's, which also sees what other programs do.
    pub fn profiler(&self, db: &Database) -> Profiler {
        Profiler::new(db, self.slow.clone())
    }

    /// Runs operations on this client's databases, for as long as an operation may take; after that they are dropped, which
    /// closes their connections, and the server stops what it does for them (index builds excepted).
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
    /// [`Error::is_timeout`] if the time is up, and what the driver says, without stored values in its text.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the operation.
    pub async fn bounded<T>(
        &self,
        doing: &str,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        self.within(self.operation_timeout, doing, operation).await
    }

    /// Asks for an answer (`ping`), waits a second for it, and returns how long it took.
    ///
    /// # Errors
    ///
    /// As those of [`bounded`](Self::bounded).
    pub async fn ping(&self) -> Result<Duration, Error> {
        let began = now(&self.slow.clock);
        let admin = self.database("admin");
        let ping = async { admin.run_command(doc! { "ping": 1 }).await };
        self.within(Self::PING_TIMEOUT, "ping MongoDB", ping).await?;
        Ok(Duration::from_nanos(now(&self.slow.clock) - began))
    }

    /// The figures of all pools of this client, as of now.
    pub fn snapshot(&self) -> Snapshot {
        self.counters.snapshot()
    }

    async fn within<T>(
        &self,
        bound: Duration,
        doing: &str,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        let began = now(&self.slow.clock);
        let outcome = limited(bound, || doing.to_owned(), operation).await;
        self.count(now(&self.slow.clock) - began, outcome.as_ref().err());
        outcome
    }

    /// Bounds a wait, and neither times nor counts it.
    pub(crate) async fn limited<T>(
        &self,
        doing: impl Fn() -> String,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        limited(self.operation_timeout, doing, operation).await
    }

    pub(crate) fn count(&self, nanos: u64, error: Option<&Error>) {
        self.counters.operation(nanos, error);
    }

    pub(crate) fn slow(&self) -> &Record {
        &self.slow
    }
}

async fn limited<T>(
    bound: Duration,
    doing: impl Fn() -> String,
    operation: impl Future<Output = mongodb::error::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(bound, operation).await {
        Ok(outcome) => outcome.map_err(|error| Error::of(doing(), &error)),
        Err(_) => Err(Error::elapsed(doing(), bound)),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Client");
        shown.field("servers", &self.shown).field("operation_timeout", &self.operation_timeout);
        shown.field("snapshot", &self.snapshot()).finish_non_exhaustive()
    }
}
