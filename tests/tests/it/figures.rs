//! Counts of calls: each call is counted once, where it ends, whatever happens to it.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastness::metrics::prometheus;
use fastness::stats::{Stats, observe};
use fastness::{Clock, Fastness, bypass, cache_put, cacheable, reload, with_cache, with_cache_sync};
use tokio::task::yield_now;

use crate::origin::{Fault, SECOND};
use crate::timed;
use fastness_tests::names::{named, reached};

/// The next step of a load: the number of its waits, and its end.
#[derive(Clone, Copy)]
enum Ends {
    Value,
    Absence,
    Error,
    Panic,
}

thread_local! {
    static NEXT: Cell<(u8, Ends)> = const { Cell::new((0, Ends::Value)) };
}

type Answer = Result<Option<u64>, Fault>;

fn end(ends: Ends, id: u64) -> Answer {
    match ends {
        Ends::Value => Ok(Some(id)),
        Ends::Absence => Ok(None),
        Ends::Error => Err(Fault::Down),
        Ends::Panic => panic!("a body that panics, as the history says"),
    }
}

async fn load(id: u64) -> Answer {
    let (waits, ends) = NEXT.get();
    for _ in 0..waits {
        yield_now().await;
    }
    end(ends, id)
}

#[cacheable(ttl = 10, key = "f:{id}", handle = plain_entry)]
async fn plain(id: u64) -> Answer {
    load(id).await
}

#[cacheable(
    ttl = 10, key = "f:{id}", negative_ttl = 5, cache_err = |_| true, err_ttl = 5, condition = id != 3,
    handle = kept_entry
)]
async fn kept(id: u64) -> Answer {
    load(id).await
}

#[cacheable(ttl = 10, key = "f:{id}", stale = 20, load_timeout = "1h", handle = stale_entry)]
async fn stale(id: u64) -> Answer {
    load(id).await
}

#[cacheable(ttl = 10, key = "f:{id}", stale = 20, refresh = background)]
async fn background(id: u64) -> Answer {
    load(id).await
}

#[cacheable(ttl = 10, key = "f:{id}", stale_if_error = 20, single_flight = off)]
async fn excused(id: u64) -> Answer {
    load(id).await
}

#[cacheable(ttl = 10, key = "f:{id}", condition = id != 2)]
fn blocks(id: u64) -> Answer {
    end(NEXT.get().1, id)
}

#[cacheable(ttl = 10, key = "f:{ids}", batch(ids), negative_ttl = 5)]
async fn batch(ids: &[u64]) -> Result<HashMap<u64, u64>, Fault> {
    let mut found = HashMap::new();
    for &id in ids {
        if let Some(value) = load(id).await? {
            found.insert(id, value);
        }
    }
    Ok(found)
}

#[cache_put(key = "f:{id}", ttl = 10, condition = id != 1)]
async fn put(id: u64) -> Answer {
    load(id).await
}

type Call = Pin<Box<dyn Future<Output = ()>>>;

/// One history: callers who are polled, or dropped, in any order.
struct History {
    random: fastrand::Rng,
    fast: Fastness,
    clock: Clock,
    /// The calls under way.
    calls: Vec<Call>,
    made: u64,
    last: Stats,
}

impl History {
    fn new(seed: u64) -> Self {
        let (fast, clock) = timed();
        let random = fastrand::Rng::with_seed(seed);
        Self { random, fast, clock, calls: Vec::new(), made: 0, last: Stats::default() }
    }

