//! Rejections within a stack of attributes: they do not count as failures of the callee, and a retry sees a rejection only where the call
//! ended with it.

// Bodies stand for calls over a network, and tokio's paused time is what sleeps here.
#![allow(clippy::unused_async, clippy::disallowed_methods, clippy::used_underscore_binding)]

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use fastness::resilience::breaker::{Breaker, State};
use fastness::resilience::{Rejected, TimedOut};
use fastness::{bulkhead, circuit_breaker, fallback, hedge, rate_limit, retry, timeout};
use tokio::task::JoinSet;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    #[error(transparent)]
    Rejected(#[from] Rejected),
    #[error("reset")]
    Reset,
}

/// An error in which a rejection is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Opaque;

impl From<Rejected> for Opaque {
    fn from(_: Rejected) -> Self {
        Self
    }
}

/// Runs all of these calls, each in a task of its own.
async fn join_all<T: Send + 'static>(calls: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    calls.collect::<JoinSet<_>>().join_all().await
}

fn state(name: &str) -> (State, u64, u64) {
    let calls = Breaker::named(name).snapshot().calls;
    (Breaker::named(name).state(), calls.failures, calls.ignored)
}

#[tokio::test(start_paused = true)]
async fn a_breaker_in_the_usual_order_stays_closed_when_the_bulkhead_is_full() {
    #[circuit_breaker(name = "usual")]
    #[retry(attempts = 3, wait = "20ms")]
    #[timeout("250ms")]
    #[bulkhead(max = 64)]
    async fn rating(_id: u64) -> Result<u32, Trouble> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(5)
    }

    let told = join_all((0..200).map(rating)).await;
    let answered = told.iter().filter(|one| one.is_ok()).count() as u64;
    assert!((64..200).contains(&answered), "{answered}");
    assert_eq!(state("usual"), (State::Closed, 0, 200 - answered));
}

