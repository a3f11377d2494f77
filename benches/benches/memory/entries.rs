//! The bytes that a cache adds per entry, from a `u64` to an `Arc` that others hold too.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use fastness::cacheable;

use crate::budget::{Line, figures};
use crate::counted::{Memory, resident, setting};

const ENTRIES: u64 = 1_000_000;
const ROOM: u64 = ENTRIES + ENTRIES / 10;

/// Few values for all keys, so that only what the cache adds is counted.
static VALUES: LazyLock<Vec<Arc<[u8]>>> = LazyLock::new(|| (0..1_000_u32).map(|_| vec![7; 100].into()).collect());

fn value(id: u64) -> Arc<[u8]> {
    VALUES[id as usize % VALUES.len()].clone()
}

#[cacheable(ttl = 3600, capacity = 1_100_000)]
fn million(id: u64) -> Arc<[u8]> {
    value(id)
}

#[cacheable(ttl = 3600, capacity = 11_000_000)]
fn ten_millions(id: u64) -> Arc<[u8]> {
    value(id)
}

/// Fills a cache. Counts the bytes per entry at once, and after all that waits was freed; and the nanoseconds.
fn fill(memory: Memory, name: &str, entries: u64, put: impl Fn(u64), settle: impl FnOnce()) -> (String, Vec<f64>) {
    let (before, resident_before, began) = (memory.allocated(), resident(), Instant::now());
    (0..entries).for_each(put);
    let nanos = began.elapsed().as_nanos() as f64;
    let at_once = memory.allocated() - before;
    settle();
    let (settled, taken) = (memory.settled() - before, resident() - resident_before);
    let per_entry = [settled, at_once, taken, nanos].map(|sum| sum / entries as f64);
    (name.to_owned(), per_entry.to_vec())
}

pub(crate) fn run(memory: Memory) -> Vec<Line> {
    value(0);
    let ours = fill(memory, "fastness #[cacheable]", ENTRIES, |id| drop(million(id)), || {});
    let cache = moka::sync::Cache::builder().max_capacity(ROOM).time_to_live(Duration::from_hours(1)).build();
    let moka = fill(memory, "moka", ENTRIES, |id| cache.insert(id, value(id)), || cache.run_pending_tasks());
    drop(cache);
    let cache = quick_cache::sync::Cache::<u64, Arc<[u8]>>::new(ROOM as usize);
    let quick = fill(memory, "quick_cache, which has no ttl", ENTRIES, |id| cache.insert(id, value(id)), || {});
    drop(cache);
    let cache: foyer_memory::Cache<u64, Arc<[u8]>> = foyer_memory::CacheBuilder::new(ROOM as usize).build();
    let foyer = fill(memory, "foyer, which has no ttl", ENTRIES, |id| drop(cache.insert(id, value(id))), || {});
    drop(cache);
    let per = |row: &(String, Vec<f64>)| row.1[0];
    let lines = vec![
        Line::at_most("bytes per entry / moka's", 0.45, per(&ours) / per(&moka)),
        Line::at_most("bytes per entry / foyer's", 1.0, per(&ours) / per(&foyer)),
        Line::at_most("bytes per entry", 120.0, per(&ours)),
    ];
    let columns = ["counted", "at once", "resident", "ns/fill"];
    figures("bytes per entry of a million, u64 to Arc", &columns, &[ours, moka, quick, foyer]);
    lines
}

pub(crate) fn many(memory: Memory) -> Vec<Line> {
    value(0);
    let entries = setting("SCALE_MANY", 10_000_000);
    let ours = fill(memory, "fastness #[cacheable]", entries, |id| drop(ten_millions(id)), || {});
    let line = Line::at_most("bytes per entry of ten million", 120.0, ours.1[0]);
    figures("bytes per entry of ten million, u64 to Arc", &["counted", "at once", "resident", "ns/fill"], &[ours]);
    vec![line]
}
