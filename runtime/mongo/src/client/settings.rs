//! How a client connects.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::options::{self, Compressor};

use super::snapshot::Counters;
use super::{Client, uri};
use crate::error::Error;
use crate::slow::Record;
use fastness_core::Clock;

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

    /// How long an operation may take that is run through [`Client::bounded`], or each wait of a [`Collection`](crate::Collection)'s. Default 45 s.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// From what time on a query of a [`Collection`](crate::Collection) is slow, and counted in [`Client::slow_queries`]. Default 100 ms.
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
            return Err(Error::setting(format!("`minPoolSize` ({least}) is larger than `maxPoolSize` ({most})")));
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
        let (operation_timeout, max_pool_size) = (self.operation_timeout, most.into());
        Ok(Client { driver, shown, default_database, operation_timeout, max_pool_size, counters, slow })
    }
}

/// Servers and bounds; no user, and no password.
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
