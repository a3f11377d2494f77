use std::num::NonZeroU32;
use std::time::Duration;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

/// Opens on two failures, for a second; two probes close it, and are given up after ten.
fn settings() -> Settings {
    Settings::new()
        .failure_threshold(n(2))
        .open_for(Duration::from_secs(1))
        .max_open(Duration::from_secs(5))
        .probes(n(2))
        .probe_timeout(Duration::from_secs(10))
}

/// Settles a call, with an empty window.
fn settle(machine: &mut Machine, ending: Ending, now: u64) -> Option<Change> {
    machine.settle(&settings(), (machine.generation, ending), Tally::default(), (now, 0.0))
}

const FAILURE: Ending = Ending::Failure { slow: false };
const SUCCESS: Ending = Ending::Success { slow: false };

/// Open until one second.
fn open() -> Machine {
    let mut machine = Machine::new();
    assert_eq!(settle(&mut machine, FAILURE, 0), None);
    let change = Change { from: State::Closed, to: State::Open, cause: Cause::FailuresInARow(2) };
    assert_eq!(settle(&mut machine, FAILURE, 0), Some(change));
    machine
}

fn refused(machine: &mut Machine, now: u64) -> Option<u64> {
    match machine.admit(&settings(), now) {
        (Admission::Refused { retry_after }, None) => retry_after,
        other => panic!("{other:?}"),
    }
}

