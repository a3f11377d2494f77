//! Settings that change while the program runs: policies.

// Bodies stand for calls over a network, and tokio's paused time is what sleeps here.
#![allow(clippy::unused_async, clippy::disallowed_methods)]

use std::future::pending;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use fastness::monitor::Monitor;
use fastness::resilience::breaker::{Breaker, State};
use fastness::resilience::retry::{Retry, Settings};
use fastness::resilience::{PolicyKind, Reason, Rejected, TimedOut, snapshots};
use fastness::{Fastness, bulkhead, circuit_breaker, hedge, rate_limit, retry, timeout};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};
use tokio::time::Instant;

use crate::fresh;

#[derive(Clone, Debug, PartialEq)]
enum Trouble {
    Down,
    Rejected(Reason),
    TimedOut(Duration),
}

impl From<Rejected> for Trouble {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected.reason())
    }
}

impl From<TimedOut> for Trouble {
    fn from(timed_out: TimedOut) -> Self {
        Self::TimedOut(timed_out.after())
    }
}

fn apply(fast: &Fastness, name: &str, settings: &Value) {
    fast.apply_settings(&json!({ "policies": { name: settings } })).unwrap();
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns the outcome of a policy, which the test uses alone.
fn outcome(kind: PolicyKind, name: &str, outcome: &str) -> u64 {
    let all = snapshots();
    let policy = all.iter().find(|policy| policy.kind == kind && policy.name.ends_with(name)).unwrap();
    policy.outcomes.iter().find(|(known, _)| *known == outcome).unwrap().1
}

#[timeout("1s")]
async fn rtp_timeout() -> Result<(), Trouble> {
    pending().await
}

#[timeout(after)]
async fn rtp_timeout_of_call(after: Duration) -> Result<(), Trouble> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn a_timeout_holds_for_calls_that_begin_after_it_and_for_expressions() {
    let fast = fresh();
    // Known before its first call.
    fast.apply_settings(&json!({ "policies": {
        "rtp_timeout": { "timeout": "20ms" },
        "run_time_policies::rtp_timeout_of_call": { "timeout": "30ms" },
    } }))
    .unwrap();
    assert_eq!(rtp_timeout().await, Err(Trouble::TimedOut(ms(20))));
    assert_eq!(rtp_timeout_of_call(ms(500)).await, Err(Trouble::TimedOut(ms(30))));
    fast.apply_settings(&json!({ "policies": { "rtp_timeout": { "timeout": "off" } } })).unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(3_600), rtp_timeout()).await.is_err());
    assert_eq!(rtp_timeout_of_call(ms(500)).await, Err(Trouble::TimedOut(ms(500))));
    fast.apply_settings(&json!({})).unwrap();
    assert_eq!(rtp_timeout().await, Err(Trouble::TimedOut(Duration::from_secs(1))));
    assert_eq!(outcome(PolicyKind::Timeout, "rtp_timeout", "timed_out"), 2, "counts stay");
}

#[retry(attempts = 2, wait = "10ms", backoff = constant, budget = off)]
async fn rtp_retry(calls: &AtomicU32) -> Result<(), Trouble> {
    calls.fetch_add(1, SeqCst);
    Err(Trouble::Down)
}

#[retry(attempts = attempts, wait = "10ms", backoff = constant, budget = off)]
async fn rtp_retry_of_call(attempts: u32, calls: &AtomicU32) -> Result<(), Trouble> {
    calls.fetch_add(1, SeqCst);
    Err(Trouble::Down)
}

