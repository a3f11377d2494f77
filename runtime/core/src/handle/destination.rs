//! The place to which the records of one handle go.

use std::sync::Arc;

use crate::clock::Clock;
use crate::l1::StoreContext;
use crate::log::{Reach, Record};
use crate::shared::{SharedApi as _, Tier};
use crate::trace::{Traced, invalidation};

/// The log of one handle, in this process and in the shared tier if there is one.
#[derive(Clone, Copy)]
pub(crate) struct Destination<'a> {
    pub(crate) context: &'a StoreContext,
    pub(crate) tier: Option<&'a Arc<Tier>>,
}

impl Destination<'_> {
    /// Invalidates the scopes of a record in this process at once, and announces them in the background.
    pub(super) fn send_later(self, record: Record) {
        self.notice_time();
        let span = span_of(&record);
        match self.tier {
            Some(tier) => {
                tier.announce_later(record);
                span.end("background");
            }
            None => {
                self.context.log.append(&record);
                span.end("announced");
            }
        }
    }

    /// Invalidates the scopes of a record in this process, and waits until they are announced.
    pub(super) async fn send(self, record: Record) -> Reach {
        let Some(tier) = self.tier else {
            self.send_later(record);
            return Reach::Announced;
        };
        self.notice_time();
        let span = span_of(&record);
        let reach = tier.announce(record).await;
        span.end(if reach == Reach::Announced { "announced" } else { "local_only" });
        reach
    }

    /// Raises the coarse time, because the ticker may be starved or belong to the parent of a fork.
    fn notice_time(self) {
        self.context.clock.notice_fork();
        self.context.clock.now();
    }

    pub(super) fn to_owned(self) -> OwnedDestination {
        OwnedDestination { context: self.context.clone(), tier: self.tier.cloned() }
    }
}

/// Begins the span of an invalidation or a refresh.
pub(super) fn span_of(record: &Record) -> Traced {
    let scopes = (!record.is_clear()).then(|| record.scopes().len());
    invalidation(scopes, record.is_refresh())
}

/// A [`Destination`] that outlives a borrow of its handle. It does not keep the handle itself.
#[derive(Clone)]
pub(super) struct OwnedDestination {
    context: StoreContext,
    tier: Option<Arc<Tier>>,
}

impl OwnedDestination {
    pub(super) fn borrow(&self) -> Destination<'_> {
        Destination { context: &self.context, tier: self.tier.as_ref() }
    }

    /// Returns whether both are of one handle.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.context.log, &other.context.log)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.context.clock
    }
}
