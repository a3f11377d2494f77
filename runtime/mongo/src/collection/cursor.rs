//! What a query found, as it comes.

use std::fmt;

use serde::de::DeserializeOwned;

use super::call::Call;
use crate::error::Error;

/// What a query found, batch by batch. Each wait for the server is bounded and timed; the time between is the caller's own.
///
/// The query ends, and is counted if it was slow, when there is nothing more, when it fails, or when this is dropped.
#[must_use = "it holds a place on the server until it is read to its end, or dropped"]
pub struct Cursor<T> {
    driver: mongodb::Cursor<T>,
    call: Call,
    /// A wait failed, and what was on its way is lost.
    broken: bool,
}

impl<T> Cursor<T> {
    pub(super) async fn open(
        mut call: Call,
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

    /// The next document; `None` if there is no more.
    ///
    /// # Errors
    ///
    /// As those of [`Collection`](super::Collection), and if the document is not of this type.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped while it waits, or takes too long, what was on its way is lost: each further call is an error.
    pub async fn next(&mut self) -> Result<Option<T>, Error>
    where
        T: DeserializeOwned,
    {
        if self.call.is_cancelled() {
            return Err(self.call.failed("the cursor was dropped while it waited: ask again"));
        }
        if self.broken {
            return Err(self.call.failed("it failed before, and what was on its way is lost: ask again"));
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
        document.map(Some).map_err(|_| self.call.failed("a document is not of this type"))
    }

    /// All that is left.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
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
