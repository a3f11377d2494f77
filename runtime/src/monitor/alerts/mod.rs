//! Alerts: what is beyond its bounds, since when, and who is told.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::broadcast;

use super::figures::rounded;
use crate::sync::{Mutex, lock};

mod alarm;

pub(crate) use alarm::Reading;
use alarm::{Alarm, Change};

/// How many changes are kept, and how many a subscriber may be behind.
const KEPT: usize = 100;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AlertKind {
    /// The mean time of requests, in milliseconds.
    ResponseTime,
    /// Look-ups that the cache answered, in percent.
    HitRate,
    /// Memory in use, in percent.
    Memory,
    /// Requests that failed by the server's fault, in percent.
    Errors,
    /// How long the database took to answer a probe, in milliseconds.
    DatabaseLatency,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::ResponseTime, Self::HitRate, Self::Memory, Self::Errors, Self::DatabaseLatency];

    /// Its name as in reports, such as `"hitRate"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResponseTime => "responseTime",
            Self::HitRate => "hitRate",
            Self::Memory => "memory",
            Self::Errors => "errors",
            Self::DatabaseLatency => "databaseLatency",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
    raise: f64,
    clear: f64,
    below: bool,
    looks: u32,
    min_samples: u64,
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

    fn is_bad(&self, value: f64) -> bool {
        if self.below { value < self.raise } else { value > self.raise }
    }

    fn is_good(&self, value: f64) -> bool {
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

    pub(super) fn make_sense(&self) -> bool {
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

/// Whether an alert goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AlertState {
    /// It goes on.
    Firing,
    /// It is over.
    Resolved,
}

/// An alert at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// Whether it goes on.
    pub state: AlertState,
    /// Since when: when it began, or when it ended.
    pub since: String,
    /// What was measured last, in the unit of its kind.
    pub value: f64,
    /// The bound beyond which it fires.
    pub threshold: f64,
    /// The same as a sentence.
    pub message: String,
}

/// What is firing, what happened lately, and who wants to know.
#[derive(Debug)]
pub(super) struct Alerts {
    thresholds: Thresholds,
    /// The alarms with what they fire about, and the last changes.
    state: Mutex<State>,
    changes: broadcast::Sender<Alert>,
}

#[derive(Debug, Default)]
struct State {
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
        AlertEvents { changes: self.changes.subscribe() }
    }
}

impl State {
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

/// Tells of alerts that begin and end; from [`Monitor::subscribe`](super::Monitor::subscribe).
///
/// ```
/// use fastness::monitor::{AlertKind, AlertState, Monitor, Threshold, Thresholds};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// // A threshold that every process exceeds.
/// let thresholds = Thresholds::default().set(AlertKind::Memory, Threshold::above(0.0, 0.0).looks(1));
/// let monitor = Monitor::builder().memory_limit(1 << 30).thresholds(thresholds).build()?;
/// let mut events = monitor.subscribe();
/// monitor.look().await;
/// # if cfg!(not(target_os = "linux")) { return Ok(()); }
/// let alert = events.next().await.unwrap();
/// assert_eq!((alert.kind, alert.state), (AlertKind::Memory, AlertState::Firing));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct AlertEvents {
    changes: broadcast::Receiver<Alert>,
}

impl AlertEvents {
    /// The next one; `None` once the monitor is gone. Who is more than 100 behind misses the oldest.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Alert> {
        loop {
            match self.changes.recv().await {
                Ok(alert) => return Some(alert),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// A function of the user's that is told of alerts.
pub(super) type Callback = Arc<dyn Fn(&Alert) + Send + Sync>;

/// Passes alerts on to a function of the user's, one after the other. It may block or panic: it has a thread of its own
/// for each call, and misses what it is too slow for.
pub(super) async fn pass_on(mut events: AlertEvents, callback: Callback) {
    while let Some(alert) = events.next().await {
        let callback = callback.clone();
        // That it panicked is its own affair, and on standard error.
        let _ = tokio::task::spawn_blocking(move || callback(&alert)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alerts() -> Alerts {
        Alerts::new(Thresholds::default().set(AlertKind::Memory, Threshold::above(90.0, 85.0).looks(1)))
    }

    fn memory(value: f64) -> [(AlertKind, Option<Reading>); 1] {
        [(AlertKind::Memory, Some(Reading { value, samples: 1 }))]
    }

    #[test]
    fn what_fires_is_listed_with_its_last_value_and_its_beginning() {
        let alerts = alerts();
        alerts.look("t1", &memory(95.0));
        alerts.look("t2", &memory(97.0));
        let firing = alerts.firing();
        assert_eq!((firing.len(), firing[0].since.as_str(), firing[0].value), (1, "t1", 97.0));
        assert_eq!(firing[0].message, "memory in use is 97 %, an alert from above 90 until below 85");
        alerts.look("t3", &memory(50.0));
        assert!(alerts.firing().is_empty());
        let states: Vec<_> = alerts.recent().into_iter().map(|alert| (alert.state, alert.since)).collect();
        assert_eq!(states, [(AlertState::Firing, "t1".to_owned()), (AlertState::Resolved, "t3".to_owned())]);
    }

    #[test]
    fn only_the_last_changes_are_kept() {
        let alerts = alerts();
        for _ in 0..KEPT {
            alerts.look("t", &memory(95.0));
            alerts.look("t", &memory(5.0));
        }
        assert_eq!(alerts.recent().len(), KEPT);
    }

    #[tokio::test]
    async fn a_subscriber_that_never_looks_holds_up_nobody() {
        let alerts = alerts();
        let (mut quick, mut lazy) = (alerts.subscribe(), alerts.subscribe());
        alerts.look("t", &memory(95.0));
        assert_eq!(quick.next().await.unwrap().state, AlertState::Firing);
        for _ in 0..KEPT {
            alerts.look("t", &memory(5.0));
            alerts.look("t", &memory(95.0));
        }
        assert!(lazy.next().await.is_some(), "it goes on with what is left");
        drop(alerts);
        while quick.next().await.is_some() {}
    }

    #[tokio::test]
    async fn a_callback_that_panics_hears_the_next_one() {
        let alerts = alerts();
        let (sender, mut inbox) = tokio::sync::mpsc::unbounded_channel();
        let callback = Arc::new(move |alert: &Alert| {
            sender.send(alert.state).unwrap();
            assert!(alert.state != AlertState::Firing, "as the test wants it");
        });
        let passing = tokio::spawn(pass_on(alerts.subscribe(), callback));
        alerts.look("t", &memory(95.0));
        alerts.look("t", &memory(5.0));
        assert_eq!(inbox.recv().await, Some(AlertState::Firing));
        assert_eq!(inbox.recv().await, Some(AlertState::Resolved));
        drop(alerts);
        passing.await.unwrap();
    }

    #[test]
    fn bounds_that_contradict_each_other_make_no_sense() {
        let with = |threshold| Thresholds::default().set(AlertKind::Memory, threshold).make_sense();
        assert!(Thresholds::default().make_sense());
        assert!(!with(Threshold::above(80.0, 90.0)));
        assert!(!with(Threshold::below(80.0, 70.0)));
        assert!(!with(Threshold::above(f64::NAN, 0.0)));
    }
}
