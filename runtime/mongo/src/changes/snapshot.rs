//! The state of a tail, as of now.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use fastness_core::seam::{Mutex, lock, time_of_day};

/// What a [`Tail`](super::Tail) does now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// It connects.
    #[default]
    Starting,
    /// It follows.
    Running,
    /// Another process of the fleet follows, and this one would take over.
    Standby,
    /// It could not connect, or lost the connection, and tries again; [`Snapshot::why`] says more.
    Retrying,
    /// There are no change streams here; [`Snapshot::why`] says more. It does not try again.
    Off,
    /// It was stopped or dropped, or its runtime was; or its task panicked, and [`Snapshot::why`] says so.
    Stopped,
}

/// How a [`Tail`](super::Tail) goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// What it does now.
    pub state: Phase,
    /// Why it is off, tries again, or stopped by itself.
    pub why: Option<String>,
    /// Changes that were followed by this process so far; some are followed twice after a connection was lost.
    pub changes: u64,
    /// When the last of them happened, by the server's clock (MongoDB 6.0 or newer, else to the second). When serialised: RFC 3339, in
    /// UTC, to the millisecond.
    #[serde(serialize_with = "timestamp")]
    pub last_change: Option<SystemTime>,
    /// How long after it happened the last of them was announced, by the clocks of two machines; in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub lag: Option<Duration>,
    /// How often it went on from a position that it or another process had remembered.
    pub resumptions: u64,
    /// How often everything that the models concern was invalidated, as changes may have been missed: at the first start, and
    /// when the server no longer knew the position.
    pub gaps: u64,
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn timestamp<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = |time: SystemTime| bson::DateTime::from_system_time(time).try_to_rfc3339_string().ok();
    time.and_then(text).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

/// Says that it is over, however the task ends: also by a panic, or with the runtime.
#[derive(Debug)]
pub(super) struct Ended(pub(super) Arc<Board>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended();
        if std::thread::panicking() {
            self.0.is(Phase::Stopped, Some("its task panicked: changes are no longer followed".to_owned()));
        }
    }
}

/// Where the task writes it.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<Snapshot>);

impl Board {
    pub(super) fn snapshot(&self) -> Snapshot {
        lock(&self.0).clone()
    }

    pub(super) fn is(&self, state: Phase, why: Option<String>) {
        let mut status = lock(&self.0);
        (status.state, status.why) = (state, why);
    }

    /// It is no longer followed; what is off stays off.
    pub(super) fn ended(&self) {
        let mut status = lock(&self.0);
        if status.state != Phase::Off {
            (status.state, status.why) = (Phase::Stopped, None);
        }
    }

    /// A stream was opened.
    pub(super) fn opened(&self, resumed: bool) {
        let mut status = lock(&self.0);
        if resumed {
            status.resumptions += 1;
        } else {
            status.gaps += 1;
        }
        (status.state, status.why) = (Phase::Running, None);
    }

    /// So many changes were announced, of which the last happened then.
    pub(super) fn announced(&self, changes: u64, last: Option<SystemTime>) {
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
    fn it_can_be_shown_as_json() {
        let last = SystemTime::UNIX_EPOCH + Duration::from_millis(1_704_067_200_250);
        let status = Snapshot {
            state: Phase::Running,
            changes: 3,
            last_change: Some(last),
            lag: Some(Duration::from_millis(250)),
            ..Snapshot::default()
        };
        let shown = bson::serialize_to_bson(&status).unwrap();
        let expected = bson::bson!({
            "state": "running", "why": null, "changes": 3_i64, "last_change": "2024-01-01T00:00:00.25Z", "lag": 0.25,
            "resumptions": 0_i64, "gaps": 0_i64,
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_task_that_ends_is_not_running() {
        let end = |panics: bool| {
            let board = Arc::new(Board::default());
            board.opened(false);
            let task = board.clone();
            let ran = std::thread::spawn(move || {
                let _ended = Ended(task);
                assert!(!panics, "on purpose");
            });
            assert_eq!(ran.join().is_err(), panics);
            board.snapshot()
        };
        let status = end(false);
        assert_eq!((status.state, status.why), (Phase::Stopped, None));
        let status = end(true);
        assert!(status.state == Phase::Stopped && status.why.is_some(), "{status:?}");
    }
}
