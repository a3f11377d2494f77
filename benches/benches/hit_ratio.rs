//! Hit ratios by count and by bytes: the same seeded reads for every cache, on one thread.
//!
//! Get, and on a miss insert; the first reads, which fill, are included. *Zipf* is what most traffic is like. *Shifting* is Zipf whose
//! popular keys change. In *scans* a third of the reads pass once over keys that do not come back. A *loop* asks for half as many keys
//! again as there is room for, in order. A *mixture* has all of these by turns. By bytes, values take 1 to 64 KiB, and the bound is what a
//! tenth of the keys take. The best that a policy without foresight can do on Zipf is to have the most popular keys; that is printed
//! beside it.

// How long it takes is worth telling.
#![allow(clippy::disallowed_methods)]
// Counts of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use fastness::{Fastness, cacheable, with_cache_sync};
use fastness_benches::report::{Line, budget, figures};
use fastness_benches::traffic::{SKEW, Zipf};
use fastrand::Rng;
use foyer_memory::{Cache, CacheBuilder, EvictionConfig, LfuConfig, LruConfig, S3FifoConfig, SieveConfig};

const KEYS: usize = 100_000;
const ROOM: usize = 10_000;
const READS: usize = 3_000_000;
/// Mean bytes of a value, which are from 1 to 64 KiB.
const MEAN: usize = 15_100;
const BYTES: usize = ROOM * MEAN;

