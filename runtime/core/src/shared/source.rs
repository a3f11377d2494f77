//! Where a connection to the server of the log comes from: the address itself, a Sentinel's answer, or the map of a cluster.

use std::time::Duration;

#[cfg(feature = "redis-cluster")]
use redis::ConnectionInfo;
use redis::{Client, RedisResult};
#[cfg(any(feature = "redis-sentinel", feature = "redis-cluster"))]
use redis::{ErrorKind, RedisError};
#[cfg(feature = "redis-cluster")]
use tokio::time::timeout;

#[cfg(feature = "redis-cluster")]
use super::link::too_slow;
#[cfg(feature = "redis-sentinel")]
use super::sentinels::{self, Sentinels, WaitFor};
#[cfg(feature = "redis-sentinel")]
use super::server::is_refused;
use super::settings::{Redis, Servers};

pub(crate) enum Source {
    Single(Client),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(Sentinels),
    /// The primary of one slot.
    #[cfg(feature = "redis-cluster")]
    Slot {
        seeds: Vec<ConnectionInfo>,
        key: String,
    },
}

/// A server to connect to.
pub(crate) struct Target {
    pub(crate) client: Client,
    /// The address that the Sentinels named.
    #[cfg(feature = "redis-sentinel")]
    named: Option<sentinels::Address>,
}

impl Source {
    /// A source of connections to the server that holds this key.
    #[cfg_attr(not(feature = "redis-cluster"), allow(unused_variables))] // one server holds all keys
    pub(crate) fn new(settings: &Redis, key: &str) -> RedisResult<Self> {
        match &settings.servers {
            Servers::Single(info) => Client::open(info.clone()).map(Self::Single),
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel { sentinels, master } => {
                Sentinels::new(sentinels, master, settings.allow_unsafe_servers).map(Self::Sentinel)
            }
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(seeds) => Ok(Self::Slot { seeds: seeds.clone(), key: key.to_owned() }),
        }
    }

    /// The server to connect to now. Each question that this takes is given `patience`.
    #[allow(clippy::unused_async)] // one server is always the same
    #[cfg_attr(not(any(feature = "redis-sentinel", feature = "redis-cluster")), allow(unused_variables))]
    pub(crate) async fn target(&self, patience: Duration) -> RedisResult<Target> {
        match self {
            Self::Single(client) => Ok(Target::of(client.clone())),
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(sentinels) => {
                let named = sentinels.master(patience, WaitFor::All).await?;
                Ok(Target { client: sentinels.client(&named)?, named: Some(named) })
            }
            #[cfg(feature = "redis-cluster")]
            Self::Slot { seeds, key } => {
                timeout(patience, primary(seeds, key)).await.unwrap_or_else(|_| Err(too_slow())).map(Target::of)
            }
        }
    }

    /// Returns whether it has to be confirmed again and again that a server is still the master.
    #[cfg_attr(not(feature = "redis-sentinel"), allow(clippy::unused_self))] // only Sentinels are asked
    pub(crate) fn needs_lease(&self) -> bool {
        #[cfg(feature = "redis-sentinel")]
        return matches!(self, Self::Sentinel(_));
        #[cfg(not(feature = "redis-sentinel"))]
        return false;
    }

    /// Asks whether this server is the master now.
    ///
    /// # Errors
    ///
    /// If it is known that it must not be used any more.
    #[allow(clippy::unused_async)] // without Sentinels nobody is asked
    #[cfg_attr(not(feature = "redis-sentinel"), allow(unused_variables))]
    pub(crate) async fn confirms(&self, target: &Target, patience: Duration) -> RedisResult<bool> {
        match self {
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(sentinels) => match sentinels.master(patience, WaitFor::Most).await {
                Ok(named) if Some(&named) == target.named.as_ref() => Ok(true),
                Ok(_) => Err(RedisError::from((ErrorKind::Io, "the Sentinels name another master"))),
                Err(error) if is_refused(&error) => Err(error),
                Err(_) => Ok(false),
            },
            _ => Ok(true),
        }
    }
}

impl Target {
    fn of(client: Client) -> Self {
        Self {
            client,
            #[cfg(feature = "redis-sentinel")]
            named: None,
        }
    }
}

/// The slots that one master serves.
#[cfg(feature = "redis-cluster")]
pub(crate) struct Slots {
    pub(crate) range: std::ops::RangeInclusive<u16>,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// By which node it was told.
    seed: usize,
}

/// The map of a cluster, as the first of these nodes that answers tells it.
#[cfg(feature = "redis-cluster")]
pub(crate) async fn slots(seeds: &[ConnectionInfo]) -> RedisResult<Vec<Slots>> {
    let mut last = RedisError::from((ErrorKind::ClusterConnectionNotFound, "no node of the cluster answers"));
    for (index, seed) in seeds.iter().enumerate() {
        match slots_by(seed, index).await {
            Ok(slots) if !slots.is_empty() => return Ok(slots),
            Ok(_) => {}
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(feature = "redis-cluster")]
async fn slots_by(seed: &ConnectionInfo, index: usize) -> RedisResult<Vec<Slots>> {
    let mut connection = Client::open(seed.clone())?.get_multiplexed_async_connection().await?;
    let map: Vec<redis::Value> = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
    let asked = match seed.addr() {
        redis::ConnectionAddr::Tcp(host, _) | redis::ConnectionAddr::TcpTls { host, .. } => host.as_str(),
        _ => "",
    };
    Ok(map.iter().filter_map(|range| parse_range(range, asked, index)).collect())
}

/// `[first, last, [host, port, ..], ..]`; a node that does not know its own name means the one that was asked.
#[cfg(feature = "redis-cluster")]
fn parse_range(range: &redis::Value, asked: &str, seed: usize) -> Option<Slots> {
    let [first, last, primary, ..] = range.as_sequence()? else { return None };
    let [host, port, ..] = primary.as_sequence()? else { return None };
    let number = |value: &redis::Value| redis::from_redis_value_ref::<u16>(value).ok();
    let host: Option<String> = redis::from_redis_value_ref(host).ok()?;
    let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| asked.to_owned());
    Some(Slots { range: number(first)?..=number(last)?, host, port: number(port)?, seed })
}

/// The master that serves the key's slot.
#[cfg(feature = "redis-cluster")]
async fn primary(seeds: &[ConnectionInfo], key: &str) -> RedisResult<Client> {
    use redis::ConnectionAddr;

    let slot = super::cluster::slot(key);
    let Some(Slots { host, port, seed, .. }) =
        slots(seeds).await?.into_iter().find(|slots| slots.range.contains(&slot))
    else {
        let why = "no node of the cluster serves the log's slot";
        return Err(RedisError::from((ErrorKind::ClusterConnectionNotFound, why)));
    };
    let seed = &seeds[seed];
    let address = match seed.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    Client::open(seed.clone().set_addr(address))
}
