use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::flight::{Flights, Joined, Load, Terms, Waiter};
use crate::key::{AnyKey, Hashed};
use crate::log::Log;

const WAIT: Terms = Terms { wait: true, patience: 30_000_000_000, note: 0 };
const TICK: Duration = Duration::from_millis(10);

struct Flying {
    flights: Arc<Flights>,
    clock: Clock,
}

impl Flying {
    fn new() -> Self {
        let clock = Clock::manual();
        Self { flights: Arc::new(Flights::new(Arc::new(Log::with_mirror_bytes(0)), clock.clone())), clock }
    }

    fn join(&self, terms: Terms) -> Joined {
        let key: Hashed<AnyKey> = Hashed { hash: 7, args: 7_u8 }.erased();
        self.flights.join(key, &[], terms)
    }

    fn lead(&self) -> LoadPermit {
        let Joined::Lead(permit) = self.join(WAIT) else { panic!("should lead") };
        permit
    }

    fn wait(&self) -> Waiter {
        let Joined::Wait(waiter) = self.join(WAIT) else { panic!("should wait") };
        waiter
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns whether a waiter has to join again.
fn joins_anew(waiter: &mut Waiter) -> bool {
    matches!(poll(Pin::new(waiter)), Poll::Ready(Err(_)))
}

fn number(waiter: &mut Waiter) -> Option<u32> {
    match poll(Pin::new(waiter)) {
        Poll::Ready(Ok(LoadOutcome::Shared(outcome))) => outcome.downcast().ok().map(|number| *number),
        _ => None,
    }
}

#[test]
fn all_waiters_join_anew_after_the_patience_and_one_leads() {
    let flights = Flying::new();
    let old = flights.lead();
    assert!(!old.is_replacement());
    let mut waiters = [flights.wait(), flights.wait(), flights.wait()];
    flights.clock.advance(PATIENCE.saturating_sub(TICK));
    assert!(!waiters.iter_mut().any(joins_anew));
    flights.clock.advance(TICK);
    assert!(waiters.iter_mut().all(joins_anew));
    assert!(old.is_given_up());
    let new = flights.lead();
    assert!(new.is_replacement() && !new.is_given_up());
    let mut waiter = flights.wait();
    old.end(|| LoadOutcome::shared(1_u32));
    assert_eq!(number(&mut waiter), None, "it ends for itself alone");
    new.end(|| LoadOutcome::shared(2_u32));
    assert_eq!(number(&mut waiter), Some(2));
    assert!(!flights.lead().is_replacement(), "a load that was given up is forgotten");
}

#[test]
fn a_slow_leader_that_is_polled_is_not_given_up() {
    let flights = Flying::new();
    let mut load = Box::pin(Load::new(pending::<()>(), Some(flights.lead())));
    let mut waiter = flights.wait();
    for _ in 0..10 {
        flights.clock.advance(PATIENCE.saturating_sub(TICK));
        assert!(poll(load.as_mut()).is_pending());
        assert!(!joins_anew(&mut waiter));
    }
    flights.clock.advance(PATIENCE);
    assert!(joins_anew(&mut waiter));
}

#[test]
fn a_leader_that_waits_for_something_else_is_given_that_time() {
    let flights = Flying::new();
    let permit = flights.lead();
    permit.expect_wait(TICK);
    let mut waiter = flights.wait();
    flights.clock.advance(PATIENCE);
    assert!(!joins_anew(&mut waiter));
    flights.clock.advance(TICK);
    assert!(joins_anew(&mut waiter));
    drop(permit);
}

#[test]
fn a_load_without_waiters_is_given_up_by_the_next_caller_and_by_a_refresh() {
    for terms in [WAIT, Terms { wait: false, ..WAIT }] {
        let flights = Flying::new();
        let old = flights.lead();
        assert!(matches!(flights.join(terms), Joined::Wait(_) | Joined::Taken(_)));
        flights.clock.advance(PATIENCE);
        let Joined::Lead(new) = flights.join(terms) else { panic!("should lead") };
        assert!(new.is_replacement() && old.is_given_up());
    }
}

#[test]
fn an_heir_that_is_not_polled_is_given_up_in_its_turn() {
    let flights = Flying::new();
    let permit = flights.lead();
    let (_unpolled, mut waiter) = (flights.wait(), flights.wait());
    flights.clock.advance(PATIENCE / 2);
    drop(permit);
    flights.clock.advance(PATIENCE.saturating_sub(TICK));
    assert!(!joins_anew(&mut waiter), "its time begins when it leads");
    flights.clock.advance(TICK);
    assert!(joins_anew(&mut waiter));
}

#[test]
fn a_leader_that_was_given_up_and_is_dropped_hands_nothing_over() {
    let flights = Flying::new();
    let old = flights.lead();
    let mut waiter = flights.wait();
    flights.clock.advance(PATIENCE);
    drop(old);
    assert!(joins_anew(&mut waiter));
    let new = flights.lead();
    let mut waiter = flights.wait();
    drop(new);
    assert!(matches!(poll(Pin::new(&mut waiter)), Poll::Ready(Ok(LoadOutcome::Lead(_)))));
}

#[test]
fn unbounded_patience_saturates() {
    let flights = Flying::new();
    let terms = Terms { wait: true, patience: u64::MAX, note: 0 };
    let Joined::Lead(permit) = flights.join(terms) else { panic!("should lead") };
    permit.expect_wait(Duration::MAX);
    let mut waiter = flights.wait();
    flights.clock.advance(Duration::from_secs(1_000_000));
    assert!(!joins_anew(&mut waiter));
    drop(permit);
}