#[tokio::test(start_paused = true)]
async fn no_limit_below_a_breaker_opens_it_whatever_the_function_returns() {
    #[circuit_breaker(name = "below.full", failure_threshold = 2)]
    #[bulkhead(max = 1)]
    async fn full() -> Result<u8, Opaque> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(1)
    }
    #[circuit_breaker(name = "below.adaptive", failure_threshold = 2)]
    #[bulkhead(max = 10, adaptive)]
    async fn adaptive() -> Result<u8, Opaque> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(1)
    }
    #[circuit_breaker(name = "below.limited", failure_threshold = 2, failure_if = Result::is_err)]
    #[rate_limit(calls = 1, per = "1h")]
    async fn limited() -> Result<u8, Opaque> {
        Ok(1)
    }
    #[circuit_breaker(name = "below.boxed", failure_threshold = 2)]
    #[rate_limit(calls = 1, per = "1h")]
    fn boxed() -> Pin<Box<dyn Future<Output = Result<u8, Opaque>> + Send>> {
        Box::pin(async { Ok(1) })
    }
    #[circuit_breaker(name = "below.hedged", failure_threshold = 2)]
    #[hedge(after = "1ms")]
    #[rate_limit(calls = 1, per = "1h")]
    async fn hedged() -> Result<u8, Opaque> {
        Ok(1)
    }
    #[circuit_breaker(name = "below.sync", failure_threshold = 2)]
    #[rate_limit(calls = 1, per = "1h")]
    fn sync() -> Result<u8, Opaque> {
        Ok(1)
    }
    #[circuit_breaker(name = "below.outer", failure_threshold = 2, per = "{host}")]
    async fn outer(host: &str) -> Result<u8, Trouble> {
        inner(host).await
    }
    #[circuit_breaker(name = "below.inner", failure_threshold = 2)]
    async fn inner(host: &str) -> Result<u8, Trouble> {
        Ok(host.len().try_into().unwrap_or(u8::MAX))
    }

    let answered = |told: Vec<Result<u8, Opaque>>| told.iter().filter(|one| one.is_ok()).count();
    assert_eq!(answered(join_all((0..9).map(|_| full())).await), 1);
    assert_eq!(answered(join_all((0..9).map(|_| adaptive())).await), 1);
    for _ in 0..9 {
        let _ = (limited().await, boxed().await, hedged().await, sync());
    }
    for name in ["full", "adaptive", "limited", "boxed", "hedged", "sync"] {
        assert_eq!(state(&format!("below.{name}")), (State::Closed, 0, 8), "{name}");
    }
    Breaker::named("below.inner").force_open();
    for _ in 0..9 {
        assert!(matches!(outer("a").await, Err(Trouble::Rejected(_))));
    }
    Breaker::named("below.inner").automatic();
    assert_eq!(outer("a").await, Ok(1), "the outer one says nothing of its own");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_recovered_is_judged_by_its_result() {
    static SECOND: AtomicU32 = AtomicU32::new(0);
    static THIRD: AtomicU32 = AtomicU32::new(0);

    #[circuit_breaker(name = "recovers", failure_threshold = 1, open_for = "60s", fallback = second)]
    async fn first(_id: u8) -> Result<u8, Trouble> {
        Err(Trouble::Reset)
    }
    async fn second(id: u8, _: Rejected) -> Result<u8, Trouble> {
        if SECOND.fetch_add(1, Relaxed) == 0 { Err(Trouble::Reset) } else { Ok(id) }
    }
    #[retry(attempts = 3, wait = "10ms", when = |error| *error == Trouble::Reset)]
    async fn ask(id: u8) -> Result<u8, Trouble> {
        first(id).await
    }

    #[retry(attempts = 3, wait = "10ms")]
    async fn falls_back(id: u8) -> Result<u8, Opaque> {
        shielded(id).await
    }
    #[fallback(third)]
    async fn shielded(id: u8) -> Result<u8, Opaque> {
        guarded(id).await
    }
    #[circuit_breaker(name = "recovers.opaque", failure_threshold = 1, open_for = "60s")]
    async fn guarded(id: u8) -> Result<u8, Opaque> {
        if id == 0 { Err(Opaque) } else { Ok(id) }
    }
    async fn third(id: u8, _: Opaque) -> Result<u8, Opaque> {
        if THIRD.fetch_add(1, Relaxed) < 2 { Err(Opaque) } else { Ok(id) }
    }

    assert_eq!(first(0).await, Err(Trouble::Reset));
    assert_eq!(guarded(0).await, Err(Opaque));
    let started = tokio::time::Instant::now();
    assert_eq!((ask(7).await, SECOND.load(Relaxed)), (Ok(7), 2));
    assert_eq!((falls_back(7).await, THIRD.load(Relaxed)), (Ok(7), 3));
    assert!(started.elapsed() < Duration::from_millis(50), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_timeout_bounds_all_attempts_and_another_each() {
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[timeout("1s")]
    #[retry(attempts = 100, wait = "1ms", budget = off)]
    #[timeout("200ms")]
    async fn ask(millis: u64) -> Result<u8, Trouble> {
        CALLS.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(1)
    }
    #[timeout("1s")]
    #[hedge(after = "10ms")]
    #[timeout("200ms", name = "each try")]
    async fn hedged() -> Result<u8, Trouble> {
        std::future::pending().await
    }

    assert_eq!(ask(100).await, Ok(1));
    let Err(Trouble::TimedOut(all)) = ask(300).await else { panic!("the call times out") };
    assert_eq!((all.name(), all.after()), (concat!(module_path!(), "::ask"), Duration::from_secs(1)));
    assert_eq!(CALLS.load(Relaxed), 1 + 5, "of 200 ms each");
    let Err(Trouble::TimedOut(each)) = hedged().await else { panic!("the call times out") };
    assert_eq!((each.name(), each.after()), ("each try", Duration::from_millis(200)));
    let all = fastness::resilience::snapshots();
    let names: Vec<_> = all.iter().map(|policy| &*policy.name).filter(|name| name.contains("::ask")).collect();
    let own = |suffix: &str| format!("{}::ask{suffix}", module_path!());
    assert!(names.contains(&&*own(" (inner)")) && names.contains(&&*own("")), "{names:?}");
}

#[tokio::test]
async fn a_window_of_few_calls_needs_no_other_option() {
    #[circuit_breaker(name = "few", failure_threshold = off, window = 10)]
    async fn fails() -> Result<u8, Opaque> {
        Err(Opaque)
    }

    for _ in 0..10 {
        assert_eq!(state("few").0, State::Closed);
        assert_eq!(fails().await, Err(Opaque));
    }
    assert_eq!(state("few").0, State::Open);
}
