//! What the driver's pools and the bounded operations do, counted.
//!
//! The driver tells of each connection (CMAP events) inline, in the task whose operation it is, so all that happens here is
//! additions.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use mongodb::event::cmap::CmapEvent;

use crate::error::Error;
use fastness_core::seam::nanos;

/// The figures of a [`Client`](super::Client): of its pools, one per server, added up, and of its bounded operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Connections that are open.
    pub connections: u64,
    /// Of these, those that an operation uses.
    pub in_use: u64,
    /// Operations that wait for a connection.
    pub waiting: u64,
    /// Connections made since the client was.
    pub created: u64,
    /// Connections closed since.
    pub closed: u64,
    /// Times a server was given up, and its connections with it.
    pub cleared: u64,
    /// Times an operation got a connection.
    pub checkouts: u64,
    /// Times an operation did not get one.
    pub checkout_failures: u64,
    /// The time that operations waited for connections, in all.
    pub checkout_wait: Duration,
    /// The longest that one waited.
    pub checkout_wait_max: Duration,
    /// The time that making connections took, in all.
    pub connecting: Duration,
    /// Operations that ran through [`Client::bounded`](super::Client::bounded).
    pub operations: u64,
    /// Of these, those that failed.
    pub failures: u64,
    /// Of these, those that took too long.
    pub timeouts: u64,
    /// The time that bounded operations took, in all.
    pub latency: Duration,
    /// The longest that one took.
    pub latency_max: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    created: AtomicU64,
    closed: AtomicU64,
    cleared: AtomicU64,
    started: AtomicU64,
    failed: AtomicU64,
    out: AtomicU64,
    back: AtomicU64,
    wait: Time,
    connecting: Time,
    operations: AtomicU64,
    failures: AtomicU64,
    timeouts: AtomicU64,
    latency: Time,
}

/// Nanoseconds.
#[derive(Debug, Default)]
struct Time {
    sum: AtomicU64,
    max: AtomicU64,
}

impl Time {
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

impl Counters {
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
                one(&self.out);
                self.wait.add(nanos(event.duration));
            }
            CmapEvent::ConnectionCheckedIn(_) => one(&self.back),
            _ => {}
        }
    }

    pub(super) fn operation(&self, nanos: u64, error: Option<&Error>) {
        self.operations.fetch_add(1, Relaxed);
        self.failures.fetch_add(error.is_some().into(), Relaxed);
        self.timeouts.fetch_add(error.is_some_and(Error::is_timeout).into(), Relaxed);
        self.latency.add(nanos);
    }

    /// What ended is read before what began, so that no difference is below zero; it may be a little too high while others work.
    pub(super) fn snapshot(&self) -> Snapshot {
        let [closed, back, failed] = [&self.closed, &self.back, &self.failed].map(|counter| counter.load(Relaxed));
        let out = self.out.load(Relaxed);
        let [created, started] = [&self.created, &self.started].map(|counter| counter.load(Relaxed));
        Snapshot {
            connections: created.saturating_sub(closed),
            in_use: out.saturating_sub(back),
            waiting: started.saturating_sub(out + failed),
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
