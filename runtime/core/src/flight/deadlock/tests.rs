use std::sync::{Arc, Barrier};

use super::*;

/// Flights that no other test of this process has.
struct Flights(Vec<Arc<u8>>);

impl Flights {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| Arc::default()).collect())
    }

    fn id(&self, flight: usize) -> FlightId {
        Arc::as_ptr(&self.0[flight]).addr()
    }

    /// Begins a wait inside the bodies of `inside`, outermost first.
    fn wait(&self, inside: &[usize], target: usize) -> Option<Waits> {
        // Left in the order of a stack.
        let mut bodies: Vec<_> = inside.iter().map(|flight| Inside::enter(self.id(*flight))).collect();
        let waits = Waits::begin(self.id(target));
        while bodies.pop().is_some() {}
        waits
    }

    fn is_recorded(&self, flight: usize) -> bool {
        lock_std(&WAITS).contains_key(&self.id(flight))
    }
}

#[test]
fn a_body_waits_neither_for_itself_nor_for_an_outer_body() {
    let flights = Flights::new(2);
    assert!(flights.wait(&[0], 0).is_none());
    assert!(flights.wait(&[0, 1], 0).is_none());
    assert!(flights.wait(&[0], 1).is_some());
}

#[test]
fn the_last_wait_of_a_circle_is_refused_however_long_it_is() {
    for length in 2..10 {
        let flights = Flights::new(length);
        let waits: Vec<_> = (1..length).map(|next| flights.wait(&[next - 1], next)).collect();
        assert!(waits.iter().all(Option::is_some));
        assert!(flights.wait(&[length - 1], 0).is_none(), "{length} in a row");
    }
}

#[test]
fn the_outer_body_waits_with_the_inner_one() {
    let flights = Flights::new(3);
    let _waits = flights.wait(&[0, 1], 2);
    assert!(flights.wait(&[2], 0).is_none());
    assert!(flights.wait(&[2], 1).is_none());
}

#[test]
fn two_ways_to_one_flight_are_no_circle() {
    let flights = Flights::new(4);
    let waits = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)].map(|(body, target)| flights.wait(&[body], target));
    assert!(waits.iter().all(Option::is_some));
}

#[test]
fn a_wait_that_is_over_is_forgotten_and_the_others_are_not() {
    let flights = Flights::new(2);
    let twice = [flights.wait(&[0], 1), flights.wait(&[0], 1)];
    let [first, second] = twice;
    drop(first);
    assert!(flights.wait(&[1], 0).is_none(), "one wait is left");
    drop(second);
    assert!(!flights.is_recorded(0));
    assert!(flights.wait(&[1], 0).is_some());
    assert!(!flights.is_recorded(1));
}

#[test]
fn a_caller_outside_every_load_is_not_recorded_and_takes_no_lock() {
    let flights = Flights::new(1);
    let taken = lock_std(&WAITS);
    drop(flights.wait(&[], 0).expect("nothing waits for who is outside"));
    drop(taken);
}

/// Both threads ask at once, many times: never are both told to wait.
#[test]
fn one_of_two_concurrent_waits_is_refused() {
    let (flights, barrier) = (Flights::new(2), Barrier::new(2));
    let ask = |own: usize| {
        (0..2_000).fold(0_u32, |refused, _| {
            barrier.wait();
            let waits = flights.wait(&[own], 1 - own);
            barrier.wait();
            refused + u32::from(waits.is_none())
        })
    };
    let refused = std::thread::scope(|threads| {
        let other = threads.spawn(|| ask(1));
        ask(0) + other.join().expect("the other ends")
    });
    assert_eq!(refused, 2_000);
}
