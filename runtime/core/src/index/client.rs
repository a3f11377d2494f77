//! A client with bounds, and what it costs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use mongodb::Database;

use super::Indexed;
use super::collection::Collection;
use super::error::Error;
use super::profiler::Profiler;
use super::slow::{Record, SlowQueries};

mod metrics;
mod options;
mod uri;

use metrics::Counters;
pub use metrics::Metrics;
pub use options::ClientOptions;

/// The driver's client, with a bound on operations, and its pool's figures.
///
/// ```no_run
/// use fastness::index::ClientOptions;
///
/// # async fn start() -> Result<(), fastness::index::Error> {
/// let client = ClientOptions::from_uri("mongodb://localhost/shop").await?.connect()?;
/// if let Some(error) = client.health().await.error {
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

/// Whether MongoDB answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// How long it took to answer or to fail.
    pub latency: Duration,
    /// Why it did not answer.
    pub error: Option<Error>,
}

impl Health {
    /// Whether it answered.
    pub fn is_up(&self) -> bool {
        self.error.is_none()
    }
}

impl Client {
    /// How long a [`health`](Self::health) check waits.
    pub const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);

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

    /// The collection of a model, whose calls are bounded and timed. `db` is one of this client's.
    pub fn collection<M: Indexed + Send + Sync>(&self, db: &Database) -> Collection<M> {
        Collection::new(self, db)
    }

    /// What was slow so far: seen by this client's [`Collection`]s, and by the server where its profile [was read](Profiler::read).
    pub fn slow_queries(&self) -> SlowQueries {
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
    /// # async fn find(client: fastness::index::Client) -> Result<(), fastness::index::Error> {
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

    /// Asks for an answer (`ping`), and waits a second for it.
    pub async fn health(&self) -> Health {
        let clock = &self.slow.clock;
        let began = clock.now();
        let admin = self.database("admin");
        let ping = async { admin.run_command(doc! { "ping": 1 }).await };
        let error = self.within(Self::HEALTH_TIMEOUT, "ping MongoDB", ping).await.err();
        Health { latency: Duration::from_nanos(clock.now() - began), error }
    }

    /// The figures of all pools of this client, as of now.
    pub fn metrics(&self) -> Metrics {
        self.counters.snapshot()
    }

    async fn within<T>(
        &self,
        bound: Duration,
        doing: &str,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        let began = self.slow.clock.now();
        let outcome = limited(bound, || doing.to_owned(), operation).await;
        self.count(self.slow.clock.now() - began, outcome.as_ref().err());
        outcome
    }

    /// Bounds a wait, and neither times nor counts it.
    pub(super) async fn limited<T>(
        &self,
        doing: impl Fn() -> String,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        limited(self.operation_timeout, doing, operation).await
    }

    pub(super) fn count(&self, nanos: u64, error: Option<&Error>) {
        self.counters.operation(nanos, error);
    }

    pub(super) fn slow(&self) -> &Record {
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
        shown.field("metrics", &self.metrics()).finish_non_exhaustive()
    }
}
