use std::future::pending;
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::key::Pattern;
use crate::log::Record;

const PATIENCE_NANOS: u64 = 30_000_000_000;
const WAIT: Terms = Terms { wait: true, patience: PATIENCE_NANOS, note: 5 };

fn flights() -> Arc<Flights> {
    Arc::new(Flights::new(Arc::new(Log::with_mirror_bytes(1 << 10)), Clock::manual()))
}

fn key() -> Hashed<AnyKey> {
    Hashed { hash: 7, args: 7_u8 }.erased()
}

fn shared(number: u32) -> LoadOutcome {
    LoadOutcome::shared(number)
}

/// Returns the shared outcome of a waiter, if it received one.
fn number(waiter: &mut Waiter) -> Option<u32> {
    match waiter.outcome.try_recv() {
        Ok(LoadOutcome::Shared(outcome)) => outcome.downcast().ok().map(|number| *number),
        _ => None,
    }
}

fn scope() -> [u64; 1] {
    [Pattern::exact("n:7").scope]
}

fn lead(flights: &Arc<Flights>) -> LoadPermit {
    match flights.join(key(), &scope(), WAIT) {
        Joined::Lead(permit) => permit,
        _ => panic!("should lead"),
    }
}

fn wait(flights: &Arc<Flights>) -> Waiter {
    match flights.join(key(), &scope(), WAIT) {
        Joined::Wait(waiter) => waiter,
        _ => panic!("should wait"),
    }
}

fn is_empty(flights: &Arc<Flights>) -> bool {
    flights.shards.iter().all(|shard| lock(shard).is_empty())
}

#[test]
fn a_shared_outcome_reaches_all_waiters_and_leaves_no_flight() {
    let flights = flights();
    let permit = lead(&flights);
    let waiters = [wait(&flights), wait(&flights), wait(&flights)];
    permit.end(|| shared(42));
    for mut waiter in waiters {
        assert_eq!(number(&mut waiter), Some(42));
    }
    assert!(is_empty(&flights));
}

#[test]
fn outcomes_without_a_value_reach_all_waiters_too() {
    let flights = flights();
    for outcome in [|| LoadOutcome::Alone, || LoadOutcome::TimedOut] {
        let permit = lead(&flights);
        let mut waiters = [wait(&flights), wait(&flights)];
        permit.end(outcome);
        assert!(
            waiters
                .iter_mut()
                .all(|waiter| matches!(waiter.outcome.try_recv(), Ok(LoadOutcome::Alone | LoadOutcome::TimedOut)))
        );
        assert!(is_empty(&flights));
    }
}

#[test]
fn a_caller_that_joins_after_an_early_outcome_gets_it_at_the_end() {
    let flights = flights();
    let permit = lead(&flights);
    let mut early = wait(&flights);
    permit.notify(|| shared(1));
    assert_eq!(number(&mut early), Some(1));
    let mut late = wait(&flights);
    assert!(late.outcome.try_recv().is_err(), "the flight goes on");
    permit.end(|| shared(1));
    assert_eq!(number(&mut late), Some(1));
    assert!(is_empty(&flights));
}

#[test]
fn a_caller_that_joined_after_an_early_outcome_takes_over_an_abandoned_load() {
    let flights = flights();
    let permit = lead(&flights);
    let mut early = wait(&flights);
    permit.notify(|| shared(1));
    let mut late = wait(&flights);
    drop(permit);
    assert_eq!(number(&mut early), Some(1));
    assert!(matches!(late.outcome.try_recv(), Ok(LoadOutcome::Lead(_))));
    drop(late);
    assert!(is_empty(&flights));
}

#[test]
fn exactly_one_waiter_takes_over_an_abandoned_load_and_the_others_wait() {
    let flights = flights();
    let permit = lead(&flights);
    let (mut first, mut second) = (wait(&flights), wait(&flights));
    drop(permit);
    let Ok(LoadOutcome::Lead(heir)) = first.outcome.try_recv() else { panic!("the first in line leads") };
    assert!(second.outcome.try_recv().is_err(), "the second still waits");
    let mut third = wait(&flights);
    heir.end(|| shared(1));
    assert_eq!(number(&mut second), Some(1));
    assert_eq!(number(&mut third), Some(1));
    assert!(is_empty(&flights));
}

#[test]
fn an_abandoned_load_passes_over_dropped_waiters() {
    let flights = flights();
    let permit = lead(&flights);
    let waiters: Vec<_> = (0..100_000).map(|_| wait(&flights)).collect();
    let mut last = wait(&flights);
    drop(waiters);
    drop(permit);
    assert!(matches!(last.outcome.try_recv(), Ok(LoadOutcome::Lead(_))));
    drop(last);
    assert!(is_empty(&flights), "the last heir was dropped as well");
}

#[test]
fn an_heir_that_is_dropped_before_it_takes_over_hands_the_load_on() {
    let flights = flights();
    let permit = lead(&flights);
    let (first, mut second) = (wait(&flights), wait(&flights));
    drop(permit);
    drop(first);
    assert!(matches!(second.outcome.try_recv(), Ok(LoadOutcome::Lead(_))));
}

