//! Counts requests and the failures among them, for `/health`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

/// Counters since the start, shared by all that hold a clone.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    /// Answers that are the server's fault: 500 to 599.
    failures: AtomicU64,
}

impl Tally {
    /// Answers with a status of 500 or above.
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// Failures in percent of all requests; 0 before the first.
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    pub fn failure_rate(&self) -> f64 {
        let requests = self.0.requests.load(Ordering::Relaxed).max(1);
        100.0 * self.failures() as f64 / requests as f64
    }
}

/// The middleware that counts. It stands outside the one that catches panics, so that it sees what they became.
pub(super) async fn count(State(tally): State<Tally>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    tally.0.requests.fetch_add(1, Ordering::Relaxed);
    if response.status().is_server_error() {
        tally.0.failures.fetch_add(1, Ordering::Relaxed);
    }
    response
}