    fn call<T: 'static>(&mut self, count: u64, call: impl Future<Output = T> + 'static) {
        let fast = self.fast.clone();
        self.made += count;
        let call: Pin<Box<dyn Future<Output = T>>> = match self.random.u8(0..8) {
            0 => Box::pin(bypass(call)),
            1 => Box::pin(reload(call)),
            _ => Box::pin(call),
        };
        self.calls.push(Box::pin(async move { drop(with_cache(&fast, call).await) }));
        // A future that was never polled does not count as a call.
        self.poll(self.calls.len() - 1);
    }

    fn poll(&mut self, index: usize) {
        let mut context = Context::from_waker(Waker::noop());
        let polled = catch_unwind(AssertUnwindSafe(|| self.calls[index].as_mut().poll(&mut context)));
        if !matches!(polled, Ok(Poll::Pending)) {
            drop(self.calls.swap_remove(index));
        }
    }

    fn choose_end(&mut self) {
        let ends = match self.random.u8(0..12) {
            0 | 1 => Ends::Absence,
            2 | 3 => Ends::Error,
            4 => Ends::Panic,
            _ => Ends::Value,
        };
        NEXT.set((self.random.u8(0..3), ends));
    }

    async fn step(&mut self) {
        self.choose_end();
        let id = self.random.u64(0..5);
        match self.random.u8(0..24) {
            0 => self.call(1, plain(id)),
            1 => self.call(1, kept(id)),
            2 => self.call(1, stale(id)),
            3 | 4 => self.call(1, background(id)),
            5 => self.call(1, excused(id)),
            6 => {
                self.made += 1;
                let fast = self.fast.clone();
                drop(catch_unwind(AssertUnwindSafe(|| with_cache_sync(&fast, || blocks(id)))));
            }
            7 => {
                let ids = [id, 4, id];
                self.call(if id == 4 { 1 } else { 2 }, async move { batch(&ids).await });
            }
            8 => self.call(0, put(id)),
            9 => self.call(1, async move { plain_entry(&id).get().await }),
            10 => self.call(1, async move { kept_entry(&id).get().await }),
            11 => self.call(1, async move { stale_entry(&id).get().await }),
            12 => {
                let (cache, key) = (self.fast.cache(), named(format!("d:{id}")));
                self.call(1, async move { cache.get::<u64>(&key).await });
            }
            13 => {
                let cache = self.fast.cache();
                self.call(2, async move { cache.mget::<u64>(&["d:0", "d:1"].map(named)).await });
            }
            14 => {
                let (cache, key) = (self.fast.cache(), named(format!("d:{id}")));
                self.call(1, async move { cache.get_or_load(&key, SECOND, async move { Ok::<_, ()>(id) }).await });
            }
            15 => {
                let (cache, key) = (self.fast.cache(), named(format!("d:{id}")));
                self.call(0, async move { cache.set(&key, id, SECOND).await });
            }
            16 => drop(self.fast.cache().invalidate(reached(format!("f:{id}"))).await),
            17 if self.random.u8(0..4) == 0 => self.fast.clear(),
            18 => self.clock.advance(SECOND * self.random.u32(1..15)),
            19 if !self.calls.is_empty() => {
                let index = self.random.usize(0..self.calls.len());
                drop(self.calls.swap_remove(index));
            }
            20 => yield_now().await,
            21 if self.random.u8(0..4) == 0 => self.fast.set_enabled(!self.fast.is_enabled()),
            _ if !self.calls.is_empty() => {
                let index = self.random.usize(0..self.calls.len());
                self.poll(index);
            }
            _ => {}
        }
        self.check();
    }

    /// Checks, between calls, that none is counted twice, and that no counter falls.
    fn check(&mut self) {
        let now = self.fast.stats().total;
        let counted = |stats: &Stats| {
            [stats.hits, stats.shared_hits, stats.misses, stats.coalesced, stats.bypassed, stats.stale_served]
        };
        assert!(counted(&self.last).iter().zip(counted(&now)).all(|(before, after)| *before <= after));
        assert!(now.calls() <= self.made, "{now:?} of {}", self.made);
        assert!(now.calls() + 2 * self.calls.len() as u64 >= self.made, "{now:?} of {}", self.made);
        assert!(now.hit_rate().is_none_or(|rate| (0.0..=1.0).contains(&rate)), "{now:?}");
        self.last = now;
    }

    async fn finish(&mut self) {
        while let Some(index) = self.calls.len().checked_sub(1) {
            if self.random.bool() {
                drop(self.calls.swap_remove(index));
            } else {
                self.poll(index);
            }
            yield_now().await;
        }
        self.check();
        assert_eq!(self.last.calls(), self.made);
    }
}

