//! A breaker under loom: small cases, each in every possible order of threads and memory accesses, up to a bound of preemptions.
//! `scripts/test loom` runs them.

use loom::sync::atomic::AtomicU32;
use loom::thread;

use super::*;

fn check(preemptions: usize, case: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(case);
}

fn shared() -> (Arc<Breaker>, Clock) {
    let (breaker, clock) = made(small());
    (Arc::new(breaker), clock)
}

/// Makes a call on its own thread, if the breaker admits it.
fn call(breaker: &Arc<Breaker>, verdict: Verdict) -> thread::JoinHandle<()> {
    let breaker = breaker.clone();
    thread::spawn(move || {
        if let Ok(permit) = breaker.try_acquire() {
            permit.settle(verdict);
        }
    })
}

#[test]
fn probes_are_never_too_many_and_never_lost() {
    check(3, || {
        let (breaker, clock) = made(small().probes(n(1)));
        let breaker = Arc::new(breaker);
        open_it(&breaker);
        clock.advance(SECOND * 2);
        let in_flight = Arc::new(AtomicU32::new(0));
        let threads = [Some(Verdict::Ignored), None].map(|verdict| {
            let (breaker, in_flight) = (breaker.clone(), in_flight.clone());
            thread::spawn(move || {
                let Ok(permit) = breaker.try_acquire() else { return };
                assert_eq!(in_flight.fetch_add(1, SeqCst), 0, "more than one probe at a time");
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
        assert_eq!(breaker.state(), State::HalfOpen, "nothing was learnt");
        assert!(breaker.cell.agrees());
        end(&breaker, Verdict::Success);
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn no_late_result_closes_a_breaker() {
    check(2, || {
        let (breaker, clock) = made(small());
        // The breaker is leaked, so that a permit can go to another thread.
        let breaker: &'static Breaker = Box::leak(Box::new(breaker));
        let late = breaker.try_acquire().unwrap();
        let opener = thread::spawn(move || {
            for _ in 0..2 {
                if let Ok(permit) = breaker.try_acquire() {
                    permit.settle(Verdict::Failure);
                }
            }
            clock.advance(SECOND * 2);
        });
        let prober = thread::spawn(move || {
            if let Ok(permit) = breaker.try_acquire() {
                permit.settle(Verdict::Success);
            }
        });
        // The late call is spawned last, because loom's default is this order.
        let late = thread::spawn(move || late.settle(Verdict::Success));
        for thread in [opener, prober, late] {
            thread.join().unwrap();
        }
        // Two successes of the new generation would close the open breaker, and there is at most one.
        let opened = breaker.events().iter().any(|event| event.to == State::Open);
        assert!(!opened || breaker.state() != State::Closed);
        assert!(breaker.cell.agrees());
    });
}

#[test]
fn no_call_is_lost_and_the_gate_agrees_with_the_machine() {
    check(3, || {
        let (breaker, _) = shared();
        let threads = [Verdict::Success, Verdict::Failure].map(|verdict| call(&breaker, verdict));
        end(&breaker, Verdict::Success);
        for thread in threads {
            thread.join().unwrap();
        }
        let seen = breaker.snapshot();
        assert_eq!((seen.state, seen.window_calls, seen.window_failures), (State::Closed, 3, 1));
        assert!(breaker.cell.agrees());
    });
}

#[test]
fn a_breaker_that_opens_rejects_until_its_own_time() {
    check(3, || {
        let (breaker, clock) = shared();
        half_open(&breaker, &clock);
        let opener = call(&breaker, Verdict::Failure);
        // The breaker opens for two seconds the second time, and no caller gets the time of the first opening.
        let told = breaker.try_acquire().err().and_then(|rejected| rejected.retry_after());
        assert!(told.is_none_or(|after| after >= SECOND), "{told:?}");
        opener.join().unwrap();
        assert_eq!(breaker.state(), State::Open);
        assert!(breaker.cell.agrees());
    });
}

#[test]
fn concurrent_failures_open_a_breaker_once() {
    check(3, || {
        let (breaker, _) = shared();
        let threads = [(), ()].map(|()| call(&breaker, Verdict::Failure));
        if let Ok(permit) = breaker.try_acquire() {
            permit.settle(Verdict::Failure);
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(breaker.cell.agrees());
        assert_eq!((breaker.state(), breaker.events().len()), (State::Open, 1));
        assert!(breaker.try_acquire().is_err());
    });
}
