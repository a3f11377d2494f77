//! The race between a load and an invalidation: none of ours may lose it, and the harness must be able to see it lost.
//!
//! The same seeded interleavings run against fastness, by attribute and by direct call, and against moka, which keeps a
//! value whose load an invalidation overtook. A violation in the former ends the program with status 1; none in the
//! latter means that the harness is blind, and does so too. `RACE_SEEDS` sets their number.

// How long it takes is worth telling.
#![allow(clippy::disallowed_methods)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use fastness::{Cache, Clock, Fastness, cache_invalidate, cacheable, scope};
use fastness_benches::measure::block_on;
use fastness_benches::race::{Failed, Key, Report, Scope, Subject, Value, World, explore};

const TTL: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_secs(11);

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
    let moka = show("moka::future, get_with", || explore(seeds.clone(), Moka::new));
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

/// Every other cache is so small that it evicts, and every fourth remembers so few invalidations that floors judge.
fn handle(number: u64, clock: &Clock) -> Fastness {
    let builder = Fastness::builder()
        .clock(clock.clone())
        .capacity(if number.is_multiple_of(2) { 1_000 } else { 3 })
        .invalidation_memory(if number % 4 < 3 { 64 << 10 } else { 128 });
    block_on(builder.build()).expect("the settings make sense")
}

#[cacheable(key = "item:{seed}:{group}:{colour}", ttl = 30, tags = ["colour:{seed}:{colour}"], skip(world))]
async fn item(world: &World, seed: u64, group: u64, colour: u64) -> Result<Value, Failed> {
    world.load(Key { seed, group, colour }).await
}

#[cacheable(
    key = "stale:{seed}:{group}:{colour}",
    ttl = 30,
    stale = 30,
    stale_if_error = 60,
    tags = ["colour:{seed}:{colour}"],
    skip(world)
)]
async fn stale_item(world: &World, seed: u64, group: u64, colour: u64) -> Result<Value, Failed> {
    world.load(Key { seed, group, colour }).await
}

#[cache_invalidate("item:{seed}:{group}:{colour}", "stale:{seed}:{group}:{colour}")]
async fn change(world: &World, seed: u64, group: u64, colour: u64) -> u64 {
    world.write().await
}

#[cache_invalidate("item:{seed}:{group}:*", "stale:{seed}:{group}:*")]
async fn change_group(world: &World, seed: u64, group: u64) -> u64 {
    world.write().await
}

#[cache_invalidate(tags = ["colour:{seed}:{colour}"])]
async fn change_colour(world: &World, seed: u64, colour: u64) -> u64 {
    world.write().await
}

async fn change_scope(world: &World, what: Scope) -> u64 {
    match what {
        Scope::Key(key) => change(world, key.seed, key.group, key.colour).await,
        Scope::Prefix(key) => change_group(world, key.seed, key.group).await,
        Scope::Tag(key) => change_colour(world, key.seed, key.colour).await,
    }
}

struct Attributes {
    fast: Fastness,
    clock: Clock,
}

impl Attributes {
    fn new(number: u64) -> Self {
        let clock = Clock::manual();
        Self { fast: handle(number, &clock), clock }
    }
}

impl Subject for Attributes {
    async fn read(&self, world: &World, key: Key) -> Result<Value, Failed> {
        scope(&self.fast, item(world, key.seed, key.group, key.colour)).await
    }

    async fn invalidate(&self, world: &World, what: Scope) -> u64 {
        scope(&self.fast, change_scope(world, what)).await
    }

    fn pass_time(&self) {
        self.clock.advance(STEP);
    }
}

struct Stale(Attributes);

impl Stale {
    fn new(number: u64) -> Self {
        Self(Attributes::new(number))
    }
}

impl Subject for Stale {
    async fn read(&self, world: &World, key: Key) -> Result<Value, Failed> {
        scope(&self.0.fast, stale_item(world, key.seed, key.group, key.colour)).await
    }

    async fn invalidate(&self, world: &World, what: Scope) -> u64 {
        self.0.invalidate(world, what).await
    }

    fn pass_time(&self) {
        self.0.clock.advance(2 * STEP);
    }
}

struct Direct {
    cache: Cache,
    clock: Clock,
}

impl Direct {
    fn new(number: u64) -> Self {
        let clock = Clock::manual();
        Self { cache: handle(number, &clock).cache(), clock }
    }
}

impl Subject for Direct {
    /// A direct load takes no tags.
    const TAGS: bool = false;

    async fn read(&self, world: &World, key: Key) -> Result<Value, Failed> {
        let Key { seed, group, colour } = key;
        let name = format!("item:{seed}:{group}:{colour}");
        let read = self.cache.get_or_load(&name, TTL, world.load(key)).await;
        read.expect("the key is well formed")
    }

    async fn invalidate(&self, world: &World, what: Scope) -> u64 {
        let pattern = match what {
            Scope::Key(key) => format!("item:{}:{}:{}", key.seed, key.group, key.colour),
            Scope::Prefix(key) | Scope::Tag(key) => format!("item:{}:{}:*", key.seed, key.group),
        };
        let written = world.write().await;
        let done = self.cache.invalidate(&pattern).await;
        done.expect("the pattern is well formed");
        written
    }

    fn pass_time(&self) {
        self.clock.advance(STEP);
    }
}

struct Moka(moka::future::Cache<Key, Value>);

impl Moka {
    fn new(_: u64) -> Self {
        let builder = moka::future::Cache::builder().max_capacity(10_000);
        Self(builder.time_to_live(TTL).support_invalidation_closures().build())
    }
}

impl Subject for Moka {
    /// It knows none.
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
