//! The breaker by itself and under threads. [`model`] describes its expected behaviour in the simplest form.

use std::cell::Cell;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use super::super::percent::Percent;
use super::site::{BreakerDeclared, BreakerSite, KeyedBreakerDeclared, KeyedBreakerSite};
use super::*;
use crate::tests::Levels;

#[cfg(fastness_loom)]
mod interleavings;
mod model;
mod not_made;

const SECOND: Duration = Duration::from_secs(1);

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn small() -> Settings {
    Settings::new().failure_threshold(n(2)).open_for(SECOND).probes(n(2)).probe_timeout(SECOND * 10)
}

fn made(settings: Settings) -> (Breaker, Clock) {
    let clock = Clock::manual();
    // The breaker has no clock of the process, which loom does not know.
    (Breaker::make("test".into(), settings, clock.clone()), clock)
}

fn end(breaker: &Breaker, verdict: Verdict) {
    breaker.try_acquire().unwrap().settle(verdict);
}

fn open_it(breaker: &Breaker) {
    end(breaker, Verdict::Failure);
    end(breaker, Verdict::Failure);
    assert_eq!(breaker.state(), State::Open);
}

/// Opens the breaker and lets its time pass.
fn half_open(breaker: &Breaker, clock: &Clock) {
    open_it(breaker);
    clock.advance(SECOND * 2);
}

#[test]
fn failures_in_a_row_open_a_breaker_and_a_success_begins_the_row_anew() {
    let (breaker, _) = made(small().failure_threshold(n(3)));
    for verdict in [Verdict::Failure, Verdict::Failure, Verdict::Success, Verdict::Failure, Verdict::Failure] {
        end(&breaker, verdict);
        assert_eq!(breaker.state(), State::Closed);
    }
    end(&breaker, Verdict::Failure);
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(breaker.events()[0].cause, Cause::FailuresInARow(3));
}

#[test]
fn a_breaker_opens_by_its_rate_if_every_second_call_fails() {
    let (breaker, _) = made(Settings::new());
    for _ in 0..39 {
        end(&breaker, Verdict::Success);
        end(&breaker, Verdict::Failure);
    }
    end(&breaker, Verdict::Success);
    assert_eq!(breaker.state(), State::Closed, "79 calls are too few");
    end(&breaker, Verdict::Failure);
    assert_eq!(breaker.events()[0].cause, Cause::FailureRate { failures: 40, calls: 80 });
}

#[test]
fn only_a_longer_row_opens_a_breaker_with_many_calls() {
    let (breaker, clock) = made(Settings::new());
    let row = |failures: u32| {
        let made = (0..failures).take_while(|_| {
            end(&breaker, Verdict::Failure);
            breaker.state() == State::Closed
        });
        made.count()
    };
    for _ in 0..100 {
        end(&breaker, Verdict::Success);
    }
    assert_eq!(row(14), 14);
    end(&breaker, Verdict::Success);
    assert_eq!((row(15), breaker.events()[0].cause), (14, Cause::FailuresInARow(15)));
    clock.advance(SECOND * 10);
    // One of three probes may fail.
    for verdict in [Verdict::Failure, Verdict::Success, Verdict::Success] {
        assert_ne!(breaker.state(), State::Closed);
        end(&breaker, verdict);
    }
    assert_eq!((row(5), breaker.events().last().unwrap().cause), (4, Cause::FailuresInARow(5)), "few calls since");
}

#[test]
fn slow_calls_open_a_breaker_though_they_succeed() {
    let settings = small().min_calls(n(4)).slow_rate(Percent::new(75), SECOND);
    let (breaker, clock) = made(settings);
    end(&breaker, Verdict::Success);
    for _ in 0..3 {
        assert_eq!(breaker.state(), State::Closed);
        let permit = breaker.try_acquire().unwrap();
        clock.advance(SECOND);
        permit.settle(Verdict::Success);
    }
    assert_eq!(breaker.events()[0].cause, Cause::SlowRate { slow: 3, calls: 4 });
    assert_eq!((breaker.snapshot().calls.slow, breaker.snapshot().calls.successes), (3, 4));
}

