//! One call: its waits are bounded and timed, and its end, also by being dropped, is counted if it was slow.

use std::sync::Arc;

use crate::client::Client;
use crate::error::Error;
use crate::query::{Asked, Operation};
use crate::slow::{Ending, Slow, Source};
use fastness_core::seam::now;

/// Where calls go.
pub(super) struct Place {
    pub(super) client: Client,
    pub(super) database: String,
    pub(super) collection: String,
}

/// A call from when it is asked until it ends. A drop is an end: a cancellation if it was waiting.
pub(super) struct Call {
    place: Arc<Place>,
    operation: Operation,
    asked: Asked,
    /// Nanoseconds in which it waited, so far.
    waited: u64,
    cancelled: bool,
    ended: bool,
}

/// A wait. Its drop adds the time.
struct Wait<'a> {
    call: &'a mut Call,
    began: u64,
    over: bool,
}

impl Call {
    pub(super) fn new(place: Arc<Place>, operation: Operation, asked: Asked) -> Self {
        Self { place, operation, asked, waited: 0, cancelled: false, ended: false }
    }

    /// Waits for the whole of it.
    pub(super) async fn run<T>(
        mut self,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, Error> {
        let outcome = self.wait(operation).await;
        self.end(outcome.as_ref().err());
        outcome
    }

    /// Waits for a part of it.
    pub(super) async fn wait<T>(&mut self, part: impl Future<Output = mongodb::error::Result<T>>) -> Result<T, Error> {
        let place = self.place.clone();
        let operation = self.operation;
        let doing = || format!("{} in `{}.{}`", operation.name(), place.database, place.collection);
        let mut wait = Wait { began: self.clock_now(), call: self, over: false };
        let outcome = place.client.limited(doing, part).await;
        wait.over = true;
        let took = wait.elapsed();
        drop(wait);
        place.client.count(took, outcome.as_ref().err());
        outcome
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// What could not be done, for an error of what is read here.
    pub(super) fn failed(&self, why: &str) -> Error {
        let Place { database, collection, .. } = &*self.place;
        Error::other(format!("{} in `{database}.{collection}`", self.operation.name()), why)
    }

    pub(super) fn end(&mut self, error: Option<&Error>) {
        self.finish(match error {
            None => Ending::Done,
            Some(error) if error.is_timeout() => Ending::TimedOut,
            Some(_) => Ending::Failed,
        });
    }

    fn clock_now(&self) -> u64 {
        now(&self.place.client.slow().clock)
    }

    fn finish(&mut self, ending: Ending) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if self.waited >= self.place.client.slow().threshold || ending == Ending::TimedOut {
            self.remember(ending);
        }
    }

    #[cold]
    fn remember(&mut self, ending: Ending) {
        self.place.client.slow().add(Slow {
            source: Source::Client,
            database: &self.place.database,
            collection: &self.place.collection,
            operation: self.operation,
            asked: std::mem::take(&mut self.asked),
            took: self.waited,
            ending,
            ago: 0,
        });
    }
}

impl Wait<'_> {
    fn elapsed(&self) -> u64 {
        self.call.clock_now() - self.began
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.call.waited += self.elapsed();
        self.call.cancelled |= !self.over;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let ending = if self.cancelled { Ending::Cancelled } else { Ending::Done };
        self.finish(ending);
    }
}
