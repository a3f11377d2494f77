use std::sync::atomic::AtomicU64 as Percent;
use std::time::Duration;

use super::*;
use crate::sync::lock;
use crate::tests::named;

const TICK: Duration = Duration::from_millis(250);

/// A cache with this many entries, and a guard whose memory the test sets. The store is small enough to have a single queue, which evicts
/// exact numbers.
async fn guarded(entries: u32) -> (Fastness, Clock, Arc<Percent>, MemoryGuard, Arc<Mutex<Vec<Pressure>>>) {
    let (clock, percent) = (Clock::manual(), Arc::new(Percent::new(50)));
    let fast = Fastness::builder().clock(clock.clone()).capacity(1_000).build().unwrap();
    let cache = fast.cache();
    for n in 0..entries {
        cache.set(&named(format!("n:{n}")), n, Duration::from_secs(600)).await;
    }
    let (read, heard) = (percent.clone(), Arc::new(Mutex::new(Vec::new())));
    let list = heard.clone();
    let guard = MemoryGuard::builder()
        .cache(&fast)
        .least_entries(10)
        .source(move || Some(Memory::new(read.load(SeqCst), 100)))
        .on_pressure(move |pressure| {
            lock(&list).push(pressure);
            panic!("as the test wants it");
        });
    (fast, clock, percent, guard.build().unwrap(), heard)
}

#[tokio::test]
async fn the_tier_shrinks_in_steps_and_grows_back() {
    let (fast, clock, percent, guard, heard) = guarded(1_000).await;
    let look = |at: u64| {
        percent.store(at, SeqCst);
        clock.advance(TICK);
        guard.pressure()
    };
    assert_eq!((look(84), fast.stats().entries), (Pressure::None, 1_000));
    assert_eq!((look(86), fast.entries_and_bound()), (Pressure::Shrink, (750, 750)));
    assert_eq!((look(83), fast.entries_and_bound()), (Pressure::Shrink, (563, 563)));
    assert_eq!((look(96), fast.entries_and_bound()), (Pressure::Shed, (423, 423)));
    assert!(!guard.may_serve() && !guard.may_cache());
    assert_eq!((look(50), fast.entries_and_bound()), (Pressure::None, (423, 528)), "it comes back gradually");
    for _ in 0..20 {
        look(50);
    }
    assert_eq!(fast.entries_and_bound().1, usize::MAX);
    assert_eq!(*lock(&heard), [Pressure::Shrink, Pressure::Shed, Pressure::None]);
}

#[tokio::test]
async fn memory_is_read_no_more_often_than_configured() {
    let (fast, reads) = (Fastness::builder().clock(Clock::manual()).build().unwrap(), Arc::new(Percent::new(0)));
    let read = reads.clone();
    let source = move || {
        read.fetch_add(1, SeqCst);
        panic!("as the test wants it");
    };
    let guard = MemoryGuard::builder().cache(&fast).source(source).build().unwrap();
    for _ in 0..100 {
        assert_eq!(guard.pressure(), Pressure::None, "no figure, no pressure");
    }
    assert_eq!(reads.load(SeqCst), 1);
    fast.clock().advance(TICK);
    guard.pressure();
    assert_eq!(reads.load(SeqCst), 2);
}

#[tokio::test]
async fn the_configured_bound_is_restored() {
    let (fast, clock, percent, guard, _) = guarded(500).await;
    fast.set_max_entries(600);
    percent.store(90, SeqCst);
    clock.advance(TICK);
    guard.pressure();
    assert_eq!(fast.entries_and_bound(), (375, 375));
    percent.store(10, SeqCst);
    for _ in 0..5 {
        clock.advance(TICK);
        guard.pressure();
    }
    assert_eq!(fast.entries_and_bound().1, 600);
}

#[tokio::test]
async fn the_lowest_bound_of_several_guards_holds() {
    let (fast, clock, percent, first, _) = guarded(800).await;
    fast.set_max_entries(900);
    let calm = Arc::new(Percent::new(90));
    let read = calm.clone();
    let source = move || Some(Memory::new(read.load(SeqCst), 100));
    let second = MemoryGuard::builder().cache(&fast).least_entries(10).source(source).build().unwrap();
    let look = |own: u64, others: u64, guards: &[&MemoryGuard]| {
        percent.store(own, SeqCst);
        calm.store(others, SeqCst);
        clock.advance(TICK);
        for guard in guards {
            guard.pressure();
        }
        fast.entries_and_bound()
    };
    assert_eq!(look(50, 90, &[&first, &second]), (600, 600), "the first has no bound");
    assert_eq!(look(90, 90, &[&first, &second]), (338, 338), "each takes a quarter, of 600 and of 450");
    let (_, bound) = look(50, 90, &[&first, &second]);
    assert!(bound < 338, "the bound of the first grows back, and that of the second holds: {bound}");
    drop(second);
    for _ in 0..20 {
        look(50, 0, &[&first]);
    }
    assert_eq!(fast.entries_and_bound().1, 900, "the bound of a guard that is gone is lifted");
    assert!(look(90, 0, &[&first]).1 < 900);
    drop(first);
    assert_eq!(fast.entries_and_bound().1, 900);
}

