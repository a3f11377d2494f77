use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::flight::{Boarding, Flights, Load, Seat, Terms};
use crate::key::{AnyKey, Hashed};
use crate::log::Log;

const WAIT: Terms = Terms { wait: true, patience: 30_000_000_000, note: 0 };
const TICK: Duration = Duration::from_millis(10);

struct Board {
    flights: Arc<Flights>,
    clock: Clock,
}

impl Board {
    fn new() -> Self {
        let clock = Clock::manual();
        Self { flights: Arc::new(Flights::new(Arc::new(Log::with_mirror_bytes(0)), clock.clone())), clock }
    }

    fn board(&self, terms: Terms) -> Boarding {
        let key: Hashed<AnyKey> = Hashed { hash: 7, args: 7_u8 }.erased();
        self.flights.board(key, &[], terms)
    }

    fn lead(&self) -> Permit {
        let Boarding::Lead(permit) = self.board(WAIT) else { panic!("should lead") };
        permit
    }

    fn wait(&self) -> Seat {
        let Boarding::Wait(seat) = self.board(WAIT) else { panic!("should wait") };
        seat
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Whether a waiter was told to board anew.
fn boards_anew(seat: &mut Seat) -> bool {
    matches!(poll(Pin::new(seat)), Poll::Ready(Err(_)))
}

fn number(seat: &mut Seat) -> Option<u32> {
    match poll(Pin::new(seat)) {
        Poll::Ready(Ok(Signal::Landed(landing))) => landing.downcast().ok().map(|number| *number),
        _ => None,
    }
}

#[test]
fn after_its_patience_all_who_wait_board_anew_and_one_leads() {
    let board = Board::new();
    let old = board.lead();
    assert!(!old.is_instead());
    let mut seats = [board.wait(), board.wait(), board.wait()];
    board.clock.advance(PATIENCE.saturating_sub(TICK));
    assert!(!seats.iter_mut().any(boards_anew));
    board.clock.advance(TICK);
    assert!(seats.iter_mut().all(boards_anew));
    assert!(old.is_given_up());
    let new = board.lead();
    assert!(new.is_instead() && !new.is_given_up());
    let mut seat = board.wait();
    old.land(|| Signal::Landed(Box::new(1_u32)));
    assert_eq!(number(&mut seat), None, "it lands for itself alone");
    new.land(|| Signal::Landed(Box::new(2_u32)));
    assert_eq!(number(&mut seat), Some(2));
    assert!(!board.lead().is_instead(), "what was given up is forgotten");
}

#[test]
fn a_leader_that_is_polled_is_not_given_up_however_slow_it_is() {
    let board = Board::new();
    let mut load = Box::pin(Load::new(pending::<()>(), Some(board.lead())));
    let mut seat = board.wait();
    for _ in 0..10 {
        board.clock.advance(PATIENCE.saturating_sub(TICK));
        assert!(poll(load.as_mut()).is_pending());
        assert!(!boards_anew(&mut seat));
    }
    board.clock.advance(PATIENCE);
    assert!(boards_anew(&mut seat));
}

#[test]
fn a_leader_that_waits_for_something_else_is_given_that_time() {
    let board = Board::new();
    let permit = board.lead();
    permit.expect_wait(TICK);
    let mut seat = board.wait();
    board.clock.advance(PATIENCE);
    assert!(!boards_anew(&mut seat));
    board.clock.advance(TICK);
    assert!(boards_anew(&mut seat));
    drop(permit);
}

#[test]
fn one_that_nobody_waits_for_is_given_up_by_the_next_who_comes_and_by_who_refreshes() {
    for terms in [WAIT, Terms { wait: false, ..WAIT }] {
        let board = Board::new();
        let old = board.lead();
        assert!(matches!(board.board(terms), Boarding::Wait(_) | Boarding::Taken(_)));
        board.clock.advance(PATIENCE);
        let Boarding::Lead(new) = board.board(terms) else { panic!("should lead") };
        assert!(new.is_instead() && old.is_given_up());
    }
}

#[test]
fn an_heir_that_is_not_polled_is_given_up_in_its_turn() {
    let board = Board::new();
    let permit = board.lead();
    let (_unpolled, mut seat) = (board.wait(), board.wait());
    board.clock.advance(PATIENCE / 2);
    drop(permit);
    board.clock.advance(PATIENCE.saturating_sub(TICK));
    assert!(!boards_anew(&mut seat), "its time begins when it leads");
    board.clock.advance(TICK);
    assert!(boards_anew(&mut seat));
}

#[test]
fn a_leader_that_was_given_up_and_is_dropped_hands_over_to_nobody() {
    let board = Board::new();
    let old = board.lead();
    let mut seat = board.wait();
    board.clock.advance(PATIENCE);
    drop(old);
    assert!(boards_anew(&mut seat));
    let new = board.lead();
    let mut seat = board.wait();
    drop(new);
    assert!(matches!(poll(Pin::new(&mut seat)), Poll::Ready(Ok(Signal::Lead(_)))));
}

#[test]
fn patience_without_bound_saturates() {
    let board = Board::new();
    let terms = Terms { wait: true, patience: u64::MAX, note: 0 };
    let Boarding::Lead(permit) = board.board(terms) else { panic!("should lead") };
    permit.expect_wait(Duration::MAX);
    let mut seat = board.wait();
    board.clock.advance(Duration::from_secs(1_000_000));
    assert!(!boards_anew(&mut seat));
    drop(permit);
}
