//! Entries that cannot be served any more: what they cost in room and hits, and whether their memory is given back.
//!
//! Three tables. *Reports*: keys `report:{hour}:{id}` with a ttl of an hour, in stores of 1 000, where an hour is a second: how often each
//! report was loaded in an hour. *Zipf*: the share of reads that hit, with room for a tenth of the keys, undisturbed, and while in each
//! 100 000 reads 1 % of the keys are invalidated. *Memory*: what the process has from the system after a burst of large values, after
//! all of them were invalidated, and then in silence.

// Time really passes, and is waited for.
#![allow(clippy::disallowed_methods)]
// Counts of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use std::cell::Cell;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use fastness::{Fastness, cache_invalidate, cacheable, with_cache_sync};
use fastness_benches::report::{Line, budget, figures};
use fastness_benches::traffic::{SKEW, Zipf};

/// A second.
const HOUR: Duration = Duration::from_secs(1);
/// The number of hours; the first one fills.
const HOURS: u64 = 5;
const REPORTS: u64 = 1_000;

const KEYS: usize = 100_000;
const ROOM: usize = 10_000;
const READS: usize = 3_000_000;

thread_local! {
    static LOADS: Cell<u64> = const { Cell::new(0) };
}

fn loaded() {
    LOADS.set(LOADS.get() + 1);
}

/// A cache of one row's own.
fn fresh() -> Fastness {
    Fastness::builder().build().expect("a cache")
}

#[cacheable(ttl = "1s", jitter = 0, early = off, key = "report:{hour}:{id}", capacity = 1_000)]
fn report(hour: u64, id: u64) -> u64 {
    loaded();
    hour + id
}

/// Reads in the order of their numbers, ten times, or as often in any order.
fn reads(ids: u64, ordered: bool, seed: u64) -> Vec<u64> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..10 * ids).map(|at| if ordered { at % ids } else { random.u64(..ids) }).collect()
}

/// Loads of the reports of an hour, for each of them that was read at all; 1 is the best.
fn hours(ids: u64, ordered: bool, mut read: impl FnMut(u64, u64)) -> f64 {
    let (mut loads, mut different) = (0, 0);
    for hour in 0..HOURS {
        let (began, before, reads) = (Instant::now(), LOADS.get(), reads(ids, ordered, hour));
        reads.iter().for_each(|id| read(hour, *id));
        if hour > 0 {
            loads += LOADS.get() - before;
            different += reads.into_iter().collect::<std::collections::HashSet<_>>().len() as u64;
        }
        std::thread::sleep(HOUR.saturating_sub(began.elapsed()) + Duration::from_millis(20));
    }
    loads as f64 / different as f64
}

fn reports() -> Vec<Line> {
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for ids in [400, 600, 900] {
        for ordered in [true, false] {
            let fast = fresh();
            let ours = hours(ids, ordered, |hour, id| {
                with_cache_sync(&fast, || report(hour, id));
            });
            let moka = moka::sync::Cache::builder().max_capacity(REPORTS).time_to_live(HOUR).build();
            let of_moka = hours(ids, ordered, |hour, id| {
                moka.get_with((hour, id), loaded);
            });
            let quick = quick_cache::sync::Cache::new(REPORTS as usize);
            let of_quick = hours(ids, ordered, |hour, id| {
                let found = quick.get_or_insert_with(&(hour, id), || {
                    loaded();
                    Ok::<_, ()>(hour)
                });
                assert_eq!(found, Ok(hour));
            });
            let name = format!("{ids} of 1 000, {}", if ordered { "ordered" } else { "random" });
            let best = of_moka.min(of_quick);
            lines.push(Line::at_most(
                format!("loads of each report, {name}, / the better of moka and quick_cache"),
                1.01,
                ours / best,
            ));
            rows.push((name, vec![ours, of_moka, of_quick]));
        }
    }
    figures("Loads of each report in an hour", &["fastness", "moka", "quick_cache, no ttl"], &rows);
    lines
}

#[cacheable(ttl = 3600, key = "double:{key}", capacity = 10_000)]
fn double(key: u64) -> u64 {
    loaded();
    key * 2
}

#[cache_invalidate("double:{key}")]
fn change(key: u64) {
    let _ = key;
}

