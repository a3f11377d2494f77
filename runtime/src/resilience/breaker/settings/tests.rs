use super::*;

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

#[test]
fn each_setting_is_what_was_set_and_nothing_else() {
    let (new, time, percent) = (BreakerSettings::new(), Duration::from_millis(7), Percent::new(7));
    let with = |change: fn(&mut BreakerSettings)| {
        let mut settings = new.clone();
        change(&mut settings);
        settings
    };
    assert_eq!(BreakerSettings::default(), new);
    for (set, expected) in [
        (new.clone().failure_threshold(n(7)), with(|it| it.failure_threshold = Some(n(7)))),
        (new.clone().no_failure_threshold(), with(|it| it.failure_threshold = None)),
        (new.clone().failure_rate(percent), with(|it| it.failure_rate = Some(Percent::new(7)))),
        (new.clone().no_failure_rate(), with(|it| it.failure_rate = None)),
        (
            new.clone().slow_rate(percent, time),
            with(|it| it.slow_rate = Some((Percent::new(7), Duration::from_millis(7)))),
        ),
        (new.clone().min_calls(n(7)), with(|it| it.min_calls = n(7))),
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
fn a_share_is_reached_at_it_and_without_rounding() {
    let third = Percent::new(33);
    assert!(third.reached(33, 100) && !third.reached(32, 100) && third.reached(1, 3));
    assert!(!third.reached(u64::MAX / 100 * 32, u64::MAX) && third.reached(u64::MAX, u64::MAX));
    assert!(third.reached(0, 0));
}
