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
    pub(crate) fn new(servers: &Servers, key: &str) -> RedisResult<Self> {
        match servers {
            Servers::Single(info) => Client::open(info.clone()).map(Self::Single),
            #[cfg(feature = "redis-sentinel")]
            Servers::Sentinel { sentinels, master } => sentinel(sentinels, master),
            #[cfg(feature = "redis-cluster")]
            Servers::Cluster(seeds) => Ok(Self::Slot { seeds: seeds.clone(), key: key.to_owned() }),
            #[cfg(not(all(feature = "redis-sentinel", feature = "redis-cluster")))]
            _ => unreachable!("cannot be made without its feature; {key}"),
        }
    }

    /// Who to connect to now.
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
    SentinelClient::build(plain, master.to_owned(), Some(node), SentinelServerType::Master)
        .map(|client| Source::Sentinel(tokio::sync::Mutex::new(client)))
}

/// Asks one node after the other who holds the key.
#[cfg(feature = "redis-cluster")]
async fn primary(seeds: &[ConnectionInfo], key: &str) -> RedisResult<Client> {
    let mut last = RedisError::from((ErrorKind::ClusterConnectionNotFound, "no node of the cluster answers"));
    for seed in seeds {
        match primary_by(seed, key).await {
            Ok(client) => return Ok(client),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(feature = "redis-cluster")]
async fn primary_by(seed: &ConnectionInfo, key: &str) -> RedisResult<Client> {
    use redis::ConnectionAddr;

    type Node = (String, u16);
    let mut connection = Client::open(seed.clone())?.get_multiplexed_async_connection().await?;
    let slot: u16 = redis::cmd("CLUSTER").arg("KEYSLOT").arg(key).query_async(&mut connection).await?;
    let map: Vec<redis::Value> = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
    let primary = map.iter().find_map(|range| {
        let [first, last, primary, ..] = range.as_sequence()? else { return None };
        let [first, last] = [first, last].map(|end| redis::from_redis_value_ref::<u16>(end).ok());
        let [host, port, ..] = primary.as_sequence()? else { return None };
        let node: Node = (redis::from_redis_value_ref(host).ok()?, redis::from_redis_value_ref(port).ok()?);
        (first?..=last?).contains(&slot).then_some(node)
    });
    let Some((host, port)) = primary else {
        return Err(RedisError::from((
            ErrorKind::ClusterConnectionNotFound,
            "the cluster serves no node for the log's slot",
        )));
    };
    let address = match seed.addr() {
        // A node that does not know its own name means the one that was asked.
        ConnectionAddr::Tcp(asked, _) => ConnectionAddr::Tcp(if host.is_empty() { asked.clone() } else { host }, port),
        ConnectionAddr::TcpTls { host: asked, insecure, tls_params, .. } => ConnectionAddr::TcpTls {
            host: if host.is_empty() { asked.clone() } else { host },
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        other => other.clone(),
    };
    Client::open(seed.clone().set_addr(address))
}