#[test]
fn a_window_of_time_forgets_old_calls() {
    let settings = Settings::new().no_failure_threshold().min_calls(n(4)).window(Window::Time(SECOND * 10));
    let (breaker, clock) = made(settings);
    end(&breaker, Verdict::Failure);
    end(&breaker, Verdict::Success);
    end(&breaker, Verdict::Failure);
    assert_eq!(breaker.snapshot().failure_rate(), Some(2.0 / 3.0));
    clock.advance(SECOND * 8);
    assert_eq!(breaker.snapshot().window_calls, 3);
    clock.advance(SECOND * 3);
    assert_eq!(breaker.snapshot().window_calls, 0);
    end(&breaker, Verdict::Failure);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_window_of_time_is_exact_to_a_slice() {
    for millis in [150, 151, 999, 1_000, 7_777, 30_000, 60_000, 3_600_000, 86_400_000] {
        let window = Duration::from_millis(millis);
        let (breaker, clock) = made(Settings::new().window(Window::Time(window)));
        // The time is in the middle of a slice.
        clock.advance(window.mul_f64(3.7));
        end(&breaker, Verdict::Success);
        end(&breaker, Verdict::Failure);
        clock.advance(window.mul_f64(0.86));
        assert_eq!(breaker.snapshot().window_calls, 2, "{millis} ms");
        clock.advance(window.mul_f64(0.3));
        assert_eq!(breaker.snapshot().window_calls, 0, "{millis} ms");
    }
}

#[test]
fn a_breaker_stays_open_twice_as_long_after_each_failed_probe() {
    let (breaker, clock) = made(small().max_open(SECOND * 5));
    half_open(&breaker, &clock);
    for seconds in [2, 4, 5, 5, 5] {
        end(&breaker, Verdict::Failure);
        let after = breaker.snapshot().retry_after.unwrap();
        let least = SECOND * seconds;
        assert!(after >= least && after <= least.mul_f64(1.2), "{after:?} where {least:?} was due");
        clock.advance(after);
    }
    end(&breaker, Verdict::Success);
    end(&breaker, Verdict::Success);
    assert_eq!(breaker.state(), State::Closed);
    end(&breaker, Verdict::Failure);
    end(&breaker, Verdict::Failure);
    let after = breaker.snapshot().retry_after.unwrap();
    assert!(after <= SECOND.mul_f64(1.2), "once it worked, the time starts over: {after:?}");
}

#[test]
fn a_rejection_carries_the_time_until_the_next_probe() {
    let (breaker, clock) = made(small());
    open_it(&breaker);
    let until = breaker.snapshot().retry_after.unwrap();
    for passed in [Duration::ZERO, SECOND / 4, SECOND / 2] {
        clock.advance(passed);
        let left = breaker.snapshot().retry_after.unwrap();
        assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), Some(left));
    }
    assert_eq!(breaker.snapshot().retry_after, until.checked_sub(SECOND * 3 / 4));
    assert_eq!(breaker.snapshot().calls.rejected, 3);
}

#[test]
fn a_half_open_breaker_never_admits_more_than_its_probes() {
    const THREADS: usize = 64;
    let (breaker, clock) = made(small().probes(n(3)));
    half_open(&breaker, &clock);
    let (start, in_flight, most) = (Barrier::new(THREADS), AtomicU32::new(0), AtomicU32::new(0));
    let admitted = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..200 {
                    let Ok(permit) = breaker.try_acquire() else { continue };
                    admitted.fetch_add(1, SeqCst);
                    most.fetch_max(in_flight.fetch_add(1, SeqCst) + 1, SeqCst);
                    thread::yield_now();
                    in_flight.fetch_sub(1, SeqCst);
                    drop(permit);
                }
            });
        }
    });
    assert!((1..=3).contains(&most.load(SeqCst)), "{most:?} probes at a time");
    assert_eq!(breaker.snapshot().calls.cancelled, u64::from(admitted.load(SeqCst)));
    // All permits were given back.
    let permits: Vec<_> = (0..3).map(|_| breaker.try_acquire().unwrap()).collect();
    assert!(breaker.try_acquire().is_err());
    drop(permits);
}

