//! The drivers: they await, or block, as [`Pending`] tells them.
//!
//! Only what holds the body is compiled per call site, so these stay short, and those of sync calls hold none.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::Handle;

use super::{Began, Leave, Miss, Pending, Plan, Step};
use crate::error::LoadTimeout;
use crate::flight::{Inside, Load, Permit, Seat};
use crate::handle::{Fastness, scope};
use crate::key::OwnedKey;
use crate::key::args::Args;
use crate::policy::Policy;
use crate::shape::{CacheValue, Ending, Outcome, Shape};
use crate::site::{Here, Site};
use crate::stats::Counters;

/// Refreshes of one call site that may run in the background at a time; beyond it stale values are served unrefreshed.
const MAX_BACKGROUND: usize = 64;

/// Drives an async call that was not a hit. Boxed, so that the future of a hit stays small.
///
/// # Cancel safety
///
/// Dropping it drops the body; if others wait for it, one of them takes over.
pub fn load<K, S, F>(miss: Miss<K, S>, body: F) -> Pin<Box<impl Future<Output = S::Out>>>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
    F: Future<Output = S::Out>,
{
    Box::pin(async move {
        let Some(pending) = miss.0 else { return body.await };
        // No plan lives across the load: it may hold an error that is not `Send`.
        let permit = match pending.plan_shared().await {
            Plan::Refresh(permit, _) => Some(permit),
            Plan::Load(permit) => permit,
            Plan::Done(ending) => return S::close(ending),
        };
        S::close(pending.run(permit, body).await)
    })
}

/// [`load`], but a refresh runs in a task of its own and the caller gets the old value at once.
///
/// # Cancel safety
///
/// Dropping it drops the body, unless it was a refresh: that runs on.
pub fn load_spawned<K, S, F>(miss: Miss<K, S>, body: F) -> Pin<Box<impl Future<Output = S::Out>>>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue, Error: Send> + Send + Sync + 'static,
    F: Future<Output = S::Out> + Send + 'static,
    S::Out: Send,
{
    Box::pin(async move {
        let Some(pending) = miss.0 else { return body.await };
        S::close(match pending.plan_shared().await {
            Plan::Refresh(permit, old) => match (Handle::try_current(), pending.background()) {
                (Ok(runtime), Some(place)) => {
                    let around = Fastness::scoped();
                    runtime.spawn(async move {
                        let refresh = pending.run(Some(permit), body);
                        // A scope does not reach into tasks by itself.
                        match &around {
                            Some(handle) => drop(scope(handle, refresh).await),
                            None => drop(refresh.await),
                        }
                        drop(place);
                    });
                    Outcome::Present(old)
                }
                // Too many refreshes run already.
                (Ok(_), None) => Outcome::Present(old),
                // No runtime to run it in the background.
                (Err(_), _) => pending.run(Some(permit), body).await,
            },
            Plan::Load(permit) => pending.run(permit, body).await,
            Plan::Done(ending) => ending,
        })
    })
}

/// A sync call's own load, from [`Site::begin_sync`] to [`end_sync`].
/// Boxed, so that a hit, which is returned in its place, stays small.
pub struct Loading<K: Eq, S: Shape>(Option<Box<Underway<K, S>>>);

/// Of a call that does not bypass the cache. Dropped by a panic, it is counted as abandoned, and hands over.
struct Underway<K: Eq, S: Shape> {
    // In this order: fields are dropped as they are declared.
    inside: Option<Inside>,
    counted: Abandoned,
    permit: Leave,
    began: Began,
    pending: Pending<K, S>,
    finish: Finish<K, S>,
}

/// [`Pending::finish`], found where what it asks of the types is asked anyway: so what a type lacks is told once.
type Finish<K, S> = fn(&Pending<K, S>, Began, Ending<S>, Leave) -> Ending<S>;

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

/// A sync call that bypasses the cache.
pub fn bypass_sync<K: Eq, S: Shape>(_: S) -> Result<S::Out, Loading<K, S>> {
    Err(Loading(None))
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
        let (began, counted) = (self.began(), self.count_if_abandoned());
        let inside = permit.as_ref().map(Permit::enter);
        let finish: Finish<_, _> = Pending::finish;
        Err(Loading(Some(Box::new(Underway { inside, counted, permit, began, pending: self, finish }))))
    }

    async fn plan(&self) -> Plan<S> {
        let mut seat = match self.begin() {
            Step::Go(plan) => return plan,
            Step::Wait(seat) => seat,
        };
        loop {
            let news = seat.await;
            seat = match self.resume(news) {
                Step::Go(plan) => return plan,
                Step::Wait(seat) => seat,
            };
        }
    }

    /// [`plan`](Self::plan), on a thread that waits.
    fn plan_blocking(&self) -> Plan<S> {
        let mut step = self.begin();
        loop {
            match step {
                Step::Go(plan) => return plan,
                Step::Wait(seat) => step = self.resume(wait(seat)),
            }
        }
    }

    /// [`plan`](Self::plan), with the shared tier asked before a body has to run.
    async fn plan_shared(&self) -> Plan<S> {
        // Only what loads lives across the wait: an error may not be `Send`.
        let (permit, old) = match self.plan().await {
            Plan::Done(ending) => return Plan::Done(ending),
            Plan::Load(permit) => (permit, None),
            Plan::Refresh(permit, old) => (Some(permit), Some(old)),
        };
        self.consult(permit, old).await
    }

    async fn run<F: Future<Output = S::Out>>(&self, permit: Leave, body: F) -> Ending<S> {
        let began = self.began();
        let counted = self.count_if_abandoned();
        let mut load = pin!(Load::new(body, permit));
        let ended = match self.policy.load_timeout {
            None => Ok(load.as_mut().await),
            Some((bound, error)) => tokio::time::timeout(bound, load.as_mut()).await.map_err(|_| (bound, error)),
        };
        counted.disarm();
        match ended {
            Ok((out, permit)) => self.finish(began, S::open(out), permit),
            Err((bound, error)) => self.time_out(error(LoadTimeout::new(bound)), load.abandon()),
        }
    }

    /// A place among the background refreshes, if there is one.
    fn background(&self) -> Option<Background> {
        let running = self.cell.refreshing.clone();
        let entered = running.fetch_update(Relaxed, Relaxed, |n| (n < MAX_BACKGROUND).then_some(n + 1)).is_ok();
        entered.then(|| Background(running))
    }

    fn count_if_abandoned(&self) -> Abandoned {
        Abandoned(Some(self.cell.front.counters.clone()))
    }
}

struct Background(Arc<AtomicUsize>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Counts a load that ends by being dropped.
struct Abandoned(Option<Arc<Counters>>);

impl Abandoned {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some(counters) = &self.0 {
            counters.loads_abandoned.count();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks this thread until there is news. Unlike a runtime's `block_on`, it may be called from within one.
fn wait(mut seat: Seat) -> <Seat as Future>::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match Pin::new(&mut seat).poll(&mut cx) {
            Poll::Ready(news) => return news,
            Poll::Pending => thread::park(),
        }
    }
}
