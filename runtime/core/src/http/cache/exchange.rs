//! One request that was no hit, from the look to the answer.
//!
//! The engine says how it goes on (`seek` answers its questions); then the handler is asked (`ask`), and its response is stored and told
//! to those who wait (`keep`). An epoch is taken before the handler runs, so whatever is
//! invalidated meanwhile, by whatever the response turns out to be made of, keeps it from being served to anybody whose request
//! came later.

use std::sync::Arc;

use http::Response;

use super::conditional::Conditions;
use super::config::Config;
use super::directives::Directives;
use super::status::Forwarded;
use super::storable::Asker;
use super::store::{Place, SharedOutcome, Store};
use super::stored::{Held, Recorded};
use super::target::Owned;
use crate::flight::LoadOutcome;
use crate::http::body::Body;
use crate::http::resumed::ResumedBody;
use crate::stats::CountedCall;

mod ask;
mod keep;
mod run;
mod seek;

/// What this cache answers with.
pub(super) type Answer<B> = Response<Body<ResumedBody<B>>>;

/// A request on its way to an answer.
pub(super) struct Exchange {
    pub(super) config: Arc<Config>,
    pub(super) store: Arc<Store>,
    pub(super) target: Owned,
    pub(super) asker: Asker,
    pub(super) asked: Directives,
    pub(super) conditions: Conditions,
    pub(super) head: bool,
    /// Whether a cache outside this one asks, which has to know what the answer is made of.
    pub(super) nested: bool,
    /// Whether memory is so short that no body is to be stored.
    pub(super) short: bool,
    /// What its response will be made of, as far as the request tells.
    pub(super) tags: Vec<String>,
    /// What it says in the fields that responses are known to vary by.
    pub(super) variant: String,
    /// Why the handler has to be asked.
    pub(super) why: Forwarded,
    /// Counts how it ends.
    pub(super) call: CountedCall,
}

impl Exchange {
    fn place(&self) -> Place {
        self.store.place(&self.target.borrow(), &self.variant, &self.tags)
    }

    /// Requests that no other's response is good enough for, or that have none to give.
    fn is_solo(&self) -> bool {
        self.head || self.asked != Directives::default()
    }

    fn now(&self) -> u64 {
        self.store.clock().now()
    }

    fn hit<B: http_body::Body>(&self, held: &Held, recorded: &Recorded, now: u64) -> Answer<B> {
        let mut answer = held.hit(recorded, now, self.head, &self.conditions);
        self.tell_tags(recorded, &mut answer);
        answer
    }

    fn tell_tags<B: http_body::Body>(&self, recorded: &Recorded, answer: &mut Answer<B>) {
        if self.nested {
            recorded.tell_tags(answer);
        }
    }
}

/// The outcome of a load that all its waiters get.
fn shared_outcome(outcome: SharedOutcome) -> LoadOutcome {
    LoadOutcome::shared(outcome)
}
