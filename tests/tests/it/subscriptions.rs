//! Events by subscription: each kind with its cause, in order, and no harm by subscribers.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use fastness::events::{CacheEvent, CacheEventKind, Filter, LoadEnding, Subscription};
use fastness::http::CacheLayer;
use fastness::resilience::breaker::{self, Breaker, State, Verdict};
use fastness::resilience::bulkhead::{self, Bulkhead};
use fastness::resilience::hedge::{self, Hedge};
use fastness::resilience::rate_limit::{self, RateLimit};
use fastness::resilience::retry::{self, Retry};
use fastness::resilience::timeout::Timeout;
use fastness::resilience::{self, Percent, PolicyEvent, PolicyEventKind, Reason, Rejected};
use fastness::{CacheTransaction, Clock, Key, cache_invalidate, cache_put, cacheable, with_cache, with_cache_sync};
use http::{Request, Response};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};

use crate::memory::wait_until;
use crate::origin::{Fault, MINUTE, SECOND};
use crate::{fresh, poll_once, timed};
use fastness_tests::names::{named, reached, tagged};

/// Outcomes of `item` and `plain_item` by id: 1 fails, 2 is absent, 3 never ends, 4 panics, and others are values.
fn outcome(id: u64) -> Result<Option<u64>, Fault> {
    match id {
        1 => Err(Fault::Down),
        2 => Ok(None),
        4 => panic!("on purpose"),
        _ => Ok(Some(id)),
    }
}

#[cacheable(ttl = 60, negative_ttl = 60, jitter = 0, early = off, key = "item:{id}", tags = ["items"], load_timeout = "30s", handle = item_entry)]
async fn item(id: u64) -> Result<Option<u64>, Fault> {
    if id == 3 {
        std::future::pending::<()>().await;
    }
    outcome(id)
}

#[cacheable(ttl = 60, key = "plain:{id}")]
fn plain_item(id: u64) -> Result<Option<u64>, Fault> {
    outcome(id)
}

#[cacheable(ttl = 60, key = "many:{ids}", batch(ids))]
async fn many(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[cacheable(ttl = 60, jitter = 0, early = off, key = "small:{id}", capacity = 1)]
async fn small(id: u64) -> u64 {
    id
}

#[cacheable(ttl = 60, key = "text:{id}", max_bytes = "2KiB")]
async fn text(id: u64) -> String {
    let _ = id;
    "x".repeat(1_000)
}

#[cache_invalidate("item:{id}", "text:*", tags = ["items"])]
async fn change_item(id: u64) {
    let _ = id;
}

#[cache_put(ttl = 60, negative_ttl = 60, key = "item:{id}")]
async fn put_item(id: u64, value: Option<u64>) -> Result<Option<u64>, Fault> {
    let _ = id;
    Ok(value)
}

/// Describes an event in one line.
fn line(event: CacheEvent) -> String {
    match event {
        CacheEvent::Loaded { key: Some(key), ending, .. } => format!("loaded {key} {ending:?}"),
        CacheEvent::Loaded { function, elements, ending, .. } => format!("loaded {elements} of {function} {ending:?}"),
        CacheEvent::Put { key, .. } => format!("put {key}"),
        CacheEvent::Stored { entry, .. } if entry.is_negative => format!("stored no {}", entry.key),
        CacheEvent::Stored { entry, .. } => format!("stored {}", entry.key),
        CacheEvent::Evicted { entry, cause, .. } => format!("evicted {} {cause:?}", entry.key),
        CacheEvent::Expired { entry, .. } => format!("expired {}", entry.key),
        CacheEvent::Removed { entry, cause, .. } if entry.is_negative => format!("removed no {} {cause:?}", entry.key),
        CacheEvent::Removed { entry, cause, .. } => format!("removed {} {cause:?}", entry.key),
        CacheEvent::Invalidated { scopes, is_refresh, source, .. } => {
            let kind = if is_refresh { "refreshed" } else { "invalidated" };
            format!("{kind} {} {source:?}", scopes.texts().join(" "))
        }
        CacheEvent::Cleared { source, .. } => format!("cleared {source:?}"),
        CacheEvent::Reset { cause, .. } => format!("reset {cause:?}"),
        CacheEvent::Missed { events, .. } => format!("missed {events}"),
        other => panic!("{other:?}"),
    }
}

/// The events that wait, a line each.
fn lines(events: &mut Subscription<CacheEvent>) -> Vec<String> {
    std::iter::from_fn(|| events.try_next()).map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn a_load_ends_in_one_of_five_ways() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Loaded]));
    with_cache(&fast, async {
        for id in [0, 0, 1, 2, 3] {
            let _ = item(id).await;
        }
        assert!(poll_once(pin!(item(3))).await.is_none());
        let cache = fast.clone();
        let panics = tokio::spawn(async move { with_cache(&cache, item(4)).await });
        assert!(panics.await.unwrap_err().is_panic());
        many(&[1, 2, 3]).await;
        assert_eq!(item(3).await, Err(Fault::Timeout));
    })
    .await;
    let path = "it.subscriptions.many";
    let expected = ["0 Value", "1 Error", "2 Absence", "3 TimedOut", "3 Abandoned", "4 Abandoned"];
    let mut expected = expected.map(|end| format!("loaded item:{end}")).to_vec();
    expected.extend([format!("loaded 3 of {path} Value"), "loaded item:3 TimedOut".to_owned()]);
    assert_eq!(lines(&mut events), expected);
}

