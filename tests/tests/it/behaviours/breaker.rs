//! Circuit breakers: the calls after which they open, the probes that they admit, and their events.

use std::num::NonZeroU32;
use std::time::Duration;

use fastness::Clock;
use fastness::events::Filter;
use fastness::resilience::breaker::{self, Breaker, Cause, State, Verdict, Window};
use fastness::resilience::{Percent, PolicyEvent, subscribe};

use crate::origin::{SECOND, TICK, just_before};

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn made(settings: breaker::Settings) -> (Breaker, Clock) {
    let clock = Clock::manual();
    (Breaker::new("peers", settings).with_clock(clock.clone()), clock)
}

/// Settings that open by the share of failures alone.
fn by_rate(percent: u8, min_calls: u32) -> breaker::Settings {
    breaker::Settings::new().no_failure_threshold().failure_rate(Percent::new(percent)).min_calls(n(min_calls))
}

/// Settings that open by failures in a row alone.
fn in_a_row(failures: u32) -> breaker::Settings {
    breaker::Settings::new().failure_threshold(n(failures)).no_failure_rate().open_for(SECOND).probes(n(2))
}

fn end(breaker: &Breaker, outcome: char) {
    let verdict = match outcome {
        'F' => Verdict::Failure,
        'I' => Verdict::Ignored,
        _ => Verdict::Success,
    };
    breaker.try_acquire().unwrap().settle(verdict);
}

/// The number of these calls (`F`ailures, `S`uccesses and `I`gnored ones) after which the breaker opened.
fn opens_after(settings: breaker::Settings, outcomes: &str) -> Option<usize> {
    let (breaker, _) = made(settings);
    outcomes.chars().enumerate().find_map(|(before, outcome)| {
        end(&breaker, outcome);
        (breaker.state() == State::Open).then_some(before + 1)
    })
}

#[test]
fn rows_and_shares_of_failures_open_a_breaker_and_successes_do_not() {
    let of_last = |settings: breaker::Settings, calls| settings.window(Window::Count(n(calls)));
    let often = "SF".repeat(20);
    for (settings, outcomes, expected) in [
        (in_a_row(3), "FSFF", None),
        (in_a_row(3), "FSFFF", Some(5)),
        (in_a_row(3), "FFIF", Some(4)),
        (by_rate(60, 5), "FSFSF", Some(5)),
        (by_rate(50, 5), "FFFF", None),
        // A success that completes the number of calls leaves it closed, though its share is reached.
        (by_rate(50, 5), "FFFSS", None),
        (by_rate(50, 5), "FFFSSF", Some(6)),
        (of_last(by_rate(66, 3), 3), "FFS", None),
        // Shares are whole percentages and are not rounded: two of three are 66 % and not 67 %.
        (of_last(by_rate(66, 3), 3), "SFF", Some(3)),
        (of_last(by_rate(67, 3), 3), "SFFS", None),
        (of_last(by_rate(75, 4), 4), &often, None),
        (of_last(by_rate(100, 4), 4), "FFFSFFFF", Some(8)),
        (by_rate(50, 4), "FIIIIIIFF", None),
        (by_rate(50, 4), "FIIIIIIFFF", Some(10)),
    ] {
        assert_eq!(opens_after(settings.clone(), outcomes), expected, "{outcomes} {settings:?}");
    }
}

#[test]
fn an_event_has_the_counts_that_opened_the_breaker() {
    let (breaker, _) = made(by_rate(60, 5));
    "FSFSF".chars().for_each(|outcome| end(&breaker, outcome));
    assert_eq!(breaker.events()[0].cause, Cause::FailureRate { failures: 3, calls: 5 });
}

#[test]
fn a_window_of_calls_holds_the_last_of_them() {
    let mut draws = fastrand::Rng::with_seed(7);
    for calls in [1, 2, 3, 10, 64, 100] {
        let (breaker, _) = made(breaker::Settings::new().window(Window::Count(n(calls))));
        // A breaker that is forced closed counts, and never opens.
        breaker.force_closed();
        let mut outcomes = Vec::new();
        for _ in 0..300 {
            outcomes.push(if draws.u8(0..3) == 0 { 'F' } else { 'S' });
            end(&breaker, *outcomes.last().unwrap());
            let last = &outcomes[outcomes.len().saturating_sub(calls as usize)..];
            let failed = last.iter().filter(|outcome| **outcome == 'F').count() as u64;
            let seen = breaker.snapshot();
            assert_eq!((seen.window_calls, seen.window_failures), (last.len() as u64, failed), "of {calls}");
        }
    }
}

#[test]
fn failures_spread_over_a_window_of_time_open_a_breaker_and_older_ones_do_not() {
    for (apart, expected) in [(SECOND, State::Open), (SECOND * 10, State::Closed)] {
        let (breaker, clock) = made(by_rate(50, 5).window(Window::Time(SECOND * 20)));
        for _ in 0..5 {
            end(&breaker, 'F');
            clock.advance(apart);
        }
        assert_eq!(breaker.state(), expected, "{apart:?}");
    }
}

