//! Requests that may change what is stored (RFC 9111 section 4.4).

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, Uri};

use super::target::Owned;
use crate::handle::Fastness;
use crate::log::Record;

/// What a change invalidates. Dropped before its end is known, it invalidates too: the handler may have done its work.
pub(super) struct Change {
    handle: Fastness,
    target: Owned,
    /// Whether there is still something to do.
    open: bool,
}

impl Change {
    pub(super) fn begin(handle: Fastness, target: Owned) -> Self {
        Self { handle, target, open: true }
    }

    /// The handler has answered that nothing was changed.
    pub(super) fn nothing(mut self) {
        self.open = false;
    }

    /// The handler has answered. Returns when the invalidation counts everywhere it can be announced.
    ///
    /// # Cancel safety
    ///
    /// Dropping it invalidates.
    pub(super) async fn done(mut self, response: &HeaderMap) {
        let record = self.record(response);
        let handle = self.handle.clone();
        // Settled from here on: an announcement that is dropped counts in this process.
        self.open = false;
        drop(self);
        handle.announce(record).await;
    }

    fn record(&self, response: &HeaderMap) -> Record {
        let (mut record, target) = (Record::default(), self.target.borrow());
        let own = target.everything();
        record.push(own.scope, own.root);
        for name in [LOCATION, CONTENT_LOCATION] {
            let location = response.get(name).and_then(|location| location.to_str().ok()?.parse::<Uri>().ok());
            if let Some(beside) = location.as_ref().and_then(|location| target.beside(location)) {
                let beside = beside.everything();
                record.push(beside.scope, beside.root);
            }
        }
        record
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if self.open {
            self.handle.announce_later(self.record(&HeaderMap::new()));
        }
    }
}