#[tokio::test(start_paused = true)]
async fn a_retry_takes_what_is_given_and_leaves_the_rest() {
    let (fast, calls) = (fresh(), AtomicU32::new(0));
    let began = Instant::now();
    assert_eq!(rtp_retry(&calls).await, Err(Trouble::Down));
    assert_eq!((calls.swap(0, SeqCst), began.elapsed()), (2, ms(10)));
    fast.apply_settings(&json!({ "policies": {
        "run_time_policies.rtp_retry": { "retry": { "attempts": 4 } },
        "rtp_retry_of_call": { "retry": { "attempts": 3, "wait": "off" } },
    } }))
    .unwrap();
    let began = Instant::now();
    rtp_retry(&calls).await.unwrap_err();
    assert_eq!((calls.swap(0, SeqCst), began.elapsed()), (4, ms(30)), "the wait is that of the attribute");
    let began = Instant::now();
    rtp_retry_of_call(9, &calls).await.unwrap_err();
    assert_eq!((calls.swap(0, SeqCst), began.elapsed()), (3, ms(0)));
    apply(&fast, "rtp_retry", &json!({ "retry": { "attempts": 1 } }));
    rtp_retry(&calls).await.unwrap_err();
    rtp_retry_of_call(5, &calls).await.unwrap_err();
    assert_eq!(calls.swap(0, SeqCst), 1 + 5);
    assert_eq!(outcome(PolicyKind::Retry, "rtp_retry", "calls"), 3, "counts stay");
}

#[circuit_breaker(name = "rtp breaker", failure_threshold = 3, min_calls = 1000)]
async fn rtp_breaker(is_down: bool) -> Result<(), Trouble> {
    if is_down { Err(Trouble::Down) } else { Ok(()) }
}

#[tokio::test]
async fn a_breaker_keeps_its_counts_and_its_state() {
    let fast = fresh();
    let breaker = Breaker::named("rtp breaker");
    let given = breaker.settings();
    for _ in 0..2 {
        assert_eq!(rtp_breaker(true).await, Err(Trouble::Down));
    }
    apply(&fast, "rtp breaker", &json!({ "circuit_breaker": { "failure_threshold": 5, "open_for": "1h" } }));
    let before = breaker.snapshot();
    assert_eq!((before.window_failures, before.calls.failures), (2, 2), "counts stay");
    for _ in 0..2 {
        assert_eq!(rtp_breaker(true).await, Err(Trouble::Down));
    }
    assert_eq!(breaker.state(), State::Closed);
    rtp_breaker(true).await.unwrap_err();
    assert_eq!(breaker.state(), State::Open, "the failures before the change count");
    assert!(breaker.snapshot().retry_after.unwrap() > Duration::from_secs(3_000));
    fast.apply_settings(&json!({})).unwrap();
    assert_eq!(breaker.settings(), given);
    assert_eq!(
        (breaker.state(), rtp_breaker(false).await),
        (State::Open, Err(Trouble::Rejected(Reason::Open))),
        "it stays open"
    );
    breaker.automatic();
    apply(
        &fast,
        "rtp breaker",
        &json!({ "circuit_breaker": { "failure_threshold": "off", "slow_rate": 50, "slow": "1s", "cancelled": "failure" } }),
    );
    for _ in 0..10 {
        rtp_breaker(true).await.unwrap_err();
    }
    assert_eq!(breaker.state(), State::Closed);
    apply(&fast, "rtp breaker", &json!({ "circuit_breaker": { "failure_threshold": 1 } }));
    rtp_breaker(true).await.unwrap_err();
    assert_eq!(breaker.state(), State::Open);
}

static EVALUATED: AtomicU32 = AtomicU32::new(0);

fn threshold() -> u32 {
    EVALUATED.fetch_add(1, SeqCst);
    4
}

#[circuit_breaker(name = "rtp computed", failure_threshold = threshold())]
async fn rtp_computed() -> Result<(), Trouble> {
    Err(Trouble::Down)
}

#[circuit_breaker(name = "rtp computed hosts", per = "{host}", failure_threshold = threshold())]
async fn rtp_computed_hosts(host: &str) -> Result<usize, Trouble> {
    if host.is_empty() { Ok(0) } else { Err(Trouble::Down) }
}