#[test]
fn loads_of_plain_functions_are_told_too() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Loaded]));
    with_cache_sync(&fast, || {
        for id in [0, 0, 1, 2] {
            let _ = plain_item(id);
        }
        assert!(std::panic::catch_unwind(|| plain_item(4)).is_err());
    });
    let ends = ["0 Value", "1 Error", "2 Absence", "4 Abandoned"].map(|end| format!("loaded plain:{end}"));
    assert_eq!(lines(&mut events), ends);
}

#[tokio::test(start_paused = true)]
async fn a_load_tells_its_duration_and_its_time() {
    let (fast, clock) = timed();
    clock.advance(SECOND * 5);
    let mut events = fast.subscribe(Filter::all().named("subscriptions::item"));
    let mut load = pin!(with_cache(&fast, item(3)));
    assert!(poll_once(load.as_mut()).await.is_none());
    clock.advance(SECOND * 2);
    assert!(load.await.is_err());
    let Some(CacheEvent::Loaded { function, took, at, elements, ending, .. }) = events.try_next() else { panic!() };
    assert_eq!((&*function, elements, ending), ("it.subscriptions.item", 1, LoadEnding::TimedOut));
    // The clock began at 1 ns.
    assert_eq!((took, at), (SECOND * 2, SECOND * 7 + Duration::from_nanos(1)));
}

#[tokio::test]
async fn an_entry_is_told_when_it_is_stored_and_when_the_sweep_finds_it_dead() {
    let (fast, clock) = timed();
    let mut events = fast.subscribe(Filter::all());
    with_cache(&fast, item(7)).await.unwrap();
    with_cache(&fast, item(7)).await.unwrap();
    with_cache(&fast, item(2)).await.unwrap();
    let before = ["loaded item:7 Value", "stored item:7", "loaded item:2 Absence", "stored no item:2"];
    assert_eq!(lines(&mut events), before);
    clock.advance(SECOND * 61);
    let mut told = [line(events.next().await.unwrap()), line(events.next().await.unwrap())];
    told.sort();
    assert_eq!(told, ["expired item:2", "expired item:7"]);
    with_cache(&fast, item(7)).await.unwrap();
    fast.cache().invalidate(named("item:7")).await;
    let mut told = Vec::new();
    while told.len() < 4 {
        told.push(line(events.next().await.unwrap()));
    }
    let expected =
        ["loaded item:7 Value", "stored item:7", "invalidated item:7 ThisProcess", "removed item:7 Invalidated"];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_dead_entry_that_is_replaced_is_told_before_the_new_one() {
    let (fast, clock) = timed();
    with_cache(&fast, item(7)).await.unwrap();
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Expired, CacheEventKind::Stored]));
    clock.advance(SECOND * 61);
    // The sweep may come before it.
    with_cache(&fast, item(7)).await.unwrap();
    assert_eq!(lines(&mut events), ["expired item:7", "stored item:7"]);
}

