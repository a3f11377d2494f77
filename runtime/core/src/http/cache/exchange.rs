//! A request that was not a hit, from the lookup to the response.
//!
//! The engine plans the request (`lookup` implements its trait); then the handler is called (`forward`), and its response is stored and
//! shared with the waiters (`insert`). The epoch is read before the handler runs, so an invalidation meanwhile, of the key or of a tag of
//! the response, keeps the response from every request that comes after it. A body that is not ready with its head is given to all while it
//! comes (`stream`), and a load goes on for a time when its client has left (`outliving`).

use std::sync::Arc;

use http::Response;

use super::conditional::Conditions;
use super::config::Config;
use super::directives::Directives;
use super::status::{CacheStatus, Forwarded, Unstored};
use super::storable::Requester;
use super::store::{EntryKey, ResponseOutcome, ResponseStore};
use super::stored::{ResponseEntry, StoredResponse};
use super::target::OwnedTarget;
use crate::flight::LoadOutcome;
use crate::http::body::Body;
use crate::http::resumed::ResumedBody;
use crate::stats::CountedCall;

mod forward;
mod insert;
mod lookup;
mod outliving;
mod run;
mod stream;

/// Response of the cache.
pub(super) type Answer<B> = Response<Body<ResumedBody<B>>>;

/// Client of a request, as far as it matters for a body that comes late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    /// Learns of it if the body breaks off.
    Current,
    /// May know HTTP/1.0 only, and takes the end of the connection for the end of a body.
    Http10,
    /// Has the stale response already: the request is a refresh.
    Served,
}

/// A request that was not a hit.
pub(super) struct Exchange {
    pub(super) config: Arc<Config>,
    pub(super) store: Arc<ResponseStore>,
    pub(super) target: OwnedTarget,
    pub(super) requester: Requester,
    pub(super) asked: Directives,
    pub(super) conditions: Conditions,
    pub(super) head: bool,
    pub(super) client: Recipient,
    /// True if an outer cache forwarded the request: it needs the tags of the response.
    pub(super) nested: bool,
    /// True while memory is short, so that no body may be stored.
    pub(super) memory_short: bool,
    /// Tags that follow from the request.
    pub(super) tags: Vec<String>,
    /// Values of the fields that responses are known to vary by.
    pub(super) variant: String,
    /// Reason why the request is forwarded to the handler.
    pub(super) why: Forwarded,
    /// Counts how the call ends.
    pub(super) call: CountedCall,
}

impl Exchange {
    fn entry_key(&self) -> EntryKey {
        self.store.entry_key(&self.target.borrow(), &self.variant, &self.tags)
    }

    /// Returns whether the request waits for no other, nor others for it: a `HEAD`, one for a part, or one with directives that may not be
    /// coalesced.
    fn is_solo(&self) -> bool {
        self.head || self.conditions.asks_for_part() || !self.config.reloads.may_join(&self.asked)
    }

    /// Returns the outcome of a request whose response was not stored. A layer that stores nothing gives no reason.
    fn unstored(&self, reason: Unstored) -> CacheStatus {
        if self.config.stores { CacheStatus::Unstored { why: self.why, reason } } else { CacheStatus::Passed(self.why) }
    }

    /// Returns whether the client takes the end of the connection for the end of a body.
    fn is_http_1_0(&self) -> bool {
        self.client == Recipient::Http10
    }

    fn now(&self) -> u64 {
        self.store.clock().now()
    }

    fn hit<B: http_body::Body>(&self, entry: &ResponseEntry, recorded: &StoredResponse, now: u64) -> Answer<B> {
        let mut answer = entry.hit(recorded, now, self.head, &self.conditions);
        self.add_tags_if_nested(recorded, &mut answer);
        answer
    }

    fn add_tags_if_nested<B: http_body::Body>(&self, recorded: &StoredResponse, answer: &mut Answer<B>) {
        if self.nested {
            recorded.add_tags(answer);
        }
    }
}

/// Wraps an outcome for the waiters of a load.
fn shared_outcome(outcome: ResponseOutcome) -> LoadOutcome {
    LoadOutcome::shared(outcome)
}
