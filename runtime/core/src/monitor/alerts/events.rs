//! Delivery of alerts to subscribers and callbacks.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::alert::Alert;

/// Subscription to alerts that fire and are resolved, from [`Monitor::subscribe`](crate::monitor::Monitor::subscribe).
///
/// ```
/// use fastness::monitor::{AlertKind, Monitor, Threshold};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// // A threshold that every process exceeds.
/// let any = Threshold::above(0.0, 0.0).samples(1);
/// let monitor = Monitor::builder().memory_limit(1 << 30).threshold(AlertKind::Memory, any).build()?;
/// let mut events = monitor.subscribe();
/// monitor.sample().await;
/// # if cfg!(not(target_os = "linux")) { return Ok(()); }
/// let alert = events.next().await.unwrap();
/// assert!(alert.kind == AlertKind::Memory && alert.firing);
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

    /// Waits for the next alert that fires or is resolved; `None` once the monitor is gone. A subscriber that is more than 100 alerts
    /// behind misses the oldest.
    ///
    /// # Cancel safety
    ///
    /// No alert is lost.
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

/// User's function that is called with alerts.
pub(in crate::monitor) type Callback = Arc<dyn Fn(&Alert) + Send + Sync>;

/// Calls a callback with each alert, one after the other, on a blocking thread: it may block or panic, and misses alerts while it is
/// too slow.
pub(in crate::monitor) async fn run_callback(mut events: AlertEvents, callback: Callback) {
    while let Some(alert) = events.next().await {
        let callback = callback.clone();
        // A panic was printed by the panic hook and concerns this alert only.
        let _ = tokio::task::spawn_blocking(move || callback(&alert)).await;
    }
}