#[tokio::test]
async fn an_eviction_tells_its_bound() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Evicted]));
    with_cache(&fast, async {
        small(1).await;
        small(2).await;
        text(1).await;
        text(2).await;
    })
    .await;
    assert_eq!(lines(&mut events), ["evicted small:1 Capacity", "evicted text:1 Bytes"]);
    fast.set_max_bytes(1);
    let mut told = lines(&mut events);
    told.sort();
    assert_eq!(told, ["evicted small:2 Bytes", "evicted text:2 Bytes"]);
    fast.set_max_bytes(usize::MAX);
    with_cache(&fast, small(3)).await;
    fast.set_max_entries(0);
    assert_eq!(lines(&mut events), ["evicted small:3 Capacity"]);
}

#[tokio::test]
async fn an_entry_tells_its_function_and_its_bytes() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Stored]));
    with_cache(&fast, text(1)).await;
    let Some(CacheEvent::Stored { entry, .. }) = events.try_next() else { panic!("it was stored") };
    assert_eq!((&*entry.function, entry.is_negative), ("it.subscriptions.text", false));
    let weighed = fast.stats().bytes;
    assert!(entry.bytes > 1_000 && entry.bytes.abs_diff(weighed) <= weighed / 500, "{} of {weighed}", entry.bytes);
    assert_eq!(format!("{:?} {:>8}", entry.key, entry.key), "EventKey(text:1)   text:1");
}

#[tokio::test]
async fn invalidations_and_refreshes_tell_their_scopes() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Invalidated, CacheEventKind::Cleared]));
    with_cache(&fast, change_item(7)).await;
    let Some(CacheEvent::Invalidated { scopes, .. }) = events.try_next() else { panic!("it was invalidated") };
    assert_eq!(scopes.texts(), ["item:7", "text:*", "#items"].map(Box::from));
    assert!(scopes.len() == 3 && scopes.contains(&tagged("items")) && scopes.contains(&reached("text:*")));
    assert!(scopes.concerns(&named("item:7")) && scopes.concerns(&named("text:1")));
    assert!(!scopes.contains(&reached("item:*")) && !scopes.concerns(&named("item:8")));
    fast.cache().refresh(reached("user:*")).await;
    fast.cache().invalidate_many([reached("a:*"), tagged("b")]).await;
    with_cache(&fast, item_entry(&9).invalidate()).await;
    with_cache_sync(&fast, || item_entry(&9).refresh_sync());
    fast.clear();
    let told = ["refreshed user:*", "invalidated a:* #b", "invalidated item:9", "refreshed item:9", "cleared"];
    assert_eq!(lines(&mut events), told.map(|line| format!("{line} ThisProcess")));
}

#[tokio::test]
async fn the_records_of_a_transaction_are_told_when_it_commits() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::all());
    let transaction = CacheTransaction::new();
    transaction.run(with_cache(&fast, change_item(1))).await;
    assert_eq!(lines(&mut events), [""; 0]);
    transaction.commit().await;
    assert_eq!(lines(&mut events), ["invalidated #items item:1 text:* ThisProcess"]);
}

#[tokio::test]
async fn a_put_follows_the_invalidation_of_its_key() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::all());
    with_cache(&fast, put_item(5, Some(1))).await.unwrap();
    let put = ["invalidated item:5 ThisProcess", "put item:5", "stored item:5"];
    assert_eq!(lines(&mut events), put);
    fast.cache().set(&Key::from_static("direct"), 1, MINUTE).await;
    assert_eq!(lines(&mut events), ["invalidated direct ThisProcess", "put direct", "stored direct"]);
    with_cache(&fast, put_item(5, None)).await.unwrap();
    let (removed, told): (Vec<_>, Vec<_>) =
        lines(&mut events).into_iter().partition(|line| line.starts_with("removed"));
    assert_eq!(told, ["invalidated item:5 ThisProcess", "put item:5", "stored no item:5"]);
    assert_eq!(removed, ["removed item:5 Invalidated"], "by the absence, or by the sweep");
}

#[tokio::test]
async fn an_entry_that_a_later_load_contradicts_is_told_as_superseded() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Removed]));
    with_cache(&fast, put_item(40, None)).await.unwrap();
    with_cache(&fast, fastness::reload(item(40))).await.unwrap();
    assert_eq!(lines(&mut events), ["removed no item:40 Superseded"]);
}

