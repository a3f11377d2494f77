//! Settings from the environment. Every bad variable is reported at once, by name, with what was expected of it.
//!
//! May use: nothing of this crate.

mod control;
mod environment;
mod error;
mod parse;
mod reader;
#[cfg(feature = "servers")]
mod redis;
mod secret;
#[cfg(any(test, not(feature = "servers")))]
mod servers;
mod variables;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

#[cfg(feature = "servers")]
use fastness::Redis;

pub use self::control::Control;
pub use self::environment::Environment;
pub use self::error::ConfigError;
use self::reader::Reader;
pub use self::secret::{Secret, Url};
pub use self::variables::{VARIABLES, hints};

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// `APP_ENV` (development): the defaults of some others, see [`Environment`].
    pub environment: Environment,
    /// `HOST` (127.0.0.1) and `PORT` (3000; 0 takes a free one).
    pub listen: SocketAddr,
    /// `ADMIN_ADDR` (none): the address of a private listener, for health and control endpoints. The latter then stand there
    /// alone, see [`Control`].
    pub admin_addr: Option<SocketAddr>,
    /// `ADMIN_TOKEN` (none): the token that control endpoints ask for, on whichever listener they stand.
    pub admin_token: Option<Secret>,
    /// `RUST_LOG` (info; warn in tests): what to log, in tracing-subscriber's words.
    pub log: String,
    /// `SEED` (true; false in production): whether the embedded store starts with something in it.
    pub seed: bool,
    /// `STORE_LATENCY_MS` (15): how long each query of the embedded store waits, as for a database across a network.
    pub store_latency: Duration,
    /// `REDIS_URL`, or `REDIS_HOST`, `REDIS_PORT`, `REDIS_PASSWORD` and `REDIS_DB`; with `REDIS_MODE`, `REDIS_MASTER` and
    /// `REDIS_POOL_SIZE`: the tier that processes share. None by default.
    #[cfg(feature = "servers")]
    pub redis: Option<Redis>,
    /// `MONGODB_URI`: the database, instead of the embedded store. Its name is in the URI, or else `fastness_demo`.
    #[cfg(feature = "servers")]
    pub mongodb: Option<Secret>,
    /// `SUPPLIER_URL`: who knows the ratings. By default the demo runs a supplier of its own, which can be broken by hand.
    pub supplier_url: Option<Url>,
    /// `ENABLE_PROFILING` (false): whether queries are watched for slow ones.
    pub enable_profiling: bool,
    /// `SLOW_QUERY_THRESHOLD` (100 ms): from when on a query counts as slow.
    pub slow_query_threshold: Duration,
    /// `COMPRESSION_LEVEL` (6): how hard to compress, from 0 (not at all) to 9.
    pub compression_level: u32,
    /// `MEMORY_LIMIT` (the machine's or the container's): the bytes that this process may use.
    pub memory_limit: Option<u64>,
    /// `BODY_LIMIT` (1 MiB): the largest request body that is read, in bytes.
    pub body_limit: usize,
    /// `BODY_MEMORY` (64 MiB): the bytes of all request bodies that are read at a time.
    pub body_memory: usize,
    /// `BODY_TIMEOUT` (10 s): how long the body of a request may take.
    pub body_timeout: Duration,
    /// `REQUEST_TIMEOUT` (30 s): how long a request may take.
    pub request_timeout: Duration,
    /// `RATE_LIMIT` (none): requests a second that each address may make. Behind a proxy all have the proxy's address: leave it
    /// to the proxy there.
    pub rate_limit: Option<NonZeroU32>,
    /// `HEADER_TIMEOUT` (10 s): how long the head of a request may take, and how long a connection may be idle.
    pub header_timeout: Duration,
    /// `WRITE_TIMEOUT` (30 s): how long an answer may lie unread by its client, who is then cut off.
    pub write_timeout: Duration,
    /// `MAX_CONNECTIONS` (10 000): how many connections there may be. Others are told 503, but for health, and closed.
    pub max_connections: usize,
    /// `MAX_CONNECTIONS_PER_PEER` (512): how many there may be from one address, of IPv6 from one network (`/64`). Behind a proxy
    /// all have the proxy's address.
    pub max_connections_per_peer: usize,
    /// `MEMORY_RESTART_AFTER` (1 m): how long requests may be turned away with nothing left to free, until `/health/live` says 503, so
    /// that an orchestrator starts the process again. Zero: for ever.
    pub memory_restart_after: Duration,
    /// `SHUTDOWN_DELAY` (0; 5 s in production): how long after the signal to stop `/health/ready` says 503 while requests are
    /// still accepted, so that a load balancer can turn away first.
    pub shutdown_delay: Duration,
    /// `DRAIN_TIMEOUT` (10 s): how long open requests may go on once no more are accepted.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self::with_defaults(Environment::default())
    }
}

