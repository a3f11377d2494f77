//! [`Redis`], the settings of the shared tier.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

use crate::codec::{Codec, Keyring, envelope};
use crate::error::{Error, ErrorDetail};

/// Settings of the shared tier: a Redis server, a Sentinel group or a Redis Cluster. Redis 6.2 or newer.
///
/// Building a [`Fastness`](crate::Fastness) with a shared tier never waits for the server: connections are made in the background. While
/// there is none, values are cached in this process only, within [`max_stale`](crate::Builder::max_stale).
///
/// ```
/// use std::time::Duration;
/// use fastness::{Fastness, Redis};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let redis = Redis::single("redis://127.0.0.1:6379")?.prefix("shop:").command_timeout(Duration::from_millis(100));
/// let fast = Fastness::builder().redis(redis).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "settings do nothing until they are given to `Builder::redis`"]
pub struct Redis {
    pub(crate) servers: Servers,
    pub(crate) prefix: String,
    pub(crate) connections: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) command_timeout: Duration,
    pub(crate) retention: Duration,
    pub(crate) forever_ttl: Option<Duration>,
    pub(crate) takeover: Duration,
    pub(crate) allow_unsafe_servers: bool,
    pub(crate) max_value_bytes: usize,
    pub(crate) codec: Codec,
    pub(crate) compress: bool,
    pub(crate) keyring: Option<Arc<Keyring>>,
}

#[derive(Clone)]
pub(crate) enum Servers {
    Single(ConnectionInfo),
    #[cfg(feature = "redis-sentinel")]
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        master: String,
    },
    #[cfg(feature = "redis-cluster")]
    Cluster(Vec<ConnectionInfo>),
}

impl Redis {
    /// Uses one server: `redis://[user][:password@]host[:port][/database]`, or `rediss://` for TLS.
    ///
    /// # Errors
    ///
    /// Fails if the URL is malformed. The message never contains the URL, which may hold a password.
    pub fn single(url: &str) -> Result<Self, Error> {
        Ok(Self::new(Servers::Single(parse(url)?)))
    }

    /// Uses the master that Sentinels watch under this name, and follows failovers. User, password and database of the master are taken
    /// from the first URL.
    ///
    /// # Errors
    ///
    /// Fails if there is no URL, or one that is malformed.
    #[cfg(feature = "redis-sentinel")]
    pub fn sentinel(urls: impl IntoIterator<Item = impl AsRef<str>>, master: &str) -> Result<Self, Error> {
        Ok(Self::new(Servers::Sentinel { sentinels: parse_all(urls)?, master: master.to_owned() }))
    }

