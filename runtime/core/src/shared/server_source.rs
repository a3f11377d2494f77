//! The source of the server to connect to: a fixed address, the Sentinels, or the map of a cluster.

use std::time::Duration;

#[cfg(feature = "redis-cluster")]
use redis::ConnectionInfo;
use redis::{Client, RedisResult};
#[cfg(feature = "redis-sentinel")]
use redis::{ErrorKind, RedisError};
#[cfg(feature = "redis-cluster")]
use tokio::time::timeout;

#[cfg(feature = "redis-sentinel")]
use super::errors::is_refused;
#[cfg(feature = "redis-cluster")]
use super::errors::too_slow;
#[cfg(feature = "redis-sentinel")]
use super::sentinels::{HostPort, Sentinels, WaitFor};
use super::settings::{Redis, Servers};
#[cfg(feature = "redis-cluster")]
use super::slots::primary;

/// The source of the server of the log.
pub(crate) enum ServerSource {
    /// A fixed address.
    Single(Client),
    /// The master that Sentinels name.
    #[cfg(feature = "redis-sentinel")]
    Sentinel(Sentinels),
    /// The primary of the log's slot.
    #[cfg(feature = "redis-cluster")]
    Slot { seeds: Vec<ConnectionInfo>, key: String },
}

/// A server to connect to.
pub(crate) struct ServerTarget {
    pub(crate) client: Client,
    /// The address that the Sentinels named.
    #[cfg(feature = "redis-sentinel")]
    named: Option<HostPort>,
}

impl ServerSource {
    /// Creates the source of the server that holds this key.
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

    /// Returns the server to connect to. Each query takes at most `patience`.
    #[allow(clippy::unused_async)] // a fixed address needs no query
    #[cfg_attr(not(any(feature = "redis-sentinel", feature = "redis-cluster")), allow(unused_variables))]
    pub(crate) async fn target(&self, patience: Duration) -> RedisResult<ServerTarget> {
        match self {
            Self::Single(client) => Ok(ServerTarget::new(client.clone())),
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(sentinels) => {
                let named = sentinels.master(patience, WaitFor::All).await?;
                Ok(ServerTarget { client: sentinels.client(&named)?, named: Some(named) })
            }
            #[cfg(feature = "redis-cluster")]
            Self::Slot { seeds, key } => {
                timeout(patience, primary(seeds, key)).await.unwrap_or_else(|_| Err(too_slow())).map(ServerTarget::new)
            }
        }
    }

    /// Returns whether the master has to be confirmed regularly.
    #[cfg_attr(not(feature = "redis-sentinel"), allow(clippy::unused_self))] // only Sentinels confirm
    pub(crate) fn needs_lease(&self) -> bool {
        #[cfg(feature = "redis-sentinel")]
        return matches!(self, Self::Sentinel(_));
        #[cfg(not(feature = "redis-sentinel"))]
        return false;
    }

    /// Returns whether this server is confirmed as the master. Each query takes at most `patience`.
    ///
    /// # Errors
    ///
    /// Fails if the server may no longer be used.
    #[allow(clippy::unused_async)] // only Sentinels are queried
    #[cfg_attr(not(feature = "redis-sentinel"), allow(unused_variables))]
    pub(crate) async fn confirms(&self, target: &ServerTarget, patience: Duration) -> RedisResult<bool> {
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

impl ServerTarget {
    fn new(client: Client) -> Self {
        Self {
            client,
            #[cfg(feature = "redis-sentinel")]
            named: None,
        }
    }
}