#[test]
fn slow_calls_count_whether_they_fail_or_not_and_ignored_ones_do_not() {
    let (breaker, clock) = made(by_rate(100, 5).slow_rate(Percent::new(60), SECOND));
    for (takes, verdict) in [
        (Duration::ZERO, Verdict::Success),
        (SECOND, Verdict::Failure),
        (SECOND, Verdict::Ignored),
        (SECOND, Verdict::Success),
        // A call that is a nanosecond shorter is not slow.
        (just_before(SECOND), Verdict::Success),
        (SECOND, Verdict::Ignored),
        (SECOND, Verdict::Failure),
    ] {
        assert_eq!(breaker.state(), State::Closed);
        let permit = breaker.try_acquire().unwrap();
        clock.advance(takes);
        permit.settle(verdict);
    }
    assert_eq!(breaker.events()[0].cause, Cause::SlowRate { slow: 3, calls: 5 });
}

/// A breaker that failures opened, and whose time is up.
fn half_open(settings: breaker::Settings) -> (Breaker, Clock) {
    let (breaker, clock) = made(settings);
    while breaker.state() == State::Closed {
        end(&breaker, 'F');
    }
    clock.advance(SECOND * 2);
    (breaker, clock)
}

#[test]
fn six_concurrent_calls_are_limited_to_the_probes() {
    let (breaker, _) = half_open(in_a_row(3).probes(n(4)));
    let mut permits: Vec<_> = (0..6).map(|_| breaker.try_acquire()).collect();
    assert_eq!(permits.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, true, true, false, false]);
    permits.remove(0).unwrap().settle(Verdict::Ignored);
    assert!(breaker.try_acquire().is_ok(), "a returned permit admits one call");
}

#[test]
fn a_breaker_is_reported_as_open_until_the_next_call() {
    let (breaker, _) = half_open(in_a_row(3));
    assert_eq!((breaker.state(), breaker.snapshot().retry_after), (State::Open, Some(Duration::ZERO)));
    end(&breaker, 'S');
    assert_eq!(breaker.state(), State::HalfOpen);
}

#[test]
fn counts_begin_anew_with_each_state() {
    let (breaker, _) = half_open(in_a_row(3));
    assert_eq!(breaker.snapshot().window_calls, 0, "an open one has nothing in its window; the event has it");
    end(&breaker, 'S');
    end(&breaker, 'S');
    assert_eq!((breaker.state(), breaker.snapshot().window_calls), (State::Closed, 0));
    end(&breaker, 'F');
    end(&breaker, 'F');
    assert_eq!(breaker.state(), State::Closed, "a row begins anew when it closes");
    breaker.force_closed();
    "FFFFFF".chars().for_each(|outcome| end(&breaker, outcome));
    assert_eq!(breaker.state(), State::ForcedClosed);
    breaker.automatic();
    end(&breaker, 'F');
    end(&breaker, 'F');
    assert_eq!(breaker.state(), State::Closed, "a row begins anew when it is no longer forced");
    end(&breaker, 'F');
    assert_eq!(breaker.state(), State::Open);
    breaker.automatic();
    assert_eq!((breaker.state(), breaker.snapshot().window_calls), (State::Closed, 0), "an open one is reset");
    assert_eq!(breaker.events().last().map(|event| event.cause), Some(Cause::Forced));
}

#[test]
fn a_late_failure_is_no_second_event_and_does_not_prolong_the_open_time() {
    let (breaker, clock) = made(in_a_row(2));
    let late: Vec<_> = (0..3).map(|_| breaker.try_acquire().unwrap()).collect();
    end(&breaker, 'F');
    end(&breaker, 'F');
    let until = breaker.snapshot().retry_after.unwrap();
    clock.advance(TICK);
    for permit in late {
        permit.settle(Verdict::Failure);
    }
    assert_eq!((breaker.events().len(), breaker.snapshot().retry_after), (1, until.checked_sub(TICK)));
}

#[tokio::test]
async fn a_subscriber_gets_all_events_in_their_order() {
    let clock = Clock::manual();
    let breaker = Breaker::new("in order", in_a_row(2)).with_clock(clock.clone());
    let mut events = subscribe(Filter::all().named("in order"));
    end(&breaker, 'F');
    end(&breaker, 'F');
    clock.advance(SECOND * 2);
    end(&breaker, 'S');
    end(&breaker, 'S');
    let mut heard = Vec::new();
    for _ in 0..3 {
        let Some(PolicyEvent::StateChanged(event)) = events.next().await else { panic!("it changed") };
        heard.push((event.from, event.to, event.cause));
    }
    assert_eq!(
        heard,
        [
            (State::Closed, State::Open, Cause::FailuresInARow(2)),
            (State::Open, State::HalfOpen, Cause::TimeUp),
            (State::HalfOpen, State::Closed, Cause::ProbesSucceeded),
        ]
    );
}

#[test]
fn rejections_are_counted_for_every_cause_of_opening() {
    let (breaker, _) = made(in_a_row(2));
    breaker.disable();
    "FFFF".chars().for_each(|outcome| end(&breaker, outcome));
    assert_eq!(
        (breaker.snapshot().calls.failures, breaker.snapshot().window_calls),
        (0, 0),
        "disabled it counts nothing"
    );
    breaker.force_open();
    for _ in 0..3 {
        assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), None, "the time is unknown");
    }
    assert_eq!(breaker.snapshot().calls.rejected, 3);
}