/// Admits a call, and returns the change that it causes.
fn granted(machine: &mut Machine, now: u64) -> Option<(State, Cause)> {
    match machine.admit(&settings(), now) {
        (Admission::Granted, change) => change.map(|change| (change.to, change.cause)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_breaker_is_open_before_its_time_and_not_at_it() {
    let mut machine = open();
    assert_eq!(refused(&mut machine, 0), Some(SECOND));
    assert_eq!(refused(&mut machine, SECOND - 1), Some(1));
    assert_eq!(granted(&mut machine, SECOND), Some((State::HalfOpen, Cause::TimeUp)));
}

#[test]
fn each_probe_postpones_the_time_at_which_all_are_given_up() {
    let mut machine = open();
    granted(&mut machine, SECOND);
    assert_eq!(granted(&mut machine, 5 * SECOND), None, "there is room for a second one");
    assert_eq!(refused(&mut machine, 5 * SECOND), Some(SECOND), "no longer than it stays open");
    assert_eq!(refused(&mut machine, 15 * SECOND - 7), Some(7), "ten seconds after the last of them");
    assert_eq!(granted(&mut machine, 15 * SECOND), Some((State::HalfOpen, Cause::ProbesLost)));
    assert_eq!(machine.phase, Phase::HalfOpen { in_flight: 1, ended: Probes::default(), deadline: 25 * SECOND });
}

#[test]
fn probes_that_succeeded_still_count_when_the_others_are_lost() {
    let one_ended = Probes { calls: 1, ..Probes::default() };
    let mut machine = open();
    granted(&mut machine, SECOND);
    granted(&mut machine, SECOND);
    assert_eq!(settle(&mut machine, SUCCESS, SECOND), None);
    assert_eq!(machine.phase, Phase::HalfOpen { in_flight: 1, ended: one_ended, deadline: 11 * SECOND });
    assert_eq!(refused(&mut machine, 2 * SECOND), Some(SECOND), "one under way and one that succeeded are two");
    granted(&mut machine, 11 * SECOND);
    assert_eq!(machine.phase, Phase::HalfOpen { in_flight: 1, ended: one_ended, deadline: 21 * SECOND });
    let change = Change { from: State::HalfOpen, to: State::Closed, cause: Cause::ProbesSucceeded };
    assert_eq!(settle(&mut machine, SUCCESS, 12 * SECOND), Some(change));
}

#[test]
fn an_ignored_probe_makes_room_and_one_failure_of_two_is_half() {
    let mut machine = open();
    granted(&mut machine, SECOND);
    granted(&mut machine, SECOND);
    assert_eq!(settle(&mut machine, Ending::Neither, SECOND), None);
    assert_eq!(granted(&mut machine, SECOND), None);
    let cause = Cause::ProbesFailed { failures: 1, probes: 2 };
    let change = Change { from: State::HalfOpen, to: State::Open, cause };
    assert_eq!(settle(&mut machine, FAILURE, 2 * SECOND), Some(change));
    assert_eq!(machine.phase, Phase::Open { until: 4 * SECOND }, "twice as long as before");
}

#[test]
fn probes_are_judged_by_their_rates() {
    let four = settings().probes(n(4)).slow_rate(Percent::new(75), Duration::from_millis(1));
    let slow = Ending::Success { slow: true };
    let closed = Some((State::Closed, Cause::ProbesSucceeded));
    let failed = |failures| Some((State::Open, Cause::ProbesFailed { failures, probes: 4 }));
    let too_slow = Some((State::Open, Cause::ProbesSlow { slow: 3, probes: 4 }));
    for (settings, endings, expected) in [
        (&four, &[FAILURE, SUCCESS, SUCCESS, SUCCESS][..], closed),
        (&four, &[SUCCESS, SUCCESS, SUCCESS, FAILURE], closed),
        (&four, &[FAILURE, SUCCESS, FAILURE], failed(2)),
        (&four, &[FAILURE, slow, slow, SUCCESS], closed),
        (&four, &[slow, SUCCESS, slow, slow], too_slow),
        (&four.clone().failure_rate(Percent::new(20)), &[SUCCESS, FAILURE], failed(1)),
        (&four.clone().failure_rate(Percent::new(100)), &[FAILURE, FAILURE, FAILURE, SUCCESS], closed),
        (&four.clone().failure_rate(Percent::new(100)), &[FAILURE, FAILURE, FAILURE, FAILURE], failed(4)),
        (&four.clone().no_failure_rate(), &[SUCCESS, FAILURE], failed(1)),
    ] {
        let mut machine = open();
        let mut seen = None;
        for (index, ending) in endings.iter().enumerate() {
            assert_eq!(seen, None, "{endings:?}, {index}");
            machine.admit(settings, SECOND);
            let ended = (machine.generation, *ending);
            seen = machine
                .settle(settings, ended, Tally::default(), (SECOND, 0.0))
                .map(|change| (change.to, change.cause));
        }
        assert_eq!(seen, expected, "{endings:?}");
    }
}

#[test]
fn a_result_of_another_generation_changes_nothing() {
    let mut machine = open();
    let before = machine.phase;
    let earlier = (machine.generation - 1, FAILURE);
    assert_eq!(machine.settle(&settings(), earlier, Tally::default(), (SECOND, 0.0)), None);
    assert_eq!(machine.phase, before);
}

#[test]
fn a_request_for_the_present_state_changes_nothing() {
    let mut machine = open();
    assert_eq!(machine.force(Phase::Open { until: 9 }), None);
    assert_eq!(refused(&mut machine, 0), Some(SECOND));
    let change = Change { from: State::Open, to: State::ForcedOpen, cause: Cause::Forced };
    assert_eq!(machine.force(Phase::ForcedOpen), Some(change));
    assert_eq!(refused(&mut machine, 100 * SECOND), None);
}

#[test]
fn rates_count_from_enough_calls_and_their_share_on() {
    let settings =
        settings().no_failure_threshold().min_calls(n(10)).slow_rate(Percent::new(30), Duration::from_millis(1));
    let why = |calls, failures, slow| opens(&settings, 1_000, Tally { calls, failures, slow });
    assert_eq!(why(9, 9, 9), None, "too few");
    assert_eq!(why(10, 4, 2), None);
    assert_eq!(why(10, 5, 9), Some(Cause::FailureRate { failures: 5, calls: 10 }));
    assert_eq!(why(10, 4, 3), Some(Cause::SlowRate { slow: 3, calls: 10 }));
    let deaf = settings.no_failure_rate();
    assert_eq!(opens(&deaf, 1_000, Tally { calls: 10, failures: 10, slow: 2 }), None);
}

#[test]
fn the_open_time_doubles_up_to_its_bound_with_a_fifth_of_jitter() {
    let millis = |settings: &Settings, reopened, draw| time_open(settings, reopened, draw) / 1_000_000;
    for (reopened, draw, expected) in [
        (0, 0.0, 1_000),
        (0, 0.5, 1_100),
        (0, 1.0, 1_200),
        (1, 0.0, 2_000),
        (2, 0.5, 4_400),
        (3, 0.0, 5_000),
        (31, 0.0, 5_000),
        (u32::MAX, 1.0, 6_000),
    ] {
        assert_eq!(millis(&settings(), reopened, draw), expected, "{reopened} times, {draw}");
    }
    let none = settings().open_for(Duration::ZERO);
    assert_eq!((millis(&none, 0, 1.0), millis(&none, 99, 1.0)), (0, 0), "twice nothing is nothing");
    let shrinking = settings().max_open(Duration::from_millis(1));
    assert_eq!((millis(&shrinking, 0, 0.0), millis(&shrinking, 9, 0.0)), (1_000, 1_000), "it does not grow");
    assert_eq!(time_open(&settings().max_open(Duration::MAX), u32::MAX, 1.0), u64::MAX);
}

#[test]
fn states_and_causes_have_their_names() {
    let names = State::ALL.map(State::as_str);
    assert_eq!(names, ["closed", "open", "half_open", "forced_open", "forced_closed", "disabled"]);
    for (cause, text) in [
        (Cause::FailuresInARow(1), "a call failed"),
        (Cause::FailuresInARow(2), "2 calls in a row failed"),
        (Cause::FailureRate { failures: 3, calls: 4 }, "3 of the last 4 calls failed"),
        (Cause::SlowRate { slow: 3, calls: 4 }, "3 of the last 4 calls were slow"),
        (Cause::TimeUp, "its time open was over"),
        (Cause::ProbesLost, "the probes did not end in time"),
        (Cause::ProbesFailed { failures: 2, probes: 3 }, "2 of 3 probes failed"),
        (Cause::ProbesSlow { slow: 3, probes: 4 }, "3 of 4 probes were slow"),
        (Cause::ProbesSucceeded, "enough probes succeeded"),
        (Cause::Forced, "it was forced"),
    ] {
        assert_eq!(cause.to_string(), text);
    }
}

#[cfg(feature = "settings")]
#[test]
fn settings_with_fewer_probes_judge_those_that_have_ended() {
    let five = settings().probes(n(5));
    let half_open = |endings: &[Ending]| {
        let mut machine = open();
        for &ending in endings {
            assert!(matches!(machine.admit(&five, SECOND), (Admission::Granted, _)));
            assert_eq!(machine.settle(&five, (machine.generation, ending), Tally::default(), (SECOND, 0.0)), None);
        }
        machine
    };
    let change = half_open(&[SUCCESS, SUCCESS]).judge_again(&settings(), (SECOND, 0.0));
    assert_eq!(change, Some(Change { from: State::HalfOpen, to: State::Closed, cause: Cause::ProbesSucceeded }));
    assert_eq!(half_open(&[SUCCESS]).judge_again(&settings(), (SECOND, 0.0)), None);
    assert_eq!(open().judge_again(&settings(), (SECOND, 0.0)), None, "it is open");
    assert_eq!(Machine::new().judge_again(&settings(), (SECOND, 0.0)), None, "it is closed");
    let half = five.clone().failure_rate(Percent::new(50));
    let mut machine = open();
    for ending in [SUCCESS, FAILURE] {
        assert!(matches!(machine.admit(&half, SECOND), (Admission::Granted, _)));
        assert_eq!(machine.settle(&half, (machine.generation, ending), Tally::default(), (SECOND, 0.0)), None);
    }
    let change = machine.judge_again(&half.probes(n(2)), (SECOND, 0.0));
    assert_eq!(change.map(|change| change.cause), Some(Cause::ProbesFailed { failures: 1, probes: 2 }));
}
