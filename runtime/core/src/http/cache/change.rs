//! Invalidation by unsafe requests (RFC 9111 section 4.4).

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, Uri};

use super::target::{OwnedTarget, Target};
use crate::handle::Fastness;
use crate::log::Record;

/// Invalidation that an unsafe request will cause. If it is dropped before the handler has answered, it invalidates too, because the
/// handler may have made the change.
pub(super) struct PendingInvalidation {
    handle: Fastness,
    target: OwnedTarget,
    /// True until the invalidation is made or given up.
    open: bool,
}

impl PendingInvalidation {
    pub(super) fn begin(handle: Fastness, target: OwnedTarget) -> Self {
        Self { handle, target, open: true }
    }

    /// Gives up the invalidation: the handler has answered that it changed nothing.
    pub(super) fn cancel(mut self) {
        self.open = false;
    }

    /// Invalidates, after the handler has answered. Returns when the invalidation is announced to all processes that can be reached.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the invalidation is made all the same.
    pub(super) async fn commit(mut self, response: &HeaderMap) {
        let record = self.record(response);
        let handle = self.handle.clone();
        // From here on the announcement makes the invalidation: if it is dropped, the record still counts in this process.
        self.open = false;
        drop(self);
        handle.announce(record).await;
    }

    fn record(&self, response: &HeaderMap) -> Record {
        let (mut record, target) = (Record::default(), self.target.borrow());
        let mut push = |target: &Target<'_>| {
            let pattern = target.pattern();
            record.push(pattern.scope, pattern.root);
            if self.handle.names_scopes() {
                record.name(format!("{}:*", target.path_text()));
            }
        };
        push(&target);
        for name in [LOCATION, CONTENT_LOCATION] {
            let location = response.get(name).and_then(|location| location.to_str().ok()?.parse::<Uri>().ok());
            if let Some(named) = location.as_ref().and_then(|location| target.named_by(location)) {
                push(&named);
            }
        }
        record
    }
}

impl Drop for PendingInvalidation {
    fn drop(&mut self) {
        if self.open {
            self.handle.announce_later(self.record(&HeaderMap::new()));
        }
    }
}