/// The share of reads that hit, in percent, while of so many reads one is followed by an invalidation.
fn hit_ratio(keys: &[u64], every: usize, mut read: impl FnMut(u64), mut invalidate: impl FnMut(u64)) -> f64 {
    let (before, mut random) = (LOADS.get(), fastrand::Rng::with_seed(3));
    for (at, key) in keys.iter().enumerate() {
        read(*key);
        if at % every == every - 1 {
            invalidate(random.u64(..KEYS as u64));
        }
    }
    100.0 - 100.0 * (LOADS.get() - before) as f64 / keys.len() as f64
}

fn zipf() -> Vec<Line> {
    let keys = Zipf::over(KEYS, SKEW).take(READS, &mut fastrand::Rng::with_seed(99));
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for (name, every) in [("undisturbed", usize::MAX), ("1 % invalidated in 100 000 reads", 100)] {
        let fast = fresh();
        let ours = with_cache_sync(&fast, || hit_ratio(&keys, every, |key| assert_eq!(double(key), key * 2), change));
        let moka = moka::sync::Cache::<u64, u64>::new(ROOM as u64);
        let load = |key| {
            loaded();
            key * 2
        };
        let of_moka = hit_ratio(
            &keys,
            every,
            |key| {
                moka.get_with(key, || load(key));
            },
            |key| moka.invalidate(&key),
        );
        let quick = quick_cache::sync::Cache::<u64, u64>::new(ROOM);
        let read = |key| assert_eq!(quick.get_or_insert_with(&key, || Ok::<_, ()>(load(key))), Ok(key * 2));
        let of_quick = hit_ratio(&keys, every, read, |key| {
            quick.remove(&key);
        });
        let best = of_moka.max(of_quick);
        lines.push(Line::at_least(
            format!("hit ratio less the better of moka and quick_cache, in points, {name}"),
            -1.0,
            ours - best,
        ));
        rows.push((name.to_owned(), vec![ours, of_moka, of_quick]));
    }
    figures("Reads that hit, in %, Zipf 0.99, room for 10 000 of 100 000", &["fastness", "moka", "quick_cache"], &rows);
    lines
}

const BLOBS: u64 = 3_000;
static LIVING: AtomicUsize = AtomicUsize::new(0);

/// 100 KiB.
struct Blob(#[allow(dead_code)] Vec<u8>);

impl Blob {
    fn new() -> Arc<Self> {
        LIVING.fetch_add(1, Relaxed);
        Arc::new(Self(vec![7; 100 << 10]))
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, Relaxed);
    }
}

#[cacheable(ttl = 3600, key = "blob:{id}")]
fn blob(id: u64) -> Arc<Blob> {
    let _ = id;
    Blob::new()
}

/// MiB that the process has from the system, and values that live.
fn resident() -> [f64; 2] {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    [pages.map_or(f64::NAN, |pages| pages / 256.0), LIVING.load(Relaxed) as f64]
}

/// Measures before, after a burst, after its end, and then each half of a second.
fn over_time(burst: impl Fn(), end: impl Fn()) -> Vec<f64> {
    let mut seen = vec![resident()];
    burst();
    seen.push(resident());
    end();
    seen.push(resident());
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(500));
        seen.push(resident());
    }
    seen.into_iter().flatten().collect()
}

fn memory() -> Vec<Line> {
    let fast = fresh();
    let ours = over_time(|| with_cache_sync(&fast, || (0..BLOBS).for_each(|id| drop(blob(id)))), || fast.clear());
    drop(fast);
    let moka = moka::sync::Cache::<u64, Arc<Blob>>::new(BLOBS + 1_000);
    let of_moka = over_time(|| (0..BLOBS).for_each(|id| moka.insert(id, Blob::new())), || moka.invalidate_all());
    let left = (ours[4] - ours[0]) / (ours[2] - ours[0]);
    let moments = ["before", "after 3 000 values of 100 KiB", "after clear()", "0.5 s later", "1 s", "1.5 s", "2 s"];
    let rows: Vec<_> = moments
        .iter()
        .zip(ours.chunks(2).zip(of_moka.chunks(2)))
        .map(|(moment, (ours, of_moka))| ((*moment).to_owned(), [ours, of_moka].concat()))
        .collect();
    let columns = ["MiB", "values", "moka's MiB", "moka's values"];
    figures("Resident memory, and values that live, after a burst, clear() and silence", &columns, &rows);
    vec![
        Line::at_most("values that live after clear()", 0.0, ours[5]),
        Line::at_most("resident memory of a burst that is left after clear()", 0.1, left),
    ]
}

fn main() -> ExitCode {
    let mut lines = reports();
    lines.extend(zipf());
    lines.extend(memory());
    if budget(&lines) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
