//! Calls that allocate nothing: hits, and policies that do nothing. Allocations are counted exactly, so this test has a process of its own.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastness::events::Filter;
use fastness::resilience::breaker::{self, Breaker, KeyedBreaker};
use fastness::resilience::bulkhead::{self, Bulkhead};
use fastness::resilience::fallback::Fallback;
use fastness::resilience::hedge::{self, Hedge};
use fastness::resilience::rate_limit::{self, RateLimit};
use fastness::resilience::retry::{self, Retry};
use fastness::resilience::timeout::Timeout;
use fastness::resilience::{Percent, Rejected};
use fastness::timing::Label;
use fastness::{Fastness, cacheable, timed};

type Shared = Result<Arc<String>, String>;

#[cacheable(ttl = 3600)]
fn by_number(n: u64) -> Shared {
    Ok(Arc::new(n.to_string()))
}

#[cacheable(ttl = 3600)]
fn by_text(name: &str, n: u64) -> Shared {
    Ok(Arc::new(format!("{name}{n}")))
}

#[cacheable(ttl = 3600, tags = ["t:{n}"], key = "tagged:{n}")]
async fn later(n: u64) -> Shared {
    Ok(Arc::new(n.to_string()))
}

#[cacheable(ttl = 3600)]
async fn later_by_text(name: &str) -> Option<Arc<str>> {
    Some(name.into())
}

struct Service;

impl Service {
    #[cacheable(ttl = 3600, key = "both:{n}:{name}", stale = 60, early = off, skip(self))]
    async fn later_by_both(&self, name: &str, n: u64) -> Shared {
        Ok(Arc::new(format!("{name}{n}")))
    }
}

#[derive(Label)]
enum Size {
    Small,
    Large,
}

#[timed(slow = "1h")]
fn timed_plain(n: u64) -> Result<u64, String> {
    Ok(n)
}

#[timed(labels(size = size, even = n.is_multiple_of(2)))]
async fn timed_later(n: u64, size: Size) -> u64 {
    n
}

/// Polls a hit, which is ready at the first poll.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a hit does not wait"),
    }
}

fn allocations(mut hit: impl FnMut()) -> u64 {
    hit();
    allocation_counter::measure(|| (0..1_000).for_each(|_| hit())).count_total
}

#[test]
fn a_hit_allocates_nothing() {
    let name = String::from("a name that is longer than what fits inline");
    assert_eq!(allocations(|| drop(black_box(by_number(1)))), 0);
    assert_eq!(allocations(|| drop(black_box(by_text(&name, 1)))), 0);
    assert_eq!(allocations(|| drop(black_box(by_text("short", 1)))), 0);
    assert_eq!(allocations(|| drop(black_box(now(later(1))))), 0);
    assert_eq!(allocations(|| drop(black_box(now(later_by_text(&name))))), 0);
    assert_eq!(allocations(|| drop(black_box(now(Service.later_by_both(&name, 1))))), 0);
    assert!(allocation_counter::measure(|| drop(black_box(by_number(2)))).count_total > 0, "a miss does allocate");

    // In a scope too: from here on, every call checks for one.
    let fast = Fastness::builder().build().unwrap();
    fastness::with_cache_sync(&fast, || {
        assert_eq!(allocations(|| drop(black_box(by_text(&name, 1)))), 0);
        assert_eq!(allocations(|| drop(black_box(now(later_by_text(&name))))), 0);
    });
    assert_eq!(allocations(|| drop(black_box(by_text(&name, 1)))), 0);
}

#[test]
fn a_hit_allocates_nothing_while_all_events_are_subscribed_to() {
    let fast = Fastness::builder().build().unwrap();
    let mut events = fast.subscribe(Filter::all());
    fastness::with_cache_sync(&fast, || {
        assert_eq!(allocations(|| drop(black_box(by_text("watched", 1)))), 0);
        assert_eq!(allocations(|| drop(black_box(now(later(2))))), 0);
    });
    let seen = std::iter::from_fn(|| events.try_next()).count();
    assert_eq!(seen, 4, "each of both loads ended and was stored, and no hit is an event");
}

static TIMEOUT: Timeout = Timeout::new("timeout", Duration::from_secs(60));
static RETRY: Retry = Retry::new("retry", retry::Settings::new());
static BULKHEAD: Bulkhead = Bulkhead::new("bulkhead", bulkhead::Settings::fixed(NonZeroU32::MIN));
static LIMIT: RateLimit =
    RateLimit::new("limit", rate_limit::Settings::new(NonZeroU32::new(10_000).unwrap(), Duration::from_secs(1)));
static FALLBACK: Fallback = Fallback::new("fallback");
static HEDGE: Hedge = Hedge::new("hedge", hedge::Settings::after(Duration::from_secs(60)));

async fn good() -> Result<u32, Rejected> {
    Ok(black_box(7))
}

#[test]
fn a_successful_call_allocates_nothing_in_any_policy() {
    let slow = breaker::Settings::new().slow_rate(Percent::new(50), Duration::from_secs(60));
    let (breaker, slow) = (fastness::resilience::breaker::Breaker::named("test"), Breaker::new("slow", slow));
    let hosts = KeyedBreaker::new("host", breaker::Settings::new()).with_max_keys(10);
    assert_eq!(allocations(|| drop(black_box(now(breaker.call(good()))))), 0);
    assert_eq!(allocations(|| drop(black_box(breaker.call_sync(|| Ok::<_, Rejected>(7))))), 0);
    assert_eq!(allocations(|| drop(black_box(now(slow.call(good()))))), 0);
    assert_eq!(allocations(|| drop(black_box(now(hosts.get("a.example").call(good()))))), 0);
    assert_eq!(allocations(|| drop(black_box(now(TIMEOUT.run(good()))))), 0);
    assert_eq!(allocations(|| drop(black_box(now(RETRY.call(good, |_| true))))), 0);
    assert_eq!(allocations(|| drop(black_box(now(BULKHEAD.call(good()))))), 0);
    assert_eq!(allocations(|| LIMIT.check().unwrap()), 0);
    assert_eq!(allocations(|| drop(black_box(now(FALLBACK.call(good(), |_| good()))))), 0);
    assert!(allocations(|| drop(black_box(now(HEDGE.call(good))))) <= 200, "the percentile, every 16 calls");
}

#[test]
fn a_rejection_allocates_nothing() {
    let breaker = Breaker::new("open", breaker::Settings::new());
    for _ in 0..5 {
        drop(breaker.try_call_sync(|| Err::<(), _>(())));
    }
    assert!(breaker.try_acquire().is_err());
    assert_eq!(allocations(|| drop(black_box(now(breaker.call(good()))))), 0);
}

#[test]
fn a_timed_call_allocates_nothing() {
    assert_eq!(allocations(|| drop(black_box(timed_plain(1)))), 0);
    assert_eq!(allocations(|| _ = black_box(now(timed_later(1, Size::Small)))), 0);
    assert_eq!(allocations(|| _ = black_box(now(timed_later(2, Size::Large)))), 0);
}
