//! Orders in which threads may meet on one breaker, explored by shuttle:
//! `RUSTFLAGS="--cfg shuttle" cargo test -p fastness --lib interleavings`.

use shuttle::sync::atomic::AtomicU32;
use shuttle::{check_pct, check_random, thread};

use super::*;

/// The same at random, and with few but well-chosen changes of threads.
fn explore(test: fn()) {
    check_random(test, 1_000);
    check_pct(test, 1_000, 3);
}

fn shared() -> (Arc<Breaker>, Clock) {
    let (breaker, clock) = made(small());
    (Arc::new(breaker), clock)
}

#[test]
fn probes_are_never_too_many_and_never_lost() {
    explore(|| {
        let (breaker, clock) = shared();
        half_open(&breaker, &clock);
        let in_flight = Arc::new(AtomicU32::new(0));
        let ends = [Some(Verdict::Success), None, Some(Verdict::Ignored), None];
        let threads = ends.map(|verdict| {
            let (breaker, in_flight) = (breaker.clone(), in_flight.clone());
            thread::spawn(move || {
                let Ok(permit) = breaker.try_acquire() else { return };
                assert!(in_flight.fetch_add(1, SeqCst) < 2, "more than two probes at a time");
                thread::yield_now();
                in_flight.fetch_sub(1, SeqCst);
                match verdict {
                    Some(verdict) => permit.settle(verdict),
                    None => drop(permit),
                }
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(breaker.state(), State::HalfOpen, "one success is not enough");
        assert!(breaker.cell.agrees());
        while breaker.state() == State::HalfOpen {
            end(&breaker, Verdict::Success);
        }
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn nothing_that_is_late_closes_it() {
    explore(|| {
        let (breaker, clock) = shared();
        let (late, opener, prober) = (breaker.clone(), breaker.clone(), breaker.clone());
        let threads = [
            thread::spawn(move || {
                for _ in 0..2 {
                    let Ok(permit) = late.try_acquire() else { continue };
                    thread::yield_now();
                    permit.settle(Verdict::Ignored);
                }
            }),
            thread::spawn(move || {
                for _ in 0..2 {
                    if let Ok(permit) = opener.try_acquire() {
                        permit.settle(Verdict::Failure);
                    }
                }
                clock.advance(SECOND * 2);
            }),
            thread::spawn(move || {
                if let Ok(permit) = prober.try_acquire() {
                    thread::yield_now();
                    permit.settle(Verdict::Success);
                }
            }),
        ];
        for thread in threads {
            thread.join().unwrap();
        }
        // Once open, two successes of its own close it; there was one at most.
        let opened = breaker.events().iter().any(|event| event.to == State::Open);
        assert!(!opened || breaker.state() != State::Closed);
        assert!(breaker.cell.agrees());
    });
}

#[test]
fn no_call_is_lost_and_the_gate_agrees_with_the_machine() {
    explore(|| {
        let (breaker, _) = shared();
        let threads = [Verdict::Success, Verdict::Failure, Verdict::Success].map(|verdict| {
            let breaker = breaker.clone();
            thread::spawn(move || {
                end(&breaker, verdict);
                end(&breaker, Verdict::Success);
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        let seen = breaker.snapshot();
        assert_eq!((seen.state, seen.window_calls, seen.window_failures), (State::Closed, 6, 1));
        assert!(breaker.cell.agrees());
    });
}

#[test]
fn a_breaker_that_opens_rejects_until_its_own_time() {
    explore(|| {
        let (breaker, clock) = shared();
        half_open(&breaker, &clock);
        let failing = breaker.clone();
        let opener = thread::spawn(move || end(&failing, Verdict::Failure));
        let asking = breaker.clone();
        let asker = thread::spawn(move || asking.try_acquire().err().and_then(|rejected| rejected.retry_after()));
        opener.join().unwrap();
        // It opens for two seconds the second time; nobody is told the time of the first.
        let told = asker.join().unwrap();
        assert!(told.is_none_or(|after| after >= SECOND), "{told:?}");
        assert_eq!(breaker.state(), State::Open);
        assert!(breaker.cell.agrees());
    });
}

#[test]
fn failures_at_once_open_it_once() {
    explore(|| {
        let (breaker, _) = shared();
        let threads = [0, 1, 2].map(|_| {
            let breaker = breaker.clone();
            thread::spawn(move || {
                if let Ok(permit) = breaker.try_acquire() {
                    permit.settle(Verdict::Failure);
                }
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(breaker.cell.agrees());
        assert_eq!((breaker.state(), breaker.events().len()), (State::Open, 1));
        assert!(breaker.try_acquire().is_err());
    });
}