fn histories() -> u64 {
    std::env::var("HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(300)
}

#[tokio::test]
async fn the_figures_add_up_to_the_calls_in_every_history() {
    let (mut kinds, mut all, seeds) = ([0; 6], 0, histories());
    for seed in 0..seeds {
        let mut history = History::new(seed);
        let ((), seen) = observe(async {
            for _ in 0..300 {
                history.step().await;
            }
            history.finish().await;
        })
        .await;
        let stats = history.last;
        assert_eq!(
            [seen.hits, seen.misses, seen.coalesced, seen.bypassed],
            [stats.hits + stats.shared_hits, stats.misses, stats.coalesced, stats.bypassed],
            "seed {seed}"
        );
        assert_eq!(exported(&history.fast), history.made, "seed {seed}");
        all += history.made;
        let own =
            [stats.hits, stats.misses, stats.coalesced, stats.bypassed, stats.stale_served, stats.loads_abandoned];
        kinds.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
    }
    println!("{seeds} histories, {all} calls; hits, misses, coalesced, bypassed, stale, abandoned: {kinds:?}");
    assert!(kinds.iter().all(|count| *count > seeds / 4), "not everything happened: {kinds:?}");
}

/// The calls as they are exported to Prometheus.
fn exported(fast: &Fastness) -> u64 {
    let names = ["hits", "misses", "coalesced", "bypassed"].map(|name| format!("fastness_cache_{name}_total{{"));
    let page = prometheus(fast);
    let lines = page.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[cacheable(ttl = 10, jitter = 0, early = off, stale = 60, refresh = background, key = "bg")]
async fn at_once() -> u32 {
    1
}

#[cacheable(ttl = 10, jitter = 0, early = off, stale = 60, key = "fg")]
async fn by_the_caller() -> u32 {
    1
}

#[tokio::test]
async fn a_call_that_runs_its_function_is_a_miss_and_one_with_a_stale_value_is_a_hit() {
    let (fast, clock) = timed();
    with_cache(&fast, async {
        at_once().await;
        clock.advance(SECOND * 11);
        let (_, seen) = observe(at_once()).await;
        assert_eq!((seen.hits, seen.misses), (1, 0));
        assert_eq!((fast.stats().total.hits, fast.stats().total.stale_served), (1, 1));
        let before = fast.stats().total;
        for _ in 0..11 {
            by_the_caller().await;
            clock.advance(SECOND * 11);
        }
        let after = fast.stats().total;
        assert_eq!((after.misses - before.misses, after.hits - before.hits), (11, 0));
    })
    .await;
}

#[tokio::test]
async fn a_direct_read_is_counted() {
    let (fast, _) = timed();
    NEXT.set((0, Ends::Value));
    with_cache(&fast, async {
        plain(1).await.unwrap();
        for id in 1..=10 {
            plain_entry(&id).get().await;
        }
        let cache = fast.cache();
        cache.set(&named("n:1"), 1_u32, Duration::from_secs(60)).await;
        cache.mget::<u32>(&["n:1", "n:2"].map(named)).await;
        cache.get::<u32>(&named("n:3")).await;
    })
    .await;
    let stats = fast.stats().total;
    assert_eq!((stats.hits, stats.misses, stats.loads), (2, 12, 1));
}

#[tokio::test]
async fn a_stored_error_is_shown_to_readers_of_its_handle() {
    let (fast, clock) = timed();
    with_cache(&fast, async {
        NEXT.set((0, Ends::Error));
        assert_eq!(kept_entry(&1).get().await, None, "nothing is known");
        assert_eq!(kept(1).await, Err(Fault::Down));
        assert_eq!(kept_entry(&1).get().await, Some(Err(Fault::Down)));
        assert_eq!(plain_entry(&1).get().await, None, "of which this function keeps none");
        NEXT.set((0, Ends::Absence));
        assert_eq!(kept(2).await, Ok(None));
        assert_eq!((kept_entry(&2).get().await, plain_entry(&2).get().await), (Some(Ok(None)), None));
        clock.advance(SECOND * 5);
        assert_eq!((kept_entry(&1).get().await, kept_entry(&2).get().await), (None, None));
    })
    .await;
}
