//! The slots of a Redis Cluster, and the masters that serve them.

use redis::{Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, RedisResult};

/// Returns the slot of a key: CRC-16/XMODEM of the key, or of the text between its first brace and the next closing one
/// (<https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>).
pub(super) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    crc16::State::<crc16::XMODEM>::calculate(hashed.as_bytes()) % 16_384
}

/// The slots that one master serves.
pub(crate) struct SlotRange {
    pub(crate) range: std::ops::RangeInclusive<u16>,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The index of the node that reported it.
    seed: usize,
}

/// Returns the slot map of a cluster, from the first of these nodes that answers.
pub(crate) async fn slots(seeds: &[ConnectionInfo]) -> RedisResult<Vec<SlotRange>> {
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

async fn slots_by(seed: &ConnectionInfo, index: usize) -> RedisResult<Vec<SlotRange>> {
    let mut connection = Client::open(seed.clone())?.get_multiplexed_async_connection().await?;
    let map: Vec<redis::Value> = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
    let asked = match seed.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.as_str(),
        _ => "",
    };
    Ok(map.iter().filter_map(|range| parse_range(range, asked, index)).collect())
}

/// Parses `[first, last, [host, port, ..], ..]`. An empty host stands for the node that was asked.
fn parse_range(range: &redis::Value, asked: &str, seed: usize) -> Option<SlotRange> {
    let [first, last, primary, ..] = range.as_sequence()? else { return None };
    let [host, port, ..] = primary.as_sequence()? else { return None };
    let number = |value: &redis::Value| redis::from_redis_value_ref::<u16>(value).ok();
    let host: Option<String> = redis::from_redis_value_ref(host).ok()?;
    let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| asked.to_owned());
    Some(SlotRange { range: number(first)?..=number(last)?, host, port: number(port)?, seed })
}

/// Returns a client of the master that serves the key's slot.
pub(super) async fn primary(seeds: &[ConnectionInfo], key: &str) -> RedisResult<Client> {
    let slot = slot(key);
    let Some(SlotRange { host, port, seed, .. }) =
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot("123456789"), 0x31C3);
        assert_eq!(slot("{user1000}.following"), slot("{user1000}.followers"));
        assert_ne!(slot("foo{}{bar}"), slot("bar"));
        assert_eq!(slot("foo{{bar}}zap"), slot("{bar"));
    }
}
