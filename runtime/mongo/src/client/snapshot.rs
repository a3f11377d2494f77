//! Counters of connection pools and bounded operations.
//!
//! The driver reports connection events (CMAP) inline, in the task whose operation it is; so the handlers only add numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use mongodb::event::cmap::CmapEvent;

use crate::error::Error;
use fastness_core::seam::nanos;

/// Figures of a [`Client`](super::Client): the sum over its pools, one per server, and its bounded operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Number of open connections.
    pub connections: u64,
    /// Number of connections in use by an operation.
    pub in_use: u64,
    /// Number of operations that wait for a connection, or to be sent to the driver.
    pub waiting: u64,
    /// Number of operations that still run, although their caller was dropped or is out of time.
    pub abandoned: u64,
    /// Number of operations that were aborted, because they did not end when their caller had gone; each closed its connection.
    pub aborted: u64,
    /// Connections created since the client was created.
    pub created: u64,
    /// Connections closed since then.
    pub closed: u64,
    /// Number of times a pool was cleared, because its server failed.
    pub cleared: u64,
    /// Number of times an operation got a connection.
    pub checkouts: u64,
    /// Number of times an operation failed to get a connection.
    pub checkout_failures: u64,
    /// Total time that operations waited for connections.
    pub checkout_wait: Duration,
    /// Longest wait for a connection.
    pub checkout_wait_max: Duration,
    /// Total time spent on creating connections.
    pub connecting: Duration,
    /// Number of operations: calls of [`Client::bounded`](super::Client::bounded) and [`ping`](super::Client::ping), and waits of a
    /// `Collection` for the server.
    pub operations: u64,
    /// Number of operations that failed.
    pub failures: u64,
    /// Number of operations that exceeded their time limit.
    pub timeouts: u64,
    /// Total duration of the operations.
    pub latency: Duration,
    /// Duration of the slowest operation.
    pub latency_max: Duration,
}

#[derive(Debug, Default)]
pub(super) struct ClientCounters {
    /// Callers that wait for a place.
    pub(super) queued: AtomicU64,
    /// Tasks that run.
    pub(super) running: AtomicU64,
    /// Tasks whose callers wait for them.
    pub(super) awaited: AtomicU64,
    /// Tasks that were aborted.
    pub(super) aborted: AtomicU64,
    created: AtomicU64,
    closed: AtomicU64,
    cleared: AtomicU64,
    started: AtomicU64,
    failed: AtomicU64,
    checked_out: AtomicU64,
    checked_in: AtomicU64,
    wait: DurationCounter,
    connecting: DurationCounter,
    operations: AtomicU64,
    failures: AtomicU64,
    timeouts: AtomicU64,
    latency: DurationCounter,
}

/// Sum and maximum in nanoseconds.
#[derive(Debug, Default)]
struct DurationCounter {
    sum: AtomicU64,
    max: AtomicU64,
}

impl DurationCounter {
    fn add(&self, nanos: u64) {
        self.sum.fetch_add(nanos, Relaxed);
        self.max.fetch_max(nanos, Relaxed);
    }

    fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum.load(Relaxed))
    }

    fn max(&self) -> Duration {
        Duration::from_nanos(self.max.load(Relaxed))
    }
}

impl ClientCounters {
    pub(super) fn count(&self, event: &CmapEvent) {
        let one = |counter: &AtomicU64| {
            counter.fetch_add(1, Relaxed);
        };
        match event {
            CmapEvent::ConnectionCreated(_) => one(&self.created),
            CmapEvent::ConnectionReady(event) => self.connecting.add(nanos(event.duration)),
            CmapEvent::ConnectionClosed(_) => one(&self.closed),
            CmapEvent::PoolCleared(_) => one(&self.cleared),
            CmapEvent::ConnectionCheckoutStarted(_) => one(&self.started),
            CmapEvent::ConnectionCheckoutFailed(_) => one(&self.failed),
            CmapEvent::ConnectionCheckedOut(event) => {
                one(&self.checked_out);
                self.wait.add(nanos(event.duration));
            }
            CmapEvent::ConnectionCheckedIn(_) => one(&self.checked_in),
            _ => {}
        }
    }

    pub(super) fn waited_for_place(&self, nanos: u64) {
        self.wait.add(nanos);
    }

    pub(super) fn operation(&self, nanos: u64, error: Option<&Error>) {
        self.operations.fetch_add(1, Relaxed);
        self.failures.fetch_add(error.is_some().into(), Relaxed);
        self.timeouts.fetch_add(error.is_some_and(Error::is_timeout).into(), Relaxed);
        self.latency.add(nanos);
    }

    /// Reads the counts of ends before those of beginnings, so that no difference is negative. A difference may be slightly too high
    /// while other operations run.
    pub(super) fn snapshot(&self) -> Snapshot {
        let [closed, back, failed] =
            [&self.closed, &self.checked_in, &self.failed].map(|counter| counter.load(Relaxed));
        let out = self.checked_out.load(Relaxed);
        let [running, awaited] = [&self.running, &self.awaited].map(|counter| counter.load(Relaxed));
        let [created, started] = [&self.created, &self.started].map(|counter| counter.load(Relaxed));
        Snapshot {
            connections: created.saturating_sub(closed),
            in_use: out.saturating_sub(back),
            waiting: started.saturating_sub(out + failed) + self.queued.load(Relaxed),
            abandoned: running.saturating_sub(awaited),
            aborted: self.aborted.load(Relaxed),
            created,
            closed,
            cleared: self.cleared.load(Relaxed),
            checkouts: out,
            checkout_failures: failed,
            checkout_wait: self.wait.sum(),
            checkout_wait_max: self.wait.max(),
            connecting: self.connecting.sum(),
            operations: self.operations.load(Relaxed),
            failures: self.failures.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            latency: self.latency.sum(),
            latency_max: self.latency.max(),
        }
    }
}