    /// Uses a Redis Cluster, which is found through any of these nodes.
    ///
    /// # Errors
    ///
    /// Fails if there is no URL, or one that is malformed.
    #[cfg(feature = "redis-cluster")]
    pub fn cluster(urls: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, Error> {
        Ok(Self::new(Servers::Cluster(parse_all(urls)?)))
    }

    fn new(servers: Servers) -> Self {
        Self {
            servers,
            prefix: "fastness:".to_owned(),
            connections: 1,
            connect_timeout: Duration::from_secs(1),
            command_timeout: Duration::from_millis(200),
            retention: Duration::from_secs(3600),
            forever_ttl: None,
            takeover: Duration::from_secs(15),
            allow_unsafe_servers: false,
            max_value_bytes: 1 << 20,
            codec: Codec::default(),
            compress: false,
            keyring: None,
        }
    }

    /// Prefix of every key in Redis. Each application on a server needs a prefix of its own. Default `fastness:`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Number of multiplexed connections. One (the default) carries hundreds of thousands of commands a second; each further one receives
    /// every invalidation again. A cluster has two more per node: one for reads and one for writes.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Timeout of each step of connecting, reading the log included. Connections are made in the background, and no call waits for them but
    /// the first ones that block their thread: until the first attempt to connect has ended, and for at most this time. Default 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Timeout of a command, and so the longest delay of a call by a server that hangs. After the first timeout the connection is not used
    /// until the server answers again. Default 200 ms.
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// Time for which the log keeps an invalidation. It should be the longest life of a value, stale time and load time included; otherwise
    /// older values are misses for a process that has just started. Default one hour.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Time to live in Redis of entries without an expiry, those of `ttl = forever` and of a ttl of [`Duration::MAX`]. Processes keep them
    /// until they are invalidated or evicted, also when they read them from Redis. At most the [`retention`](Self::retention), which is the
    /// default: after it no process that has just started could tell whether they are valid.
    pub fn forever_ttl(mut self, ttl: Duration) -> Self {
        self.forever_ttl = Some(ttl);
        self
    }

    /// Time for which the shared tier is not used after a new master was first seen. It must exceed, by a second, the time for which a
    /// former master takes writes beside its successor. Default 15 s, which is enough for Sentinel and Redis Cluster.
    ///
    /// After a planned failover two masters take writes for some 10 s. A value that is loaded meanwhile may be invalidated on the former
    /// master, and no process on the new one would learn of it. So during that time values come from the memory of the process (within
    /// [`max_stale`](crate::Builder::max_stale)) and from the origin, and invalidations count in the process that makes them; they are
    /// announced afterwards. The first process that has waited ends the wait of the others, and processes that start later do not wait.
    ///
    /// A server that cannot have a predecessor is used at once: it stands behind [`single`](Self::single), was never promoted, has an empty
    /// log, and was started after this process last heard of another server (or at most two seconds before, because servers report their
    /// uptime in whole seconds). So a restart without data costs no wait.
    ///
    /// Give all processes the same value: the shortest one decides. With zero a new master is used at once, and
    /// [`Reach::Announced`](crate::Reach::Announced) does not hold across failovers.
    pub fn takeover(mut self, takeover: Duration) -> Self {
        self.takeover = takeover;
        self
    }

    /// Allows servers with which coherence cannot be guaranteed. Default false.
    ///
    /// By default these servers are refused with one warning, and values stay in the process:
    ///
    /// - Sentinels that name different masters and do not know each other: processes that list them in another order would follow another
    ///   master. With `true`, the master is the one that most of the answering Sentinels name, and at a tie the first one named.
    /// - A server that runs commands on several threads, such as `KeyDB` by default: a reply may overtake an earlier invalidation, so a
    ///   read may return a value that was just invalidated.
    pub fn allow_unsafe_servers(mut self, allow: bool) -> Self {
        self.allow_unsafe_servers = allow;
        self
    }

    /// Maximum size of an encoded value before compression, in bytes. Larger values are returned but not stored, and counted in
    /// [`SharedStats::too_large`](crate::SharedStats::too_large). Compressed values that decompress to more are not read. Default 1 MiB.
    pub fn max_value_bytes(mut self, bytes: usize) -> Self {
        self.max_value_bytes = bytes;
        self
    }

    /// Encoding of values whose attribute has no `codec = ..`. Default [`Codec::MessagePack`].
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Compresses values of 1 KiB and more, if that makes them smaller. A list of records becomes about half as large; it is compressed at
    /// some 0.8 GB/s and decompressed at 2 GB/s. Every build with the feature `compression` reads compressed values, whatever this setting.
    /// For builds without it they are misses, counted in [`SharedStats::unreadable`](crate::SharedStats::unreadable), so deploy the feature
    /// before the setting. Default false.
    #[cfg(feature = "compression")]
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// Encrypts values with the current secret key of a keyring, and decrypts those of its other secret keys. The names of values in Redis
    /// become digests of their keys. Default: values and names are readable.
    ///
    /// So Redis, its snapshots and its replies show neither values nor keys, and a value that another program writes is not believed. Times,
    /// sizes, and hashes of the scopes that are invalidated stay readable. The page on encryption in the guide has the details, and the steps
    /// of a rotation.
    ///
    /// All processes need the same secret key for names. Processes with and without a keyring do not find each other's values, and hear of
    /// each other's invalidations. A value whose secret key is not in the keyring is a miss, counted in
    /// [`SharedStats::unknown_secret`](crate::SharedStats::unknown_secret); one that was changed or moved counts in
    /// [`SharedStats::forged`](crate::SharedStats::forged).
    ///
    /// ```
    /// use fastness::Redis;
    /// use fastness::tier::{Keyring, SecretKey};
    ///
    /// # fn main() -> Result<(), fastness::Error> {
    /// // In a program, the bytes are of a random generator.
    /// let (names, old, new) = (SecretKey::new(&[1; 32])?, SecretKey::new(&[2; 32])?, SecretKey::new(&[3; 32])?);
    /// let keyring = Keyring::new(&names, "2026-12", &new)?.former("2026-06", &old)?;
    /// let redis = Redis::single("redis://127.0.0.1:6379")?.encrypt(keyring);
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "encryption")]
    pub fn encrypt(mut self, keyring: Keyring) -> Self {
        self.keyring = Some(Arc::new(keyring));
        self
    }

    /// Returns text that is the same in all processes that share the tier: the addresses without secrets, and the prefix.
    pub(crate) fn identity(&self) -> String {
        format!("{}/{} {}", self.servers, self.database(), self.prefix)
    }

    /// Returns the number of the database; zero for a cluster, which has only one.
    pub(crate) fn database(&self) -> i64 {
        match &self.servers {
            Servers::Single(info) => info.redis_settings().db(),
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel { sentinels, .. } => sentinels.first().map_or(0, |first| first.redis_settings().db()),
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(_) => 0,
        }
    }

    /// Returns the time to live in Redis of an entry without an expiry.
    pub(crate) fn longest_ttl(&self) -> Duration {
        self.forever_ttl.unwrap_or(self.retention)
    }

    /// Returns whether all connections go to one address.
    pub(crate) fn is_single(&self) -> bool {
        matches!(self.servers, Servers::Single(_))
    }

    /// Returns whether the values lie on several nodes.
    pub(crate) fn is_cluster(&self) -> bool {
        match self.servers {
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(_) => true,
            _ => false,
        }
    }

    /// Returns the settings of the envelopes of values.
    pub(crate) fn envelopes(&self) -> envelope::Settings<'_> {
        let keyring = self.keyring.as_deref();
        envelope::Settings { max_bytes: self.max_value_bytes, compress: self.compress, keyring }
    }

    /// Returns the number of connections to the server of the log. A cluster has others for values.
    pub(crate) fn log_connections(&self) -> usize {
        match &self.servers {
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(_) => 1,
            _ => self.connections,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = if self.connections == 0 {
            "`connections` is 0: set at least 1, or leave it out"
        } else if self.prefix.contains(['{', '}']) {
            "`prefix` contains a brace, which Redis Cluster would take for a hash tag: leave it out"
        } else if self.command_timeout.is_zero() || self.connect_timeout.is_zero() {
            "a timeout of zero lets no command finish: set at least a millisecond"
        } else if self.forever_ttl.is_some_and(|ttl| ttl.is_zero()) {
            "`forever_ttl` is 0, so that Redis would drop what never expires at once: set at least a second"
        } else if self.forever_ttl.is_some_and(|ttl| ttl > self.retention) {
            "`forever_ttl` is longer than `retention`, after which a process that has just started cannot use the value: raise `retention` too"
        } else {
            return Ok(());
        };
        Err(ErrorDetail::Setting(wrong).into())
    }
}

