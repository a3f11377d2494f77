//! Promises of the circuit breaker's default settings, checked by shorter simulations than those of docs/guide/breaker-defaults.md.

use std::time::Duration;

use fastness::resilience::breaker;
use fastness_tests::breakers::{Ours, failing, outage};

fn ours() -> Ours {
    Ours::new(breaker::Settings::new())
}

#[test]
fn a_third_of_the_calls_may_fail_with_less_than_one_opening_an_hour() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let openings: f64 = (0..3).map(|seed| failing(&mut ours(), 0.3, 100.0, HOUR, seed).openings).sum();
    assert!(openings / 3.0 <= 1.0, "{openings} in three hours");
    // Five failures in a row open this breaker, as they did by a former default.
    let five = || Ours::new(breaker::Settings::new().failure_threshold(5.try_into().unwrap()));
    let seen = failing(&mut five(), 0.3, 100.0, HOUR / 12, 0);
    assert!(seen.openings > 100.0 && seen.rejected > 0.5, "{seen:?}");
}

#[test]
fn a_total_outage_is_noticed_at_once_with_many_calls_and_after_five_with_few() {
    for (a_second, most_calls, most_seconds) in [(1_000.0, 20, 0.5), (100.0, 20, 0.5), (10.0, 20, 5.0)] {
        for seed in 0..5 {
            let seen = outage(&mut ours(), 1.0, a_second, seed).expect("the breaker opens");
            assert!(seen.calls <= most_calls, "{a_second} a second: {seen:?}");
            assert!(seen.until_open.as_secs_f64() <= most_seconds, "{a_second} a second: {seen:?}");
        }
    }
    for a_second in [0.5, 1.0, 1.5, 1.9, 2.0] {
        for seed in 0..20 {
            let seen = outage(&mut ours(), 1.0, a_second, seed);
            // Half a minute may have fewer than five random calls.
            assert!(seen.is_none_or(|seen| seen.calls <= 5), "{a_second} a second: {seen:?}");
        }
    }
}

#[test]
fn calls_are_made_again_after_an_outage() {
    for seed in 0..5 {
        let seen = outage(&mut ours(), 1.0, 10.0, seed).expect("the breaker opens");
        // It stayed open for 5, 10 and 20 s, and a fifth more at random.
        assert!(seen.until_closed <= Duration::from_secs(25), "{seen:?}");
    }
}
