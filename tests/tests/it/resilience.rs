//! The attributes of resilience, as users write them: alone, and stacked.

// Bodies stand for calls over a network, fallbacks of async functions are async, and tokio's paused time is what sleeps here.
#![allow(
    clippy::unused_async,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    clippy::used_underscore_binding
)]

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use fastness::resilience::breaker::{Breaker, State};
use fastness::resilience::retry::Again;
use fastness::resilience::{Reason, Rejected, TimedOut};
use fastness::{bulkhead, cacheable, circuit_breaker, fallback, hedge, rate_limit, retry, timeout};

#[derive(Clone, Debug, PartialEq)]
enum Trouble {
    Down,
    NotFound,
    Rejected(Reason),
    TimedOut,
}

impl From<Rejected> for Trouble {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected.reason())
    }
}

impl From<TimedOut> for Trouble {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

type Answer<T> = Result<T, Trouble>;

#[tokio::test]
async fn a_breaker_opens_and_its_calls_are_not_made() {
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[circuit_breaker(failure_threshold = 3)]
    async fn supplier(fail: bool) -> Answer<u32> {
        CALLS.fetch_add(1, Relaxed);
        if fail { Err(Trouble::Down) } else { Ok(7) }
    }

    assert_eq!(supplier(false).await, Ok(7));
    for _ in 0..3 {
        assert_eq!(supplier(true).await, Err(Trouble::Down));
    }
    assert_eq!(supplier(false).await, Err(Trouble::Rejected(Reason::Open)));
    assert_eq!(CALLS.load(Relaxed), 4);
    assert_eq!(Breaker::named(concat!(module_path!(), "::supplier")).state(), State::Open);
}

#[tokio::test]
async fn errors_of_callers_open_no_breaker() {
    #[circuit_breaker(name = "ignoring", failure_threshold = 1, ignore = |error| *error == Trouble::NotFound)]
    async fn find(id: u32) -> Answer<u32> {
        if id == 0 { Err(Trouble::NotFound) } else { Err(Trouble::Down) }
    }

    for _ in 0..5 {
        assert_eq!(find(0).await, Err(Trouble::NotFound));
    }
    assert_eq!(find(1).await, Err(Trouble::Down));
    assert_eq!(find(0).await, Err(Trouble::Rejected(Reason::Open)));
}

#[test]
fn a_breaker_on_a_sync_function_judges_the_whole_result_and_falls_back() {
    #[circuit_breaker(name = "status", failure_threshold = 2, failure_if = |status| *status >= 500, fallback = closed)]
    fn status(code: u16) -> u16 {
        code
    }
    fn closed(code: u16, rejected: Rejected) -> u16 {
        assert_eq!(rejected.name(), "status");
        code + 1
    }

    assert_eq!([404, 500, 503].map(status), [404, 500, 503]);
    assert_eq!(status(200), 201);
    Breaker::named("status").force_closed();
    assert_eq!(status(200), 200);
}

#[tokio::test]
async fn each_key_has_a_breaker_and_methods_share_theirs_by_name() {
    struct Client;
    impl Client {
        #[circuit_breaker(name = "hosts", per = "{host}", failure_threshold = 1, fallback = Self::cached)]
        async fn get(&self, host: &str, fail: bool) -> Answer<String> {
            if fail { Err(Trouble::Down) } else { Ok(host.to_owned()) }
        }
        async fn cached(&self, host: &str, _: bool, _: Rejected) -> Answer<String> {
            Ok(format!("{host}, cached"))
        }
    }

    assert_eq!(Client.get("a", true).await, Err(Trouble::Down));
    assert_eq!(Client.get("a", false).await.as_deref(), Ok("a, cached"));
    assert_eq!(Client.get("b", false).await.as_deref(), Ok("b"));
}

#[test]
fn one_name_with_two_settings_is_reported() {
    #[circuit_breaker(name = "disputed", failure_threshold = 2)]
    fn one() -> Answer<()> {
        Ok(())
    }
    #[circuit_breaker(name = "disputed", failure_threshold = 9)]
    fn other() -> Answer<()> {
        Ok(())
    }

    assert_eq!((one(), other()), (Ok(()), Ok(())));
    let found = Breaker::conflicts();
    let disputed = found.iter().find(|conflict| conflict.name == "disputed").expect("it is reported");
    assert!(disputed.first.file().ends_with("resilience.rs") && disputed.first != disputed.second);
}

#[tokio::test]
async fn a_retry_gives_each_attempt_its_own_arguments() {
    thread_local!(static CALLS: Cell<u32> = const { Cell::new(0) });

    #[retry(attempts = 4, wait = "1ms", budget = off, when = |error| *error == Trouble::Down)]
    async fn sum(mut values: Vec<u32>, more: &[u32]) -> Answer<u32> {
        CALLS.set(CALLS.get() + 1);
        values.extend(more);
        match CALLS.get() {
            3 => Ok(values.drain(..).sum()),
            9 => Err(Trouble::NotFound),
            _ => Err(Trouble::Down),
        }
    }

    assert_eq!(sum(vec![1, 2], &[3]).await, Ok(6));
    CALLS.set(8);
    assert_eq!(sum(vec![], &[]).await, Err(Trouble::NotFound), "not worth another attempt");
    CALLS.set(20);
    assert_eq!(sum(vec![], &[]).await, Err(Trouble::Down));
    assert_eq!(CALLS.get(), 24);
}

#[test]
fn a_retry_of_a_sync_function_follows_its_error() {
    thread_local!(static CALLS: Cell<u32> = const { Cell::new(0) });

    #[retry(wait = "1ms", when = |_| Again::No)]
    fn once() -> Answer<u32> {
        CALLS.set(CALLS.get() + 1);
        Err(Trouble::Down)
    }

    assert_eq!(once(), Err(Trouble::Down));
    assert_eq!(CALLS.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_dropped() {
    #[timeout("2s")]
    async fn slow(seconds: u64) -> Answer<u64> {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(seconds)
    }

    assert_eq!(slow(1).await, Ok(1));
    assert_eq!(slow(3).await, Err(Trouble::TimedOut));
}

#[tokio::test]
async fn a_full_bulkhead_rejects() {
    #[bulkhead(max = 1)]
    async fn alone(inner: bool) -> Answer<u32> {
        if inner { Box::pin(alone(false)).await } else { Ok(1) }
    }

    assert_eq!(alone(true).await, Err(Trouble::Rejected(Reason::Full)));
    assert_eq!(alone(false).await, Ok(1));
}

#[tokio::test]
async fn a_rate_limit_counts_per_key() {
    #[rate_limit(calls = 2, per = "1h", key = "{customer}")]
    async fn export(customer: u32) -> Answer<u32> {
        Ok(customer)
    }
    #[rate_limit(calls = 1, per = "1h")]
    fn blocking() -> Answer<()> {
        Ok(())
    }

    assert_eq!((export(1).await, export(1).await), (Ok(1), Ok(1)));
    assert_eq!(export(1).await, Err(Trouble::Rejected(Reason::Limited)));
    assert_eq!(export(2).await, Ok(2));
    assert_eq!((blocking(), blocking()), (Ok(()), Err(Trouble::Rejected(Reason::Limited))));
}

#[tokio::test(start_paused = true)]
async fn a_hedge_takes_the_first_good_answer() {
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[hedge(after = "10ms", budget = 100)]
    async fn replica(key: String) -> Answer<String> {
        let first = CALLS.fetch_add(1, Relaxed) == 0;
        tokio::time::sleep(Duration::from_millis(if first { 500 } else { 5 })).await;
        Ok(format!("{key} {first}"))
    }

    assert_eq!(replica("x".into()).await.as_deref(), Ok("x false"));
}

#[tokio::test]
async fn a_fallback_gets_the_arguments_and_the_error() {
    struct Shop {
        known: u32,
    }
    impl Shop {
        #[fallback(Self::last_known)]
        async fn price(&self, name: String, _region: &str) -> Answer<u32> {
            drop(name);
            Err(Trouble::Down)
        }
        async fn last_known(&self, name: String, _: &str, error: Trouble) -> Answer<u32> {
            assert_eq!((name.as_str(), error), ("tea", Trouble::Down));
            Ok(self.known)
        }
    }

    assert_eq!(Shop { known: 3 }.price("tea".into(), "eu").await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn results_of_any_type_may_be_failures() {
    type Boxed = std::pin::Pin<Box<dyn Future<Output = u16> + Send>>;
    thread_local!(static ANSWERS: Cell<&'static [u16]> = const { Cell::new(&[]) });
    fn answer() -> u16 {
        let (first, rest) = ANSWERS.get().split_first().expect("another answer");
        ANSWERS.set(rest);
        *first
    }

    #[retry(attempts = 3, wait = "1ms", budget = off, failure_if = |status| *status >= 500)]
    async fn tries() -> u16 {
        answer()
    }
    #[retry(attempts = 2, wait = "1ms", budget = off, failure_if = |status| if *status == 429 { Again::After(Duration::from_secs(3)) } else { Again::No })]
    fn waits() -> Boxed {
        Box::pin(std::future::ready(answer()))
    }
    #[retry(attempts = 2, wait = "1ms", budget = off, failure_if = |status| *status >= 500)]
    fn blocks(seen: &mut Vec<u16>) -> u16 {
        seen.push(answer());
        seen[seen.len() - 1]
    }
    #[retry(attempts = 2, wait = "1ms", budget = off, failure_if = is_empty)]
    async fn empty(page: u16) -> Answer<Vec<u16>> {
        let found = answer();
        if page == 0 { Err(Trouble::NotFound) } else { Ok(vec![page; found.into()]) }
    }
    fn is_empty(result: &Answer<Vec<u16>>) -> bool {
        result.as_ref().is_ok_and(Vec::is_empty)
    }
    #[fallback(other, failure_if = |status| *status >= 500)]
    async fn falls() -> u16 {
        answer()
    }
    #[fallback(other_boxed, failure_if = |status| *status >= 500)]
    fn falls_boxed() -> Boxed {
        Box::pin(std::future::ready(answer()))
    }
    async fn other(status: u16) -> u16 {
        status - 300
    }
    fn other_boxed(status: u16) -> Boxed {
        Box::pin(other(status))
    }
    #[fallback(other_blocks, failure_if = Result::is_err)]
    fn falls_blocks(fails: bool) -> Answer<u16> {
        if fails { Err(Trouble::Down) } else { Ok(1) }
    }
    fn other_blocks(fails: bool, result: Answer<u16>) -> Answer<u16> {
        assert_eq!(result, Err(Trouble::Down));
        if fails { Ok(2) } else { result }
    }
    #[hedge(after = "10ms", budget = 100, failure_if = |status| *status >= 500)]
    async fn hedged() -> u16 {
        let status = answer();
        tokio::time::sleep(Duration::from_millis(if status == 200 { 50 } else { 20 })).await;
        status
    }
    #[hedge(after = "10ms", budget = 100, failure_if = |status| *status >= 500)]
    fn hedged_boxed() -> Boxed {
        Box::pin(std::future::ready(answer()))
    }

    ANSWERS.set(&[500, 503, 200]);
    assert_eq!(tries().await, 200);
    ANSWERS.set(&[500, 501, 502, 200]);
    assert_eq!(tries().await, 502, "the last one");
    ANSWERS.set(&[429, 200, 500]);
    let started = tokio::time::Instant::now();
    assert_eq!((waits().await, waits().await), (200, 500));
    assert!(started.elapsed() >= Duration::from_secs(3));
    ANSWERS.set(&[500, 200]);
    let mut seen = Vec::new();
    assert_eq!((blocks(&mut seen), seen), (200, vec![500, 200]));
    ANSWERS.set(&[0, 2, 0, 0]);
    assert_eq!(empty(7).await, Ok(vec![7, 7]));
    assert_eq!(empty(0).await, Err(Trouble::NotFound), "an error that is no failure");
    ANSWERS.set(&[200, 503, 503]);
    assert_eq!((falls().await, falls().await, falls_boxed().await), (200, 203, 203));
    assert_eq!((falls_blocks(false), falls_blocks(true)), (Ok(1), Ok(2)));
    ANSWERS.set(&[200, 503, 500]);
    assert_eq!(hedged().await, 200, "the quicker one is no good answer");
    assert_eq!(hedged_boxed().await, 500);
}

/// The canonical order: a hit touches nothing below it, and the answer of a fallback is not cached.
#[tokio::test]
async fn all_policies_can_be_stacked() {
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[fallback(zero)]
    #[cacheable(ttl = 60, key = "stacked:{id}")]
    #[circuit_breaker(failure_threshold = 2)]
    #[retry(attempts = 2, wait = "1ms", budget = off)]
    #[timeout("1s")]
    #[bulkhead(max = 8)]
    #[rate_limit(calls = 1_000, per = "1s")]
    async fn rating(id: u32) -> Answer<u32> {
        CALLS.fetch_add(1, Relaxed);
        if id == 0 { Err(Trouble::Down) } else { Ok(id) }
    }
    async fn zero(_: u32, _: Trouble) -> Answer<u32> {
        Ok(0)
    }

    fastness::with_cache(&fastness::Fastness::builder().build().unwrap(), async {
        assert_eq!((rating(5).await, rating(5).await), (Ok(5), Ok(5)));
        assert_eq!(CALLS.load(Relaxed), 1);
        assert_eq!((rating(0).await, rating(0).await), (Ok(0), Ok(0)));
        assert_eq!(CALLS.load(Relaxed), 5, "two attempts each");
        assert_eq!(rating(0).await, Ok(0));
        assert_eq!(rating(6).await, Ok(0), "it is open");
        assert_eq!((rating(5).await, CALLS.load(Relaxed)), (Ok(5), 5), "a hit does not care");
    })
    .await;
}

#[tokio::test]
async fn generic_boxed_and_foreign_functions_take_policies() {
    use std::future::Future;
    use std::pin::Pin;

    #[retry(attempts = 2, wait = "1ms")]
    async fn generic<T: Clone + Send>(value: T) -> Answer<T> {
        Ok(value)
    }
    #[timeout("1s")]
    fn boxed(id: u32) -> Pin<Box<dyn Future<Output = Answer<u32>> + Send>> {
        Box::pin(async move { Ok(id) })
    }
    #[rate_limit(calls = 5, per = "1s")]
    fn opaque(id: u32) -> impl Future<Output = Answer<u32>> + Send {
        async move { Ok(id) }
    }
    #[async_trait::async_trait]
    trait Port {
        async fn call(&self, id: u32) -> Answer<u32>;
    }
    struct Adapter;
    #[async_trait::async_trait]
    impl Port for Adapter {
        #[circuit_breaker(name = "port")]
        #[retry(attempts = 2)]
        async fn call(&self, id: u32) -> Answer<u32> {
            Ok(id)
        }
    }

    fn is_send<F: Send>(future: F) -> F {
        future
    }
    assert_eq!(is_send(generic("x")).await, Ok("x"));
    assert_eq!((is_send(boxed(1)).await, is_send(opaque(2)).await), (Ok(1), Ok(2)));
    assert_eq!(is_send(Adapter.call(3)).await, Ok(3));
}