#[cfg(any(feature = "redis-sentinel", feature = "redis-cluster"))]
fn parse_all(urls: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Vec<ConnectionInfo>, Error> {
    let infos: Vec<_> = urls.into_iter().map(|url| parse(url.as_ref())).collect::<Result<_, _>>()?;
    if infos.is_empty() {
        return Err(ErrorDetail::Setting("there is no address of a Redis node: give at least one").into());
    }
    Ok(infos)
}

fn parse(url: &str) -> Result<ConnectionInfo, Error> {
    let info = url.into_connection_info().map_err(|_| {
        ErrorDetail::Setting(
            "this is not the address of a Redis server: write `redis://[user][:password@]host[:port][/database]`, or \
             `rediss://` for TLS, which needs the feature `redis-tls`",
        )
    })?;
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    // Without `nodelay`, small commands wait for each other's acknowledgements.
    Ok(info.set_redis_settings(redis).set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

/// Shows neither user nor password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("servers", &self.servers).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Shows the addresses without secrets, as log lines name the servers.
impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, infos) = match self {
            Self::Single(info) => ("", std::slice::from_ref(info)),
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel { sentinels, master } => {
                write!(f, "{master} of ")?;
                ("sentinel ", sentinels.as_slice())
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(seeds) => ("cluster ", seeds.as_slice()),
        };
        f.write_str(kind)?;
        for (index, info) in infos.iter().enumerate() {
            write!(f, "{}{}", if index > 0 { "," } else { "" }, info.addr())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let redis = Redis::single("redis://ada:s3cret@localhost:7000/2").unwrap();
        assert_eq!(format!("{redis:?}"), r#"Redis { servers: localhost:7000, prefix: "fastness:", .. }"#);
        let error = Redis::single("http://ada:s3cret@localhost").unwrap_err();
        assert!(error.is_bad_setting() && !format!("{error} {error:?}").contains("s3cret"), "{error}");
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let redis = || Redis::single("redis://localhost").unwrap();
        let refused = [
            redis().connections(0),
            redis().prefix("a{b}"),
            redis().command_timeout(Duration::ZERO),
            redis().forever_ttl(Duration::ZERO),
            redis().forever_ttl(Duration::from_secs(3601)),
        ];
        assert!(refused.iter().all(|redis| redis.check().is_err()));
        assert!(redis().check().is_ok());
        let longest = redis().retention(Duration::from_secs(7200)).forever_ttl(Duration::from_secs(7200));
        assert!(longest.check().is_ok());
    }
}