#[test]
fn sixty_four_threads_get_no_more_calls_than_there_are_probes() {
    for _ in 0..50 {
        let (breaker, clock) = made(small().probes(n(3)));
        half_open(&breaker, &clock);
        let start = Barrier::new(64);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..64)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        breaker.try_acquire().ok()
                    })
                })
                .collect();
            let permits: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
            assert_eq!(permits.len(), 3);
        });
    }
}

#[test]
fn a_probe_that_never_ends_is_given_up() {
    let (breaker, clock) = made(small());
    half_open(&breaker, &clock);
    let hung: Vec<_> = (0..2).map(|_| breaker.try_acquire().unwrap()).collect();
    let rejected = breaker.try_acquire().unwrap_err();
    assert_eq!(rejected.retry_after(), Some(SECOND), "not the ten seconds until they are given up");
    clock.advance(SECOND * 10);
    end(&breaker, Verdict::Success);
    end(&breaker, Verdict::Success);
    assert_eq!(breaker.state(), State::Closed);
    // These ends are too late to count.
    for permit in hung {
        permit.settle(Verdict::Failure);
    }
    assert_eq!((breaker.state(), breaker.snapshot().window_calls), (State::Closed, 0));
}

#[test]
fn late_results_change_nothing() {
    let (breaker, clock) = made(small());
    let late: Vec<_> = (0..4).map(|_| breaker.try_acquire().unwrap()).collect();
    half_open(&breaker, &clock);
    let probe = breaker.try_acquire().unwrap();
    for permit in late {
        permit.settle(Verdict::Success);
    }
    assert_eq!(breaker.state(), State::HalfOpen, "earlier successes do not close it");
    probe.settle(Verdict::Success);
    end(&breaker, Verdict::Success);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn an_ignored_call_returns_its_probe() {
    let (breaker, clock) = made(small());
    half_open(&breaker, &clock);
    for _ in 0..100 {
        end(&breaker, Verdict::Ignored);
        drop(breaker.try_acquire().unwrap());
    }
    assert_eq!(breaker.state(), State::HalfOpen);
    let calls = breaker.snapshot().calls;
    assert_eq!((calls.ignored, calls.cancelled), (100, 100));
    end(&breaker, Verdict::Success);
    end(&breaker, Verdict::Success);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn cancelled_calls_can_be_failures() {
    let (breaker, _) = made(small().cancelled_is_failure());
    drop(breaker.try_acquire().unwrap());
    drop(breaker.try_acquire().unwrap());
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    let (breaker, clock) = made(small());
    let sync = || breaker.call_sync(|| -> Result<(), Rejected> { panic!("on purpose") });
    assert!(catch_unwind(AssertUnwindSafe(sync)).is_err());
    let other = breaker.clone();
    let call = async move { other.call(async { panic!("on purpose") as Result<(), Rejected> }).await };
    assert!(tokio::spawn(call).await.unwrap_err().is_panic());
    assert_eq!((breaker.state(), breaker.snapshot().calls.failures), (State::Open, 2));

    // A future that outlives the panic holds no permit any more.
    clock.advance(SECOND * 2);
    let mut outliving = pin!(breaker.call(async { panic!("on purpose") as Result<(), Rejected> }));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| outliving.as_mut().poll(&mut cx))).is_err());
    assert_eq!(breaker.state(), State::Open, "a probe panicked");
}

