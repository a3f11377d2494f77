//! Alerts: values beyond their bounds, since when, and the subscribers to them.

use std::collections::VecDeque;

use tokio::sync::broadcast;

use super::rounding::rounded;
use crate::sync::{Mutex, lock};

mod alert;
mod events;
mod state;
#[cfg(test)]
mod tests;
mod threshold;

pub use alert::{Alert, AlertKind};
pub use events::AlertEvents;
pub(super) use events::{Callback, run_callback};
pub(crate) use state::AlertReading;
use state::{AlertChange, AlertState};
pub use threshold::Threshold;
pub(super) use threshold::Thresholds;

/// Number of changes that the history has, and that a subscriber may be behind.
const HISTORY: usize = 100;

/// The alerts of a monitor: those that fire, their history, and the subscribers.
#[derive(Debug)]
pub(super) struct Alerts {
    thresholds: Thresholds,
    /// Lock around the state of each alert, the alerts that fire, and the last changes.
    state: Mutex<AlertHistory>,
    changes: broadcast::Sender<Alert>,
}

#[derive(Debug, Default)]
struct AlertHistory {
    by_kind: [AlertState; AlertKind::ALL.len()],
    firing: Vec<Alert>,
    recent: VecDeque<Alert>,
}

impl Alerts {
    pub(super) fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, state: Mutex::default(), changes: broadcast::Sender::new(HISTORY) }
    }

    /// Judges the readings of one sample, and publishes the changes.
    pub(super) fn update(&self, now: &str, readings: &[(AlertKind, Option<AlertReading>)]) {
        let mut changed = Vec::new();
        let mut state = lock(&self.state);
        for (kind, reading) in readings {
            let threshold = self.thresholds.get(*kind);
            let change = state.by_kind[*kind as usize].update(threshold, *reading);
            changed.extend(state.record(*kind, threshold, *reading, change, now));
        }
        drop(state);
        for alert in &changed {
            self.publish(alert);
        }
    }

    /// Logs a change and sends it to the subscribers. Must not be called under the lock.
    fn publish(&self, alert: &Alert) {
        let (kind, value, threshold) = (alert.kind.as_str(), alert.value, alert.threshold);
        if alert.firing {
            tracing::warn!(kind, value, threshold, "an alert fires");
        } else {
            tracing::info!(kind, value, threshold, "an alert is resolved");
        }
        // Fails only without subscribers.
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
    /// Brings an alert that fires up to date; returns it if it fires or resolves now.
    fn record(
        &mut self,
        kind: AlertKind,
        threshold: &Threshold,
        reading: Option<AlertReading>,
        change: Option<AlertChange>,
        now: &str,
    ) -> Option<Alert> {
        let mut alert = match change {
            Some(AlertChange::Fires) => {
                let (since, threshold) = (now.to_owned(), threshold.raise);
                Alert { kind, firing: true, since, value: 0.0, threshold, message: String::new() }
            }
            _ => self.firing.iter().position(|alert| alert.kind == kind).map(|at| self.firing.remove(at))?,
        };
        if let Some(reading) = reading {
            alert.value = rounded(reading.value);
        }
        if change == Some(AlertChange::Resolves) {
            alert.firing = false;
            now.clone_into(&mut alert.since);
        }
        alert.message = message(&alert, threshold);
        if alert.firing {
            self.firing.push(alert.clone());
            self.firing.sort_by_key(|alert| alert.kind);
        }
        change?;
        if self.recent.len() == HISTORY {
            self.recent.pop_front();
        }
        self.recent.push_back(alert.clone());
        Some(alert)
    }
}

fn message(alert: &Alert, threshold: &Threshold) -> String {
    let (subject, unit) = match alert.kind {
        AlertKind::ResponseTime => ("the mean response time is", " ms"),
        AlertKind::HitRate => ("the hit rate of the cache is", " %"),
        AlertKind::Memory => ("memory in use is", " %"),
        AlertKind::Errors => ("the share of failed requests is", " %"),
        AlertKind::DatabaseLatency => ("the latency of the database is", " ms"),
    };
    let (bad, good) = if threshold.below { ("below", "above") } else { ("above", "below") };
    let bounds = if alert.firing {
        format!("the alert fires {bad} {} and is resolved {good} {}", threshold.raise, threshold.clear)
    } else {
        format!("no longer {bad} {}", threshold.raise)
    };
    format!("{subject} {}{unit}: {bounds}", alert.value)
}
