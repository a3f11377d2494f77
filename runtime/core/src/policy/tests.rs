use super::*;
use crate::shape::Plain;
use crate::stats::Counters;

const SECOND: u64 = 1_000_000_000;

fn life(policy: &Policy<Plain<u64>>, value: u64, load: LoadTimes) -> Option<Lifetime> {
    let site = SiteFigures { counters: &Counters::default(), function: "tests" };
    policy.life_for(Some(&value), load, site)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "a lifetime is a function of a reference")]
fn seconds(value: &u64) -> Duration {
    Duration::from_secs(*value)
}

fn fixed(ttl: Duration) -> Policy<Plain<u64>> {
    Policy::new(ttl).jitter(0.0)
}

fn stated() -> Policy<Plain<u64>> {
    fixed(Duration::MAX).ttl_by(seconds)
}

#[test]
fn a_fixed_ttl_runs_from_the_end_of_the_load() {
    let policy = fixed(Duration::from_secs(1)).no_early();
    let life = life(&policy, 0, LoadTimes::measured(100, 500)).unwrap();
    assert_eq!((life.load_time, life.expires, life.early_from), (400, 1_000_000_500, 1_000_000_500));
}

#[test]
fn a_stated_ttl_runs_from_the_beginning_of_the_load() {
    let load = LoadTimes::measured(SECOND, 3 * SECOND);
    let life = |value| life(&stated(), value, load).map(|life| life.expires);
    assert_eq!(life(60), Some(61 * SECOND));
    assert_eq!(life(3), Some(4 * SECOND));
    assert_eq!(life(2), None, "over as it was loaded");
    assert_eq!(life(0), None);
    assert_eq!(life(u64::MAX), Some(u64::MAX), "without end");
}

#[test]
fn jitter_only_shortens_a_stated_ttl() {
    let policy = stated().jitter(0.5);
    for _ in 0..1_000 {
        let expires = life(&policy, 10, LoadTimes::at(SECOND)).unwrap().expires;
        assert!((6 * SECOND..=11 * SECOND).contains(&expires), "{expires}");
    }
    assert_eq!(life(&policy, u64::MAX, LoadTimes::at(SECOND)).unwrap().expires, u64::MAX);
}

#[test]
fn stale_time_is_added_to_what_the_value_states() {
    let policy = stated().stale(Duration::from_secs(5));
    let load = LoadTimes::measured(0, 3 * SECOND);
    let over = life(&policy, 1, load).unwrap();
    assert_eq!((over.expires, over.served_until), (SECOND, 6 * SECOND), "expired, and servable as stale");
    assert!(life(&policy, 1, LoadTimes::measured(0, 6 * SECOND)).is_none());
    assert!(life(&policy, 0, load).is_none(), "zero is zero");
}

#[test]
fn no_refresh_is_early_by_more_than_a_tenth_of_the_ttl() {
    let early_by = |policy: &Policy<Plain<u64>>, value, load_time| {
        let life = life(policy, value, LoadTimes::measured(0, load_time)).unwrap();
        life.expires - life.early_from
    };
    let policy = fixed(Duration::from_secs(10));
    assert_eq!(early_by(&policy, 0, SECOND / 1_000), SECOND / 50, "twenty load times");
    assert_eq!(early_by(&policy, 0, SECOND / 10), SECOND);
    assert_eq!(early_by(&policy, 0, 100 * SECOND), SECOND);
    assert_eq!(early_by(&policy, 0, u64::MAX / 2), SECOND);
    assert_eq!(early_by(&stated(), 10, SECOND / 1_000), SECOND / 50);
    assert_eq!(early_by(&stated(), 10, SECOND / 10), SECOND);
    assert_eq!(early_by(&stated(), 10, 5 * SECOND), SECOND);
}

#[test]
fn durations_without_bound_saturate() {
    let policy = fixed(Duration::MAX).stale(Duration::MAX).local_ttl(Duration::MAX);
    for ended in [1, u64::MAX - 1] {
        let life = life(&policy, 0, LoadTimes::measured(0, ended)).unwrap();
        assert_eq!((life.expires, life.local_until), (u64::MAX, u64::MAX));
        assert!(life.early_from <= life.expires);
    }
}

#[test]
fn a_panic_of_the_users_function_is_a_lifetime_of_zero_and_counted() {
    let policy = fixed(Duration::MAX).ttl_by(|_| panic!("on purpose"));
    let counters = Counters::default();
    let site = SiteFigures { counters: &counters, function: "tests" };
    for _ in 0..2 {
        assert!(policy.life_for(Some(&1), LoadTimes::at(1), site).is_none());
    }
    assert_eq!(counters.ttl_panics.get(), 2);
}

#[test]
fn the_type_of_a_path_says_what_it_is() {
    const MINUTE: Duration = Duration::from_secs(60);
    let constant = fixed(Duration::MAX).ttl_from(&MINUTE, |value| ttl_of(&MINUTE, value));
    let function = fixed(Duration::MAX).ttl_from(&seconds, |value| ttl_of(&seconds, value));
    let load = LoadTimes::measured(SECOND, 2 * SECOND);
    assert_eq!(life(&constant, 5, load).unwrap().expires, 62 * SECOND);
    assert_eq!(life(&function, 5, load).unwrap().expires, 6 * SECOND);
}
