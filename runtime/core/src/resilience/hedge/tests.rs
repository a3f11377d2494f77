use std::cell::Cell;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::clock::{pause, timer_now};

const MILLI: Duration = Duration::from_millis(1);

fn made(settings: Settings) -> (Hedge, Clock) {
    let clock = Clock::manual();
    (Hedge::new("test", settings).with_clock(clock.clone()), clock)
}

fn outcomes(hedge: &Hedge) -> Vec<u64> {
    hedge.0.outcomes()
}

/// A plan of tries with their durations and results, the number that was begun, and a count of those that still exist.
struct Tries<'a> {
    plan: &'a [(u32, Result<u32, u32>)],
    begun: Cell<usize>,
    held: Arc<()>,
}

impl<'a> Tries<'a> {
    fn new(plan: &'a [(u32, Result<u32, u32>)]) -> Self {
        Self { plan, begun: Cell::new(0), held: Arc::new(()) }
    }

    fn next(&self) -> impl Future<Output = Result<u32, u32>> + use<> {
        let (millis, ended) = self.plan[self.begun.replace(self.begun.get() + 1)];
        let held = self.held.clone();
        async move {
            pause(MILLI * millis).await;
            drop(held);
            ended
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_and_the_other_try_is_dropped() {
    for (plan, expected, millis, begun) in [
        // The first try is quick enough.
        (&[(9, Ok(1)), (0, Ok(2))], Ok(1), 9, 1),
        // The second try overtakes the first, or does not.
        (&[(90, Ok(1)), (20, Ok(2))], Ok(2), 30, 2),
        (&[(25, Ok(1)), (20, Ok(2))], Ok(1), 25, 2),
        // If one try fails, the other decides.
        (&[(90, Ok(1)), (20, Err(2))], Ok(1), 90, 2),
        (&[(20, Err(1)), (20, Ok(2))], Ok(2), 30, 2),
        (&[(20, Err(1)), (20, Err(2))], Err(1), 30, 2),
        // An early failure causes no second try.
        (&[(9, Err(1)), (0, Ok(2))], Err(1), 9, 1),
    ] {
        let (hedge, _) = made(Settings::after(MILLI * 10));
        let (tries, started) = (Tries::new(plan), timer_now());
        assert_eq!(hedge.call(|| tries.next()).await, expected, "{plan:?}");
        assert_eq!((started.elapsed(), tries.begun.get()), (MILLI * millis, begun), "{plan:?}");
        assert_eq!(Arc::strong_count(&tries.held), 1, "{plan:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_budget_ends_hedging_when_everything_is_slow() {
    let (hedge, _) = made(Settings::after(MILLI));
    for _ in 0..1_000 {
        let slow = || async {
            pause(MILLI * 20).await;
            Ok::<_, ()>(())
        };
        assert_eq!(hedge.call(slow).await, Ok(()));
    }
    let [calls, first, second, failed, cancelled, _, hedges] = outcomes(&hedge)[..] else { panic!() };
    assert_eq!((calls, first + second, failed, cancelled), (1_000, 1_000, 0, 0));
    assert!((100..=110).contains(&hedges), "{hedges}");
}

#[tokio::test(start_paused = true)]
async fn the_live_percentile_takes_the_place_of_the_first_delay() {
    let (hedge, clock) = made(Settings::p95(MILLI * 500));
    for _ in 0..32 {
        let call = || async {
            clock.advance(MILLI * 3);
            Ok::<_, ()>(())
        };
        assert_eq!(hedge.call(call).await, Ok(()));
    }
    let (tries, started) = (Tries::new(&[(900, Ok(1)), (1, Ok(2))]), timer_now());
    assert_eq!(hedge.call(|| tries.next()).await, Ok(2));
    assert_eq!(started.elapsed(), MILLI * 4);
    assert_eq!(hedge.0.snapshot().levels, [("p95_micros", 3_000)]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_hedge_drops_both_tries() {
    let (hedge, _) = made(Settings::after(MILLI));
    let tries = Tries::new(&[(90, Ok(1)), (90, Ok(2))]);
    {
        let mut call = pin!(hedge.call(|| tries.next()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut cx).is_pending());
        pause(MILLI * 2).await;
        assert!(call.as_mut().poll(&mut cx).is_pending());
        assert_eq!(tries.begun.get(), 2);
    }
    assert_eq!(Arc::strong_count(&tries.held), 1);
    assert_eq!(outcomes(&hedge), [1, 0, 0, 0, 1, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn outputs_of_any_type_may_be_bad_answers() {
    let (hedge, _) = made(Settings::after(MILLI));
    let failed = |status: &u16| *status >= 500;
    let mut tries = [(90, 200), (5, 503)].into_iter();
    let mut next = || {
        let (millis, status) = tries.next().unwrap();
        async move {
            pause(MILLI * millis).await;
            status
        }
    };
    assert_eq!(hedge.call_judged(&mut next, failed).await, 200, "the quicker answer is bad");
    assert_eq!(hedge.call_judged(|| async { 503 }, failed).await, 503);
    assert_eq!(outcomes(&hedge), [2, 1, 0, 1, 0, 0, 1]);
}

#[test]
fn both_tries_begin_at_once_without_a_delay_and_need_no_timer() {
    let (hedge, _) = made(Settings::after(Duration::ZERO));
    let begun = Cell::new(0);
    let call = || {
        begun.set(begun.get() + 1);
        let hangs = begun.get() == 1;
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            Ok::<_, ()>(7)
        }
    };
    let ended = pin!(hedge.call(call)).poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!((ended, begun.get()), (Poll::Ready(Ok(7)), 2));
}

#[tokio::test]
async fn a_try_that_panics_is_counted_as_such() {
    let (hedge, _) = made(Settings::after(MILLI));
    let own = hedge.clone();
    let call = async move { own.call(|| async { panic!("on purpose") as Result<(), ()> }).await };
    assert!(tokio::spawn(call).await.unwrap_err().is_panic());
    assert_eq!(outcomes(&hedge), [1, 0, 0, 0, 0, 1, 0]);
}
