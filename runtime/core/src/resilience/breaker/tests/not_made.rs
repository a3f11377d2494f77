//! Calls that an inner policy rejected, or that were dropped while they waited there, say nothing about the callee.

use tokio::task::yield_now;

use super::*;
use crate::clock::pause;
use crate::resilience::bulkhead::{self, Bulkhead};
use crate::resilience::fallback::Fallback;
use crate::resilience::hedge::{self, Hedge};
use crate::resilience::retry::{self, Retry};
use crate::resilience::timeout::Timeout;

/// An error in which the rejection cannot be found.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Opaque;

impl From<Rejected> for Opaque {
    fn from(_: Rejected) -> Self {
        Self
    }
}

impl From<TimedOut> for Opaque {
    fn from(_: TimedOut) -> Self {
        Self
    }
}

fn full(settings: bulkhead::Settings) -> Bulkhead {
    Bulkhead::new("full", settings)
}

const ONE: bulkhead::Settings = bulkhead::Settings::fixed(NonZeroU32::MIN);

/// The failures and the ignored calls of a breaker.
fn counts(breaker: &Breaker) -> (u64, u64) {
    let calls = breaker.snapshot().calls;
    (calls.failures, calls.ignored)
}

#[tokio::test(start_paused = true)]
async fn a_rejected_call_was_not_made_whatever_became_of_its_rejection() {
    let (breaker, _) = made(small());
    let bulkhead = full(ONE);
    let (other, _) = made(small());
    other.force_open();
    let taken = bulkhead.run(std::future::pending::<()>());
    let mut taken = pin!(taken);
    assert!(taken.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());

    // The rejection is held by the error, lost in it, of another breaker, and passed through every policy that may be in between.
    assert!(breaker.call(bulkhead.call(async { Ok::<_, Rejected>(1) })).await.is_err());
    assert_eq!(breaker.call(bulkhead.call(async { Ok::<_, Opaque>(1) })).await, Err(Opaque));
    assert_eq!(breaker.call(other.call(async { Ok::<_, Opaque>(1) })).await, Err(Opaque));
    let call = || bulkhead.call(async { Ok::<_, Opaque>(1) });
    assert_eq!(breaker.call_within(SECOND, call()).await, Err(Opaque));
    assert_eq!(breaker.call(Timeout::new("t", SECOND).call(call())).await, Err(Opaque));
    let retry = Retry::new("r", retry::Settings::new());
    assert_eq!(breaker.call(retry.call(call, |_| true)).await, Err(Opaque));
    assert_eq!(breaker.call(Hedge::new("h", hedge::Settings::after(SECOND)).call(call)).await, Err(Opaque));
    let fallback = Fallback::new("f");
    assert_eq!(breaker.call(fallback.call(async { Err(Opaque) }, |Opaque| call())).await, Err(Opaque));
    assert_eq!(breaker.call_judged(call(), |_| Verdict::Failure).await, Ok(Err(Opaque)));
    assert!(matches!(breaker.try_call(bulkhead.try_call(async { Ok::<_, ()>(1) })).await, Err(CallError::Failed(_))));
    assert_eq!((breaker.state(), counts(&breaker)), (State::Closed, (0, 10)));
    assert_eq!(breaker.call_sync(|| bulkhead.call_sync(|| Ok::<_, Opaque>(1))), Err(Opaque));
    assert_eq!(breaker.call_sync(|| bulkhead.call_sync(|| Ok::<_, Rejected>(1))).unwrap_err().name(), "full");
    assert_eq!((breaker.state(), counts(&breaker)), (State::Closed, (0, 12)));
}

#[tokio::test(start_paused = true)]
async fn a_callee_that_fails_beside_a_rejection_has_failed() {
    let (breaker, _) = made(small().failure_threshold(n(100)));
    let (open, _) = made(small());
    open.force_open();
    let rejected = || open.call(async { Ok::<u32, Opaque>(1) });
    let fails = || async { Err::<u32, _>(Opaque) };
    // The call goes on after the rejection, through a policy or by its own code, and fails.
    assert_eq!(breaker.call(Fallback::new("f").call(rejected(), |Opaque| fails())).await, Err(Opaque));
    let by_hand = async {
        let _ = rejected().await;
        yield_now().await;
        fails().await
    };
    assert_eq!(breaker.call(by_hand).await, Err(Opaque));
    let dropped = || {
        let _optional = open.try_acquire().is_ok();
        Err::<u32, _>("down".to_owned())
    };
    assert!(matches!(breaker.try_call_sync(dropped), Err(CallError::Failed(_))));
    // The second of two tries is rejected, and the first fails by itself; the error of the first is returned.
    let tries = Cell::new(0);
    let hedged = || {
        tries.set(tries.get() + 1);
        let is_first = tries.get() == 1;
        async move {
            if is_first {
                pause(SECOND).await;
                Err(Opaque)
            } else {
                pause(SECOND * 5).await;
                rejected().await
            }
        }
    };
    let hedge = Hedge::new("h", hedge::Settings::after(SECOND / 2));
    assert_eq!(breaker.call(hedge.call(hedged)).await, Err(Opaque));
    // An earlier rejection on this thread belongs to no other call.
    assert_eq!(rejected().await, Err(Opaque));
    assert_eq!(breaker.call(fails()).await, Err(Opaque));
    assert_eq!(breaker.call_sync(|| Err::<u32, _>(Opaque)), Err(Opaque));
    assert_eq!(counts(&breaker), (6, 0));
}

