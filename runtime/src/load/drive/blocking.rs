//! The drivers of sync calls. They hold no body: it runs between the two halves.

use std::fmt;
use std::time::Duration;

use crate::engine::{Began, CountIfAbandoned};
use crate::flight::{Inside, Permit};
use crate::handle::Fastness;
use crate::key::OwnedKey;
use crate::key::args::Args;
use crate::load::{Miss, Pending, Plan, Step};
use crate::policy::Policy;
use crate::shape::{CacheValue, Ending, Shape};
use crate::site::{Here, Site};

/// A sync call's own load, from [`Site::begin_sync`] to [`end_sync`].
/// Boxed, so that a hit, which is returned in its place, stays small.
pub struct Loading<K: Eq, S: Shape>(Option<Box<Underway<K, S>>>);

/// Of a call that does not bypass the cache. Dropped by a panic, it is counted as abandoned, and hands over.
struct Underway<K: Eq, S: Shape> {
    // In this order: fields are dropped as they are declared.
    inside: Option<Inside>,
    counted: CountIfAbandoned,
    permit: Option<Permit>,
    began: Began,
    pending: Pending<K, S>,
    finish: Finish<K, S>,
}

/// [`Pending::finish`], found where what it asks of the types is asked anyway: so what a type lacks is told once.
type Finish<K, S> = fn(&Pending<K, S>, Began, Ending<S>, Option<Permit>) -> Ending<S>;

impl Site {
    /// Of a sync call whose policy is a ttl (in milliseconds) and nothing else, the answer or the beginning of its load: then
    /// the body has to run, and what it returns be given to [`end_sync`]. In two halves rather than around the body, so that
    /// nothing but the body is compiled per call site.
    #[inline]
    pub fn serve_sync<A, S>(
        &'static self,
        on: Option<&Fastness>,
        shape: S,
        here: Here,
        args: &A,
        ttl: u64,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        match self.hit(on, shape, here, args) {
            Some(hit) => Ok(hit),
            None => self.begin_plain(on, shape, here, args, ttl),
        }
    }

    /// Out of the way of a hit, whose frame then has no room for a policy.
    #[cold]
    fn begin_plain<A, S>(
        &'static self,
        on: Option<&Fastness>,
        shape: S,
        here: Here,
        args: &A,
        ttl: u64,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.begin_sync(on, shape, here, args, &[], Policy::new(Duration::from_millis(ttl)))
    }

    /// The same of a sync call that was not a hit, whatever its policy. Waiting for another's load blocks the thread.
    #[cold]
    pub fn begin_sync<A, S>(
        &'static self,
        on: Option<&Fastness>,
        _: S,
        here: Here,
        args: &A,
        tags: &[String],
        policy: Policy<S>,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.pending(on, here, args, tags, policy).begin_sync()
    }

    /// [`bypass`](Self::bypass), of a sync call.
    pub fn bypass_sync<A, S>(
        &'static self,
        on: Option<&Fastness>,
        shape: S,
        here: Here,
        args: impl FnOnce() -> A,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.bypass(on, shape, here, args).begin_sync()
    }
}

impl<K, S> Miss<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// The miss of a call that turned out to block.
    #[cold]
    pub fn begin_sync(self) -> Result<S::Out, Loading<K, S>> {
        self.0.map_or(Err(Loading(None)), |pending| pending.begin_sync())
    }
}

/// Stores what the body returned, tells those who wait, and says what the caller gets.
pub fn end_sync<K: Eq, S: Shape>(load: Loading<K, S>, out: S::Out) -> S::Out {
    let Some(load) = load.0 else { return out };
    let Underway { inside, counted, permit, began, pending, finish } = *load;
    drop(inside);
    counted.disarm();
    S::close(finish(&pending, began, S::open(out), permit))
}

impl<K: Eq, S: Shape> fmt::Debug for Loading<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading").field("bypass", &self.0.is_none()).finish()
    }
}

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    fn begin_sync(self) -> Result<S::Out, Loading<K, S>> {
        let permit = match self.plan_blocking() {
            Plan::Refresh(permit, _) => Some(permit),
            Plan::Load(permit) => permit,
            Plan::Done(ending) => return Ok(S::close(ending)),
        };
        let (began, counted) = (self.began(), CountIfAbandoned::new(&self.cell.front.counters));
        let inside = permit.as_ref().map(Permit::enter);
        let finish: Finish<_, _> = Pending::finish;
        Err(Loading(Some(Box::new(Underway { inside, counted, permit, began, pending: self, finish }))))
    }

    /// [`plan`](Self::plan), on a thread that waits.
    fn plan_blocking(&self) -> Plan<S> {
        let mut step = self.begin();
        loop {
            match step {
                Step::Go(plan) => return plan,
                Step::Wait(waiter) => step = self.resume(waiter.block()),
            }
        }
    }
}
