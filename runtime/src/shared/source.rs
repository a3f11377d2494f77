//! Where a connection to the server of the log comes from: the address itself, a Sentinel's answer, or the map of a cluster.

#[cfg(any(feature = "redis-sentinel", feature = "redis-cluster"))]
use redis::ConnectionInfo;
use redis::{Client, RedisResult};
#[cfg(feature = "redis-cluster")]
use redis::{ErrorKind, RedisError};

use super::settings::Servers;

pub(crate) enum Source {
    Single(Client),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(tokio::sync::Mutex<redis::sentinel::SentinelClient>),
    /// The primary of one slot.
    #[cfg(feature = "redis-cluster")]
    Slot {
        seeds: Vec<ConnectionInfo>,
        key: String,
    },
}

impl Source {
    /// A source of connections to the server that holds this key.
    #[cfg_attr(not(feature = "redis-cluster"), allow(unused_variables))] // one server holds all keys
    pub(crate) fn new(servers: &Servers, key: &str) -> RedisResult<Self> {
        match servers {
            Servers::Single(info) => Client::open(info.clone()).map(Self::Single),
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel { sentinels, master } => sentinel(sentinels, master),
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(seeds) => Ok(Self::Slot { seeds: seeds.clone(), key: key.to_owned() }),
        }
    }

    /// Who to connect to now.
    #[allow(clippy::unused_async)] // one server is always the same
    pub(crate) async fn client(&self) -> RedisResult<Client> {
        match self {
            Self::Single(client) => Ok(client.clone()),
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(sentinels) => sentinels.lock().await.async_get_client().await,
            #[cfg(feature = "redis-cluster")]
            Self::Slot { seeds, key } => primary(seeds, key).await,
        }
    }
}

#[cfg(feature = "redis-sentinel")]
fn sentinel(sentinels: &[ConnectionInfo], master: &str) -> RedisResult<Source> {
    use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};

    let node = SentinelNodeConnectionInfo::default();
    let node = match sentinels.first() {
        Some(first) => node
            .set_redis_connection_info(first.redis_settings().clone())
            .set_tcp_settings(first.tcp_settings().clone()),
        None => node,
    };
    // Sentinels themselves know no databases, and RESP3 is of no use with them.
    let plain: Vec<_> = sentinels.iter().map(|info| info.addr().clone()).collect();
    // With TLS it would take a `&str` as well.
    #[allow(clippy::unnecessary_to_owned)]
    SentinelClient::build(plain, master.to_owned(), Some(node), SentinelServerType::Master)
        .map(|client| Source::Sentinel(tokio::sync::Mutex::new(client)))
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
