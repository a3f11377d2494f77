//! Six policies around one body, and calls that end in every way: each is counted once, and every permit is returned.

// The body stands for a call over a network, and tokio's paused time is what sleeps here.
#![allow(clippy::unused_async, clippy::disallowed_methods, clippy::used_underscore_binding)]

use std::collections::BTreeMap;
use std::time::Duration;

use fastness::resilience::breaker::{Breaker, State};
use fastness::resilience::{PolicyKind, Rejected, TimedOut, snapshots};
use fastness::{bulkhead, circuit_breaker, fallback, hedge, retry, timeout};
use tokio::task::JoinSet;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    Rejected,
    TimedOut,
    Down,
}

impl From<Rejected> for Trouble {
    fn from(_: Rejected) -> Self {
        Self::Rejected
    }
}

impl From<TimedOut> for Trouble {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

/// The end of a body, after a number of milliseconds.
#[derive(Clone, Copy, Debug)]
enum End {
    Ok,
    Err,
    Panic,
    Never,
}

#[fallback(other, name = "nested")]
// The breaker uses the machine's clock, which hardly moves while paused time passes: it is open for so short a time that most calls are
// admitted.
#[circuit_breaker(name = "nested", open_for = "1ms", max_open = "1ms")]
#[hedge(after = "30ms", budget = 100, name = "nested")]
#[retry(attempts = 3, wait = "5ms", name = "nested")]
#[timeout("80ms", name = "nested")]
#[bulkhead(max = 8, name = "nested")]
async fn nested(end: End, millis: u64) -> Result<u64, Trouble> {
    if millis > 0 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    match end {
        End::Ok => Ok(millis),
        End::Err => Err(Trouble::Down),
        End::Panic => panic!("on purpose"),
        End::Never => std::future::pending().await,
    }
}

async fn other(_: End, millis: u64, error: Trouble) -> Result<u64, Trouble> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    if millis.is_multiple_of(2) { Err(error) } else { Ok(0) }
}

type Counts = BTreeMap<&'static str, u64>;

/// The outcomes of calls through the policy of this kind, and its present state.
fn counts(kind: PolicyKind) -> (Counts, Counts) {
    let all = snapshots();
    let own = all.iter().find(|policy| policy.kind == kind && &*policy.name == "nested").expect("it was used");
    (own.outcomes.iter().copied().collect(), own.levels.iter().copied().collect())
}

fn sum(counts: &Counts, names: &[&str]) -> u64 {
    names.iter().map(|name| counts[name]).sum()
}

/// Makes this number of calls, each in a task of its own; some tasks are aborted.
async fn calls(random: &mut fastrand::Rng, number: u64) {
    let mut tasks = JoinSet::new();
    for _ in 0..number {
        // Most calls succeed, so that the breaker is not open all the time.
        let end = random.choice([End::Ok, End::Ok, End::Ok, End::Ok, End::Err, End::Panic, End::Never]).expect("one");
        let millis = random.choice([0, 1, 2, 10, 33, 40, 79]).expect("one");
        let task = tasks.spawn(nested(end, millis));
        if random.u8(0..4) == 0 {
            // The task waits for its body, for the next attempt or for the fallback, or has ended.
            let millis = random.u64(0..90);
            tasks.spawn(async move {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                task.abort();
                Ok(millis)
            });
        }
        tokio::time::sleep(Duration::from_millis(random.u64(0..8))).await;
    }
    while tasks.join_next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn every_call_is_counted_once_by_each_policy_that_it_met() {
    let mut random = fastrand::Rng::with_seed(17);
    for _ in 0..4 {
        calls(&mut random, 490).await;
        // On a busy machine the breaker may never be open when a call comes.
        Breaker::named("nested").force_open();
        calls(&mut random, 10).await;
        Breaker::named("nested").automatic();
    }
    let (fallbacks, _) = counts(PolicyKind::Fallback);
    let (breakers, _) = counts(PolicyKind::Breaker);
    let (hedges, _) = counts(PolicyKind::Hedge);
    let (retries, _) = counts(PolicyKind::Retry);
    let (timeouts, _) = counts(PolicyKind::Timeout);
    let (bulkheads, levels) = counts(PolicyKind::Bulkhead);
    let all = format!("{fallbacks:?} {breakers:?} {hedges:?} {retries:?} {timeouts:?} {bulkheads:?} {levels:?}");
    println!("{all}");

    let begun = sum(&fallbacks, &["first", "fallback", "failed", "cancelled", "panicked"]);
    assert!((1_900..=2_000).contains(&begun), "{all}");
    assert_eq!(sum(&breakers, &["success", "failure", "ignored", "cancelled", "rejected"]), begun, "{all}");
    let admitted = begun - breakers["rejected"];
    assert_eq!(hedges["calls"], admitted, "{all}");
    assert_eq!(sum(&hedges, &["first", "second", "failed", "cancelled", "panicked"]), admitted, "{all}");
    // A second try is not begun where the first one ends in the same moment.
    let tries = retries["calls"];
    assert!((admitted..=admitted + hedges["hedges"]).contains(&tries), "{all}");
    let ended = ["first_try", "after_retries", "failed", "over_budget", "cancelled", "panicked"];
    assert_eq!(sum(&retries, &ended), tries, "{all}");
    // A wait between two attempts that is dropped counts as no attempt.
    let attempts = sum(&timeouts, &["finished", "timed_out", "cancelled", "panicked"]);
    assert!(attempts <= tries + retries["retries"] && attempts >= tries, "{all}");
    assert_eq!(sum(&bulkheads, &["finished", "rejected", "cancelled", "panicked"]), attempts, "{all}");
    // A panic unwinds through all policies.
    assert_eq!(bulkheads["panicked"], timeouts["panicked"], "{all}");
    assert_eq!([retries["panicked"], hedges["panicked"], fallbacks["panicked"]], [bulkheads["panicked"]; 3], "{all}");
    // Every ending came up.
    for (policy, rare) in [(&breakers, "ignored"), (&timeouts, "timed_out"), (&bulkheads, "panicked")] {
        assert!(policy[rare] > 0, "{rare}: {all}");
    }
    for policy in [&fallbacks, &breakers, &hedges, &retries, &timeouts, &bulkheads] {
        // Both tries of a call end alike here, so the second never overtakes the first.
        let rare: Vec<_> = policy.iter().filter(|(name, count)| **count == 0 && **name != "second").collect();
        assert_eq!(rare, [], "{all}");
    }

    // All places are free again, and the breaker lets calls through.
    assert_eq!(levels["in_flight"], 0, "{all}");
    Breaker::named("nested").automatic();
    let eight: Vec<_> = (0..8).map(|_| tokio::spawn(nested(End::Ok, 10))).collect();
    for task in eight {
        assert_eq!(task.await.unwrap(), Ok(10));
    }
    assert_eq!(Breaker::named("nested").state(), State::Closed);
    let text = fastness::metrics::prometheus(&fastness::Fastness::builder().build().unwrap());
    assert!(text.contains(r#"policy="bulkhead",name="nested",outcome="panicked""#), "{text}");
}