impl Config {
    /// The settings of an environment where nothing else is set.
    pub fn with_defaults(environment: Environment) -> Self {
        let production = environment == Environment::Production;
        Self {
            environment,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            admin_addr: None,
            admin_token: None,
            log: if environment == Environment::Test { "warn" } else { "info" }.to_owned(),
            seed: !production,
            store_latency: Duration::from_millis(15),
            #[cfg(feature = "servers")]
            redis: None,
            #[cfg(feature = "servers")]
            mongodb: None,
            supplier_url: None,
            enable_profiling: false,
            slow_query_threshold: Duration::from_millis(100),
            compression_level: 6,
            memory_limit: None,
            body_limit: 1 << 20,
            body_memory: 64 << 20,
            body_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            rate_limit: None,
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            max_connections_per_peer: 512,
            memory_restart_after: Duration::from_secs(60),
            shutdown_delay: Duration::from_secs(if production { 5 } else { 0 }),
            drain: Duration::from_secs(10),
        }
    }

    /// The settings in this process's environment. Bytes that are no text are shown as such, and thus refused.
    ///
    /// # Errors
    ///
    /// All variables that cannot be understood.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// The settings in `variables`, which is asked for each by name. A variable that is empty counts as not set.
    ///
    /// # Errors
    ///
    /// All variables that cannot be understood.
    pub fn from_vars(variables: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let default =
            Self::with_defaults(reader.read("APP_ENV", parse::ENVIRONMENT, parse::environment).unwrap_or_default());
        let port = reader.read("PORT", "a port number from 0 to 65535", |text| text.parse().ok());
        let host = reader.read("HOST", parse::HOST, parse::host);
        let config = Self {
            environment: default.environment,
            listen: SocketAddr::new(host.unwrap_or(default.listen.ip()), port.unwrap_or(default.listen.port())),
            admin_addr: reader.read("ADMIN_ADDR", parse::ADMIN, parse::admin),
            admin_token: reader.secret("ADMIN_TOKEN", parse::TOKEN, parse::token),
            log: reader.read("RUST_LOG", parse::LOG, parse::log).unwrap_or(default.log),
            seed: reader.read("SEED", parse::FLAG, parse::flag).unwrap_or(default.seed),
            store_latency: reader
                .read("STORE_LATENCY_MS", parse::LATENCY, parse::latency)
                .unwrap_or(default.store_latency),
            #[cfg(feature = "servers")]
            redis: redis::read(&mut reader),
            #[cfg(feature = "servers")]
            mongodb: reader.secret("MONGODB_URI", parse::MONGODB, parse::mongodb),
            supplier_url: reader.secret("SUPPLIER_URL", parse::SUPPLIER, parse::supplier),
            enable_profiling: reader
                .read("ENABLE_PROFILING", parse::FLAG, parse::flag)
                .unwrap_or(default.enable_profiling),
            slow_query_threshold: reader
                .read("SLOW_QUERY_THRESHOLD", parse::THRESHOLD, parse::threshold)
                .unwrap_or(default.slow_query_threshold),
            compression_level: reader
                .read("COMPRESSION_LEVEL", parse::LEVEL, parse::level)
                .unwrap_or(default.compression_level),
            memory_limit: reader.read("MEMORY_LIMIT", parse::BYTES, parse::bytes),
            body_limit: reader
                .read("BODY_LIMIT", parse::BYTES, |text| usize::try_from(parse::bytes(text)?).ok())
                .unwrap_or(default.body_limit),
            body_memory: reader
                .read("BODY_MEMORY", parse::BYTES, |text| usize::try_from(parse::bytes(text)?).ok())
                .unwrap_or(default.body_memory),
            body_timeout: reader
                .read("BODY_TIMEOUT", parse::SPAN, |text| parse::span(text).filter(|span| !span.is_zero()))
                .unwrap_or(default.body_timeout),
            request_timeout: reader
                .read("REQUEST_TIMEOUT", parse::SPAN, |text| parse::span(text).filter(|span| !span.is_zero()))
                .unwrap_or(default.request_timeout),
            rate_limit: reader
                .read("RATE_LIMIT", "a whole number from 1, of requests a second", |text| text.parse().ok()),
            header_timeout: reader
                .read("HEADER_TIMEOUT", parse::SPAN, |text| parse::span(text).filter(|span| !span.is_zero()))
                .unwrap_or(default.header_timeout),
            write_timeout: reader
                .read("WRITE_TIMEOUT", parse::SPAN, |text| parse::span(text).filter(|span| !span.is_zero()))
                .unwrap_or(default.write_timeout),
            max_connections: reader
                .read("MAX_CONNECTIONS", parse::COUNT, parse::count)
                .unwrap_or(default.max_connections),
            max_connections_per_peer: reader
                .read("MAX_CONNECTIONS_PER_PEER", parse::COUNT, parse::count)
                .unwrap_or(default.max_connections_per_peer),
            memory_restart_after: reader
                .read("MEMORY_RESTART_AFTER", parse::DELAY, parse::span)
                .unwrap_or(default.memory_restart_after),
            shutdown_delay: reader.read("SHUTDOWN_DELAY", parse::DELAY, parse::span).unwrap_or(default.shutdown_delay),
            drain: reader.read("DRAIN_TIMEOUT", parse::DELAY, parse::span).unwrap_or(default.drain),
        };
        #[cfg(not(feature = "servers"))]
        servers::refuse(&mut reader);
        config.control_faults().into_iter().for_each(|fault| reader.fault(fault));
        reader.finish(config)
    }
}
