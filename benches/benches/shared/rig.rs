//! Shared parts of these benchmarks: a runtime with a connection of each kind, and values on the server.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use fastness::{Fastness, cacheable};
use fastness_benches::origin::{Missing, User, find};
use fastness_tests::servers::{Redis, until};
use fred::interfaces::ClientLike;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{FromRedisValue, IntoConnectionInfo, ProtocolVersion};
use tokio::runtime::{Builder, Runtime};

/// Keys of each kind.
pub(crate) const KEYS: u64 = 8_192;
/// The beginning of every key of fastness.
pub(crate) const PREFIX: &str = "bench:";

/// 300 bytes that cost next to nothing to decode: what is left is the way there and back.
#[cacheable(ttl = 3600, key = "text:{id}", tier = shared, skip(fast), on = fast)]
pub(crate) async fn text(fast: &Fastness, id: u64) -> Result<String, Missing> {
    let _ = fast;
    Ok(format!("{id:0300}"))
}

/// A struct of about as many bytes.
#[cacheable(ttl = 3600, key = "user:{id}", tier = shared, skip(fast), on = fast)]
pub(crate) async fn user(fast: &Fastness, id: u64) -> Result<Arc<User>, Missing> {
    let _ = fast;
    find(id)
}

/// The same text, many at once.
#[cacheable(ttl = 3600, key = "text:{ids}", batch(ids), tier = shared, skip(fast), on = fast)]
pub(crate) async fn texts(fast: &Fastness, ids: &[u64]) -> HashMap<u64, String> {
    let _ = fast;
    ids.iter().map(|&id| (id, format!("{id:0300}"))).collect()
}

/// The same structs, many at once.
#[cacheable(ttl = 3600, key = "user:{ids}", batch(ids), tier = shared, skip(fast), on = fast)]
pub(crate) async fn users(fast: &Fastness, ids: &[u64]) -> HashMap<u64, Arc<User>> {
    let _ = fast;
    ids.iter().filter_map(|&id| Some((id, find(id).ok()?))).collect()
}

/// A runtime, and the clients that it drives; they are closed when it ends.
pub(crate) struct Rig {
    pub(crate) runtime: Runtime,
    pub(crate) clients: &'static Clients,
}

/// One client of each kind. Never freed, so that each call of a case can simply refer to it.
pub(crate) struct Clients {
    pub(crate) fast: Fastness,
    pub(crate) bare: MultiplexedConnection,
    pub(crate) fred: fred::clients::Client,
}

impl Rig {
    pub(crate) fn on(server: &Redis, runtime: &mut Builder) -> Self {
        let runtime = runtime.build().expect("a runtime");
        let url = server.url();
        let clients = runtime
            .block_on(async { Clients { fast: node(&url).await, bare: bare(&url).await, fred: fred(&url).await } });
        Self { runtime, clients: Box::leak(Box::new(clients)) }
    }

    /// Puts all values on the server, where they are not there yet.
    pub(crate) fn fill(&self) {
        let Clients { fast, bare, .. } = self.clients;
        self.runtime.block_on(async {
            for id in 0..KEYS {
                text(fast, id).await.expect("a value");
                user(fast, id).await.expect("a user");
                let bytes = rmp_serde::to_vec_named(&*find(id).expect("a user")).expect("its bytes");
                command::<()>(bare, redis::cmd("SET").arg(hand_key(id)).arg(bytes)).await;
            }
            stored(fast).await;
        });
    }

    /// The suffix of the key in the name that fastness gives to values like this one.
    pub(crate) fn suffix(&self, key: &str) -> &'static str {
        let mut keys = redis::cmd("KEYS");
        keys.arg(format!("{PREFIX}{key}#*"));
        let found: Vec<String> = self.runtime.block_on(command(&self.clients.bare, &keys));
        let [name] = found.as_slice() else { panic!("one value under {key}, not {found:?}") };
        name[PREFIX.len() + key.len()..].to_owned().leak()
    }

    /// Calls of each command on the server while this runs; without the heartbeat, and the cost of asking.
    pub(crate) fn commands(&self, run: impl Future) -> BTreeMap<String, u64> {
        let bare = &self.clients.bare;
        let info: String = self.runtime.block_on(async {
            command::<()>(bare, redis::cmd("CONFIG").arg("RESETSTAT")).await;
            run.await;
            command(bare, redis::cmd("INFO").arg("commandstats")).await
        });
        let lines = info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
        let count = |rest: &str| rest.split(',').next().and_then(|count| count.parse().ok()).expect("a count");
        let calls = lines.map(|(name, rest)| (name.to_owned(), count(rest)));
        calls.filter(|(name, _)| name != "info" && name != "config|resetstat").collect()
    }
}

/// A command of the bare client that must succeed.
pub(crate) async fn command<T: FromRedisValue>(bare: &MultiplexedConnection, command: &redis::Cmd) -> T {
    command.query_async(&mut bare.clone()).await.expect("an answer")
}

/// Waits until everything that was loaded is on the server.
pub(crate) async fn stored(fast: &Fastness) {
    let all = async || {
        let stats = fast.shared().expect("a shared tier");
        stats.stores >= stats.misses
    };
    until("the values are stored", all).await;
}

/// The key of a value that is decoded by hand.
pub(crate) fn hand_key(id: u64) -> String {
    format!("hand:{id}")
}

/// A process that has just started, as far as the cache knows.
pub(crate) async fn node(url: &str) -> Fastness {
    let settings = fastness::Redis::single(url).expect("an address").prefix(PREFIX);
    let fast = Fastness::builder().redis(settings).build().expect("good settings");
    // Not `until`: the future of an async closure that borrows is not known to be `Send`.
    while !fast.shared().expect("a shared tier").connected {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fast
}

/// The client that fastness uses, set up as fastness does it.
async fn bare(url: &str) -> MultiplexedConnection {
    let info = url.into_connection_info().expect("an address");
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let info = info.set_redis_settings(redis).set_tcp_settings(TcpSettings::default().set_nodelay(true));
    let client = redis::Client::open(info).expect("an address");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

async fn fred(url: &str) -> fred::clients::Client {
    let mut config = fred::types::config::Config::from_url(url).expect("an address");
    config.version = fred::types::RespVersion::RESP3;
    let mut builder = fred::types::Builder::from_config(config);
    builder.with_connection_config(|connection| connection.tcp.nodelay = Some(true));
    let client = builder.build().expect("a client");
    client.init().await.expect("a connection");
    client
}
