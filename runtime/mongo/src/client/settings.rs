//! Connection settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::options::{self, Compressor};

use super::snapshot::ClientCounters;
use super::tasks::DriverTasks;
use super::{Client, uri};
use crate::error::Error;
use crate::slow::SlowQueryRecorder;
use fastness_core::Clock;

/// Settings of a [`Client`]. The methods here override the URI, and the URI overrides these defaults:
///
/// | setting | default |
/// |---|---|
/// | connections to each server | 5 to 20 (`minPoolSize`, `maxPoolSize`) |
/// | idle connections are closed after | 30 s (`maxIdleTimeMS`) |
/// | time limit of a connection attempt | 10 s (`connectTimeoutMS`) |
/// | interval of server checks | 10 s (`heartbeatFrequencyMS`) |
/// | compression | zlib, level 6 (`compressors`, `zlibCompressionLevel`) |
/// | time limit of an operation | 45 s (`socketTimeoutMS`) |
/// | minimum duration of a slow query | 100 ms |
///
/// The driver has no time limit for operations, and rejects a URI with `socketTimeoutMS`. Here the option is the time limit of operations
/// that run through [`Client::bounded`] or a [`Collection`](crate::Collection).
///
/// ```
/// use std::time::Duration;
/// use fastness::mongo::Settings;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::mongo::Error> {
/// let options = Settings::from_uri("mongodb://user:secret@localhost/shop?maxPoolSize=50").await?;
/// let client = options.operation_timeout(Duration::from_secs(10)).connect()?;
/// assert!(!format!("{client:?}").contains("secret"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "nothing is connected until `connect` is called"]
pub struct Settings {
    driver: options::ClientOptions,
    operation_timeout: Duration,
    slow_query: Duration,
    clock: Clock,
}

impl Settings {
    /// Parses a URI that begins with `mongodb://` or `mongodb+srv://`. Only the latter sends a request, to a name server.
    ///
    /// # Errors
    ///
    /// Fails if the URI is malformed, or its name cannot be resolved. The message never contains the URI, which may contain a password.
    pub async fn from_uri(uri: &str) -> Result<Self, Error> {
        let (uri, timeout) = uri::without_timeout(uri)?;
        let mut driver = options::ClientOptions::parse(uri).await.map_err(|error| uri::parse_error(&error))?;
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

    /// Sets the time limit of an operation that runs through [`Client::bounded`], and of each wait of a
    /// [`Collection`](crate::Collection). Default 45 s.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// Sets the minimum duration of a slow query of a [`Collection`](crate::Collection), which is counted in [`Client::slow_queries`].
    /// Default 100 ms.
    pub fn slow_query(mut self, threshold: Duration) -> Self {
        self.slow_query = threshold;
        self
    }

    /// Sets the clock that measures operations. Default: the system's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the application name that the server logs and shows for these connections.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.driver.app_name = Some(name.into());
        self
    }

    /// Changes settings of the driver that have no method here.
    pub fn driver(mut self, change: impl FnOnce(&mut options::ClientOptions)) -> Self {
        change(&mut self.driver);
        self
    }

    /// Creates the client. It connects in the background, at first use at the latest.
    ///
    /// The client counts the events of its pools, and replaces a `cmap_event_handler` in the driver's options.
    ///
    /// # Errors
    ///
    /// Fails if settings contradict each other.
    pub fn connect(mut self) -> Result<Client, Error> {
        let (least, most) = (self.driver.min_pool_size.unwrap_or(0), self.driver.max_pool_size.unwrap_or(0));
        if most != 0 && least > most {
            return Err(Error::bad_setting(format!("`minPoolSize` ({least}) is larger than `maxPoolSize` ({most})")));
        }
        let counters = Arc::new(ClientCounters::default());
        let counting = counters.clone();
        self.driver.cmap_event_handler =
            Some(mongodb::event::EventHandler::callback(move |event| counting.count(&event)));
        let address = self.to_string();
        let default_database = self.driver.default_database.clone();
        let tasks = Arc::new(DriverTasks::new(most, self.driver.hosts.len(), counters.clone(), self.clock.clone()));
        let driver = mongodb::Client::with_options(self.driver)
            .map_err(|error| Error::from_driver("connect to MongoDB", &error))?;
        let slow = Arc::new(SlowQueryRecorder::new(self.slow_query, self.clock));
        let (operation_timeout, max_pool_size) = (self.operation_timeout, most.into());
        Ok(Client { driver, address, default_database, operation_timeout, max_pool_size, counters, tasks, slow })
    }
}

/// Writes servers and replica set, without user and password.
impl fmt::Display for Settings {
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

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let driver = &self.driver;
        f.debug_struct("Settings")
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