/// A future that is pending this many times.
fn awaits(times: u32) -> impl Future<Output = Result<(), Rejected>> {
    let left = Cell::new(times);
    poll_fn(move |_| match left.get() {
        0 => Poll::Ready(Ok(())),
        more => {
            left.set(more - 1);
            Poll::Pending
        }
    })
}

#[test]
fn a_call_returns_its_permit_wherever_it_is_cancelled() {
    let (breaker, clock) = made(small());
    half_open(&breaker, &clock);
    let mut cx = Context::from_waker(Waker::noop());
    for polls in 0..4 {
        let mut call = Box::pin(breaker.call(awaits(4)));
        for _ in 0..polls {
            assert!(call.as_mut().poll(&mut cx).is_pending());
        }
        drop(call);
        assert_eq!(breaker.snapshot().calls.cancelled, polls, "a call that was not polled is not cancelled");
    }
    let all: Vec<_> = (0..2).map(|_| breaker.try_acquire().unwrap()).collect();
    assert!(breaker.try_acquire().is_err());
    drop(all);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_dropped_and_failed() {
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
    let (breaker, _) = made(small());
    let alive = Arc::new(());
    for _ in 0..2 {
        let held = alive.clone();
        let call = async move {
            std::future::pending::<()>().await;
            drop(held);
            Ok::<(), Error>(())
        };
        let Err(Error::TimedOut(timed_out)) = breaker.call_within(SECOND, call).await else { panic!("it cannot end") };
        assert_eq!(
            timed_out.to_string(),
            "`test` did not finish within 1.0 s and was dropped; it may have had its effect"
        );
    }
    assert_eq!(Arc::strong_count(&alive), 1);
    assert_eq!(breaker.state(), State::Open);
    let rejected = breaker.call_within(SECOND, async { Ok::<(), Error>(()) }).await;
    assert!(matches!(rejected, Err(Error::Rejected(_))));
}

#[test]
fn an_operator_overrides_the_breaker() {
    let (breaker, clock) = made(small());
    breaker.force_closed();
    for _ in 0..10 {
        end(&breaker, Verdict::Failure);
    }
    assert_eq!((breaker.state(), breaker.snapshot().window_failures), (State::ForcedClosed, 10));
    breaker.disable();
    end(&breaker, Verdict::Failure);
    assert_eq!((breaker.state(), breaker.snapshot().calls.failures), (State::Disabled, 10));
    breaker.force_open();
    clock.advance(SECOND * 1_000);
    assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), None);
    breaker.automatic();
    assert_eq!((breaker.state(), breaker.snapshot().window_calls), (State::Closed, 0));
    let events: Vec<_> = breaker.events().iter().map(|event| (event.to, event.cause)).collect();
    let states = [State::ForcedClosed, State::Disabled, State::ForcedOpen, State::Closed];
    assert_eq!(events, states.map(|state| (state, Cause::Forced)));
}

#[test]
fn a_breaker_that_returns_to_automatic_forgets_its_counts() {
    let (breaker, _) = made(small());
    let late = breaker.try_acquire().unwrap();
    end(&breaker, Verdict::Failure);
    breaker.automatic();
    assert_eq!((breaker.snapshot().window_calls, breaker.state()), (0, State::Closed));
    late.settle(Verdict::Failure);
    end(&breaker, Verdict::Failure);
    assert_eq!((breaker.state(), breaker.snapshot().window_failures), (State::Closed, 1), "no earlier call counts");
    assert_eq!(breaker.events(), [], "and its state did not change");
    assert_eq!(breaker.snapshot().calls.failures, 3);
}

#[test]
fn a_window_of_few_calls_is_enough_for_a_rate() {
    let (breaker, _) = made(Settings::new().no_failure_threshold().window(Window::Count(n(10))));
    for _ in 0..9 {
        end(&breaker, Verdict::Failure);
    }
    assert_eq!(breaker.state(), State::Closed);
    end(&breaker, Verdict::Failure);
    assert_eq!(breaker.events()[0].cause, Cause::FailureRate { failures: 10, calls: 10 });
}

