//! One call: a time limit and a timer for each wait, and a record of the call if it was slow, even if it was dropped.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, RawDocument, RawDocumentBuf};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::{Client, ClosedEffect};
use crate::error::Error;
use crate::query::{Operation, QueryParts};
use crate::slow::{QueryOutcome, QuerySource, SlowCall};
use fastness_core::seam::now;

/// Collection that a call goes to.
pub(super) struct CallTarget {
    pub(super) client: Client,
    /// The driver's collection. Documents are decoded and encoded by the caller: their type may borrow, and a task does not.
    pub(super) driver: mongodb::Collection<RawDocumentBuf>,
    pub(super) database: String,
    pub(super) collection: String,
}

/// A call from its start to its end. A drop ends it too; if it was waiting, as a cancellation.
pub(super) struct CollectionCall {
    target: Arc<CallTarget>,
    operation: Operation,
    parts: QueryParts,
    /// Nanoseconds that the call has waited so far.
    waited: u64,
    cancelled: bool,
    ended: bool,
}

/// A wait in progress. Its drop adds the elapsed time.
struct WaitTimer<'a> {
    call: &'a mut CollectionCall,
    began: u64,
    over: bool,
}

impl CollectionCall {
    pub(super) fn new(target: Arc<CallTarget>, operation: Operation, parts: QueryParts) -> Self {
        Self { target, operation, parts, waited: 0, cancelled: false, ended: false }
    }

    /// Runs the whole call as one wait.
    pub(super) async fn run<T: Send + 'static, F>(mut self, start: impl FnOnce(Duration) -> F) -> Result<T, Error>
    where
        F: Future<Output = mongodb::error::Result<T>> + Send + 'static,
    {
        let outcome = self.wait(start).await;
        self.end(outcome.as_ref().err());
        outcome
    }

    /// Runs the whole call as one wait for one document.
    pub(super) async fn run_for_one<T: DeserializeOwned, F>(
        mut self,
        start: impl FnOnce(Duration) -> F,
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = mongodb::error::Result<Option<RawDocumentBuf>>> + Send + 'static,
    {
        let found = self.wait(start).await;
        let outcome = found.and_then(|found| found.map(|document| self.decode(&document)).transpose());
        self.end(outcome.as_ref().err());
        outcome
    }

    /// Runs one part of the call. `start` makes it of the time that is left for it.
    pub(super) async fn wait<T: Send + 'static, F>(&mut self, start: impl FnOnce(Duration) -> F) -> Result<T, Error>
    where
        F: Future<Output = mongodb::error::Result<T>> + Send + 'static,
    {
        let target = self.target.clone();
        let (operation, closed) = (self.operation, self.when_closed());
        let action = || format!("{} in `{}.{}`", operation.name(), target.database, target.collection);
        let mut wait = WaitTimer { began: self.now(), call: self, over: false };
        let outcome = target.client.in_task(closed, action, start).await;
        wait.over = true;
        let took = wait.elapsed();
        drop(wait);
        target.client.count(took, outcome.as_ref().err());
        outcome
    }

    /// Decodes a document of a reply.
    pub(super) fn decode<T: DeserializeOwned>(&self, document: &RawDocument) -> Result<T, Error> {
        let decoded = bson::deserialize_from_slice(document.as_bytes());
        decoded.map_err(|_| self.error("a document cannot be deserialized to this type"))
    }

    /// Encodes a document for a request.
    pub(super) fn encode<T: Serialize>(&self, document: &T) -> Result<RawDocumentBuf, Error> {
        bson::serialize_to_raw_document_buf(document).map_err(|_| self.error("a document cannot be serialized"))
    }

    /// Returns the effect of a closed connection: the server stops reads, and pipelines that do not write.
    fn when_closed(&self) -> ClosedEffect {
        let writes = |stage: &Document| stage.contains_key("$out") || stage.contains_key("$merge");
        match self.operation {
            Operation::Find | Operation::Count | Operation::Distinct => ClosedEffect::Stops,
            Operation::Aggregate if !self.parts.pipeline.iter().any(writes) => ClosedEffect::Stops,
            _ => ClosedEffect::GoesOn,
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// Returns an error of this call.
    pub(super) fn error(&self, why: &str) -> Error {
        let CallTarget { database, collection, .. } = &*self.target;
        Error::other(format!("{} in `{database}.{collection}`", self.operation.name()), why)
    }

    pub(super) fn end(&mut self, error: Option<&Error>) {
        self.finish(match error {
            None => QueryOutcome::Ok,
            Some(error) if error.is_timeout() => QueryOutcome::TimedOut,
            Some(_) => QueryOutcome::Failed,
        });
    }

    fn now(&self) -> u64 {
        now(&self.target.client.slow().clock)
    }

    fn finish(&mut self, outcome: QueryOutcome) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if self.waited >= self.target.client.slow().threshold || outcome == QueryOutcome::TimedOut {
            self.record_slow(outcome);
        }
    }

    #[cold]
    fn record_slow(&mut self, outcome: QueryOutcome) {
        self.target.client.slow().add(SlowCall {
            source: QuerySource::Client,
            database: &self.target.database,
            collection: &self.target.collection,
            operation: self.operation,
            parts: std::mem::take(&mut self.parts),
            took: self.waited,
            outcome,
            ago: 0,
        });
    }
}

impl WaitTimer<'_> {
    fn elapsed(&self) -> u64 {
        self.call.now() - self.began
    }
}

impl Drop for WaitTimer<'_> {
    fn drop(&mut self) {
        self.call.waited += self.elapsed();
        self.call.cancelled |= !self.over;
    }
}

impl Drop for CollectionCall {
    fn drop(&mut self) {
        let outcome = if self.cancelled { QueryOutcome::Cancelled } else { QueryOutcome::Ok };
        self.finish(outcome);
    }
}
