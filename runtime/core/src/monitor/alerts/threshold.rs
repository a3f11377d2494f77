//! The bounds of alerts.

use super::alert::AlertKind;

/// When an alert fires, and when it is over.
///
/// ```
/// use fastness::monitor::Threshold;
///
/// // Fires above 800 ms in 3 looks in a row, is over below 600 ms in 3 looks in a row, never judges by less than 50 requests.
/// let slow = Threshold::above(800.0, 600.0).looks(3).min_samples(50);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    pub(super) raise: f64,
    pub(super) clear: f64,
    pub(super) below: bool,
    pub(super) looks: u32,
    pub(super) min_samples: u64,
}

impl Threshold {
    /// Bad above the first value, good again below the second, which must not be higher. 3 looks in a row decide.
    pub const fn above(raise: f64, clear: f64) -> Self {
        Self { raise, clear, below: false, looks: 3, min_samples: 1 }
    }

    /// Bad below the first value, good again above the second, which must not be lower. 3 looks in a row decide.
    pub const fn below(raise: f64, clear: f64) -> Self {
        Self { raise, clear, below: true, looks: 3, min_samples: 1 }
    }

    /// How many looks in a row decide; at least 1. A look is every 5 s, unless the monitor was told otherwise.
    #[must_use]
    pub const fn looks(mut self, looks: u32) -> Self {
        self.looks = looks;
        self
    }

    /// How many events a look must have seen to be judged.
    #[must_use]
    pub const fn min_samples(mut self, samples: u64) -> Self {
        self.min_samples = samples;
        self
    }

    pub(super) fn is_bad(&self, value: f64) -> bool {
        if self.below { value < self.raise } else { value > self.raise }
    }

    pub(super) fn is_good(&self, value: f64) -> bool {
        if self.below { value > self.clear } else { value < self.clear }
    }

    fn makes_sense(&self) -> bool {
        self.raise.is_finite()
            && self.clear.is_finite()
            && if self.below { self.clear >= self.raise } else { self.clear <= self.raise }
    }
}

/// The threshold of each alert.
///
/// | alert | fires | is over | judged by at least |
/// |---|---|---|---|
/// | response time | mean > 1000 ms | < 800 ms | 20 requests |
/// | hit rate | < 70 % | > 75 % | 200 look-ups |
/// | memory | > 90 % | < 85 % | 1 reading |
/// | errors | > 1 % | < 0.5 % | 100 requests |
/// | database latency | > 500 ms | < 400 ms | 1 answer |
///
/// Each over the window of rates (1 minute), in 3 looks in a row.
///
/// ```
/// use fastness::monitor::{AlertKind, Threshold, Thresholds};
///
/// let thresholds = Thresholds::default().set(AlertKind::Memory, Threshold::above(80.0, 75.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds([Threshold; AlertKind::ALL.len()]);

impl Thresholds {
    /// Sets one.
    #[must_use]
    pub fn set(mut self, kind: AlertKind, threshold: Threshold) -> Self {
        self.0[kind as usize] = threshold;
        self
    }

    /// The one of this alert.
    pub fn of(&self, kind: AlertKind) -> &Threshold {
        &self.0[kind as usize]
    }

    pub(in crate::monitor) fn make_sense(&self) -> bool {
        self.0.iter().all(Threshold::makes_sense)
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self([
            Threshold::above(1000.0, 800.0).min_samples(20),
            Threshold::below(70.0, 75.0).min_samples(200),
            Threshold::above(90.0, 85.0),
            Threshold::above(1.0, 0.5).min_samples(100),
            Threshold::above(500.0, 400.0),
        ])
    }
}
