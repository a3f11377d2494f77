//! The thresholds of the levels, and the steps in which the cache shrinks and grows: pure.

use crate::monitor::pressure::Pressure;

/// Percentages of memory in use at which the levels begin, and the points below them at which they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Levels {
    pub(super) shrink: u64,
    pub(super) no_bodies: u64,
    pub(super) shed: u64,
    pub(super) slack: u64,
}

impl Levels {
    fn begins(&self, level: Pressure) -> u64 {
        match level {
            Pressure::None => 0,
            Pressure::Shrink => self.shrink,
            Pressure::NoBodies => self.no_bodies,
            Pressure::Shed => self.shed,
        }
    }

    /// Returns the level after `now`: higher at once, lower only once memory is below the level by the slack.
    pub(super) fn next(&self, now: Pressure, percent: u64) -> Pressure {
        let levels = [Pressure::Shed, Pressure::NoBodies, Pressure::Shrink, Pressure::None];
        let holds = |level: Pressure| {
            let slack = if level <= now { self.slack } else { 0 };
            percent >= self.begins(level).saturating_sub(slack)
        };
        levels.into_iter().find(|level| holds(*level)).unwrap_or_default()
    }

    pub(super) fn are_valid(&self) -> bool {
        self.slack < self.shrink && self.shrink <= self.no_bodies && self.no_bodies <= self.shed
    }
}

/// Returns the bound on entries after this reading, from the entries there are (`used`), the bound now (`limit`), and the bound before
/// memory became short (`original`).
///
/// Down by a quarter per reading, to `least` or, while requests are rejected, to none: entries have no weights, so the last few may hold
/// all the memory there is to free. Back to `least` once requests are served, then up by a quarter per reading.
pub(super) fn step(pressure: Pressure, used: usize, limit: usize, original: usize, least: usize) -> usize {
    match pressure {
        // An unbounded tier becomes unbounded again once it has room to double.
        Pressure::None if original == usize::MAX && limit / 2 > used => original,
        Pressure::None => limit.saturating_add((limit / 4).max(1)).min(original),
        Pressure::Shed => limit.min(used.saturating_sub((used / 4).max(1))),
        Pressure::Shrink | Pressure::NoBodies => limit.min(used - used / 4).max(least.min(original)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEVELS: Levels = Levels { shrink: 85, no_bodies: 92, shed: 95, slack: 3 };

    #[test]
    fn the_level_rises_at_once_and_falls_with_hysteresis() {
        let mut now = Pressure::None;
        let expected = [
            (84, Pressure::None),
            (85, Pressure::Shrink),
            (82, Pressure::Shrink),
            (95, Pressure::Shed),
            (92, Pressure::Shed),
            (91, Pressure::NoBodies),
            (88, Pressure::Shrink),
            (81, Pressure::None),
            (84, Pressure::None),
            (200, Pressure::Shed),
            (0, Pressure::None),
        ];
        for (percent, level) in expected {
            now = LEVELS.next(now, percent);
            assert_eq!(now, level, "at {percent} %");
        }
    }

    #[test]
    fn levels_out_of_order_are_invalid() {
        assert!(LEVELS.are_valid());
        assert!(Levels { no_bodies: 85, shed: 85, slack: 84, ..LEVELS }.are_valid(), "all at once");
        assert!(!Levels { shed: 91, ..LEVELS }.are_valid());
        assert!(!Levels { no_bodies: 84, ..LEVELS }.are_valid());
        assert!(!Levels { slack: 85, ..LEVELS }.are_valid());
        assert!(!Levels { shrink: 0, no_bodies: 0, shed: 0, slack: 0 }.are_valid(), "memory would always be short");
    }

    #[test]
    fn levels_have_their_names_and_numbers() {
        let all = [Pressure::None, Pressure::Shrink, Pressure::NoBodies, Pressure::Shed];
        assert_eq!(all.map(Pressure::as_str), ["none", "shrink", "noBodies", "shed"]);
        assert_eq!(all.map(|level| Pressure::from_u8(level as u8)), all);
    }

    #[test]
    fn the_number_of_entries_falls_in_steps_and_comes_back() {
        let mut limit = usize::MAX;
        let mut used = 1_000;
        for expected in [750, 563, 423] {
            limit = step(Pressure::Shrink, used, limit, usize::MAX, 100);
            used = used.min(limit);
            assert_eq!(limit, expected);
        }
        assert_eq!(step(Pressure::NoBodies, 100, 100, usize::MAX, 100), 100, "not below the least");
        let shed = |used| step(Pressure::Shed, used, 100, usize::MAX, 100);
        assert_eq!([100, 4, 3, 1, 0].map(shed), [75, 3, 2, 0, 0], "to none while requests are rejected");
        assert_eq!(step(Pressure::Shrink, 0, 0, 110, 50), 50, "back to the least once requests are served");
        assert_eq!(step(Pressure::NoBodies, 0, 0, 10, 50), 10, "unless fewer were allowed before");
        assert_eq!(step(Pressure::None, 0, 0, 110, 50), 1, "and back from none");
        assert_eq!(step(Pressure::None, 100, 100, 110, 50), 110);
        assert_eq!(step(Pressure::None, 49, 100, usize::MAX, 50), usize::MAX);
        assert_eq!(step(Pressure::None, 50, 100, usize::MAX, 50), 125, "no room to double");
        assert_eq!(step(Pressure::None, 0, 100, 1_000, 50), 125, "a bounded store comes back by steps");
        assert_eq!(step(Pressure::None, 0, 3, 1_000, 1), 4, "by one at least");
        assert_eq!(step(Pressure::None, 0, 120, 110, 50), 110, "never beyond what was allowed");
        assert_eq!(step(Pressure::Shrink, 100, 60, 1_000, 10), 60, "never up while memory is short");
    }

    proptest! {
        #[test]
        fn the_number_of_entries_always_comes_back(used in 0_usize..100_000, limit in 1_usize..100_000, original in prop::option::of(1_usize..200_000)) {
            let original = original.unwrap_or(usize::MAX);
            let mut limit = limit.min(original);
            // Even if entries grow as soon as they may.
            for _ in 0..300 {
                limit = step(Pressure::None, used.min(limit), limit, original, 1);
            }
            prop_assert_eq!(limit, original);
        }
    }
}
