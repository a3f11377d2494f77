//! A hundred values at once, which only the shared tier has.

use std::convert::Infallible;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastness::{Cache, Key};
use fastness_benches::measure::setting;
use fastness_benches::origin::User;
use fastness_benches::report::{Line, round_trips};
use fastness_benches::tasks::{self, Case, Plan};
use fastness_tests::servers::Redis;

use crate::rig::{Clients, KEYS, PREFIX, Rig, command, hand_key, node, stored, texts, users};

const BARE: &str = "redis MGET 100, 300 bytes";
const OURS: &str = "fastness batch of 100, 300 bytes";
const DIRECT: &str = "fastness Cache::mget of 100, 300 bytes";
const BARE_USERS: &str = "redis MGET 100, structs";
const HAND: &str = "redis MGET 100, structs, decoded by hand";
const OURS_USERS: &str = "fastness batch of 100, structs";

const BATCH: u64 = 100;
/// No key is asked for twice in a round, because `Cache::mget` keeps what it found.
const BATCHES: u64 = KEYS / BATCH;

fn cases(rig: &Rig, url: &'static str) -> [Case; 6] {
    let Clients { fast, bare, .. } = rig.clients;
    let (text_suffix, user_suffix) = (rig.suffix("text:0"), rig.suffix("user:0"));
    let text_key = move |id| format!("{PREFIX}text:{id}{text_suffix}");
    let user_key = move |id| format!("{PREFIX}user:{id}{user_suffix}");
    let fresh: &Mutex<Option<Cache>> = Box::leak(Box::default());
    [
        Case::new(BARE, move |batch| async move { mget(bare, batch, text_key).await }),
        Case::new(OURS, move |batch| async move {
            let ids: Vec<u64> = ids(batch).collect();
            assert_eq!(texts(fast, &ids).await.len(), ids.len());
        }),
        Case::new(DIRECT, move |batch| async move {
            let cache = fresh.lock().unwrap_or_else(PoisonError::into_inner).clone().expect("a fresh cache");
            mget_directly(cache, batch).await;
        })
        .before(move || async move {
            let cache = node(url).await.cache();
            *fresh.lock().unwrap_or_else(PoisonError::into_inner) = Some(cache);
        }),
        Case::new(BARE_USERS, move |batch| async move { mget(bare, batch, user_key).await }),
        Case::new(HAND, move |batch| async move {
            let found = mget(bare, batch, hand_key).await;
            let decode = |bytes: &Vec<u8>| Arc::new(rmp_serde::from_slice::<User>(bytes).expect("its own bytes"));
            found.iter().map(decode).collect::<Vec<_>>()
        }),
        Case::new(OURS_USERS, move |batch| async move {
            let ids: Vec<u64> = ids(batch).collect();
            assert_eq!(users(fast, &ids).await.len(), ids.len());
        }),
    ]
}

fn ids(batch: u64) -> std::ops::Range<u64> {
    batch * BATCH..(batch + 1) * BATCH
}

fn direct_key(id: u64) -> Key {
    Key::from_static("direct").join(id)
}

async fn mget(bare: &redis::aio::MultiplexedConnection, batch: u64, key: impl Fn(u64) -> String) -> Vec<Vec<u8>> {
    let keys: Vec<String> = ids(batch).map(key).collect();
    command(bare, redis::cmd("MGET").arg(keys)).await
}

async fn mget_directly(cache: Cache, batch: u64) {
    let keys: Vec<Key> = ids(batch).map(direct_key).collect();
    let found = cache.mget::<String>(&keys).await;
    assert!(found.iter().all(Option::is_some), "a value is missing");
}

/// Times, one batch after another.
pub(crate) fn run(rig: &Rig, workers: usize, server: &Redis) -> Vec<Line> {
    rig.runtime.block_on(async {
        let cache = rig.clients.fast.cache();
        for id in 0..KEYS {
            let value = async { Ok::<_, Infallible>(format!("{id:0300}")) };
            let loaded = cache.get_or_load(&direct_key(id), Duration::from_hours(1), value).await;
            assert!(loaded.is_ok(), "a good key");
        }
        stored(&rig.clients.fast).await;
    });
    let plan = Plan { rounds: setting("SHARED_ROUNDS", 31), tasks: 1, calls: BATCHES };
    let times = rig.runtime.block_on(tasks::run(plan, &cases(rig, server.url().leak())));
    round_trips(&format!("batches of 100, {workers} workers"), &times, BARE);
    limit(server, &format!("{PREFIX}text:1{}", rig.suffix("text:1")));
    let line =
        |what: &str, limit, own, of| Line::ratio(format!("{what}, {workers} workers"), limit, times.ratio(own, of));
    vec![
        line("batch of 100 / bare MGET", 1.15, OURS, BARE),
        line("Cache::mget of 100 / bare MGET", 1.3, DIRECT, BARE),
        line("batch of 100 structs / MGET decoded by hand", 1.15, OURS_USERS, HAND),
    ]
}

/// Measures the limit of the server by its own tool, if that is installed: a hundred GETs in one pipeline.
fn limit(server: &Redis, key: &str) {
    let port = server.port().to_string();
    let run = Command::new("redis-benchmark")
        .args(["-p", &port, "-c", "1", "-P", "100", "-n", "200000", "--csv", "GET", key])
        .output();
    let Ok(output) = run else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    let per_second = text.lines().last().and_then(|line| line.split('"').nth(3)?.parse::<f64>().ok());
    if let Some(per_second) = per_second {
        println!("{:<44} {:>9.2}", "the limit: redis-benchmark, 100 GETs piped", 1e6 * BATCH as f64 / per_second);
    }
}
