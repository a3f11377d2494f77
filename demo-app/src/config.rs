//! What the environment may set. Every bad variable is reported at once, by name, with what was expected of it.
//!
//! May use: nothing of this crate.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use fastness::Redis;
use tracing_subscriber::EnvFilter;

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// `HOST` (127.0.0.1) and `PORT` (3000; 0 takes a free one).
    pub listen: SocketAddr,
    /// `RUST_LOG` (info): what to log, in tracing-subscriber's words.
    pub log: String,
    /// `SEED` (true): whether the embedded store starts with something in it.
    pub seed: bool,
    /// `STORE_LATENCY_MS` (15): how long each query of the embedded store waits, as for a database across a network.
    pub store_latency: Duration,
    /// `REDIS_URL`, `REDIS_MODE` and `REDIS_MASTER`: the tier that processes share. None by default.
    pub redis: Option<Redis>,
    /// `MONGODB_URI`: the database, instead of the embedded store. Its name is in the URI, or else `fastness_demo`.
    pub mongodb: Option<Secret>,
    /// `SUPPLIER_URL`: who knows the ratings. By default the demo runs a supplier of its own, which can be broken by hand.
    pub supplier_url: Option<String>,
    /// How long open requests may go on after the signal to stop.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            log: "info".to_owned(),
            seed: true,
            store_latency: Duration::from_millis(15),
            redis: None,
            mongodb: None,
            supplier_url: None,
            drain: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// The settings in `variables`, which is asked for each by name. A variable that is empty counts as not set.
    ///
    /// # Errors
    ///
    /// All variables that cannot be understood.
    pub fn from_vars(variables: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let default = Self::default();
        let mut reader = Reader { variables, faults: Vec::new() };
        let port = reader.read("PORT", "a port number from 0 to 65535", |text| text.parse().ok());
        let config = Self {
            listen: SocketAddr::new(
                reader.read("HOST", HOST, host).unwrap_or(default.listen.ip()),
                port.unwrap_or(default.listen.port()),
            ),
            log: reader.read("RUST_LOG", LOG, log).unwrap_or(default.log),
            seed: reader.read("SEED", "true or false", flag).unwrap_or(default.seed),
            store_latency: reader.read("STORE_LATENCY_MS", LATENCY, latency).unwrap_or(default.store_latency),
            redis: reader.redis(),
            mongodb: reader.mongodb(),
            supplier_url: reader.read("SUPPLIER_URL", SUPPLIER, supplier),
            drain: default.drain,
        };
        if reader.faults.is_empty() { Ok(config) } else { Err(ConfigError { faults: reader.faults }) }
    }
}

const REDIS: &str =
    "redis://[user][:password@]host[:port][/database], several with commas between for sentinel and cluster";
const MODE: &str = "single, sentinel or cluster";

#[derive(Clone, Copy)]
enum Mode {
    Single,
    Sentinel,
    Cluster,
}

fn mode(text: &str) -> Option<Mode> {
    match text {
        "single" => Some(Mode::Single),
        "sentinel" => Some(Mode::Sentinel),
        "cluster" => Some(Mode::Cluster),
        _ => None,
    }
}

const MONGODB: &str = "mongodb://[user:password@]host[:port][/database]";

const SUPPLIER: &str = "the start of an address, such as http://ratings.example:4000";

fn supplier(text: &str) -> Option<String> {
    let host = text.strip_prefix("http://")?.trim_end_matches('/');
    (!host.is_empty() && !host.contains(['?', '#', ' '])).then(|| format!("http://{host}"))
}

const HOST: &str = "an IP address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost";
const LOG: &str = "log directives such as info or demo_app=debug,tower_http=warn";
const LATENCY: &str = "milliseconds from 0 to 10000";

fn host(text: &str) -> Option<IpAddr> {
    if text == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { text.parse().ok() }
}

fn log(text: &str) -> Option<String> {
    EnvFilter::try_new(text).ok().map(|_| text.to_owned())
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn latency(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|ms| *ms <= 10_000).map(Duration::from_millis)
}

struct Reader<F> {
    variables: F,
    faults: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn read<T>(&mut self, name: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = (self.variables)(name).filter(|text| !text.is_empty())?;
        let value = parse(text.trim());
        if value.is_none() {
            self.faults.push(format!("{name} is `{text}`; expected {expected}"));
        }
        value
    }

    /// It may hold a password, so no message repeats it. Only its beginning is looked at: the driver reads the rest.
    fn mongodb(&mut self) -> Option<Secret> {
        let uri = (self.variables)("MONGODB_URI").filter(|uri| !uri.is_empty())?;
        if uri.starts_with("mongodb://") || uri.starts_with("mongodb+srv://") {
            return Some(Secret(uri));
        }
        self.faults.push(format!("MONGODB_URI is not understood; expected {MONGODB}"));
        None
    }

    /// The addresses may hold a password, so no message repeats them.
    fn redis(&mut self) -> Option<Redis> {
        let mode = self.read("REDIS_MODE", MODE, mode).unwrap_or(Mode::Single);
        let master = (self.variables)("REDIS_MASTER").filter(|name| !name.is_empty());
        let urls = (self.variables)("REDIS_URL").filter(|urls| !urls.is_empty())?;
        let mut list = urls.split(',').map(str::trim);
        let redis = match mode {
            Mode::Single => Redis::single(&urls),
            Mode::Sentinel => Redis::sentinel(list.by_ref(), master.as_deref().unwrap_or("mymaster")),
            Mode::Cluster => Redis::cluster(list.by_ref()),
        };
        redis.map_err(|_| self.faults.push(format!("REDIS_URL is not understood; expected {REDIS}"))).ok()
    }
}

/// Text that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Variables that cannot be understood, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    faults: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.faults.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests;
