//! The drivers of sync calls: one half before the body and one after it, so neither holds the body.

use std::fmt;

use crate::engine::{CountIfAbandoned, RequestPlan, TieredStart, end_span, ending_of, join_blocking};
use crate::flight::{Inside, LoadPermit};
use crate::key::OwnedKey;
use crate::load::{CallPlan, Miss, Pending, Previous};
use crate::shape::{CacheValue, OutcomeOf, Shape};
use crate::shared::{SharedApi as _, TierContext};
use crate::sync::block_on;
use crate::trace::{InsideSpan, LoadReason};

/// A sync call's own load, from [`Site::begin_sync`](crate::site::Site::begin_sync) to [`end_sync`]. It is boxed, so that the `Result` of a
/// hit stays small.
pub struct Loading<K: Eq, S: Shape<Item: 'static>>(Option<Box<Underway<K, S>>>);

/// The load of a call that does not bypass the cache. If a panic drops it, it counts as abandoned, and a waiter takes over.
struct Underway<K: Eq, S: Shape<Item: 'static>> {
    // The order matters: fields are dropped as they are declared.
    inside: Option<Inside>,
    span: InsideSpan,
    guard: CountIfAbandoned,
    permit: Option<LoadPermit>,
    began: TieredStart,
    pending: Pending<K, S>,
    finish: Finish<K, S>,
}

/// [`Pending::finish`] as a pointer, so that its bounds are checked in one place, and a missing one is reported once.
type Finish<K, S> = fn(&Pending<K, S>, TieredStart, OutcomeOf<S>, Option<LoadPermit>) -> OutcomeOf<S>;

impl<K, S> Miss<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// Looks the value up for a call whose function turned out to block, and begins its load if there is none.
    #[cold]
    pub fn begin_sync(self) -> Result<S::Out, Loading<K, S>> {
        self.0.map_or_else(|| Err(Loading::bypass()), |pending| pending.begin_sync())
    }
}

/// Stores the value of the body, gives it to the waiters, and returns the answer of the caller.
pub fn end_sync<K: Eq, S: Shape<Item: 'static>>(load: Loading<K, S>, out: S::Out) -> S::Out {
    let Some(load) = load.0 else { return out };
    let Underway { inside, span, guard, permit, began, pending, finish } = *load;
    drop(inside);
    let ending = S::open(out);
    end_span(&span.traced, &ending);
    guard.end(ending_of(&ending));
    drop(span);
    S::close(finish(&pending, began, ending, permit))
}

impl<K: Eq, S: Shape<Item: 'static>> Loading<K, S> {
    /// A call that passes by the cache.
    pub(crate) fn bypass() -> Self {
        Self(None)
    }
}

impl<K, S> Loading<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// Opens the place from which the body takes the value that its load replaces, and puts it there: the load has its epoch already.
    #[must_use]
    pub fn with_previous(mut self) -> (Self, Previous) {
        let Some(load) = &mut self.0 else { return (self, Previous::default()) };
        load.pending.previous = Previous::open();
        load.pending.hand_over();
        let previous = load.pending.previous.clone();
        (self, previous)
    }
}

impl<K: Eq, S: Shape<Item: 'static>> fmt::Debug for Loading<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading").field("bypass", &self.0.is_none()).finish()
    }
}

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    pub(crate) fn begin_sync(self) -> Result<S::Out, Loading<K, S>> {
        let (permit, reason) = match self.plan_blocking() {
            RequestPlan::Refresh(permit, _) => (Some(permit), LoadReason::Refresh),
            RequestPlan::Load(permit) => (permit, LoadReason::Miss),
            RequestPlan::Done(ending) => return Ok(S::close(ending)),
        };
        let (began, guard) = (self.began(), self.load_guard());
        let span = self.load_span(reason).into_inside();
        let inside = permit.as_ref().map(LoadPermit::enter);
        let finish: Finish<_, _> = Pending::finish_blocking;
        Err(Loading(Some(Box::new(Underway { inside, span, guard, permit, began, pending: self, finish }))))
    }

    /// The plan of this call. It asks the shared tier before it decides that a body has to run.
    fn plan_blocking(&self) -> CallPlan<S> {
        let mut request = self;
        let (permit, old) = match join_blocking(&mut request) {
            RequestPlan::Done(ending) => return RequestPlan::Done(ending),
            RequestPlan::Load(permit) => (permit, None),
            RequestPlan::Refresh(permit, old) => (Some(permit), Some(old)),
        };
        match (self.enter(), old) {
            (Some(_entered), old) => block_on(self.consult(permit, old)),
            (None, old) => self.without_shared(permit, old),
        }
    }

    /// The shared tier's answer, if it is fresh and this thread can wait for it. It loads nothing.
    pub(crate) fn fetch_blocking(&self) -> Option<S::Out> {
        let _entered = self.enter()?;
        block_on(self.fetch())
    }

    fn finish_blocking(&self, began: TieredStart, ending: OutcomeOf<S>, permit: Option<LoadPermit>) -> OutcomeOf<S> {
        // The value is sent over the connections of callers that block, because this one may be on the runtime of the others.
        let _entered = self.enter();
        self.finish(began, ending, permit)
    }

    /// Prepares this thread to block on the shared tier, if the values of the function go there.
    pub(crate) fn enter(&self) -> Option<TierContext<'_>> {
        self.state.store.tier.as_ref().filter(|_| self.policy.wire.is_some())?.enter()
    }
}