#[tokio::test]
async fn evictions_by_a_guard_have_memory_as_their_cause() {
    use crate::events::{CacheEvent, CacheEventKind, Eviction, Filter};
    let (fast, clock, percent, guard, _) = guarded(100).await;
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Evicted]));
    percent.store(90, SeqCst);
    clock.advance(TICK);
    guard.pressure();
    let is_for_memory = |event: &CacheEvent| matches!(event, CacheEvent::Evicted { cause: Eviction::Memory, .. });
    let told: Vec<_> = std::iter::from_fn(|| events.try_next()).collect();
    assert!(told.len() == 25 && told.iter().all(is_for_memory), "{told:?}");
    fast.cache().set(&named("n:another"), 1, Duration::from_secs(600)).await;
    assert!(events.try_next().as_ref().is_some_and(is_for_memory), "its bound holds for what comes later, too");
}

#[tokio::test]
async fn the_source_of_readings_may_ask_for_the_pressure() {
    let fast = Fastness::builder().clock(Clock::manual()).build().unwrap();
    let own = Arc::new(std::sync::OnceLock::<MemoryGuard>::new());
    let (inner, reads) = (own.clone(), Arc::new(Percent::new(0)));
    let read = reads.clone();
    let source = move || {
        read.fetch_add(1, SeqCst);
        inner.get().map(MemoryGuard::pressure);
        Some(Memory::new(96, 100))
    };
    let guard = MemoryGuard::builder().cache(&fast).source(source).every(Duration::ZERO).build().unwrap();
    own.set(guard.clone()).unwrap();
    assert_eq!((guard.pressure(), reads.load(SeqCst)), (Pressure::Shed, 1));
}

#[tokio::test]
async fn exhausted_memory_is_reported_and_fails_liveness_after_a_time() {
    let (clock, percent, heard) = (Clock::manual(), Arc::new(Percent::new(96)), Arc::new(Percent::new(0)));
    let fast = Fastness::builder().clock(clock.clone()).build().unwrap();
    for n in 0..3 {
        fast.cache().set(&named(format!("n:{n}")), n, Duration::from_secs(600)).await;
    }
    let (read, told) = (percent.clone(), heard.clone());
    let guard = MemoryGuard::builder()
        .cache(&fast)
        .restart_after(Duration::from_secs(10))
        .source(move || Some(Memory::new(read.load(SeqCst), 100)))
        .on_pressure(move |_| {
            told.fetch_add(1, SeqCst);
        })
        .build()
        .unwrap();
    let look = || {
        clock.advance(TICK);
        guard.snapshot()
    };
    for left in [2, 1] {
        let seen = look();
        assert_eq!(
            (seen.pressure, seen.entries, seen.exhausted),
            (Pressure::Shed, left, None),
            "few are given up, too"
        );
    }
    let began = look();
    assert_eq!((began.percentage, began.entries, began.exhausted), (96, 0, Some(0)));
    assert_eq!(heard.load(SeqCst), 2, "one call for the level, and one because nothing is left");
    let json = serde_json::to_value(look()).unwrap();
    assert_eq!(json["exhausted"], 250);
    clock.advance(Duration::from_secs(9));
    assert!(guard.is_alive());
    clock.advance(Duration::from_secs(1));
    assert!(!guard.is_alive(), "{:?}", guard.snapshot());
    assert_eq!(heard.load(SeqCst), 2);
    percent.store(50, SeqCst);
    assert_eq!((look().exhausted, guard.is_alive()), (None, true), "the pressure is over");
}

#[tokio::test]
async fn liveness_never_fails_without_a_configured_time() {
    let fast = Fastness::builder().clock(Clock::manual()).build().unwrap();
    let guard = MemoryGuard::builder().cache(&fast).source(|| Some(Memory::new(99, 100))).build().unwrap();
    assert!(guard.is_alive());
    fast.clock().advance(Duration::from_secs(1_000_000));
    assert!(guard.is_alive() && guard.snapshot().exhausted.is_some());
}

#[tokio::test]
async fn memory_that_the_allocator_merely_holds_is_not_in_use() {
    let fast = Fastness::builder().clock(Clock::manual()).build().unwrap();
    let guard = |reusable: Option<u64>| {
        let builder = MemoryGuard::builder().cache(&fast).source(|| Some(Memory::new(96, 100)));
        builder.reusable(move || reusable).build().unwrap().snapshot()
    };
    let held = guard(Some(20));
    assert_eq!((held.pressure, held.percentage, held.reusable), (Pressure::None, 76, Some(20)));
    assert_eq!(guard(Some(200)).percentage, 0);
    let unknown = guard(None);
    assert_eq!((unknown.pressure, unknown.percentage, unknown.reusable), (Pressure::Shed, 96, None));
    let panics = MemoryGuard::builder()
        .cache(&fast)
        .source(|| Some(Memory::new(96, 100)))
        .reusable(|| panic!("as the test wants it"));
    assert_eq!(panics.build().unwrap().pressure(), Pressure::Shed);
}

#[test]
fn levels_out_of_order_are_refused() {
    let error = MemoryGuard::builder().shed_at(80).build().unwrap_err();
    assert!(error.is_bad_setting() && error.to_string().contains("must be in order"), "{error}");
}