#[tokio::test]
async fn a_breaker_of_expressions_is_known_before_its_first_call_which_evaluates_them() {
    let fast = fresh();
    let open_for = json!({ "circuit_breaker": { "open_for": "1h" } });
    fast.apply_settings(&json!({ "policies": { "rtp computed": open_for, "rtp computed hosts": open_for } })).unwrap();
    assert_eq!(EVALUATED.load(SeqCst), 0);
    for _ in 0..4 {
        assert_eq!(rtp_computed().await, Err(Trouble::Down));
        assert_eq!(rtp_computed_hosts("a").await, Err(Trouble::Down));
    }
    assert_eq!(rtp_computed().await, Err(Trouble::Rejected(Reason::Open)));
    assert_eq!(rtp_computed_hosts("a").await, Err(Trouble::Rejected(Reason::Open)));
    let left = Breaker::named("rtp computed").snapshot().retry_after.unwrap();
    assert!(left > Duration::from_secs(3_000), "{left:?}");
    assert_eq!(EVALUATED.load(SeqCst), 2);
}

#[circuit_breaker(name = "rtp hosts", per = "{host}", failure_threshold = 2)]
async fn rtp_hosts(host: &str) -> Result<usize, Trouble> {
    if host.starts_with("down") { Err(Trouble::Down) } else { Ok(host.len()) }
}

#[tokio::test]
async fn breakers_per_key_change_together_those_that_come_later_too() {
    let fast = fresh();
    rtp_hosts("down 1").await.unwrap_err();
    apply(&fast, "rtp hosts", &json!({ "circuit_breaker": { "failure_threshold": 3 } }));
    for host in ["down 1", "down 2", "down 2"] {
        assert_eq!(rtp_hosts(host).await, Err(Trouble::Down));
    }
    for host in ["down 1", "down 2"] {
        assert_eq!(rtp_hosts(host).await, Err(Trouble::Down));
        assert_eq!(rtp_hosts(host).await, Err(Trouble::Rejected(Reason::Open)));
    }
    fast.apply_settings(&json!({})).unwrap();
    for expected in [Trouble::Down, Trouble::Down, Trouble::Rejected(Reason::Open)] {
        assert_eq!(rtp_hosts("down 3").await, Err(expected));
    }
}

