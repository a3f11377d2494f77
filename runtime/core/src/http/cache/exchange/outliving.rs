//! Loads that go on when the clients that began them have left.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;

use super::super::store::ResponseStore;
use crate::clock::{Deadline, nanos};
use crate::engine::BackgroundPermit;
use crate::flight::FlightRef;

type BoxedLoad<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Load of a client. If it is dropped before its end, it goes on in a task for a time, and longer while other requests wait for it.
pub(super) struct OutlivingLoad<T: 'static> {
    /// `None` after its end, and after a panic.
    load: Option<BoxedLoad<T>>,
    store: Arc<ResponseStore>,
    time: Duration,
    flight: Option<FlightRef>,
}

impl<T> OutlivingLoad<T> {
    pub(super) fn new(
        load: impl Future<Output = T> + Send + 'static,
        store: Arc<ResponseStore>,
        time: Duration,
        flight: Option<FlightRef>,
    ) -> Self {
        Self { load: Some(Box::pin(load)), store, time, flight }
    }
}

impl<T> Future for OutlivingLoad<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(mut load) = self.load.take() else { return Poll::Pending };
        // If this panics, the load is dropped here.
        let polled = load.as_mut().poll(cx);
        if polled.is_pending() {
            self.load = Some(load);
        }
        polled
    }
}

impl<T> Drop for OutlivingLoad<T> {
    fn drop(&mut self) {
        let (Some(load), false) = (self.load.take(), self.time.is_zero()) else { return };
        let (Ok(runtime), Some(permit)) = (Handle::try_current(), self.store.fills.background.try_acquire()) else {
            return;
        };
        runtime.spawn(run_alone(load, self.store.clone(), self.time, self.flight.take(), permit));
    }
}

/// Runs a load without its client, until it has ended or its time is over.
async fn run_alone<T>(
    mut load: BoxedLoad<T>,
    store: Arc<ResponseStore>,
    time: Duration,
    flight: Option<FlightRef>,
    _permit: BackgroundPermit,
) {
    let end = || Deadline::new(store.clock(), store.now().saturating_add(nanos(time)));
    let mut deadline = end();
    poll_fn(|cx| {
        if load.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        while Pin::new(&mut deadline).poll(cx).is_ready() {
            if !flight.as_ref().is_some_and(FlightRef::has_waiters) {
                return Poll::Ready(());
            }
            deadline = end();
        }
        Poll::Pending
    })
    .await;
}