#[tokio::test]
async fn a_response_is_loaded_and_stored_under_the_name_http() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::all().named("http"));
    let handler = tower::service_fn(|_: Request<String>| async {
        let response = Response::builder().header("cache-control", "max-age=60").body(Full::new(Bytes::from("hello")));
        Ok::<_, std::convert::Infallible>(response.unwrap())
    });
    let service = ServiceBuilder::new().layer(CacheLayer::new().on(&fast)).service(handler);
    for _ in 0..2 {
        let request = Request::get("/page").header("host", "a.example").body(String::new()).unwrap();
        service.clone().oneshot(request).await.unwrap();
    }
    let told = lines(&mut events);
    assert!(told.len() == 2 && told[0].starts_with("loaded http:") && told[0].ends_with(" Value"), "{told:?}");
    let (key, stored) = (told[0].split(' ').nth(1), told[1].strip_prefix("stored "));
    assert_eq!(key, stored, "one key by two ways");
}

#[tokio::test]
async fn a_subscription_in_mid_traffic_sees_the_rest_and_ends_with_the_handle() {
    let fast = fresh();
    let mut silent = Box::pin(with_cache(&fast, item(3)));
    assert!(poll_once(silent.as_mut()).await.is_none());
    let mut early = fast.subscribe(Filter::all().named("item"));
    drop(silent);
    with_cache(&fast, item(10)).await.unwrap();
    let mut told = Box::pin(with_cache(&fast, item(3)));
    assert!(poll_once(told.as_mut()).await.is_none());
    let mut late = fast.subscribe(Filter::all());
    drop(told);
    with_cache(&fast, item(11)).await.unwrap();
    let rest = ["loaded item:3 Abandoned", "loaded item:11 Value", "stored item:11"];
    assert_eq!(lines(&mut late), rest);
    let first = ["loaded item:10 Value", "stored item:10"];
    assert_eq!(lines(&mut early), [&first[..], &rest[..]].concat(), "no load that began before any subscription");
    let waits = tokio::spawn(async move { early.next().await.is_none() });
    drop((fast, late));
    assert!(waits.await.unwrap(), "the handle is gone");
}

#[tokio::test]
async fn a_slow_subscriber_is_told_how_many_events_it_missed() {
    let fast = fresh();
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Loaded]).room(2));
    for id in 10..20 {
        with_cache(&fast, item(id)).await.unwrap();
    }
    assert_eq!(lines(&mut events), ["missed 8", "loaded item:18 Value", "loaded item:19 Value"]);
}

#[tokio::test]
async fn a_subscriber_that_panics_or_calls_the_cache_harms_no_other() {
    let fast = fresh();
    let (mut panics, mut calls) = (fast.subscribe(Filter::all()), fast.subscribe(Filter::all().named("item")));
    let panics = tokio::spawn(async move {
        panics.next().await;
        panic!("on purpose");
    });
    let cache = fast.clone();
    let calls = tokio::spawn(async move {
        let first = calls.next().await.unwrap();
        with_cache(&cache, item(31)).await.unwrap();
        cache.clear();
        line(first)
    });
    with_cache(&fast, item(30)).await.unwrap();
    assert!(panics.await.is_err());
    assert_eq!(calls.await.unwrap(), "loaded item:30 Value");
    with_cache(&fast, item(30)).await.unwrap();
    assert_eq!(fast.stats().total.loads, 3, "it was cleared");
}

