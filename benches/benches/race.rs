//! The race between a load and an invalidation: none of ours may lose it, and the harness must be able to see it lost.
//!
//! The same seeded interleavings run against fastness, by attribute and by direct call, and against moka, which keeps a
//! value whose load an invalidation overtook. A violation in the former ends the program with status 1; none in the
//! latter means that the harness is blind, and does so too. `RACE_SEEDS` sets their number.

// How long it takes is worth telling.
#![allow(clippy::disallowed_methods)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use fastness_tests::race::ours::{Attributes, Direct, Stale};
use fastness_tests::race::{Failed, Key, Report, Scope, Subject, Value, World, explore};

const TTL: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let given = std::env::var("RACE_SEEDS").ok().and_then(|text| text.parse().ok());
    let seeds = 0..given.unwrap_or(100_000);
    println!(
        "{:<34} {:>8} {:>9} {:>9} {:>8} {:>9} | {:>6} {:>6} {:>6} {:>7} {:>6} {:>7}",
        "the race",
        "seeds",
        "reads",
        "loads",
        "invalid.",
        "dropped",
        "key",
        "prefix",
        "tag",
        "foreign",
        "stuck",
        "seconds"
    );
    let ours = [
        show("fastness, attributes", || explore(seeds.clone(), Attributes::new)),
        show("fastness, attributes, stale allowed", || explore(seeds.clone(), Stale::new)),
        show("fastness, direct calls", || explore(seeds.clone(), Direct::new)),
    ];
    let moka = show("moka::future, try_get_with", || explore(seeds.clone(), Moka::new));
    let clean = ours.iter().all(Report::is_clean);
    let seen = moka.violations[0] > 0 && moka.violations[1] > 0;
    println!(
        "reads of what had been invalidated: fastness {}, moka {}",
        ours.iter().flat_map(|report| report.violations).sum::<u64>(),
        moka.violations.iter().sum::<u64>()
    );
    if clean && seen { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(name: &str, explore: impl FnOnce() -> Report) -> Report {
    let began = Instant::now();
    let report = explore();
    let [key, prefix, tag] = report.violations;
    println!(
        "{name:<34} {:>8} {:>9} {:>9} {:>8} {:>9} | {key:>6} {prefix:>6} {tag:>6} {:>7} {:>6} {:>7.1}",
        report.interleavings,
        report.reads,
        report.loads,
        report.invalidations,
        report.cancelled,
        report.foreign,
        report.stuck,
        began.elapsed().as_secs_f64(),
    );
    if let Some(seed) = report.first {
        println!("    first seen with seed {seed}");
    }
    report
}

struct Moka(moka::future::Cache<Key, Value>);

impl Moka {
    fn new(_: u64) -> Self {
        let builder = moka::future::Cache::builder().max_capacity(10_000);
        Self(builder.time_to_live(TTL).support_invalidation_closures().build())
    }
}

impl Subject for Moka {
    /// The cache has no tags.
    const TAGS: bool = false;

    async fn read(&self, world: &World, key: Key) -> Result<Value, Failed> {
        let read = self.0.try_get_with(key, world.load(key)).await;
        read.map_err(|error| *error)
    }

    async fn invalidate(&self, world: &World, what: Scope) -> u64 {
        let written = world.write().await;
        match what {
            Scope::Key(key) => self.0.invalidate(&key).await,
            Scope::Prefix(own) | Scope::Tag(own) => {
                let below = move |key: &Key, _: &Value| key.seed == own.seed && key.group == own.group;
                let registered = self.0.invalidate_entries_if(below);
                registered.expect("the builder allowed it");
            }
        }
        written
    }
}
