//! When an alert fires and when it is over: pure, without a clock.
//!
//! A value beyond `raise` in so many looks in a row fires; a value on the good side of `clear` in as many looks in a row
//! resolves. What is between the two changes nothing, so a value that wavers around one bound does not flutter. A look
//! with too little to judge by ends a streak that leads to an alert, and counts towards its end: what happens no more is over.

use super::threshold::Threshold;

/// One alert's state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alarm {
    firing: bool,
    /// Looks in a row that speak for the other state.
    streak: u32,
}

/// What was measured, and by how many events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) value: f64,
    pub(crate) samples: u64,
}

/// What a look changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Fires,
    Resolves,
}

impl Alarm {
    pub(super) fn look(&mut self, threshold: &Threshold, reading: Option<Reading>) -> Option<Change> {
        let judged = reading.filter(|reading| reading.samples >= threshold.min_samples && !reading.value.is_nan());
        let speaks = match judged {
            Some(reading) if self.firing => threshold.is_good(reading.value),
            Some(reading) => threshold.is_bad(reading.value),
            None => self.firing,
        };
        self.streak = if speaks { self.streak + 1 } else { 0 };
        if self.streak < threshold.looks.max(1) {
            return None;
        }
        self.firing = !self.firing;
        self.streak = 0;
        Some(if self.firing { Change::Fires } else { Change::Resolves })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HIGH: Threshold = Threshold::above(10.0, 8.0).looks(2).min_samples(5);

    #[allow(clippy::unnecessary_wraps)] // as `look` takes it
    fn seen(value: f64) -> Option<Reading> {
        Some(Reading { value, samples: 5 })
    }

    #[test]
    fn it_fires_after_enough_looks_and_resolves_below_the_lower_bound() {
        let mut alarm = Alarm::default();
        let mut look = |value| alarm.look(&HIGH, seen(value));
        assert_eq!(look(11.0), None);
        assert_eq!(look(11.0), Some(Change::Fires));
        assert_eq!(look(9.0), None);
        assert_eq!(look(9.0), None, "between the bounds nothing changes");
        assert_eq!(look(7.0), None);
        assert_eq!(look(9.0), None, "the streak is broken");
        assert_eq!(look(7.0), None);
        assert_eq!(look(7.0), Some(Change::Resolves));
    }

    #[test]
    fn one_bad_look_is_none() {
        let mut alarm = Alarm::default();
        for value in [11.0, 9.0, 11.0, 3.0, 11.0] {
            assert_eq!(alarm.look(&HIGH, seen(value)), None);
        }
    }

    #[test]
    fn too_few_samples_never_fire_and_end_what_fires() {
        let mut alarm = Alarm::default();
        let few = Some(Reading { value: 99.0, samples: 4 });
        assert!((0..10).all(|_| alarm.look(&HIGH, few).is_none()));
        alarm.look(&HIGH, seen(11.0));
        alarm.look(&HIGH, seen(11.0));
        assert!(alarm.firing);
        assert_eq!(alarm.look(&HIGH, None), None);
        assert_eq!(alarm.look(&HIGH, few), Some(Change::Resolves));
    }

    #[test]
    fn what_is_no_number_is_no_reason_to_fire_and_none_to_go_on() {
        let mut alarm = Alarm::default();
        assert!((0..10).all(|_| alarm.look(&HIGH, seen(f64::NAN)).is_none()));
        alarm.look(&HIGH, seen(11.0));
        assert_eq!(alarm.look(&HIGH, seen(11.0)), Some(Change::Fires));
        assert_eq!(alarm.look(&HIGH, seen(f64::NAN)), None);
        assert_eq!(alarm.look(&HIGH, seen(f64::NAN)), Some(Change::Resolves));
    }

    #[test]
    fn no_look_at_all_is_one() {
        let mut alarm = Alarm::default();
        assert_eq!(alarm.look(&HIGH.looks(0), seen(11.0)), Some(Change::Fires));
        assert_eq!(alarm.look(&HIGH.looks(0), seen(7.0)), Some(Change::Resolves));
    }

    #[test]
    fn low_values_are_bad_where_the_threshold_says_so() {
        let low = Threshold::below(70.0, 75.0).looks(1);
        let mut alarm = Alarm::default();
        assert_eq!(alarm.look(&low, seen(80.0)), None);
        assert_eq!(alarm.look(&low, seen(60.0)), Some(Change::Fires));
        assert_eq!(alarm.look(&low, seen(72.0)), None);
        assert_eq!(alarm.look(&low, seen(76.0)), Some(Change::Resolves));
    }

    proptest! {
        /// Between firing and resolving lie at least as many looks as the threshold says, and each in its turn.
        #[test]
        fn changes_take_turns_and_time(values in prop::collection::vec(prop::option::of((0.0..20.0, 0_u64..10)), 0..200), looks in 1_u32..5) {
            let threshold = HIGH.looks(looks);
            let (mut alarm, mut last, mut firing) = (Alarm::default(), None, false);
            for (at, value) in values.iter().enumerate() {
                let reading = value.map(|(value, samples)| Reading { value, samples });
                if let Some(change) = alarm.look(&threshold, reading) {
                    prop_assert_eq!(change == Change::Fires, !firing);
                    firing = !firing;
                    prop_assert!(last.is_none_or(|last| at - last >= looks as usize));
                    if change == Change::Fires {
                        let streak = &values[at + 1 - looks as usize..=at];
                        prop_assert!(streak.iter().all(|seen| seen.is_some_and(|(value, samples)| value > 10.0 && samples >= 5)));
                    }
                    last = Some(at);
                }
                prop_assert_eq!(alarm.firing, firing);
            }
        }
    }
}