/// Each event of an entry fits the one before it for the same key, however threads load, evict, invalidate and sweep.
#[test]
fn events_of_one_key_are_in_order_though_many_threads_cause_them() {
    #[cacheable(ttl = 60, key = "raced:{id}", capacity = 8)]
    fn raced(id: u64) -> u64 {
        LOADS.fetch_add(1, SeqCst);
        id
    }
    static LOADS: AtomicU64 = AtomicU64::new(0);
    let fast = fresh();
    let mut events = fast.subscribe(Filter::all().room(1 << 20));
    std::thread::scope(|threads| {
        for seed in 0..4 {
            let fast = &fast;
            threads.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..3_000 {
                    let id = random.u64(..24);
                    if random.u8(..20) == 0 {
                        fast.cache().invalidate_sync(named(format!("raced:{id}")));
                    }
                    assert_eq!(with_cache_sync(fast, || raced(id)), id);
                }
            });
        }
    });
    let (mut stored, mut loads) = (HashSet::new(), 0);
    for event in std::iter::from_fn(|| events.try_next()) {
        match event {
            CacheEvent::Loaded { ending: LoadEnding::Value, .. } => loads += 1,
            CacheEvent::Stored { entry, .. } => _ = stored.insert(entry.key.to_string()),
            CacheEvent::Evicted { entry, .. } | CacheEvent::Removed { entry, .. } => {
                // A dead entry that is replaced is told right before the entry that replaces it.
                assert!(stored.remove(&entry.key.to_string()), "{} was not stored", entry.key);
            }
            CacheEvent::Invalidated { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(loads, LOADS.load(SeqCst));
    fast.clear();
    let left = std::cell::RefCell::new((events, stored.len()));
    wait_until("the entries that are left are removed", || {
        let (events, left) = &mut *left.borrow_mut();
        let events = std::iter::from_fn(|| events.try_next());
        *left -= events.filter(|event| matches!(event, CacheEvent::Removed { .. })).count();
        *left == 0
    });
}

/// The events of policies whose names begin with this text, a line each.
fn policy_lines(events: &mut Subscription<PolicyEvent>) -> Vec<String> {
    let line = |event| match event {
        PolicyEvent::StateChanged(change) => format!("{} {:?}", change.name, change.to),
        PolicyEvent::Rejected { name, reason, .. } => format!("{name} rejected {reason:?}"),
        PolicyEvent::TimedOut { name, after, .. } => format!("{name} timed out {after:?}"),
        PolicyEvent::Retried { name, attempt, wait, .. } => format!("{name} retried {attempt} {}", wait.is_zero()),
        PolicyEvent::OverBudget { name, .. } => format!("{name} over budget"),
        PolicyEvent::Hedged { name, .. } => format!("{name} hedged"),
        PolicyEvent::LimitChanged { name, from, to, .. } => format!("{name} from {from} to {to}"),
        PolicyEvent::Missed { events, .. } => format!("missed {events}"),
        other => panic!("{other:?}"),
    };
    std::iter::from_fn(|| events.try_next()).map(line).collect()
}

#[derive(Clone, Debug, PartialEq)]
struct Failed;

impl From<Rejected> for Failed {
    fn from(_: Rejected) -> Self {
        Self
    }
}

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

#[tokio::test(start_paused = true)]
async fn policies_tell_rejections_timeouts_retries_and_hedges() {
    let names = ["told-breaker", "told-full", "told-limit", "told-timeout", "told-retry", "told-budget", "told-hedge"];
    let filter = names.iter().fold(Filter::all(), |filter, name| filter.named(name));
    let mut events = resilience::subscribe(filter);
    let breaker = Breaker::new("told-breaker", breaker::Settings::new());
    breaker.force_open();
    assert!(breaker.try_acquire().is_err());
    let full = Bulkhead::new("told-full", bulkhead::Settings::fixed(n(1)));
    assert_eq!(full.run_sync(|| full.run_sync(|| ()).unwrap_err().reason()), Ok(Reason::Full));
    let limit = RateLimit::new("told-limit", rate_limit::Settings::new(n(1), SECOND));
    assert!(limit.check().is_ok() && limit.check().is_err());
    let timeout = Timeout::new("told-timeout", SECOND);
    assert!(timeout.run(std::future::pending::<()>()).await.is_err());
    let retry = Retry::new("told-retry", retry::Settings::new().attempts(n(2)));
    assert_eq!(retry.call(|| async { Err::<(), _>(Failed) }, |_| true).await, Err(Failed));
    let none = retry::Settings::new().attempts(n(2)).budget(Percent::new(1));
    let budget = Retry::new("told-budget", none);
    // The budget has a few retries to begin with.
    for _ in 0..20 {
        assert_eq!(budget.call(|| async { Err::<(), _>(Failed) }, |_| true).await, Err(Failed));
    }
    let hedge = Hedge::new("told-hedge", hedge::Settings::after(SECOND));
    let tries = Arc::new(AtomicU64::new(0));
    let call = || {
        let tries = tries.clone();
        async move {
            if tries.fetch_add(1, SeqCst) == 0 {
                std::future::pending::<()>().await;
            }
            Ok::<_, Failed>(())
        }
    };
    assert_eq!(hedge.call(call).await, Ok(()));
    let mut told = policy_lines(&mut events);
    assert!(told.contains(&"told-budget over budget".to_owned()), "{told:?}");
    told.retain(|line| !line.starts_with("told-budget"));
    let expected = [
        "told-breaker ForcedOpen",
        "told-breaker rejected Open",
        "told-full rejected Full",
        "told-limit rejected Limited",
        "told-timeout timed out 1s",
        "told-retry retried 1 false",
        "told-hedge hedged",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_filter_by_name_has_all_keys_of_a_policy() {
    let hosts = breaker::KeyedBreaker::new("told-hosts", breaker::Settings::new());
    let mut all = resilience::subscribe(Filter::kinds([PolicyEventKind::StateChanged]).named("told-hosts"));
    let mut one = resilience::subscribe(Filter::all().named("told-hosts[b]"));
    for key in ["a", "b"] {
        hosts.get(key).force_open();
        assert!(hosts.get(key).try_acquire().is_err());
    }
    assert_eq!(policy_lines(&mut all), ["told-hosts[a] ForcedOpen", "told-hosts[b] ForcedOpen"]);
    assert_eq!(policy_lines(&mut one), ["told-hosts[b] ForcedOpen", "told-hosts[b] rejected Open"]);
}

#[fastness::retry(attempts = 2, wait = "1ms")]
async fn asks() -> Result<(), Failed> {
    Err(Failed)
}

#[tokio::test(start_paused = true)]
async fn a_filter_by_name_has_a_policy_by_its_path_or_the_end_of_it() {
    let subscribe = |name: &str| resilience::subscribe(Filter::all().named(name));
    let mut named = ["it::subscriptions::asks", "subscriptions::asks", "asks"].map(subscribe);
    let mut others = ["sks", "it::subscriptions", "it"].map(subscribe);
    assert_eq!(asks().await, Err(Failed));
    for events in &mut named {
        let told = policy_lines(events);
        assert!(told.len() == 1 && told[0].starts_with("it::subscriptions::asks retried 1 "), "{told:?}");
    }
    for events in &mut others {
        assert_eq!(policy_lines(events), [""; 0]);
    }
}

#[test]
fn a_filter_by_name_takes_the_key_of_a_policy_as_it_is() {
    let hosts = breaker::KeyedBreaker::new("told-addresses", breaker::Settings::new());
    let mut one = resilience::subscribe(Filter::kinds([PolicyEventKind::StateChanged]).named("told-addresses[::1]"));
    for key in ["::2", "::1"] {
        hosts.get(key).force_open();
    }
    assert_eq!(policy_lines(&mut one), ["told-addresses[::1] ForcedOpen"]);
}

#[test]
fn changes_of_a_breaker_are_told_in_their_order_though_many_threads_cause_them() {
    let clock = Clock::manual();
    let settings = breaker::Settings::new().failure_threshold(n(1)).probes(n(1));
    let breaker = Breaker::new("told-raced", settings).with_clock(clock.clone());
    let filter = Filter::kinds([PolicyEventKind::StateChanged]).named("told-raced").room(1 << 20);
    let mut events = resilience::subscribe(filter);
    std::thread::scope(|threads| {
        for seed in 0..4 {
            let (breaker, clock) = (&breaker, &clock);
            threads.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..2_000 {
                    clock.advance(SECOND * 3);
                    if let Ok(permit) = breaker.try_acquire() {
                        permit.settle(if random.bool() { Verdict::Failure } else { Verdict::Success });
                    }
                }
            });
        }
    });
    let mut state = State::Closed;
    let mut changes = 0;
    for event in std::iter::from_fn(|| events.try_next()) {
        let PolicyEvent::StateChanged(change) = event else { panic!("{event:?}") };
        assert_eq!(change.from, state);
        (state, changes) = (change.to, changes + 1);
    }
    assert_eq!(state, breaker.state());
    assert!(changes > 100, "{changes}");
}
