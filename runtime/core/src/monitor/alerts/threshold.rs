//! The bounds of alerts.

use super::alert::AlertKind;

/// Bounds at which an alert fires and is resolved.
///
/// ```
/// use fastness::monitor::Threshold;
///
/// // Fires after 3 samples in a row above 800 ms, is resolved after 3 below 600 ms, and ignores samples of fewer than 50 requests.
/// let slow = Threshold::above(800.0, 600.0).samples(3).min_events(50);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    pub(super) raise: f64,
    pub(super) clear: f64,
    pub(super) below: bool,
    pub(super) samples: u32,
    pub(super) min_events: u64,
}

impl Threshold {
    /// Creates a threshold that fires above `raise` and is resolved below `clear`, which must not be higher; after 3 samples in a row.
    pub const fn above(raise: f64, clear: f64) -> Self {
        Self { raise, clear, below: false, samples: 3, min_events: 1 }
    }

    /// Creates a threshold that fires below `raise` and is resolved above `clear`, which must not be lower; after 3 samples in a row.
    pub const fn below(raise: f64, clear: f64) -> Self {
        Self { raise, clear, below: true, samples: 3, min_events: 1 }
    }

    /// Sets how many samples in a row it takes to fire or to be resolved; at least 1. Default 3. A monitor takes a sample every 5 s by
    /// default.
    #[must_use]
    pub const fn samples(mut self, samples: u32) -> Self {
        self.samples = samples;
        self
    }

    /// Sets how many events, such as requests, the window must have for a sample to count. Default 1.
    #[must_use]
    pub const fn min_events(mut self, events: u64) -> Self {
        self.min_events = events;
        self
    }

    pub(super) fn is_bad(&self, value: f64) -> bool {
        if self.below { value < self.raise } else { value > self.raise }
    }

    pub(super) fn is_good(&self, value: f64) -> bool {
        if self.below { value > self.clear } else { value < self.clear }
    }

    fn is_valid(&self) -> bool {
        self.raise.is_finite()
            && self.clear.is_finite()
            && if self.below { self.clear >= self.raise } else { self.clear <= self.raise }
    }
}

/// The threshold of each kind of alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::monitor) struct Thresholds([Threshold; AlertKind::ALL.len()]);

impl Thresholds {
    pub(in crate::monitor) fn set(&mut self, kind: AlertKind, threshold: Threshold) {
        self.0[kind as usize] = threshold;
    }

    pub(super) fn get(&self, kind: AlertKind) -> &Threshold {
        &self.0[kind as usize]
    }

    pub(in crate::monitor) fn are_valid(&self) -> bool {
        self.0.iter().all(Threshold::is_valid)
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self([
            Threshold::above(1000.0, 800.0).min_events(20),
            Threshold::below(70.0, 75.0).min_events(200),
            Threshold::above(90.0, 85.0),
            Threshold::above(1.0, 0.5).min_events(100),
            Threshold::above(500.0, 400.0),
        ])
    }
}
