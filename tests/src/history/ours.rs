//! Fastness as the subject of a history.

use std::convert::Infallible;
use std::time::Duration;

use fastness::{Fastness, Reach, Redis, cache_put, cacheable, with_cache};

use super::run::Origin;
use super::{IDS, MAX_STALE, Scope, Subject, is_lenient, is_near, name};
use crate::names::{named, reached};
use crate::servers::until;

/// The ttl of the functions.
const TTL: Duration = Duration::from_secs(60);

/// One node.
#[derive(Clone, Debug)]
pub struct Ours(Fastness);

impl Ours {
    /// Makes a node that connects to a single server through this address.
    pub async fn new(url: &str, prefix: &str) -> Self {
        Self::with(Redis::single(url).expect("an address").prefix(prefix)).await
    }

    /// Makes a node with these settings, for other kinds of servers.
    pub async fn with(redis: Redis) -> Self {
        let fast = Fastness::builder().redis(redis).max_stale(MAX_STALE).build().expect("a cache");
        until("the node is connected", async || fast.shared().is_some_and(|shared| shared.connected)).await;
        Self(fast)
    }

    /// The cache itself.
    pub fn cache(&self) -> &Fastness {
        &self.0
    }

    /// Reads a function's entry by the text of its key.
    async fn read_directly(&self, key: usize, origin: Origin) -> u64 {
        let load = async { Ok::<_, Infallible>(origin.load(key).await) };
        let Ok(version) = self.0.cache().get_or_load(&named(name(key)), TTL, load).await;
        version
    }
}

#[cacheable(ttl = 60, key = "item:{group}:{id}", skip(origin))]
async fn near(group: usize, id: usize, origin: Origin) -> u64 {
    origin.load(group * IDS + id).await
}

/// Serves an expired value while its refresh runs.
#[cacheable(ttl = 60, stale = "1m", refresh = background, key = "item:{group}:{id}", skip(origin))]
async fn lenient(group: usize, id: usize, origin: Origin) -> u64 {
    origin.load(group * IDS + id).await
}

/// Reads the shared tier each time, and joins no other load.
#[cacheable(ttl = 60, key = "item:{group}:{id}", tier = shared, single_flight = off, skip(origin))]
async fn far(group: usize, id: usize, origin: Origin) -> u64 {
    origin.load(group * IDS + id).await
}

impl Subject for Ours {
    async fn read(&self, key: usize, origin: Origin) -> u64 {
        let (group, id) = (key / IDS, key % IDS);
        with_cache(&self.0, async {
            if is_near(key) && fastrand::u8(..3) == 0 {
                self.read_directly(key, origin).await
            } else if is_lenient(key) {
                lenient(group, id, origin).await
            } else if is_near(key) {
                near(group, id, origin).await
            } else {
                far(group, id, origin).await
            }
        })
        .await
    }

    async fn invalidate(&self, scope: Scope) -> Reach {
        self.0.cache().invalidate(reached(pattern(scope))).await
    }

    async fn refresh(&self, scope: Scope) -> Reach {
        self.0.cache().refresh(reached(pattern(scope))).await
    }

    async fn put(&self, key: usize, origin: Origin) {
        let (group, id) = (key / IDS, key % IDS);
        with_cache(&self.0, async {
            if is_near(key) { put_near(group, id, origin).await } else { put_far(group, id, origin).await }
        })
        .await;
    }

    fn is_clear(&self) -> bool {
        self.0.shared().is_some_and(|shared| shared.in_doubt == 0)
    }
}

fn pattern(scope: Scope) -> String {
    match scope {
        Scope::Key(key) => name(key),
        Scope::Group(group) => format!("item:{group}:*"),
    }
}

#[cache_put(key = "item:{group}:{id}", ttl = 60)]
async fn put_near(group: usize, id: usize, origin: Origin) -> u64 {
    let version = origin.write(group * IDS + id);
    tokio::task::yield_now().await;
    version
}

#[cache_put(key = "item:{group}:{id}", ttl = 60, tier = shared)]
async fn put_far(group: usize, id: usize, origin: Origin) -> u64 {
    let version = origin.write(group * IDS + id);
    tokio::task::yield_now().await;
    version
}
