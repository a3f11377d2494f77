//! Shared behaviour of all policies.

use std::future::ready;
use std::num::NonZeroU32;
use std::panic::Location;
use std::time::Duration;

use super::breaker::{Breaker, State};
use super::bulkhead::Bulkhead;
use super::fallback::Fallback;
use super::hedge::Hedge;
use super::retry::Retry;
use super::sites::KeyedBreakerSite;
use super::timeout::Timeout;
use super::*;
use crate::Clock;

/// The one error type that serves every policy.
#[derive(Debug, PartialEq)]
enum Error {
    Rejected(Rejected),
    TimedOut(TimedOut),
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<TimedOut> for Error {
    fn from(timed_out: TimedOut) -> Self {
        Self::TimedOut(timed_out)
    }
}

static TIMEOUT: Timeout = Timeout::new("all-timeout", Duration::from_secs(1));
static RETRY: Retry = Retry::new("all-retry", retry::Settings::new());
static BULKHEAD: Bulkhead = Bulkhead::new("all-bulkhead", bulkhead::Settings::fixed(NonZeroU32::MIN));
static HEDGE: Hedge = Hedge::new("all-hedge", hedge::Settings::after(Duration::from_secs(1)));
static FALLBACK: Fallback = Fallback::new("all-fallback");

/// A call that holds a kilobyte across an await.
async fn big() -> Result<u8, Error> {
    let held = [7; 1_024];
    ready(()).await;
    Ok(held[512])
}

fn is_send<T: Send>(future: T) -> T {
    future
}

/// The canonical stack: fallback, breaker, retry, timeout, bulkhead.
fn stack(breaker: &Breaker) -> impl Future<Output = Result<u8, Error>> + Send {
    let inner = || TIMEOUT.call(BULKHEAD.call(big()));
    is_send(FALLBACK.call(breaker.call(RETRY.call(inner, |_| true)), |_| async { Ok(0) }))
}

#[tokio::test]
async fn policies_nest_and_are_all_listed() {
    let breaker = Breaker::named("all-breaker");
    assert_eq!(stack(&breaker).await, Ok(7));
    assert_eq!(HEDGE.call(big).await, Ok(7));
    breaker.force_open();
    assert_eq!(stack(&breaker).await, Ok(0));

    let seen = snapshots();
    let counted = |name: &str| {
        let policy = seen.iter().find(|policy| &*policy.name == name).unwrap();
        (policy.kind, policy.outcomes[0].0, policy.outcomes[0].1)
    };
    assert_eq!(counted("all-breaker"), (PolicyKind::Breaker, "success", 1));
    assert_eq!(counted("all-timeout"), (PolicyKind::Timeout, "finished", 1));
    assert_eq!(counted("all-retry"), (PolicyKind::Retry, "calls", 1));
    assert_eq!(counted("all-bulkhead"), (PolicyKind::Bulkhead, "finished", 1));
    assert_eq!(counted("all-hedge"), (PolicyKind::Hedge, "calls", 1));
    assert_eq!(counted("all-fallback"), (PolicyKind::Fallback, "first", 1));
    let open = &seen.iter().find(|policy| &*policy.name == "all-breaker").unwrap().breakers[0];
    assert_eq!((open.state, open.calls.rejected), (State::ForcedOpen, 1));
}

#[test]
fn breakers_per_key_are_listed_as_one() {
    static HOSTS: KeyedBreakerSite =
        KeyedBreakerSite::new("all-hosts", || (breaker::Settings::new(), 10), Location::caller());
    for i in 0..100 {
        HOSTS.get(&i.to_string()).call_sync(|| Ok::<_, Error>(())).unwrap();
    }
    HOSTS.get("down").force_open();
    let seen = snapshots().into_iter().find(|policy| &*policy.name == "all-hosts").unwrap();
    assert_eq!(seen.outcomes[0], ("success", 100), "calls through dropped breakers are included");
    assert_eq!(seen.levels, [("keys", 10), ("keys_not_closed", 1)]);
    assert_eq!((seen.breakers.len(), &*seen.breakers[0].name), (1, "all-hosts[down]"));
}

#[test]
fn a_policy_that_is_gone_is_not_listed() {
    let own = Timeout::new("gone", Duration::from_secs(1));
    drop(own.call(ready(Ok::<_, Error>(1))));
    let listed = || snapshots().iter().any(|policy| &*policy.name == "gone");
    assert!(listed());
    drop(own);
    assert!(!listed());
}

#[test]
fn nested_policies_do_not_multiply_the_size_of_a_future() {
    let breaker = Breaker::new("size", breaker::Settings::new()).with_clock(Clock::manual());
    let (bare, whole) = (size_of_val(&big()), size_of_val(&stack(&breaker)));
    assert!(whole < bare + 1_024, "{whole} bytes around {bare}");
}

#[tokio::test]
async fn an_error_without_from_has_call_error() {
    let breaker = Breaker::new("own", breaker::Settings::new()).with_clock(Clock::manual());
    let failed: Result<(), _> = breaker.try_call(ready(Err("down"))).await;
    assert_eq!(failed, Err(CallError::Failed("down")));
    breaker.force_open();
    let rejected = breaker.try_call_sync(|| Ok::<_, &str>(())).unwrap_err();
    let CallError::Rejected(rejected) = rejected else { panic!("{rejected:?}") };
    assert_eq!((rejected.name(), rejected.reason(), rejected.retry_after()), ("own", Reason::Open, None));
    let timeout = Timeout::new("own", Duration::from_secs(1));
    assert_eq!(timeout.try_call(ready(Err::<(), _>("down"))).await, Err(CallError::Failed("down")));
}