#[test]
fn the_last_100_changes_are_stored() {
    let (breaker, _) = made(small());
    for _ in 0..75 {
        breaker.force_open();
        breaker.automatic();
    }
    let changes = breaker.events();
    assert_eq!((changes.len(), changes[0].to, changes[99].to), (100, State::ForcedOpen, State::Closed));
}

#[test]
fn an_opening_is_logged_as_a_warning_and_other_changes_as_information() {
    let ((breaker, _), levels) = (made(small()), Levels::default());
    levels.listen(|| {
        open_it(&breaker);
        breaker.automatic();
        breaker.force_open();
    });
    assert_eq!(levels.heard(), [tracing::Level::WARN, tracing::Level::INFO, tracing::Level::INFO]);
}

#[test]
fn a_long_name_is_stored_short() {
    let long = "x".repeat(1 << 20);
    let breaker = Breaker::named(&long);
    assert!(breaker.name().len() <= 256, "{}", breaker.name().len());
    assert!(Breaker::find(&long).is_some_and(|found| found.name() == breaker.name()));
}

#[test]
fn a_breaker_may_be_forgotten_once_it_refuses_no_call() {
    let (breaker, clock) = made(small());
    let may = |expected| assert_eq!(breaker.cell.may_be_forgotten(), expected, "{:?}", breaker.state());
    may(true);
    open_it(&breaker);
    may(false);
    clock.advance(SECOND * 2);
    may(true);
    let probe = breaker.try_acquire().unwrap();
    may(false);
    clock.advance(SECOND * 10);
    may(true);
    drop(probe);
    for force in [Breaker::force_open, Breaker::force_closed, Breaker::disable] {
        force(&breaker);
        may(false);
    }
}

static DECLARED: BreakerSite = BreakerSite::new("declared", Settings::new, Location::caller());
static DECLARED_HOSTS: KeyedBreakerSite =
    KeyedBreakerSite::new("declared hosts", || (Settings::new(), 10), Location::caller());

inventory::submit! { BreakerDeclared(&DECLARED) }
inventory::submit! { KeyedBreakerDeclared(&DECLARED_HOSTS) }

#[test]
fn a_declared_breaker_exists_before_its_first_call() {
    assert!(Breaker::find("a name without a breaker").is_none());
    let all = super::super::snapshots();
    for name in ["declared", "declared hosts"] {
        assert!(all.iter().any(|policy| &*policy.name == name), "{name}");
    }
    assert_eq!(Breaker::find("declared").unwrap().name(), "declared");
    assert!(!Breaker::conflicts().iter().any(|conflict| conflict.name.starts_with("declared")));
}

/// Numbers of evaluations of the settings below.
static EVALUATED: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static COMPUTED: BreakerSite = BreakerSite::new("computed", || evaluate(0), Location::caller()).computed();
static COMPUTED_HOSTS: KeyedBreakerSite =
    KeyedBreakerSite::new("computed hosts", || (evaluate(1), 10), Location::caller()).computed();
static BROKEN: BreakerSite = BreakerSite::new("broken", || panic!("no configuration"), Location::caller()).computed();

inventory::submit! { BreakerDeclared(&COMPUTED) }
inventory::submit! { BreakerDeclared(&BROKEN) }
inventory::submit! { KeyedBreakerDeclared(&COMPUTED_HOSTS) }

fn evaluate(site: usize) -> Settings {
    EVALUATED[site].fetch_add(1, SeqCst);
    Settings::new()
}