#[test]
fn an_heir_begins_a_new_load() {
    let flights = flights();
    let permit = lead(&flights);
    let mut waiter = wait(&flights);
    invalidate(&flights);
    drop(permit);
    let Ok(LoadOutcome::Lead(heir)) = waiter.outcome.try_recv() else { panic!("should lead") };
    // With the epoch of its predecessor, the load could not be joined any more.
    wait(&flights);
    drop(heir);
}

fn invalidate(flights: &Arc<Flights>) {
    let pattern = Pattern::exact("n:7");
    let mut record = Record::default();
    record.push(pattern.scope, pattern.root);
    flights.log.as_ref().expect("the flights have a log").append(&record);
}

#[test]
fn a_load_that_was_overtaken_is_not_joined() {
    let flights = flights();
    let old = lead(&flights);
    let mut early = wait(&flights);
    invalidate(&flights);
    let new = lead(&flights);
    let mut late = wait(&flights);
    old.end(|| shared(1));
    assert_eq!(number(&mut early), Some(1), "a waiter from before gets the old one");
    assert!(late.outcome.try_recv().is_err());
    assert!(!is_empty(&flights), "the old flight removed the new one");
    new.end(|| shared(2));
    assert_eq!(number(&mut late), Some(2));
}

#[test]
fn a_caller_that_does_not_wait_gets_the_flights_note() {
    let flights = flights();
    let _permit = lead(&flights);
    assert!(matches!(flights.join(key(), &scope(), Terms { wait: false, ..WAIT }), Joined::Taken(5)));
}

#[test]
fn a_load_that_calls_itself_does_not_join() {
    let flights = flights();
    let permit = lead(&flights);
    let inside = permit.enter();
    assert!(matches!(flights.join(key(), &scope(), WAIT), Joined::Within));
    drop(inside);
    wait(&flights);
}

/// A key of another load than [`key`]'s.
fn other(hash: u64) -> Hashed<AnyKey> {
    Hashed { hash, args: 8_u8 }.erased()
}

#[test]
fn a_load_that_needs_another_one_waits_for_it() {
    let flights = flights();
    let (own, Joined::Lead(another)) = (lead(&flights), flights.join(other(8), &[], WAIT)) else { panic!("it leads") };
    let inside = own.enter();
    assert!(matches!(flights.join(other(8), &[], WAIT), Joined::Wait(_)));
    drop(inside);
    another.end(|| LoadOutcome::Alone);
    own.end(|| LoadOutcome::Alone);
    assert!(is_empty(&flights));
}

#[test]
fn keys_are_spread_over_the_shards() {
    let flights = flights();
    let hashes = (0..SHARDS as u64).map(|n| n << 40 | n).chain([u64::MAX]);
    let permits: Vec<_> = hashes.map(|hash| flights.join(other(hash), &[], WAIT)).collect();
    assert!(permits.iter().all(|joined| matches!(joined, Joined::Lead(_))));
    assert!(flights.shards.iter().all(|shard| !lock(shard).is_empty()));
}

#[test]
fn an_abandoned_load_drops_its_body_and_gives_its_permit_back() {
    let (flights, body) = (flights(), Arc::new(()));
    let (permit, held) = (lead(&flights), body.clone());
    let mut waiter = wait(&flights);
    let load = async move {
        pending::<()>().await;
        drop(held);
    };
    let mut load = Box::pin(Load::new(load, Some(permit)));
    assert!(futures_poll(load.as_mut()).is_pending());
    let permit = load.as_mut().abandon().expect("the flight has not ended");
    assert_eq!(Arc::strong_count(&body), 1);
    assert!(load.as_mut().abandon().is_none() && futures_poll(load.as_mut()).is_pending());
    permit.end(|| LoadOutcome::TimedOut);
    assert!(matches!(waiter.outcome.try_recv(), Ok(LoadOutcome::TimedOut)));
}

#[tokio::test]
async fn a_dropped_load_drops_its_body_before_it_hands_over() {
    struct SeesNoHeir<'a>(&'a AtomicUsize);
    impl Drop for SeesNoHeir<'_> {
        fn drop(&mut self) {
            assert_eq!(self.0.swap(1, std::sync::atomic::Ordering::SeqCst), 0);
        }
    }
    let (flights, order) = (flights(), AtomicUsize::new(0));
    let permit = lead(&flights);
    let mut waiter = wait(&flights);
    {
        let witness = SeesNoHeir(&order);
        let body = async move {
            let _witness = witness;
            pending::<()>().await;
        };
        let mut load = Box::pin(Load::new(body, Some(permit)));
        assert!(futures_poll(load.as_mut()).is_pending());
        assert!(waiter.outcome.try_recv().is_err());
    }
    assert_eq!(order.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert!(matches!(waiter.outcome.try_recv(), Ok(LoadOutcome::Lead(_))));
}

fn futures_poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn a_load_without_a_log_is_never_overtaken_and_still_handed_over() {
    let flights = Arc::new(Flights::without_log(Clock::manual()));
    let permit = lead(&flights);
    let mut waiter = wait(&flights);
    drop(permit);
    let Ok(LoadOutcome::Lead(heir)) = waiter.outcome.try_recv() else { panic!("it leads") };
    heir.end(|| shared(1));
    assert!(is_empty(&flights));
}
