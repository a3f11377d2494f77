//! Foreign bytes under our keys. In each case the origin is asked, and its answer heals the key.

use std::sync::Arc;

use fastness::{cacheable, with_cache};
use fastness_tests::servers::{Redis, prefix, until};

use crate::{Origin, node, stored};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, key = "doc:{id}", tier = shared, skip(origin))]
async fn doc(origin: Arc<Origin>, id: u64) -> (u64, String) {
    origin.load();
    (id, "text".repeat(4))
}

#[cacheable(ttl = 60, key = "doc:{id}", tier = shared, version = 2, skip(origin))]
async fn newer_doc(origin: Arc<Origin>, id: u64) -> (u64, String) {
    origin.load();
    (id, "newer".to_owned())
}

/// The server's value under the key of one document.
struct Stored {
    server: Redis,
    key: String,
    bytes: Vec<u8>,
    other: Vec<u8>,
}

impl Stored {
    async fn put(&self, bytes: &[u8]) {
        let client = redis::Client::open(self.server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let () = redis::cmd("SET").arg(&self.key).arg(bytes).query_async(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn foreign_bytes_under_a_key_are_never_taken_for_a_value() {
    let (server, prefix, origin) = (Redis::start().await, prefix(), Arc::new(Origin::default()));
    let fast = node(&server.url(), &prefix).await;
    for id in [1, 2] {
        with_cache(&fast, doc(origin.clone(), id)).await;
    }
    stored(&fast, 2).await;
    let keys: Vec<String> = server.command(&["KEYS", &format!("{prefix}doc:*")]).await;
    let key = |id: u8| keys.iter().find(|key| key.contains(&format!("doc:{id}#"))).unwrap().clone();
    let stored = Stored {
        bytes: server.command(&["GET", &key(1)]).await,
        other: server.command(&["GET", &key(2)]).await,
        key: key(1),
        server,
    };
    let mut expected = 2;
    for (what, bytes) in bad(&stored) {
        stored.put(&bytes).await;
        let before = fast.shared().unwrap();
        assert_eq!(with_cache(&fast, doc(origin.clone(), 1)).await.0, 1, "{what}");
        expected += 1;
        assert_eq!(origin.loads(), expected, "{what}");
        let after = fast.shared().unwrap();
        assert_eq!((after.unreadable - before.unreadable, after.errors), (1, before.errors), "{what}");
        until("the key is healed", async || {
            fast.shared().unwrap().stores > before.stores && {
                with_cache(&fast, doc(origin.clone(), 1)).await;
                origin.loads() == expected
            }
        })
        .await;
    }

    stored.server.command::<()>(&["DEL", &stored.key]).await;
    stored.server.command::<()>(&["RPUSH", &stored.key, "a list"]).await;
    let errors = fast.shared().unwrap().errors;
    assert_eq!(with_cache(&fast, doc(origin.clone(), 1)).await.0, 1);
    assert_eq!((origin.loads(), fast.shared().unwrap().errors), (expected + 1, errors + 1), "of the wrong kind");
}

fn bad(stored: &Stored) -> Vec<(&'static str, Vec<u8>)> {
    let good = &stored.bytes;
    let with = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    vec![
        ("nothing", Vec::new()),
        ("another program's", b"{\"id\":1}".to_vec()),
        ("cut off in the header", good[..20].to_vec()),
        ("cut off in the value", good[..good.len() - 3].to_vec()),
        ("of a newer version", with(|bytes| bytes[3] += 1)),
        ("a bit is wrong", with(|bytes| bytes[60] ^= 4)),
        ("another key's", stored.other.clone()),
        ("large and empty", vec![0; 2 << 20]),
        ("large and ours at first sight", [&good[..52], &[0xC7; 1 << 20]].concat()),
    ]
}

#[tokio::test]
async fn values_of_another_version_are_not_found() {
    let (server, prefix, origin) = (Redis::start().await, prefix(), Arc::new(Origin::default()));
    let fast = node(&server.url(), &prefix).await;
    with_cache(&fast, doc(origin.clone(), 1)).await;
    stored(&fast, 1).await;
    assert_eq!(with_cache(&fast, newer_doc(origin.clone(), 1)).await.1, "newer");
    stored(&fast, 2).await;
    assert_eq!(with_cache(&fast, doc(origin.clone(), 1)).await.1, "text".repeat(4));
    assert_eq!(with_cache(&fast, newer_doc(origin.clone(), 1)).await.1, "newer");
    assert_eq!(origin.loads(), 2, "each type has its own value");
    // A scope is of the key, so one invalidation concerns both.
    fast.cache().invalidate(reached("doc:1")).await;
    with_cache(&fast, doc(origin.clone(), 1)).await;
    with_cache(&fast, newer_doc(origin.clone(), 1)).await;
    assert_eq!(origin.loads(), 4);
}
