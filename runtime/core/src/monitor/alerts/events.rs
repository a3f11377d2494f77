//! Telling others of alerts.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::alert::Alert;

/// Tells of alerts that begin and end; from [`Monitor::subscribe`](crate::monitor::Monitor::subscribe).
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
    pub(super) fn new(changes: broadcast::Receiver<Alert>) -> Self {
        Self { changes }
    }

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
pub(in crate::monitor) type Callback = Arc<dyn Fn(&Alert) + Send + Sync>;

/// Passes alerts on to a function of the user's, one after the other. It may block or panic: it has a thread of its own
/// for each call, and misses what it is too slow for.
pub(in crate::monitor) async fn pass_on(mut events: AlertEvents, callback: Callback) {
    while let Some(alert) = events.next().await {
        let callback = callback.clone();
        // That it panicked is its own affair, and on standard error.
        let _ = tokio::task::spawn_blocking(move || callback(&alert)).await;
    }
}