#[test]
fn settings_that_are_expressions_are_evaluated_once_and_by_a_call() {
    let evaluated = || EVALUATED.each_ref().map(|number| number.load(SeqCst));
    let monitor = || {
        assert!(!Breaker::conflicts().iter().any(|conflict| conflict.name.starts_with("computed")));
        #[cfg(feature = "registry")]
        assert!(!faults().iter().any(|fault| fault.contains("computed")));
        super::super::snapshots().iter().filter(|policy| policy.name.starts_with("computed")).count()
    };
    assert_eq!((monitor(), evaluated()), (0, [0, 0]), "monitoring evaluates none, and meets no panic");
    for _ in 0..2 {
        COMPUTED.breaker();
        COMPUTED_HOSTS.get("a");
        assert_eq!((monitor(), evaluated()), (2, [1, 1]));
    }
    for _ in 0..2 {
        assert!(catch_unwind(|| BROKEN.breaker().state()).is_err(), "the caller gets the panic");
    }
    assert_eq!(monitor(), 2);
}

#[test]
fn settings_of_a_breaker_per_key_may_need_another_one() {
    static CONFIGURATION: KeyedBreakerSite =
        KeyedBreakerSite::new("configuration", || (Settings::new(), 10), Location::caller());
    static HOSTS: KeyedBreakerSite = KeyedBreakerSite::new("configured hosts", configured, Location::caller());

    fn configured() -> (Settings, usize) {
        assert_eq!(CONFIGURATION.get("file").state(), State::Closed);
        (small(), 10)
    }

    assert_eq!(HOSTS.get("a").settings(), small());
}

#[test]
fn no_call_is_lost_between_threads() {
    for spread in [Spread::Threads, Spread::Single] {
        let cell = super::cell::Cell::new(
            "test".into(),
            Settings::new().no_failure_threshold().failure_rate(Percent::new(100)),
            Clock::manual(),
            spread,
            Arc::default(),
        );
        let breaker = Breaker { cell: Arc::new(cell) };
        thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    for i in 0..1_000 {
                        end(&breaker, if i % 10 == 0 { Verdict::Failure } else { Verdict::Success });
                    }
                });
            }
        });
        let seen = breaker.snapshot();
        assert_eq!((seen.window_calls, seen.window_failures), (32_000, 3_200), "{spread:?}");
        assert_eq!((seen.calls.successes, seen.calls.failures), (28_800, 3_200), "{spread:?}");
    }
}

#[test]
fn ten_thousand_keys_stay_within_the_cap() {
    let clock = Clock::manual();
    let hosts = KeyedBreaker::new("host", small()).with_max_keys(1_000).with_clock(clock.clone());
    let down: Vec<_> = (0..10).map(|i| hosts.get(&format!("down-{i}"))).collect();
    for breaker in &down {
        open_it(breaker);
    }
    let held = hosts.get("0");
    let permit = held.try_acquire().unwrap();
    for i in 0..10_000 {
        clock.advance(Duration::from_millis(1));
        end(&hosts.get(&i.to_string()), Verdict::Success);
        if i % 1_000 == 0 {
            assert!(hosts.all().len() <= 1_000);
        }
    }
    assert_eq!(hosts.all().len(), 1_000);
    for i in 0..10 {
        assert_eq!(hosts.get(&format!("down-{i}")).state(), State::Open, "open ones are kept");
    }
    assert_eq!(hosts.get("9999").snapshot().calls.successes, 1, "the latest is there");
    assert_eq!(hosts.get("0").snapshot().calls.successes, 0, "the oldest was forgotten");
    permit.settle(Verdict::Success);
    assert_eq!(held.name(), "host[0]");
}

#[test]
fn a_key_that_is_used_stays() {
    let clock = Clock::manual();
    let hosts = KeyedBreaker::new("host", small()).with_max_keys(10).with_clock(clock.clone());
    for i in 0..100 {
        clock.advance(SECOND);
        end(&hosts.get("busy"), Verdict::Success);
        end(&hosts.get(&i.to_string()), Verdict::Success);
    }
    assert_eq!(hosts.get("busy").snapshot().calls.successes, 100);
}

