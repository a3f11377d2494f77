//! Settings from the environment. Every bad variable is reported at once, by name, with what was expected of it.
//!
//! May use: nothing of this crate.

mod control;
mod parse;
mod reader;
#[cfg(feature = "servers")]
mod redis;
mod secret;
mod variables;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

#[cfg(feature = "servers")]
use fastness::Redis;

pub use self::control::Control;
pub use self::parse::Environment;
pub use self::reader::ConfigError;
use self::reader::Reader;
pub use self::secret::{Secret, Url};
pub use self::variables::{Variable, hints, variables};

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
    /// `SUPPLIER_URL`: the source of ratings. By default the demo runs a supplier of its own, which can be broken by hand.
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
        Self::from_vars(|_| None).expect("defaults that make sense")
    }
}

impl Config {
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
        let environment = reader.or_default("APP_ENV", parse::environment);
        let (production, test) = (environment == Environment::Production, environment == Environment::Test);
        let port = reader.or_default("PORT", |text| text.parse().ok());
        let config = Self {
            environment,
            listen: SocketAddr::new(reader.or_default("HOST", parse::host), port),
            admin_addr: reader.read("ADMIN_ADDR", parse::admin),
            admin_token: reader.read("ADMIN_TOKEN", parse::token),
            log: reader.or("RUST_LOG", parse::log, test.then(|| "warn".to_owned())),
            seed: reader.or("SEED", parse::flag, production.then_some(false)),
            store_latency: reader.or_default("STORE_LATENCY_MS", |text| parse::millis(text, 0..=10_000)),
            #[cfg(feature = "servers")]
            redis: redis::read(&mut reader),
            #[cfg(feature = "servers")]
            mongodb: reader.read("MONGODB_URI", parse::mongodb),
            supplier_url: reader.read("SUPPLIER_URL", parse::supplier),
            enable_profiling: reader.or_default("ENABLE_PROFILING", parse::flag),
            slow_query_threshold: reader.or_default("SLOW_QUERY_THRESHOLD", |text| parse::millis(text, 1..=3_600_000)),
            compression_level: reader.or_default("COMPRESSION_LEVEL", |text| parse::within(text, 0..=9)),
            memory_limit: reader.read("MEMORY_LIMIT", parse::bytes),
            body_limit: reader.or_default("BODY_LIMIT", parse::bytes),
            body_memory: reader.or_default("BODY_MEMORY", parse::bytes),
            body_timeout: reader.or_default("BODY_TIMEOUT", parse::time),
            request_timeout: reader.or_default("REQUEST_TIMEOUT", parse::time),
            rate_limit: reader.read("RATE_LIMIT", |text| text.parse().ok()),
            header_timeout: reader.or_default("HEADER_TIMEOUT", parse::time),
            write_timeout: reader.or_default("WRITE_TIMEOUT", parse::time),
            max_connections: reader.or_default("MAX_CONNECTIONS", |text| parse::within(text, 1..=1_000_000)),
            max_connections_per_peer: reader
                .or_default("MAX_CONNECTIONS_PER_PEER", |text| parse::within(text, 1..=1_000_000)),
            memory_restart_after: reader.or_default("MEMORY_RESTART_AFTER", parse::span),
            shutdown_delay: reader.or("SHUTDOWN_DELAY", parse::span, production.then_some(Duration::from_secs(5))),
            drain: reader.or_default("DRAIN_TIMEOUT", parse::span),
        };
        #[cfg(not(feature = "servers"))]
        refuse_servers(&mut reader);
        config.control_faults().into_iter().for_each(|fault| reader.fault(fault));
        reader.finish(config)
    }
}

/// Reports the servers that are named: the build has no drivers, and the embedded parts in their place would be a surprise.
#[cfg(not(feature = "servers"))]
fn refuse_servers<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) {
    const SERVER: &str = "names a server";
    for (name, role) in [
        ("MONGODB_URI", SERVER),
        ("REDIS_URL", SERVER),
        ("REDIS_HOST", SERVER),
        ("REDIS_KEYRING", "encrypts the values of a server"),
    ] {
        if reader.text(name).is_some() {
            reader.fault(format!(
                "{name} {role}, and this build has no driver for it: run `cargo run --features servers`, or unset it"
            ));
        }
    }
}
