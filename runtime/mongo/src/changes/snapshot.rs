//! Figures of a watcher.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use fastness_core::seam::{Mutex, lock, time_of_day};

/// State of a [`WatcherTask`](super::WatcherTask).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WatcherState {
    /// Connecting.
    #[default]
    Starting,
    /// Reading the change stream.
    Running,
    /// Waiting: another process of the fleet reads the change stream.
    Standby,
    /// Retrying after a lost connection or an error; see [`Snapshot::why`].
    Retrying,
    /// Off, because the server has no change streams, or none of any model's collection; see [`Snapshot::why`]. The task does not retry.
    Off,
    /// Stopped or dropped, or its runtime was shut down. If the task panicked, [`Snapshot::why`] says so.
    Stopped,
}

/// Figures of a [`WatcherTask`](super::WatcherTask).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Current state.
    pub state: WatcherState,
    /// Reason for being off, retrying, or stopped by a panic.
    pub why: Option<String>,
    /// Collections of models whose changes the server does not report, each with the reason: time-series collections and views. Their
    /// scopes are never invalidated by this task.
    pub not_followed: Vec<String>,
    /// Changes that this process has announced. Some are announced twice after a lost connection.
    pub changes: u64,
    /// Time of the last change by the server's clock, in milliseconds with MongoDB 6.0 or newer and in seconds before. Serialised as RFC
    /// 3339 in UTC, with milliseconds.
    #[serde(serialize_with = "serialize_timestamp")]
    pub last_change: Option<SystemTime>,
    /// Time from the last change to its announcement, by the clocks of two machines; in seconds when serialised.
    #[serde(serialize_with = "serialize_optional_seconds")]
    pub lag: Option<Duration>,
    /// Number of times the task continued from a stored position.
    pub resumptions: u64,
    /// Number of times that all scopes of the models were invalidated because changes may have been missed: at the first start, and when
    /// the server no longer knew the position.
    pub gaps: u64,
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn serialize_timestamp<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = |time: SystemTime| bson::DateTime::from_system_time(time).try_to_rfc3339_string().ok();
    time.and_then(text).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn serialize_optional_seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

/// Sets the state to stopped when the task ends in any way: also by a panic, or with its runtime.
#[derive(Debug)]
pub(super) struct StopGuard(pub(super) Arc<StatusBoard>);

impl Drop for StopGuard {
    fn drop(&mut self) {
        self.0.set_stopped();
        if std::thread::panicking() {
            self.0.set(WatcherState::Stopped, Some("the task panicked: changes are no longer watched".to_owned()));
        }
    }
}

/// Figures that the task updates.
#[derive(Debug, Default)]
pub(super) struct StatusBoard(Mutex<Snapshot>);

impl StatusBoard {
    pub(super) fn snapshot(&self) -> Snapshot {
        lock(&self.0).clone()
    }

    pub(super) fn set(&self, state: WatcherState, why: Option<String>) {
        let mut status = lock(&self.0);
        (status.state, status.why) = (state, why);
    }

    /// Sets the state to stopped, unless it is off.
    pub(super) fn set_stopped(&self) {
        let mut status = lock(&self.0);
        if status.state != WatcherState::Off {
            (status.state, status.why) = (WatcherState::Stopped, None);
        }
    }

    /// Sets the collections that cannot be followed. Returns true if they were others before.
    pub(super) fn set_not_followed(&self, reasons: &[String]) -> bool {
        let mut status = lock(&self.0);
        let changed = status.not_followed != reasons;
        status.not_followed = reasons.to_vec();
        changed
    }

    /// Counts an opened stream.
    pub(super) fn record_opened(&self, resumed: bool) {
        let mut status = lock(&self.0);
        if resumed {
            status.resumptions += 1;
        } else {
            status.gaps += 1;
        }
        (status.state, status.why) = (WatcherState::Running, None);
    }

    /// Counts announced changes; `last` is the time of the last one.
    pub(super) fn record_announced(&self, changes: u64, last: Option<SystemTime>) {
        let mut status = lock(&self.0);
        status.changes += changes;
        if let Some(last) = last {
            status.last_change = Some(last);
            status.lag = Some(time_of_day().duration_since(last).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_can_be_shown_as_json() {
        let last = SystemTime::UNIX_EPOCH + Duration::from_millis(1_704_067_200_250);
        let status = Snapshot {
            state: WatcherState::Running,
            changes: 3,
            last_change: Some(last),
            lag: Some(Duration::from_millis(250)),
            ..Snapshot::default()
        };
        let shown = bson::serialize_to_bson(&status).unwrap();
        let expected = bson::bson!({
            "state": "running", "why": null, "not_followed": [], "changes": 3_i64, "last_change": "2024-01-01T00:00:00.25Z", "lag": 0.25,
            "resumptions": 0_i64, "gaps": 0_i64,
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_task_that_ends_is_not_running() {
        let end = |panics: bool| {
            let status = Arc::new(StatusBoard::default());
            status.record_opened(false);
            let task = status.clone();
            let ran = std::thread::spawn(move || {
                let _stop_guard = StopGuard(task);
                assert!(!panics, "on purpose");
            });
            assert_eq!(ran.join().is_err(), panics);
            status.snapshot()
        };
        let status = end(false);
        assert_eq!((status.state, status.why), (WatcherState::Stopped, None));
        let status = end(true);
        assert!(status.state == WatcherState::Stopped && status.why.is_some(), "{status:?}");
    }
}