#[test]
fn a_key_that_an_operator_forced_stays() {
    let clock = Clock::manual();
    let hosts = KeyedBreaker::new("host", small()).with_max_keys(3).with_clock(clock.clone());
    hosts.get("closed").force_closed();
    hosts.get("off").disable();
    for i in 0..100 {
        clock.advance(SECOND);
        end(&hosts.get(&i.to_string()), Verdict::Success);
    }
    assert_eq!((hosts.get("closed").state(), hosts.get("off").state()), (State::ForcedClosed, State::Disabled));
}

#[test]
fn keys_are_reported_together_and_forgotten_ones_still_count() {
    let clock = Clock::manual();
    let hosts = KeyedBreaker::new("host", small()).with_max_keys(2).with_clock(clock.clone());
    assert_eq!(&**hosts.name(), "host");
    for key in ["c", "b", "a"] {
        clock.advance(SECOND);
        end(&hosts.get(key), Verdict::Success);
        end(&hosts.get(key), Verdict::Ignored);
    }
    let names: Vec<_> = hosts.all().iter().map(|host| host.name().to_owned()).collect();
    assert_eq!(names, ["host[a]", "host[b]"], "by their names");
    assert_eq!((hosts.calls().successes, hosts.calls().ignored), (3, 3));
    hosts.get("a").force_open();
    hosts.get("b").disable();
    let seen: Vec<_> = hosts.events().iter().map(|event| event.name.to_string()).collect();
    assert_eq!(seen, ["host[a]", "host[b]"]);
    assert_eq!(hosts.get("a").events(), hosts.events());
}

#[test]
fn the_cap_holds_though_all_breakers_are_open() {
    let hosts = KeyedBreaker::new("host", small()).with_max_keys(10).with_clock(Clock::manual());
    for i in 0..100 {
        hosts.get(&i.to_string()).force_open();
    }
    assert_eq!(hosts.all().len(), 10);
}

#[test]
fn one_name_is_one_breaker_and_other_settings_are_a_conflict() {
    let first = Breaker::named_with("shared", &small());
    let second = Breaker::named_with("shared", &Settings::new());
    first.force_open();
    assert_eq!(second.state(), State::ForcedOpen);
    assert_eq!(Breaker::named("shared").settings(), small());

    let found: Vec<_> = Breaker::conflicts().into_iter().filter(|conflict| conflict.name == "shared").collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].first.file(), file!());
    assert_eq!(found[0].second.line(), found[0].first.line() + 1);
    assert!(found[0].to_string().starts_with("circuit breaker `shared` has other settings at "));
}

#[cfg(feature = "registry")]
#[test]
fn contradictory_settings_are_reported() {
    Breaker::named_with("misfit", &Settings::new().window(Window::Count(n(10))).min_calls(n(20)));
    Breaker::named_with("fit", &Settings::new().window(Window::Count(n(10))));
    let of =
        |name: &str| faults().into_iter().filter(|fault| fault.contains(&format!("`{name}` at "))).collect::<Vec<_>>();
    assert_eq!(of("fit"), [""; 0]);
    let [misfit] = &of("misfit")[..] else { panic!() };
    assert!(
        misfit.contains(file!()) && misfit.contains("a window of 10 calls never holds the 20 of `min_calls`"),
        "{misfit}"
    );
}

#[test]
fn sites_of_one_name_share_a_breaker() {
    static A: BreakerSite = BreakerSite::new("site", Settings::new, Location::caller());
    static B: BreakerSite = BreakerSite::new("site", Settings::new, Location::caller());
    static HOSTS: KeyedBreakerSite = KeyedBreakerSite::new("site-hosts", || (Settings::new(), 10), Location::caller());
    A.breaker().force_open();
    assert_eq!(B.breaker().state(), State::ForcedOpen);
    HOSTS.get("a").force_open();
    assert_eq!((HOSTS.get("a").state(), HOSTS.get("b").state()), (State::ForcedOpen, State::Closed));
    assert!(!Breaker::conflicts().iter().any(|conflict| conflict.name.starts_with("site")));
}
