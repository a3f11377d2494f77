//! The ways to use fastness, raced: by attribute, by attribute with stale values allowed, by direct calls, and refreshed instead of
//! invalidated.

use std::time::Duration;

use fastness::{Cache, Clock, Fastness, cache_invalidate, cacheable, with_cache};

use super::{Failed, Key, Scope, Subject, Value, World};

const TTL: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_secs(11);

/// Every other cache is so small that it evicts, and every fourth remembers so few invalidations that floors judge.
fn handle(number: u64, clock: &Clock) -> Fastness {
    Fastness::builder()
        .clock(clock.clone())
        .capacity(if number.is_multiple_of(2) { 1_000 } else { 3 })
        .invalidation_memory(if number % 4 < 3 { 64 << 10 } else { 128 })
        .build()
        .expect("the settings make sense")
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

/// Functions under `cacheable`, and one under `cache_invalidate`.
#[derive(Debug)]
pub struct Attributes {
    fast: Fastness,
    clock: Clock,
}

impl Attributes {
    /// Makes the cache with this number.
    pub fn new(number: u64) -> Self {
        let clock = Clock::manual();
        Self { fast: handle(number, &clock), clock }
    }
}

impl Subject for Attributes {
    async fn read(&self, world: &World, key: Key) -> Result<Value, Failed> {
        with_cache(&self.fast, item(world, key.seed, key.group, key.colour)).await
    }

    async fn invalidate(&self, world: &World, what: Scope) -> u64 {
        with_cache(&self.fast, change_scope(world, what)).await
    }

    fn pass_time(&self) {
        self.clock.advance(STEP);
    }
}

/// Functions under `cacheable` that serve stale values.
#[derive(Debug)]
pub struct Stale(Attributes);

impl Stale {
    /// Makes the cache with this number.
    pub fn new(number: u64) -> Self {
        Self(Attributes::new(number))
    }
}

impl Subject for Stale {
    async fn read(&self, world: &World, key: Key) -> Result<Value, Failed> {
        with_cache(&self.0.fast, stale_item(world, key.seed, key.group, key.colour)).await
    }

    async fn invalidate(&self, world: &World, what: Scope) -> u64 {
        self.0.invalidate(world, what).await
    }

    fn pass_time(&self) {
        self.0.clock.advance(2 * STEP);
    }
}

fn scope_of(what: Scope) -> fastness::Scope {
    let items = fastness::Key::from_static("item");
    match what {
        Scope::Key(key) => items.join(key.seed).join(key.group).join(key.colour).into(),
        Scope::Prefix(key) => fastness::Scope::from_prefix(items.join(key.seed).join(key.group)),
        Scope::Tag(key) => {
            fastness::Scope::from_tag(fastness::Key::from_static("colour").join(key.seed).join(key.colour))
        }
    }
}

/// Refreshes instead of invalidations. No function serves expired values here, so a refresh keeps the promise of an invalidation.
#[derive(Debug)]
pub struct Refreshed(Attributes);

impl Refreshed {
    /// Makes the cache with this number.
    pub fn new(number: u64) -> Self {
        Self(Attributes::new(number))
    }
}

impl Subject for Refreshed {
    async fn read(&self, world: &World, key: Key) -> Result<Value, Failed> {
        self.0.read(world, key).await
    }

    async fn invalidate(&self, world: &World, what: Scope) -> u64 {
        let written = world.write().await;
        self.0.fast.cache().refresh(scope_of(what)).await;
        written
    }

    fn pass_time(&self) {
        self.0.pass_time();
    }
}

/// Direct calls, without attributes.
#[derive(Debug)]
pub struct Direct {
    cache: Cache,
    clock: Clock,
}

impl Direct {
    /// Makes the cache with this number.
    pub fn new(number: u64) -> Self {
        let clock = Clock::manual();
        Self { cache: handle(number, &clock).cache(), clock }
    }
}

impl Subject for Direct {
    /// A direct load takes no tags.
    const TAGS: bool = false;

    async fn read(&self, world: &World, key: Key) -> Result<Value, Failed> {
        let Key { seed, group, colour } = key;
        let name = fastness::Key::from_static("item").join(seed).join(group).join(colour);
        self.cache.get_or_load(&name, TTL, world.load(key)).await
    }

    async fn invalidate(&self, world: &World, what: Scope) -> u64 {
        let written = world.write().await;
        self.cache.invalidate(scope_of(what)).await;
        written
    }

    fn pass_time(&self) {
        self.clock.advance(STEP);
    }
}