/// A policy of foyer, and its name.
type Foyer = (&'static str, EvictionConfig);

fn foyers() -> [Foyer; 4] {
    [
        ("foyer, lru", LruConfig::default().into()),
        ("foyer, lfu", LfuConfig::default().into()),
        ("foyer, s3fifo", S3FifoConfig::default().into()),
        ("foyer, sieve", SieveConfig {}.into()),
    ]
}

/// The bytes of a key's value, each size as likely by its logarithm.
fn bytes_of(key: u64) -> usize {
    (1_024.0 * 64_f64.powf(Rng::with_seed(key).f64())) as usize
}

fn zipf(reads: usize, rng: &mut Rng) -> Vec<u64> {
    Zipf::over(KEYS, SKEW).take(reads, rng)
}

/// Every 500 000 reads a tenth of the keys change their places.
fn shifting(reads: usize, rng: &mut Rng) -> Vec<u64> {
    let law = Zipf::over(KEYS, SKEW);
    (0..reads).map(|at| (law.draw(rng) + (at / 500_000 * KEYS / 10) as u64) % KEYS as u64).collect()
}

/// Two reads of Zipf in turn with one of a pass over keys that are read once.
fn scans(reads: usize, rng: &mut Rng) -> Vec<u64> {
    let law = Zipf::over(KEYS, SKEW);
    (0..reads).map(|at| if at % 3 == 2 { (KEYS + at) as u64 } else { law.draw(rng) }).collect()
}

fn looped(reads: usize, _: &mut Rng) -> Vec<u64> {
    (0..reads).map(|at| (at % (ROOM + ROOM / 2)) as u64).collect()
}

/// Zipf, a loop and a pass over new keys, in turns of 20 000 reads.
fn mixture(reads: usize, rng: &mut Rng) -> Vec<u64> {
    let law = Zipf::over(KEYS, SKEW);
    let read = |at: usize| match at / 20_000 % 4 {
        0 | 2 => law.draw(rng),
        1 => (2 * KEYS + at % (ROOM / 2)) as u64,
        _ => (3 * KEYS + at) as u64,
    };
    (0..reads).map(read).collect()
}

thread_local! {
    static LOADS: Cell<usize> = const { Cell::new(0) };
}

fn loaded() {
    LOADS.set(LOADS.get() + 1);
}

#[cacheable(ttl = 3600, capacity = 10_000)]
fn counted(key: u64) -> u64 {
    loaded();
    key
}

#[cacheable(ttl = 3600, max_bytes = 151_000_000, weigh = |key| bytes_of(*key))]
fn weighed(key: u64) -> u64 {
    loaded();
    key
}

/// Percent of the reads that hit.
fn percent(keys: &[u64], misses: usize) -> f64 {
    100.0 - 100.0 * misses as f64 / keys.len() as f64
}

fn ours(keys: &[u64], read: fn(u64) -> u64) -> f64 {
    LOADS.set(0);
    let fast = Fastness::builder().build().expect("a cache");
    with_cache_sync(&fast, || keys.iter().for_each(|&key| assert_eq!(read(key), key)));
    percent(keys, LOADS.get())
}

fn others(keys: &[u64], hit: impl Fn(u64) -> bool, insert: impl Fn(u64)) -> f64 {
    let missed = keys.iter().filter(|&&key| {
        let missed = !hit(key);
        if missed {
            insert(key);
        }
        missed
    });
    percent(keys, missed.count())
}

/// Hits of each cache with room for so many entries.
fn by_count(keys: &[u64]) -> Vec<(String, f64)> {
    let moka = moka::sync::Cache::<u64, u64>::new(ROOM as u64);
    let quick = quick_cache::sync::Cache::<u64, u64>::new(ROOM);
    let lru = RefCell::new(lru::LruCache::new(NonZeroUsize::new(ROOM).expect("there is room")));
    let mut rows = vec![
        ("fastness".to_owned(), ours(keys, counted)),
        ("moka".to_owned(), others(keys, |key| moka.get(&key).is_some(), |key| moka.insert(key, key))),
        ("quick_cache".to_owned(), others(keys, |key| quick.get(&key).is_some(), |key| quick.insert(key, key))),
    ];
    rows.extend(foyers().map(|(name, policy)| {
        // One shard, which is the best for hits.
        let foyer: Cache<u64, u64> = CacheBuilder::new(ROOM).with_shards(1).with_eviction_config(policy).build();
        (name.to_owned(), others(keys, |key| foyer.get(&key).is_some(), |key| drop(foyer.insert(key, key))))
    }));
    let hit = |key| lru.borrow_mut().get(&key).is_some();
    rows.push(("plain LRU".to_owned(), others(keys, hit, |key| _ = lru.borrow_mut().put(key, key))));
    rows
}

#[derive(Clone)]
struct Bytes;

impl quick_cache::Weighter<u64, u64> for Bytes {
    fn weight(&self, _: &u64, value: &u64) -> u64 {
        bytes_of(*value) as u64
    }
}

/// Hits of each cache with room for so many bytes.
fn by_bytes(keys: &[u64]) -> Vec<(String, f64)> {
    let moka = moka::sync::Cache::<u64, u64>::builder();
    let moka = moka.max_capacity(BYTES as u64).weigher(|_, value| bytes_of(*value) as u32).build();
    let quick = quick_cache::sync::Cache::with_weighter(ROOM, BYTES as u64, Bytes);
    let mut rows = vec![
        ("fastness".to_owned(), ours(keys, weighed)),
        ("moka".to_owned(), others(keys, |key| moka.get(&key).is_some(), |key| moka.insert(key, key))),
        ("quick_cache".to_owned(), others(keys, |key| quick.get(&key).is_some(), |key| quick.insert(key, key))),
    ];
    rows.extend(foyers().map(|(name, policy)| {
        let foyer = CacheBuilder::new(BYTES).with_shards(1).with_eviction_config(policy);
        let foyer: Cache<u64, u64> = foyer.with_weighter(|_: &u64, value: &u64| bytes_of(*value)).build();
        (name.to_owned(), others(keys, |key| foyer.get(&key).is_some(), |key| drop(foyer.insert(key, key))))
    }));
    rows
}

/// The hits of ours less those of the best of the others, in points.
fn lead(rows: &[(String, f64)]) -> f64 {
    rows[0].1 - rows[1..].iter().map(|(_, hits)| *hits).fold(0.0, f64::max)
}

fn main() -> ExitCode {
    type Traffic = fn(usize, &mut Rng) -> Vec<u64>;
    let kinds: [(&str, Traffic); 5] =
        [("Zipf", zipf), ("shifting", shifting), ("scans", scans), ("loop", looped), ("mixture", mixture)];
    println!(
        "the best that is possible on Zipf without foresight, by count: {:.2} %",
        100.0 * Zipf::over(KEYS, SKEW).best(ROOM)
    );
    let mut lines = Vec::new();
    let tables: [(&str, fn(&[u64]) -> Vec<(String, f64)>); 2] = [("count", by_count), ("bytes", by_bytes)];
    for (unit, measure) in tables {
        let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
        for (name, traffic) in kinds {
            let hits = measure(&traffic(READS, &mut Rng::with_seed(99)));
            if name == "Zipf" {
                lines.push(Line::at_least(
                    format!("hit ratio less the best peer's by {unit}, Zipf, in points"),
                    -1.0,
                    lead(&hits),
                ));
            }
            if name == "Zipf" && unit == "count" {
                lines.push(Line::at_least("hit ratio, 10k of 100k, Zipf 0.99, in %", 78.0, hits[0].1));
            }
            rows.resize(hits.len(), (String::new(), Vec::new()));
            for (row, (cache, percent)) in rows.iter_mut().zip(hits) {
                row.0 = cache;
                row.1.push(percent);
            }
        }
        let columns = kinds.map(|(name, _)| name);
        figures(&format!("hit ratio in %, room for a tenth of {KEYS} keys by {unit}, {READS} reads"), &columns, &rows);
    }
    if budget(&lines) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
