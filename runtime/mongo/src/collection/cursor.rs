//! Cursor over the results of a query.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use bson::RawDocumentBuf;
use futures_core::Stream;
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor};
use serde::de::DeserializeOwned;

use super::call::CollectionCall;
use crate::error::Error;

/// Cursor over the results of a query. Each wait for the server is timed and has a time limit; the time between waits is the caller's.
///
/// The query ends when there are no more documents, on an error, or when the cursor is dropped; then it is counted if it was slow.
#[must_use = "a cursor occupies the server until it is read to its end or dropped"]
pub struct Cursor<T> {
    /// Documents that were not returned yet.
    arrived: VecDeque<RawDocumentBuf>,
    /// The documents that the server still has; `None` behind the last batch, and while a batch is on its way.
    rest: Option<RawBatchCursor>,
    call: CollectionCall,
    /// True after a failed wait, whose documents are lost.
    broken: bool,
    of: PhantomData<fn() -> T>,
}

/// Documents of a batch, and the cursor unless that was the last one.
type Arrived = (VecDeque<RawDocumentBuf>, Option<RawBatchCursor>);

impl<T> Cursor<T> {
    pub(super) async fn open<F>(mut call: CollectionCall, opening: impl FnOnce(Duration) -> F) -> Result<Self, Error>
    where
        F: Future<Output = mongodb::error::Result<RawBatchCursor>> + Send + 'static,
    {
        let opened = call.wait(|left| {
            let opening = opening(left);
            async move { next_documents(opening.await?).await }
        });
        match opened.await {
            Ok((arrived, rest)) => Ok(Self { arrived, rest, call, broken: false, of: PhantomData }),
            Err(error) => {
                call.end(Some(&error));
                Err(error)
            }
        }
    }

    /// Returns the next document; `None` at the end.
    ///
    /// # Errors
    ///
    /// Fails as the methods of [`Collection`](super::Collection) do, and if the document cannot be deserialized to this type.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits, or times out, the documents in transit are lost: further calls return an error.
    pub async fn next(&mut self) -> Result<Option<T>, Error>
    where
        T: DeserializeOwned,
    {
        if let Some(document) = self.arrived.pop_front() {
            return self.call.decode(&document).map(Some);
        }
        if self.call.is_cancelled() {
            return Err(self
                .call
                .error("an earlier wait was dropped, and its documents are lost: run the query again"));
        }
        if self.broken {
            return Err(self.call.error("an earlier wait failed, and its documents are lost: run the query again"));
        }
        let Some(rest) = self.rest.take() else {
            self.call.end(None);
            return Ok(None);
        };
        match self.call.wait(|_| next_documents(rest)).await {
            Ok((arrived, rest)) => (self.arrived, self.rest) = (arrived, rest),
            Err(error) => {
                self.broken = true;
                self.call.end(Some(&error));
                return Err(error);
            }
        }
        let Some(document) = self.arrived.pop_front() else {
            self.call.end(None);
            return Ok(None);
        };
        self.call.decode(&document).map(Some)
    }

    /// Returns all remaining documents.
    ///
    /// # Errors
    ///
    /// Fails as [`next`](Self::next) does.
    pub async fn all(mut self) -> Result<Vec<T>, Error>
    where
        T: DeserializeOwned,
    {
        let mut found = Vec::new();
        while let Some(document) = self.next().await? {
            found.push(document);
        }
        Ok(found)
    }
}

impl<T> fmt::Debug for Cursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").finish_non_exhaustive()
    }
}

/// Waits for a batch that has documents.
async fn next_documents(mut rest: RawBatchCursor) -> mongodb::error::Result<Arrived> {
    while let Some(batch) = poll_fn(|context| Pin::new(&mut rest).poll_next(context)).await {
        let batch = batch?;
        let documents = documents(&batch)?;
        if is_last(&batch) {
            return Ok((documents, None));
        }
        if !documents.is_empty() {
            return Ok((documents, Some(rest)));
        }
    }
    Ok((VecDeque::new(), None))
}

fn documents(batch: &RawBatch) -> mongodb::error::Result<VecDeque<RawDocumentBuf>> {
    let mut documents = VecDeque::new();
    for document in batch.doc_slices()? {
        documents.extend(document?.as_document().map(ToOwned::to_owned));
    }
    Ok(documents)
}

/// Returns whether the server has closed the cursor.
fn is_last(batch: &RawBatch) -> bool {
    let cursor = batch.as_raw_document().get_document("cursor");
    cursor.and_then(|cursor| cursor.get_i64("id")).is_ok_and(|id| id == 0)
}
