//! Hit ratio with room for a tenth of the keys: the same seeded Zipf 0.99 for every cache.
//!
//! Get, and on a miss insert; 5 million reads, the first million included, on one thread. The best that a policy
//! without foresight can do is to keep the 10 000 most popular keys; that is printed beside the results.

// How long it takes is worth telling.
#![allow(clippy::disallowed_methods)]
// Counts of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

use fastness::cacheable;
use fastness_benches::report::{Line, budget};
use fastness_benches::traffic::{SKEW, Zipf};

const KEYS: usize = 100_000;
const ROOM: usize = 10_000;
const READS: usize = 5_000_000;

fn main() -> ExitCode {
    let zipf = Zipf::over(KEYS, SKEW);
    let keys = zipf.take(READS, &mut fastrand::Rng::with_seed(99));
    println!(
        "hit ratio, {ROOM} of {KEYS}, Zipf {SKEW}, {READS} reads; best possible {:.2} %\n{:<34} {:>7} {:>8}",
        100.0 * zipf.best(ROOM),
        "",
        "hits %",
        "ns/read"
    );
    let ours = show("fastness #[cacheable]", &keys, fastness_misses);
    show("quick_cache", &keys, quick_cache_misses);
    show("moka", &keys, moka_misses);
    show("plain LRU", &keys, lru_misses);
    if budget(&[Line::at_least("hit ratio, 10k of 100k, Zipf 0.99, in %", 78.0, ours)]) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn show(name: &str, keys: &[u64], count: impl FnOnce(&[u64]) -> usize) -> f64 {
    let began = Instant::now();
    let missed = count(keys);
    let nanos = began.elapsed().as_nanos() as f64 / keys.len() as f64;
    let percent = 100.0 - 100.0 * missed as f64 / keys.len() as f64;
    println!("{name:<34} {percent:>7.2} {nanos:>8.0}");
    percent
}

thread_local! {
    static LOADS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cacheable(ttl = 3600, capacity = 10_000)]
fn get_double(key: u64) -> u64 {
    LOADS.with(|loads| loads.set(loads.get() + 1));
    key * 2
}

fn fastness_misses(keys: &[u64]) -> usize {
    for &key in keys {
        assert_eq!(get_double(key), key * 2);
    }
    LOADS.with(std::cell::Cell::get)
}

fn quick_cache_misses(keys: &[u64]) -> usize {
    let cache = quick_cache::sync::Cache::<u64, u64>::new(ROOM);
    count_misses(keys, |key| cache.get(&key).is_some(), |key| cache.insert(key, key * 2))
}

fn moka_misses(keys: &[u64]) -> usize {
    let cache = moka::sync::Cache::<u64, u64>::new(ROOM as u64);
    count_misses(keys, |key| cache.get(&key).is_some(), |key| cache.insert(key, key * 2))
}

fn lru_misses(keys: &[u64]) -> usize {
    let room = NonZeroUsize::new(ROOM).expect("there is room");
    let cache = std::cell::RefCell::new(lru::LruCache::new(room));
    let insert = |key| {
        cache.borrow_mut().put(key, key * 2);
    };
    count_misses(keys, |key| cache.borrow_mut().get(&key).is_some(), insert)
}

fn count_misses(keys: &[u64], hit: impl Fn(u64) -> bool, insert: impl Fn(u64)) -> usize {
    let missed = keys.iter().filter(|&&key| {
        let missed = !hit(key);
        if missed {
            insert(key);
        }
        missed
    });
    missed.count()
}
