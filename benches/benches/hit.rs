//! The hit path, side by side with everyone else's.
//!
//! A virtual machine may run two threads on one core or on two, and change its mind; contended cache lines then cost
//! little or much. So read the 2-thread figures beside the shared counter's, which tells the one from the other.
//!
//! `HIT_ROUNDS` and `HIT_SLICE_MS` make it longer or shorter; the defaults take about a minute.

use std::process::ExitCode;
use std::time::Duration;

use fastness_benches::measure::{Case, Outcome, Plan, run, setting};
use fastness_benches::peers::{attributes, caches, ours};
use fastness_benches::report::{Line, budget, table};
use fastness_benches::traffic::Traffic;

const OURS: &str = "fastness #[cacheable]";
const UNDER: &str = "fastness, 10 000 invalidations/s elsewhere";
const TEXT: &str = "fastness, &str";
const READS: &str = "fastness, u64, text read too";
const LONG_TEXT: &str = "fastness, &str of 20 KiB";
const BYTES: &str = "fastness, &[u8] of 20 KiB";
const TEXT_NUMBER: &str = "fastness, (&str, u64)";
const TEXT_FUTURE: &str = "fastness, &str, async";
const BARE: &str = "bare call";
const COUNTER: &str = "a shared counter, fetch_add";
const CACHED: &str = "cached #[cached] lru+ttl";
const BY_KEY: &str = "cached #[cached] lru+ttl by_key";
const CONCURRENT: &str = "cached #[concurrent_cached] lru+ttl";
const MOKA: &str = "moka try_get_with +ttl";
const RAW: &str = "quick_cache get, no ttl";
const QUICK: &str = "quick_cache get_or_insert, no ttl";
const CACHET: &str = "cachet +ttl";
const CACHET_PROTECTED: &str = "cachet +ttl, stampede protection";
const HITBOX: &str = "hitbox-fn, moka, bincode, User by value";

fn main() -> ExitCode {
    let sync_cases = sync_cases();
    let async_cases = async_cases();
    let sync = |traffic, threads| run(plan(traffic, threads), &sync_cases);
    let asynchronous = |traffic, threads| run(plan(traffic, threads), &async_cases);

    let hot = sync(Traffic::Hot, 1);
    table("sync", &hot, BARE);
    let hot_2 = sync(Traffic::Hot, 2);
    table("sync", &hot_2, BARE);
    let zipf = sync(Traffic::Zipf, 1);
    table("sync", &zipf, BARE);
    let zipf_2 = sync(Traffic::Zipf, 2);
    table("sync", &zipf_2, BARE);
    let async_hot = asynchronous(Traffic::Hot, 1);
    table("async", &async_hot, BARE);
    let async_hot_2 = asynchronous(Traffic::Hot, 2);
    table("async", &async_hot_2, BARE);
    let async_zipf = asynchronous(Traffic::Zipf, 1);
    table("async", &async_zipf, BARE);

    budget(&times(&hot, &hot_2, &zipf, &zipf_2, &async_hot));
    if budget(&allocations(&hot, &async_hot)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn plan(traffic: Traffic, threads: usize) -> Plan {
    Plan {
        traffic,
        threads,
        rounds: setting("HIT_ROUNDS", 15),
        slice: Duration::from_millis(setting("HIT_SLICE_MS", 15) as u64),
    }
}

fn sync_cases() -> Vec<Case> {
    vec![
        caches::bare(BARE),
        caches::shared_counter(COUNTER),
        ours::sync(OURS),
        ours::sync_under_invalidations(UNDER, 10_000),
        ours::reads_text(READS),
        ours::text(TEXT),
        ours::text_and_number(TEXT_NUMBER),
        ours::long_text(LONG_TEXT),
        ours::bytes(BYTES),
        caches::quick_raw(RAW),
        caches::quick(QUICK),
        attributes::cached(CACHED),
        attributes::concurrent_cached(CONCURRENT),
        caches::moka(MOKA),
    ]
}

fn async_cases() -> Vec<Case> {
    vec![
        caches::bare_future(BARE),
        ours::future(OURS),
        ours::text_future(TEXT_FUTURE),
        caches::quick_future(QUICK),
        attributes::concurrent_cached_future(CONCURRENT),
        attributes::cached_future(CACHED),
        attributes::cached_by_key_future(BY_KEY),
        caches::moka_future(MOKA),
        caches::cachet(CACHET),
        caches::cachet_protected(CACHET_PROTECTED),
        attributes::hitbox(HITBOX),
    ]
}

fn times(hot: &Outcome, hot_2: &Outcome, zipf: &Outcome, zipf_2: &Outcome, async_hot: &Outcome) -> Vec<Line> {
    vec![
        Line::ratio("sync hit / #[cached]", 0.42, hot.ratio(OURS, CACHED)).aim(0.3),
        Line::ratio("sync hit / moka try_get_with", 0.2, hot.ratio(OURS, MOKA)),
        Line::ratio("sync hit / bare call (an aim only)", 2.0, hot.ratio(OURS, BARE)).aim(2.0),
        Line::ratio("async hit / #[concurrent_cached]", 0.4, async_hot.ratio(OURS, CONCURRENT)),
        Line::ratio("async hit / moka::future", 0.15, async_hot.ratio(OURS, MOKA)),
        Line::ratio("async hit / cachet with stampede protection", 0.06, async_hot.ratio(OURS, CACHET_PROTECTED)),
        Line::ratio("zipf / #[cached]", 0.7, zipf.ratio(OURS, CACHED)),
        Line::ratio("zipf / quick_cache", 1.05, zipf.ratio(OURS, RAW)),
        Line::ratio("zipf, 2 threads / #[cached]", 0.7, zipf_2.ratio(OURS, CACHED)),
        Line::ratio("zipf, 2 threads / quick_cache", 1.05, zipf_2.ratio(OURS, RAW)),
        Line::ratio("zipf under 10 000 invalidations/s / without", 1.1, zipf.ratio(UNDER, OURS)),
        Line::ratio("&str / u64 that reads the text too", 1.5, hot.ratio(TEXT, READS)).aim(1.35),
        Line::ratio("20 KiB of &[u8] / of &str", 1.2, hot.ratio(BYTES, LONG_TEXT)),
        Line::ratio("2 threads, one hot set / quick_cache", 0.8, hot_2.ratio(OURS, RAW)).aim(0.6),
    ]
}

/// The exact part: it does not depend on the machine, so it decides how the program ends.
fn allocations(hot: &Outcome, async_hot: &Outcome) -> Vec<Line> {
    let sync = [OURS, TEXT, TEXT_NUMBER].map(|case| (case, hot.allocations(case)));
    let future = [OURS, TEXT_FUTURE].map(|case| (case, async_hot.allocations(case)));
    let line = |kind: &str, (case, count): &(&str, f64)| {
        Line::at_most(format!("allocations per {kind} hit: {case}"), 0.0, *count)
    };
    sync.iter().map(|own| line("sync", own)).chain(future.iter().map(|own| line("async", own))).collect()
}