#[bulkhead(max = 2, wait = wait)]
async fn rtp_bulkhead(wait: Duration, gate: &Semaphore) -> Result<(), Trouble> {
    gate.acquire().await.unwrap().forget();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_places_of_a_bulkhead_change_while_calls_are_in_flight() {
    let (fast, gate) = (fresh(), Arc::new(Semaphore::new(0)));
    let mut running = JoinSet::new();
    let spawn = |running: &mut JoinSet<_>, wait| {
        let gate = gate.clone();
        running.spawn(async move { rtp_bulkhead(wait, &gate).await });
    };
    for _ in 0..3 {
        spawn(&mut running, ms(50));
    }
    let full = Err(Trouble::Rejected(Reason::Full));
    assert_eq!(running.join_next().await.unwrap().unwrap(), full, "two have a place");
    spawn(&mut running, Duration::from_secs(3_600));
    yield_now().await;
    apply(&fast, "rtp_bulkhead", &json!({ "bulkhead": { "max": 4, "wait": "70ms" } }));
    spawn(&mut running, ms(1));
    yield_now().await;
    let began = Instant::now();
    assert_eq!(rtp_bulkhead(ms(1), &gate).await, full, "four have a place");
    assert_eq!(began.elapsed(), ms(70), "the setting counts, not the expression");
    apply(&fast, "rtp_bulkhead", &json!({ "bulkhead": { "max": 1 } }));
    gate.add_permits(3);
    for _ in 0..3 {
        assert_eq!(running.join_next().await.unwrap().unwrap(), Ok(()));
    }
    assert_eq!(rtp_bulkhead(ms(1), &gate).await, full, "one is still in flight");
    gate.add_permits(1);
    assert_eq!(running.join_next().await.unwrap().unwrap(), Ok(()));
    gate.add_permits(1);
    assert_eq!(rtp_bulkhead(ms(1), &gate).await, Ok(()));
    fast.apply_settings(&json!({})).unwrap();
    let all = snapshots();
    let levels = &all.iter().find(|policy| policy.name.ends_with("::rtp_bulkhead")).unwrap().levels;
    assert_eq!(levels[..], [("limit", 2), ("in_flight", 0)]);
}

#[bulkhead(max = 3)]
async fn rtp_lost(gate: &Semaphore) -> Result<(), Trouble> {
    gate.acquire().await.expect("the gate is closed").forget();
    Ok(())
}

#[tokio::test]
async fn calls_that_are_cancelled_or_panic_give_their_places_back_to_the_bound_in_force() {
    let (fast, gate) = (fresh(), Arc::new(Semaphore::new(0)));
    let mut running = JoinSet::new();
    let spawn = |running: &mut JoinSet<_>| {
        let gate = gate.clone();
        running.spawn(async move { rtp_lost(&gate).await })
    };
    let cancelled = spawn(&mut running);
    spawn(&mut running);
    spawn(&mut running);
    yield_now().await;
    apply(&fast, "rtp_lost", &json!({ "bulkhead": { "max": 1 } }));
    cancelled.abort();
    assert!(running.join_next().await.unwrap().unwrap_err().is_cancelled());
    let full = Err(Trouble::Rejected(Reason::Full));
    assert_eq!(rtp_lost(&gate).await, full, "two are in flight");
    gate.close();
    for _ in 0..2 {
        assert!(running.join_next().await.unwrap().unwrap_err().is_panic());
    }
    let open = Semaphore::new(1);
    assert_eq!(rtp_lost(&open).await, Ok(()), "one has a place");
    let all = snapshots();
    let levels = &all.iter().find(|policy| policy.name.ends_with("::rtp_lost")).unwrap().levels;
    assert_eq!(levels[..], [("limit", 1), ("in_flight", 0)]);
}

#[rate_limit(calls = 1, per = "1h")]
fn rtp_rate() -> Result<(), Trouble> {
    Ok(())
}

#[rate_limit(calls = 1, per = "1h", key = "{who}")]
fn rtp_rate_of(who: &str) -> Result<usize, Trouble> {
    Ok(who.len())
}

#[test]
fn a_rate_limit_counts_on_by_another_rate() {
    let fast = fresh();
    fast.apply_settings(&json!({ "policies": {
        "rtp_rate": { "rate_limit": { "calls": 3 } },
        "rtp_rate_of": { "rate_limit": { "calls": 2 } },
    } }))
    .unwrap();
    assert_eq!((0..9).filter(|_| rtp_rate().is_ok()).count(), 3);
    for who in ["ada", "grace"] {
        assert_eq!((0..9).filter(|_| rtp_rate_of(who).is_ok()).count(), 2, "{who}");
    }
    fast.apply_settings(&json!({})).unwrap();
    assert_eq!((rtp_rate(), rtp_rate_of("mary")), (Err(Trouble::Rejected(Reason::Limited)), Ok(4)));
    assert!(rtp_rate_of("mary").is_err());
}

#[hedge(after = "1h")]
async fn rtp_hedge(calls: &AtomicU32) -> Result<u32, Trouble> {
    match calls.fetch_add(1, SeqCst) {
        0 => pending().await,
        call => Ok(call),
    }
}

#[tokio::test(start_paused = true)]
async fn a_hedge_begins_its_second_try_by_the_setting() {
    let (fast, calls) = (fresh(), AtomicU32::new(0));
    apply(&fast, "rtp_hedge", &json!({ "hedge": { "after": "5ms" } }));
    let began = Instant::now();
    assert_eq!(rtp_hedge(&calls).await, Ok(1));
    assert_eq!(began.elapsed(), ms(5));
    apply(&fast, "rtp_hedge", &json!({ "hedge": { "p95": "7ms", "budget": 100 } }));
    calls.store(0, SeqCst);
    let began = Instant::now();
    assert_eq!(rtp_hedge(&calls).await, Ok(1));
    assert_eq!(began.elapsed(), ms(7), "few calls are known");
}

#[test]
fn a_policy_as_a_value_is_known_from_its_first_use_on() {
    static FETCH: Retry = Retry::new("rtp value", Settings::new().attempts(NonZeroU32::MIN));
    let fast = fresh();
    let settings =
        json!({ "policies": { "rtp value": { "retry": { "attempts": 3, "wait": "off", "budget": "off" } } } });
    let error = fast.apply_settings(&settings).unwrap_err().wrong_settings()[0].to_string();
    assert!(error.starts_with("policies.\"rtp value\": no policy is called `rtp value`: the nearest are "), "{error}");
    assert!(error.ends_with("(one that no attribute makes is known from its first use on)"));
    let calls = AtomicU32::new(0);
    let call = || FETCH.call_sync(|| Err::<(), _>(calls.fetch_add(1, SeqCst)), |_| true);
    assert_eq!(call(), Err(0));
    fast.apply_settings(&settings).unwrap();
    assert_eq!((call(), FETCH.clone().call_sync(|| Err::<(), _>(calls.load(SeqCst)), |_| true)), (Err(3), Err(4)));
    // Another handle that names it counts, until it no longer does.
    let other = fresh();
    apply(&other, "rtp value", &json!({ "retry": { "attempts": 2, "wait": "off", "budget": "off" } }));
    assert_eq!(call(), Err(5));
    other.apply_settings(&json!({})).unwrap();
    assert_eq!(call(), Err(8));
    apply(&other, "rtp value", &json!({ "retry": { "attempts": 2, "wait": "off", "budget": "off" } }));
    drop(other);
    assert_eq!(call(), Err(11), "its settings have ended with it");
    drop(fast);
    assert_eq!(call(), Err(12));
}

#[circuit_breaker(name = "rtp window", window = 10, min_calls = 5)]
fn rtp_window() -> Result<(), Trouble> {
    Ok(())
}

#[test]
fn all_faults_of_policies_are_told_at_once() {
    let fast = fresh();
    rtp_window().unwrap();
    let error = fast
        .apply_settings(&json!({ "policies": {
            "rtp breaker": {
                "circuit_breaker": { "failure_rate": 101, "window": 5, "timeout": "1s", "probes": -1, "failure_treshold": 3 },
                "retry": { "attempts": 2 },
            },
            "rtp hosts": { "circuit_breaker": { "failure_threshold": "off", "failure_rate": "off" } },
            "rtp window": { "circuit_breaker": { "min_calls": 11 } },
            "rtp_hegde": {},
            "rtp_hedge": { "hedge": { "after": "1ms", "p95": "1ms" }, "hegde": {} },
            "rtp_retry": { "retry": { "backoff": "linear", "budget": "2%" } },
            "rtp_timeout": { "timeout": { "after": 1 } },
            "rtp_bulkhead": { "bulkhead": { "max": 0 } },
        } }))
        .unwrap_err();
    let expected = [
        "policies.\"rtp breaker\".circuit_breaker.failure_rate: 101 is no share of calls: write whole percents, from 1 to 100",
        "policies.\"rtp breaker\".circuit_breaker.failure_treshold: `failure_treshold` is no setting of a circuit breaker, but \
         `failure_threshold` is one: write one of `failure_threshold`, ",
        "policies.\"rtp breaker\".circuit_breaker.probes: -1 is no count: write a whole number from 1",
        "policies.\"rtp breaker\".circuit_breaker.timeout: the timeout is a policy of its own: write it as `rtp breaker.timeout`",
        "policies.\"rtp breaker\".circuit_breaker.window: the counts depend on `window`, so it stays: change it in the attribute",
        "policies.\"rtp breaker\".retry: `rtp breaker` has no `retry`: write one of `circuit_breaker`",
        "policies.\"rtp hosts\".circuit_breaker: nothing opens it: ",
        "policies.\"rtp window\".circuit_breaker: the window of 10 calls never holds the 11 of `min_calls`: write `min_calls = 10` or",
        "policies.rtp_bulkhead.bulkhead.max: 0 is no count: write a whole number from 1",
        "policies.rtp_hedge.hedge: `after` and `p95` both set the delay of the second call: write one of them",
        "policies.rtp_hedge.hegde: `hegde` is no kind of policy with settings, but `hedge` is one: write one of `circuit_breaker`, ",
        "policies.rtp_hegde: no policy is called `rtp_hegde`: the nearest are `it::run_time_policies::rtp_hedge`",
        "policies.rtp_retry.retry.backoff: \"linear\" is none of the words: write one of `exponential`, `constant`",
        "policies.rtp_retry.retry.budget: this is a text: write whole percents, from 1 to 100",
        "policies.rtp_timeout.timeout: this is a table: write a duration, as `\"5m\"`, or `300` for seconds",
    ];
    let faults: Vec<_> = error.wrong_settings().iter().map(ToString::to_string).collect();
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}\n{expected}");
    }
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
}

