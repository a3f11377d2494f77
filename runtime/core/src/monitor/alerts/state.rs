//! The state of one alert: when it fires and when it is resolved. Pure, without a clock.
//!
//! A value beyond `raise` in a number of samples in a row fires; a value on the good side of `clear` in as many samples in a row
//! resolves. Values between the two bounds change nothing, so an alert does not flutter. A sample with too few events ends a streak
//! towards an alert, and counts towards its end: without events the trouble is over.

use super::threshold::Threshold;

/// State of one alert.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AlertState {
    firing: bool,
    /// Samples in a row that call for the other state.
    streak: u32,
}

/// A value that was measured, and the number of events behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AlertReading {
    pub(crate) value: f64,
    pub(crate) events: u64,
}

/// Change of an alert's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AlertChange {
    Fires,
    Resolves,
}

impl AlertState {
    pub(super) fn update(&mut self, threshold: &Threshold, reading: Option<AlertReading>) -> Option<AlertChange> {
        let judged = reading.filter(|reading| reading.events >= threshold.min_events && !reading.value.is_nan());
        let calls_for_change = match judged {
            Some(reading) if self.firing => threshold.is_good(reading.value),
            Some(reading) => threshold.is_bad(reading.value),
            None => self.firing,
        };
        self.streak = if calls_for_change { self.streak + 1 } else { 0 };
        if self.streak < threshold.samples.max(1) {
            return None;
        }
        self.firing = !self.firing;
        self.streak = 0;
        Some(if self.firing { AlertChange::Fires } else { AlertChange::Resolves })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HIGH: Threshold = Threshold::above(10.0, 8.0).samples(2).min_events(5);

    #[allow(clippy::unnecessary_wraps)] // as `update` takes it
    fn seen(value: f64) -> Option<AlertReading> {
        Some(AlertReading { value, events: 5 })
    }

    #[test]
    fn an_alert_fires_after_enough_samples_and_resolves_below_the_lower_bound() {
        let mut alert = AlertState::default();
        let mut sample = |value| alert.update(&HIGH, seen(value));
        assert_eq!(sample(11.0), None);
        assert_eq!(sample(11.0), Some(AlertChange::Fires));
        assert_eq!(sample(9.0), None);
        assert_eq!(sample(9.0), None, "between the bounds nothing changes");
        assert_eq!(sample(7.0), None);
        assert_eq!(sample(9.0), None, "the streak is broken");
        assert_eq!(sample(7.0), None);
        assert_eq!(sample(7.0), Some(AlertChange::Resolves));
    }

    #[test]
    fn one_bad_sample_changes_nothing() {
        let mut alert = AlertState::default();
        for value in [11.0, 9.0, 11.0, 3.0, 11.0] {
            assert_eq!(alert.update(&HIGH, seen(value)), None);
        }
    }

    #[test]
    fn too_few_samples_never_fire_and_end_a_firing_alert() {
        let mut alert = AlertState::default();
        let few = Some(AlertReading { value: 99.0, events: 4 });
        assert!((0..10).all(|_| alert.update(&HIGH, few).is_none()));
        alert.update(&HIGH, seen(11.0));
        alert.update(&HIGH, seen(11.0));
        assert!(alert.firing);
        assert_eq!(alert.update(&HIGH, None), None);
        assert_eq!(alert.update(&HIGH, few), Some(AlertChange::Resolves));
    }

    #[test]
    fn a_value_that_is_no_number_neither_fires_nor_prolongs_an_alert() {
        let mut alert = AlertState::default();
        assert!((0..10).all(|_| alert.update(&HIGH, seen(f64::NAN)).is_none()));
        alert.update(&HIGH, seen(11.0));
        assert_eq!(alert.update(&HIGH, seen(11.0)), Some(AlertChange::Fires));
        assert_eq!(alert.update(&HIGH, seen(f64::NAN)), None);
        assert_eq!(alert.update(&HIGH, seen(f64::NAN)), Some(AlertChange::Resolves));
    }

    #[test]
    fn zero_samples_mean_one() {
        let mut alert = AlertState::default();
        assert_eq!(alert.update(&HIGH.samples(0), seen(11.0)), Some(AlertChange::Fires));
        assert_eq!(alert.update(&HIGH.samples(0), seen(7.0)), Some(AlertChange::Resolves));
    }

    #[test]
    fn a_threshold_from_below_fires_for_low_values() {
        let low = Threshold::below(70.0, 75.0).samples(1);
        let mut alert = AlertState::default();
        assert_eq!(alert.update(&low, seen(80.0)), None);
        assert_eq!(alert.update(&low, seen(60.0)), Some(AlertChange::Fires));
        assert_eq!(alert.update(&low, seen(72.0)), None);
        assert_eq!(alert.update(&low, seen(76.0)), Some(AlertChange::Resolves));
    }

    proptest! {
        /// Firing and resolving take turns, with at least as many samples between them as the threshold says.
        #[test]
        fn firing_and_resolving_alternate_with_enough_samples_between(values in prop::collection::vec(prop::option::of((0.0..20.0, 0_u64..10)), 0..200), samples in 1_u32..5) {
            let threshold = HIGH.samples(samples);
            let (mut alert, mut last, mut firing) = (AlertState::default(), None, false);
            for (at, value) in values.iter().enumerate() {
                let reading = value.map(|(value, events)| AlertReading { value, events });
                if let Some(change) = alert.update(&threshold, reading) {
                    prop_assert_eq!(change == AlertChange::Fires, !firing);
                    firing = !firing;
                    prop_assert!(last.is_none_or(|last| at - last >= samples as usize));
                    if change == AlertChange::Fires {
                        let streak = &values[at + 1 - samples as usize..=at];
                        prop_assert!(streak.iter().all(|seen| seen.is_some_and(|(value, events)| value > 10.0 && events >= 5)));
                    }
                    last = Some(at);
                }
                prop_assert_eq!(alert.firing, firing);
            }
        }
    }
}
