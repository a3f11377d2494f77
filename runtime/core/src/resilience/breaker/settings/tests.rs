use super::*;

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

#[test]
fn each_setter_changes_only_its_own_setting() {
    let (new, time, percent) = (Settings::new(), Duration::from_millis(7), Percent::new(7));
    let with = |change: fn(&mut Settings)| {
        let mut settings = new.clone();
        change(&mut settings);
        settings
    };
    assert_eq!(Settings::default(), new);
    for (set, expected) in [
        (new.clone().failure_threshold(n(7)), with(|it| it.failure_threshold = FailureThreshold::Fixed(n(7)))),
        (new.clone().no_failure_threshold(), with(|it| it.failure_threshold = FailureThreshold::Off)),
        (new.clone().failure_rate(percent), with(|it| it.failure_rate = Some(Percent::new(7)))),
        (new.clone().no_failure_rate(), with(|it| it.failure_rate = None)),
        (
            new.clone().slow_rate(percent, time),
            with(|it| it.slow_rate = Some((Percent::new(7), Duration::from_millis(7)))),
        ),
        (new.clone().min_calls(n(7)), with(|it| it.min_calls = Some(n(7)))),
        (new.clone().window(Window::Count(n(7))), with(|it| it.window = Window::Count(n(7)))),
        (new.clone().open_for(time), with(|it| it.open_for = Duration::from_millis(7))),
        (new.clone().max_open(time), with(|it| it.max_open = Duration::from_millis(7))),
        (new.clone().probes(n(7)), with(|it| it.probes = n(7))),
        (new.clone().probe_timeout(time), with(|it| it.probe_timeout = Duration::from_millis(7))),
        (new.clone().cancelled_is_failure(), with(|it| it.cancelled_is_failure = true)),
    ] {
        assert_eq!(set, expected);
        assert_ne!(set, new);
    }
}

#[test]
fn a_percentage_is_from_1_to_100() {
    let seen = [0, 1, 2, 99, 100, 101, 255].map(|percent| Percent::new(percent).get());
    assert_eq!(seen, [1, 1, 2, 99, 100, 100, 100]);
}

#[test]
fn a_share_is_reached_exactly_and_without_rounding() {
    let third = Percent::new(33);
    assert!(third.reached(33, 100) && !third.reached(32, 100) && third.reached(1, 3));
    assert!(!third.reached(u64::MAX / 100 * 32, u64::MAX) && third.reached(u64::MAX, u64::MAX));
    assert!(third.reached(0, 0));
}

#[test]
fn a_window_smaller_than_the_minimum_of_calls_is_judged_when_full() {
    let of = |settings: Settings| settings.enough_calls();
    let ten = Settings::new().window(Window::Count(n(10)));
    assert_eq!([of(Settings::new()), of(ten.clone())], [80, 10]);
    assert_eq!([of(ten.clone().min_calls(n(30))), of(ten.clone().min_calls(n(3)))], [10, 3]);
    assert_eq!(of(Settings::new().min_calls(n(30))), 30);
}

#[test]
fn settings_at_run_time_have_the_faults_that_attributes_refuse() {
    let told = |settings: &Settings| settings.faults().join(" ");
    let ten = Settings::new().window(Window::Count(n(10)));
    for good in [Settings::new(), ten.clone(), ten.clone().min_calls(n(10))] {
        assert_eq!(told(&good), "");
    }
    assert!(told(&ten.min_calls(n(11))).contains("a window of 10 calls never holds the 11 of `min_calls`"));
    let deaf = Settings::new().no_failure_threshold().no_failure_rate();
    assert!(told(&deaf).contains("nothing opens it"));
    assert_eq!(told(&deaf.slow_rate(Percent::new(50), Duration::from_secs(1))), "");
}

#[test]
fn failures_in_a_row_decide_where_calls_are_few_and_longer_rows_where_they_are_many() {
    let of = |settings: &Settings| [0, 79, 80, 10_000].map(|calls| settings.failures_in_a_row(calls));
    assert_eq!(of(&Settings::new()), [Some(5), Some(5), Some(15), Some(15)]);
    assert_eq!(of(&Settings::new().min_calls(n(1))), [Some(5), Some(15), Some(15), Some(15)]);
    assert_eq!(of(&Settings::new().failure_threshold(n(2))), [Some(2); 4]);
    assert_eq!(of(&Settings::new().no_failure_threshold()), [None; 4]);
}
