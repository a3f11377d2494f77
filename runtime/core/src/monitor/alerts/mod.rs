//! Alerts: what is beyond its bounds, since when, and who is told.

use std::collections::VecDeque;

use tokio::sync::broadcast;

use super::figures::rounded;
use crate::sync::{Mutex, lock};

mod alarm;
mod alert;
mod events;
#[cfg(test)]
mod tests;
mod threshold;

pub(crate) use alarm::Reading;
use alarm::{Alarm, Change};
pub use alert::{Alert, AlertKind, AlertState};
pub use events::AlertEvents;
pub(super) use events::{Callback, pass_on};
pub use threshold::{Threshold, Thresholds};

/// How many changes are kept, and how many a subscriber may be behind.
const KEPT: usize = 100;

/// What is firing, what happened lately, and who wants to know.
#[derive(Debug)]
pub(super) struct Alerts {
    thresholds: Thresholds,
    /// The alarms with what they fire about, and the last changes.
    state: Mutex<AlertHistory>,
    changes: broadcast::Sender<Alert>,
}

#[derive(Debug, Default)]
struct AlertHistory {
    alarms: [Alarm; AlertKind::ALL.len()],
    firing: Vec<Alert>,
    recent: VecDeque<Alert>,
}

impl Alerts {
    pub(super) fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, state: Mutex::default(), changes: broadcast::Sender::new(KEPT) }
    }

    /// Judges what was measured now.
    pub(super) fn look(&self, now: &str, readings: &[(AlertKind, Option<Reading>)]) {
        let mut changed = Vec::new();
        let mut state = lock(&self.state);
        for (kind, reading) in readings {
            let threshold = self.thresholds.of(*kind);
            let change = state.alarms[*kind as usize].look(threshold, *reading);
            changed.extend(state.note(*kind, threshold, *reading, change, now));
        }
        drop(state);
        for alert in &changed {
            self.tell(alert);
        }
    }

    /// Not under a lock.
    fn tell(&self, alert: &Alert) {
        let (kind, value, threshold) = (alert.kind.as_str(), alert.value, alert.threshold);
        match alert.state {
            AlertState::Firing => tracing::warn!(kind, value, threshold, "an alert fires"),
            AlertState::Resolved => tracing::info!(kind, value, threshold, "an alert is over"),
        }
        // Without subscribers nobody hears it.
        let _ = self.changes.send(alert.clone());
    }

    pub(super) fn firing(&self) -> Vec<Alert> {
        lock(&self.state).firing.clone()
    }

    pub(super) fn recent(&self) -> Vec<Alert> {
        lock(&self.state).recent.iter().cloned().collect()
    }

    pub(super) fn subscribe(&self) -> AlertEvents {
        AlertEvents::new(self.changes.subscribe())
    }
}

impl AlertHistory {
    /// Keeps the figures of what fires current; returns what begins or ends.
    fn note(
        &mut self,
        kind: AlertKind,
        threshold: &Threshold,
        reading: Option<Reading>,
        change: Option<Change>,
        now: &str,
    ) -> Option<Alert> {
        let mut alert = match change {
            Some(Change::Fires) => {
                let (since, threshold) = (now.to_owned(), threshold.raise);
                Alert { kind, state: AlertState::Firing, since, value: 0.0, threshold, message: String::new() }
            }
            _ => self.firing.iter().position(|alert| alert.kind == kind).map(|at| self.firing.remove(at))?,
        };
        if let Some(reading) = reading {
            alert.value = rounded(reading.value);
        }
        if change == Some(Change::Resolves) {
            alert.state = AlertState::Resolved;
            now.clone_into(&mut alert.since);
        }
        alert.message = message(&alert, threshold);
        if alert.state == AlertState::Firing {
            self.firing.push(alert.clone());
            self.firing.sort_by_key(|alert| alert.kind);
        }
        change?;
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(alert.clone());
        Some(alert)
    }
}

fn message(alert: &Alert, threshold: &Threshold) -> String {
    let (what, unit) = match alert.kind {
        AlertKind::ResponseTime => ("requests take", " ms in the mean"),
        AlertKind::HitRate => ("the cache answers", " % of look-ups"),
        AlertKind::Memory => ("memory in use is", " %"),
        AlertKind::Errors => ("failed requests are", " %"),
        AlertKind::DatabaseLatency => ("the database answers after", " ms"),
    };
    let (bad, good) = if threshold.below { ("below", "above") } else { ("above", "below") };
    let bound = match alert.state {
        AlertState::Firing => format!("an alert from {bad} {} until {good} {}", threshold.raise, threshold.clear),
        AlertState::Resolved => format!("no longer {bad} {}", threshold.raise),
    };
    format!("{what} {}{unit}, {bound}", alert.value)
}
