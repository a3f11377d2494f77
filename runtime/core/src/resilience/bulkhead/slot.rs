//! Slots: the right of a call to be in flight, taken and released.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::super::base::{PolicyState, SharedPolicy};
use super::super::error::Rejected;
use super::super::guarded::{Early, Ends};
use super::super::kind::PolicyKind;
use super::super::noted;
use super::super::reason::Reason;
use super::super::within::within;
use super::adaptive::{Lesson, SlotBound};
use super::settings::Settings;
use crate::clock::Clock;
use crate::trace;

/// The slots of a bulkhead.
#[derive(Debug)]
pub(in crate::resilience) struct Slots {
    semaphore: Semaphore,
    bound: SlotBound,
    /// True if the bound follows the durations of calls.
    is_adaptive: bool,
}

const FINISHED: usize = 0;
const REJECTED: usize = 1;
const CANCELLED: usize = 2;
const PANICKED: usize = 3;

impl PolicyState for Slots {
    type Settings = Settings;

    const KIND: PolicyKind = PolicyKind::Bulkhead;
    const OUTCOMES: &'static [&'static str] = &["finished", "rejected", "cancelled", "panicked"];

    fn new(_: &Arc<str>, settings: &Settings, _: &Clock) -> Self {
        let (min, max) = (settings.min.get(), settings.max.get());
        let (semaphore, bound) = (Semaphore::new(min as usize), SlotBound::new(min, max));
        Self { semaphore, bound, is_adaptive: settings.is_adaptive() }
    }

    #[cfg(feature = "settings")]
    fn set(&self, settings: &Settings) {
        self.bound.set(&self.semaphore, settings.min.get(), settings.max.get());
    }

    fn levels(&self) -> Vec<(&'static str, u64)> {
        let (limit, in_flight) = self.in_use();
        vec![("limit", limit.into()), ("in_flight", in_flight as u64)]
    }
}

impl Slots {
    /// Returns the bound, and the calls in flight.
    pub(super) fn in_use(&self) -> (u32, usize) {
        let (limit, permits) = self.bound.levels();
        (limit, permits.saturating_sub(self.semaphore.available_permits()))
    }
}

/// A slot that was taken, without a borrow of its bulkhead.
#[derive(Debug)]
#[cfg_attr(not(feature = "http"), expect(unreachable_pub, reason = "the gates of HTTP name it"))]
pub struct Ticket {
    /// The start of the call in nanoseconds, if calls are timed.
    started: u64,
}

/// The end of a call that had a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SlotEnd {
    Succeeded,
    Failed,
    Early(Early),
}

impl SlotEnd {
    fn outcome(self) -> usize {
        match self {
            Self::Succeeded | Self::Failed => FINISHED,
            Self::Early(Early::Panicked) => PANICKED,
            Self::Early(Early::Cancelled | Early::NotMade) => CANCELLED,
        }
    }
}

impl SharedPolicy<Slots> {
    pub(super) async fn acquire(&self, wait: Duration) -> Result<Slot<'_>, Rejected> {
        if let Ok(permit) = self.state.semaphore.try_acquire() {
            return Ok(Slot::new(self, permit));
        }
        if wait.is_zero() {
            return Err(self.rejected());
        }
        let (waiting, span) = (Waiting, trace::slot(&self.name));
        let ended = within(&self.name, wait, self.state.semaphore.acquire()).await;
        mem::forget(waiting);
        match ended {
            Ok(Ok(permit)) => {
                span.end("acquired");
                Ok(Slot::new(self, permit))
            }
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => {
                span.end("rejected");
                Err(self.rejected())
            }
        }
    }

    pub(super) fn try_acquire(&self) -> Result<Slot<'_>, Rejected> {
        self.state.semaphore.try_acquire().map(|permit| Slot::new(self, permit)).map_err(|_| self.rejected())
    }

    /// Takes a slot without waiting.
    #[cfg(feature = "http")]
    pub(super) fn enter(&self) -> Result<Ticket, Rejected> {
        self.state.semaphore.try_acquire().map(|permit| self.ticket(permit)).map_err(|_| self.rejected())
    }

    fn ticket(&self, permit: SemaphorePermit<'_>) -> Ticket {
        permit.forget();
        Ticket { started: if self.state.is_adaptive { self.clock.reading() } else { 0 } }
    }

    /// Returns the slot of this ticket.
    pub(super) fn resume(&self, ticket: Ticket) -> Slot<'_> {
        Slot { slots: self, ticket, ending: SlotEnd::Early(Early::Cancelled) }
    }

    /// Releases a slot.
    fn leave(&self, ticket: &Ticket, ending: SlotEnd) {
        let Slots { semaphore, bound, is_adaptive } = &self.state;
        if *is_adaptive {
            bound.release(&self.name, semaphore, self.lesson(ticket, ending));
        } else {
            bound.release_fixed(&self.name, semaphore);
        }
        self.outcomes.count(ending.outcome());
    }

    fn lesson(&self, ticket: &Ticket, ending: SlotEnd) -> Lesson {
        let took = |given_up| Lesson::Took { started: ticket.started, ended: self.clock.reading(), given_up };
        match ending {
            SlotEnd::Succeeded => took(false),
            SlotEnd::Early(Early::Cancelled) => took(true),
            SlotEnd::Failed | SlotEnd::Early(Early::Panicked | Early::NotMade) => Lesson::None,
        }
    }

    fn rejected(&self) -> Rejected {
        self.outcomes.count(REJECTED);
        Rejected::new(&self.name, Reason::Full, None)
    }
}

/// A call that waits for a place. If it is dropped, the call is never made, and this is noted for the policies around it.
struct Waiting;

impl Drop for Waiting {
    fn drop(&mut self) {
        noted::given_up();
    }
}

/// The right of a call to be in flight. Dropped without an end, the call counts as given up.
pub(crate) struct Slot<'a> {
    slots: &'a SharedPolicy<Slots>,
    ticket: Ticket,
    ending: SlotEnd,
}

impl<'a> Slot<'a> {
    fn new(slots: &'a SharedPolicy<Slots>, permit: SemaphorePermit<'a>) -> Self {
        slots.resume(slots.ticket(permit))
    }

    pub(crate) fn end(mut self, is_ok: bool) {
        self.ending = if is_ok { SlotEnd::Succeeded } else { SlotEnd::Failed };
    }
}

impl Ends for Slot<'_> {
    fn end_early(mut self, how: Early) {
        self.ending = SlotEnd::Early(how);
    }
}

impl fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("of", &self.slots.name).finish_non_exhaustive()
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.slots.leave(&self.ticket, self.ending);
    }
}