#[tokio::test(start_paused = true)]
async fn a_hedge_whose_first_try_was_rejected_earlier_was_not_made() {
    let (breaker, _) = made(small());
    let (open, _) = made(small());
    open.force_open();
    let tries = Cell::new(0);
    let hedged = || {
        tries.set(tries.get() + 1);
        let is_first = tries.get() == 1;
        let open = &open;
        async move {
            pause(SECOND * if is_first { 1 } else { 5 }).await;
            if is_first { open.call(async { Ok::<u32, Opaque>(1) }).await } else { Err(Opaque) }
        }
    };
    let hedge = Hedge::new("h", hedge::Settings::after(SECOND / 2));
    assert_eq!(breaker.call(hedge.call(hedged)).await, Err(Opaque));
    assert_eq!(counts(&breaker), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_timed_out_while_it_waited_for_its_turn_was_not_made() {
    let (breaker, _) = made(small().cancelled_is_failure());
    let bulkhead = full(ONE.wait(SECOND * 60));
    let mut cx = Context::from_waker(Waker::noop());
    let timeout = Timeout::new("t", SECOND);
    let made = || breaker.call(timeout.call(bulkhead.call(std::future::pending::<Result<u32, Opaque>>())));
    let (mut runs, mut waits) = (Box::pin(made()), Box::pin(made()));
    assert!(runs.as_mut().poll(&mut cx).is_pending());
    assert!(waits.as_mut().poll(&mut cx).is_pending());
    let timed = timeout.call(bulkhead.call(std::future::pending::<Result<u32, Opaque>>()));
    let mut within = Box::pin(breaker.call_within(SECOND, timed));
    assert!(within.as_mut().poll(&mut cx).is_pending());
    pause(SECOND).await;
    // The waiting calls end first, in the order in which they would be admitted.
    assert_eq!(waits.as_mut().poll(&mut cx), Poll::Ready(Err(Opaque)));
    assert_eq!(within.as_mut().poll(&mut cx), Poll::Ready(Err(Opaque)));
    assert_eq!(counts(&breaker), (0, 2), "they were not made");
    assert_eq!(runs.as_mut().poll(&mut cx), Poll::Ready(Err(Opaque)));
    assert_eq!(counts(&breaker), (1, 2), "and this one was");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_while_it_waits_for_its_turn_is_no_failure() {
    let (breaker, _) = made(small().cancelled_is_failure());
    let bulkhead = full(ONE.wait(SECOND * 60));
    let mut cx = Context::from_waker(Waker::noop());
    let made = || breaker.call(bulkhead.call(std::future::pending::<Result<u32, Opaque>>()));
    let (mut runs, mut waits) = (Box::pin(made()), Box::pin(made()));
    assert!(runs.as_mut().poll(&mut cx).is_pending());
    assert!(waits.as_mut().poll(&mut cx).is_pending());
    drop(waits);
    assert_eq!((counts(&breaker), breaker.snapshot().calls.cancelled), ((0, 0), 1));
    drop(runs);
    assert_eq!((counts(&breaker), breaker.snapshot().calls.cancelled), ((1, 0), 1), "this one was made");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_by_the_panic_of_another_was_cancelled() {
    let (breaker, _) = made(small());
    let other = breaker.clone();
    let task = async move {
        let waits = other.call(std::future::pending::<Result<(), Rejected>>());
        tokio::join!(waits, async { panic!("on purpose") as Result<(), ()> }).0
    };
    assert!(tokio::spawn(task).await.unwrap_err().is_panic());
    let calls = breaker.snapshot().calls;
    assert_eq!((calls.failures, calls.cancelled), (0, 1));
}

#[test]
fn a_call_that_was_not_made_returns_its_probe() {
    let (breaker, clock) = made(small());
    half_open(&breaker, &clock);
    let (open, _) = made(small());
    open.force_open();
    for _ in 0..10 {
        assert!(breaker.call_sync(|| open.call_sync(|| Ok::<_, Opaque>(1))).is_err());
    }
    assert_eq!((breaker.state(), counts(&breaker)), (State::HalfOpen, (2, 10)));
    let hosts = KeyedBreaker::new("hosts", small()).with_max_keys(10).with_clock(clock);
    for _ in 0..10 {
        assert!(hosts.get("a").call_sync(|| open.call_sync(|| Ok::<_, Opaque>(1))).is_err());
    }
    assert_eq!(hosts.get("a").state(), State::Closed);
}