#[retry(attempts = 2, wait = "1ms", budget = off)]
#[timeout("30s")]
#[bulkhead(max = 4, wait = "10s")]
async fn rtp_busy(in_flight: &AtomicU32) -> Result<u32, Trouble> {
    let now = in_flight.fetch_add(1, SeqCst) + 1;
    yield_now().await;
    in_flight.fetch_sub(1, SeqCst);
    Ok(now)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn policies_change_under_load_without_an_error_or_a_lost_count() {
    let (fast, in_flight, done) = (fresh(), Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let changing = tokio::task::spawn_blocking({
        let (fast, done) = (fast.clone(), done.clone());
        move || {
            let mut changes = 0_u32;
            while !done.load(SeqCst) {
                let settings = match changes % 3 {
                    0 => json!({ "policies": { "rtp_busy": { "bulkhead": { "max": 1 }, "timeout": "20s" } } }),
                    1 => {
                        json!({ "policies": { "rtp_busy": { "bulkhead": { "max": 8, "wait": "20s" }, "retry": { "attempts": 5 } } } })
                    }
                    _ => json!({}),
                };
                fast.apply_settings(&settings).unwrap();
                changes += 1;
            }
            fast.apply_settings(&json!({})).unwrap();
            changes
        }
    });
    let (tasks, calls) = (16, 500);
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let in_flight = in_flight.clone();
        running.spawn(async move {
            for _ in 0..calls {
                assert!((1..=8).contains(&rtp_busy(&in_flight).await.unwrap()));
            }
        });
    }
    running.join_all().await;
    done.store(true, SeqCst);
    assert!(changing.await.unwrap() > 0);
    let all = snapshots();
    let levels = &all
        .iter()
        .find(|policy| policy.kind == PolicyKind::Bulkhead && policy.name.ends_with("rtp_busy"))
        .unwrap()
        .levels;
    assert_eq!(levels[..], [("limit", 4), ("in_flight", 0)]);
    for (kind, name) in
        [(PolicyKind::Bulkhead, "finished"), (PolicyKind::Timeout, "finished"), (PolicyKind::Retry, "first_try")]
    {
        assert_eq!(outcome(kind, "rtp_busy", name), tasks * calls, "{kind:?}");
    }
}

#[timeout("1s")]
async fn rtp_shown() -> Result<(), Trouble> {
    Ok(())
}

#[tokio::test]
async fn the_performance_report_shows_the_settings_in_force() {
    let fast = fresh();
    let monitor = Monitor::builder().cache(&fast).build().unwrap();
    let shown = async || {
        monitor.sample().await;
        serde_json::to_value(monitor.performance().unwrap()).unwrap()["settings"].clone()
    };
    assert_eq!(shown().await, json!({}));
    rtp_shown().await.unwrap();
    apply(&fast, "rtp_shown", &json!({ "timeout": "20ms" }));
    assert_eq!(shown().await, json!({ "policies": { "it::run_time_policies::rtp_shown": { "timeout": "20ms" } } }));
    fast.apply_settings(&json!({ "policies": { "rtp_shown": { "timeout": "20" } } })).unwrap_err();
    assert_ne!(shown().await, json!({}), "of wrong settings nothing is applied");
}
