//! A client with bounds, and what it costs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use mongodb::options::Compressor;
use mongodb::{Database, options};

use super::Indexed;
use super::collection::Collection;
use super::error::Error;
use super::profiler::Profiler;
use super::slow::{Record, SlowQueries};
use crate::clock::Clock;

mod metrics;
mod uri;

use metrics::Counters;
pub use metrics::Metrics;

/// How a [`Client`] connects: by what the methods here say, else by what the URI says, else by these defaults.
///
/// | | default |
/// |---|---|
/// | connections to each server | 5 to 20 (`minPoolSize`, `maxPoolSize`) |
/// | an idle one is closed after | 30 s (`maxIdleTimeMS`) |
/// | making one may take | 10 s (`connectTimeoutMS`) |
/// | servers are watched every | 10 s (`heartbeatFrequencyMS`) |
/// | compression | zlib, level 6 (`compressors`, `zlibCompressionLevel`) |
/// | an operation may take | 45 s (`socketTimeoutMS`) |
/// | a query is slow from | 100 ms on |
///
/// The driver has no timeout of an operation, and refuses a URI with `socketTimeoutMS`; here it bounds what is run through
/// [`Client::bounded`].
///
/// ```
/// use std::time::Duration;
/// use fastness::index::ClientOptions;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::index::Error> {
/// let options = ClientOptions::from_uri("mongodb://user:secret@localhost/shop?maxPoolSize=50").await?;
/// let client = options.operation_timeout(Duration::from_secs(10)).connect()?;
/// assert!(!format!("{client:?}").contains("secret"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "nothing is connected until `connect` is called"]
pub struct ClientOptions {
    driver: options::ClientOptions,
    operation_timeout: Duration,
    slow_query: Duration,
    clock: Clock,
}

impl ClientOptions {
    /// From `mongodb://` or `mongodb+srv://`. Only the latter asks a server, of names.
    ///
    /// # Errors
    ///
    /// If that is no such URI, or its name cannot be resolved. The message never holds the URI, which may hold a password.
    pub async fn from_uri(uri: &str) -> Result<Self, Error> {
        let (uri, timeout) = uri::without_timeout(uri)?;
        let mut driver = options::ClientOptions::parse(uri).await.map_err(|error| uri::refused(&error))?;
        driver.max_pool_size.get_or_insert(20);
        let most = driver.max_pool_size.unwrap_or(0);
        driver.min_pool_size.get_or_insert(if most == 0 { 5 } else { most.min(5) });
        driver.max_idle_time.get_or_insert(Duration::from_secs(30));
        driver.connect_timeout.get_or_insert(Duration::from_secs(10));
        driver.heartbeat_freq.get_or_insert(Duration::from_secs(10));
        driver.compressors.get_or_insert_with(|| vec![Compressor::Zlib { level: Some(6) }]);
        Ok(Self {
            driver,
            operation_timeout: timeout.unwrap_or(Duration::from_secs(45)),
            slow_query: Duration::from_millis(100),
            clock: Clock::system(),
        })
    }

    /// How long an operation may take that is run through [`Client::bounded`], or each wait of a [`Collection`]'s. Default 45 s.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// From what time on a query of a [`Collection`] is slow, and counted in [`Client::slow_queries`]. Default 100 ms.
    pub fn slow_query(mut self, threshold: Duration) -> Self {
        self.slow_query = threshold;
        self
    }

    /// Where the time that operations take is read. Default: the system's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The name that the server logs and shows for these connections.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.driver.app_name = Some(name.into());
        self
    }

    /// Changes settings of the driver that have no method here.
    pub fn driver(mut self, change: impl FnOnce(&mut options::ClientOptions)) -> Self {
        change(&mut self.driver);
        self
    }

    /// A client. It connects in the background, and when it is first used.
    ///
    /// Its pool's events are counted here, so a `cmap_event_handler` of the driver's options is replaced.
    ///
    /// # Errors
    ///
    /// If settings contradict each other.
    pub fn connect(mut self) -> Result<Client, Error> {
        let (least, most) = (self.driver.min_pool_size.unwrap_or(0), self.driver.max_pool_size.unwrap_or(0));
        if most != 0 && least > most {
            return Err(Error::setting(format!("a pool of at least {least} and at most {most} connections cannot be")));
        }
        let counters = Arc::new(Counters::default());
        let counting = counters.clone();
        self.driver.cmap_event_handler =
            Some(mongodb::event::EventHandler::callback(move |event| counting.count(&event)));
        let shown = self.to_string();
        let default_database = self.driver.default_database.clone();
        let driver =
            mongodb::Client::with_options(self.driver).map_err(|error| Error::of("connect to MongoDB", &error))?;
        let slow = Arc::new(Record::new(self.slow_query, self.clock));
        Ok(Client { driver, shown, default_database, operation_timeout: self.operation_timeout, counters, slow })
    }
}

/// Servers and bounds; no user, and no password.
impl fmt::Display for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let driver = &self.driver;
        let hosts: Vec<_> = driver.hosts.iter().map(ToString::to_string).collect();
        write!(f, "mongodb://{}", hosts.join(","))?;
        if let Some(set) = &driver.repl_set_name {
            write!(f, "/?replicaSet={set}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let driver = &self.driver;
        f.debug_struct("ClientOptions")
            .field("servers", &self.to_string())
            .field("tls", &matches!(driver.tls, Some(options::Tls::Enabled(_))))
            .field("max_pool_size", &driver.max_pool_size)
            .field("min_pool_size", &driver.min_pool_size)
            .field("max_idle_time", &driver.max_idle_time)
            .field("connect_timeout", &driver.connect_timeout)
            .field("heartbeat_freq", &driver.heartbeat_freq)
            .field("compressors", &driver.compressors)
            .field("operation_timeout", &self.operation_timeout)
            .field("slow_query", &self.slow_query)
            .finish_non_exhaustive()
    }
}

/// The driver's client, with a bound on operations, and its pool's figures.
#[derive(Clone)]
pub struct Client {
    driver: mongodb::Client,
    shown: String,
    default_database: Option<String>,
    operation_timeout: Duration,
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
