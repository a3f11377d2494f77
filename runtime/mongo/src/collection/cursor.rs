//! Cursor over the results of a query.

use std::fmt;

use serde::de::DeserializeOwned;

use super::call::CollectionCall;
use crate::error::Error;

/// Cursor over the results of a query. Each wait for the server is timed and has a time limit; the time between waits is the caller's.
///
/// The query ends when there are no more documents, on an error, or when the cursor is dropped; then it is counted if it was slow.
#[must_use = "a cursor occupies the server until it is read to its end or dropped"]
pub struct Cursor<T> {
    driver: mongodb::Cursor<T>,
    call: CollectionCall,
    /// True after a failed wait, whose documents are lost.
    broken: bool,
}

impl<T> Cursor<T> {
    pub(super) async fn open(
        mut call: CollectionCall,
        opening: impl Future<Output = mongodb::error::Result<mongodb::Cursor<T>>>,
    ) -> Result<Self, Error> {
        match call.wait(opening).await {
            Ok(driver) => Ok(Self { driver, call, broken: false }),
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
        if self.call.is_cancelled() {
            return Err(self
                .call
                .error("an earlier wait was dropped, and its documents are lost: run the query again"));
        }
        if self.broken {
            return Err(self.call.error("an earlier wait failed, and its documents are lost: run the query again"));
        }
        match self.call.wait(self.driver.advance()).await {
            Ok(true) => {}
            Ok(false) => {
                self.call.end(None);
                return Ok(None);
            }
            Err(error) => {
                self.broken = true;
                self.call.end(Some(&error));
                return Err(error);
            }
        }
        let document = self.driver.deserialize_current();
        document.map(Some).map_err(|_| self.call.error("a document cannot be deserialized to this type"))
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
