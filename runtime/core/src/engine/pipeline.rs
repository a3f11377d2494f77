//! The way of a request that was no hit: until it has an answer or has to load, and the end of its load.
//!
//! lookup -> (answer | stale value + refresh) -> join or lead -> lookup again -> shared tier -> load -> store -> tell the waiters.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot::error::RecvError;

use super::Began;
use crate::flight::{Joined, LoadOutcome, Permit, Waiter, end};

/// The answer of a lookup in this process.
pub(crate) enum Looked<A, O> {
    Answer(A),
    /// A value that may be served while it is refreshed.
    Stale(O),
    Nothing,
}

/// The way on of a request.
pub(crate) enum Plan<A, O> {
    /// Answered: nothing has to be loaded.
    Done(A),
    /// Load: on behalf of all who wait, if there is a permit.
    Load(Option<Permit>),
    /// Load on behalf of all who wait; this value may be served meanwhile.
    Refresh(Permit, O),
}

/// The next step of a request.
enum Step<A, O> {
    Go(Plan<A, O>),
    /// Wait, then [`resume`].
    Wait(Waiter),
}

/// A request that was no hit. The pipeline calls these; none runs user code of unknown length.
pub(crate) trait Request {
    type Answer;
    /// A value that may be served while it is refreshed.
    type Stale;

    /// Looks for an answer in this process.
    fn lookup(&mut self) -> Looked<Self::Answer, Self::Stale>;

    /// Joins the load of its key, or leads one; without `wait` it only would lead. `None` if it loads by itself, or not at all.
    fn join(&mut self, wait: bool) -> Option<Joined>;

    /// Notes that it leads: a refresh, if there is a stale value.
    fn leads(&mut self, permit: &Permit, stale: Option<&Self::Stale>);

    /// Looks whether a load that has ended since the lookup made its own needless. If so it ends that one, and looks again.
    fn recheck(&mut self, permit: Permit) -> Option<Permit>;

    /// The answer that is a stale value, which another refreshes.
    fn serve_stale(&mut self, stale: Self::Stale) -> Self::Answer;

    /// Notes that it waits for another's load from now on, or no longer.
    fn waits(&mut self, waits: bool);

    /// The answer that is the outcome of another's load; `None` if it is none, and it looks again.
    fn accept(&mut self, outcome: Box<dyn Any + Send>) -> Option<Self::Answer>;

    /// The answer where another's load ran into its timeout, if that is this one's too; else it loads by itself.
    fn timed_out(&mut self) -> Option<Self::Answer> {
        None
    }
}

/// The plan of a request: it is answered, or leads, or has to load by itself.
pub(crate) fn join<R: Request>(request: &mut R) -> Joining<'_, R> {
    Joining { request, waiter: None }
}

/// A request that joins a load. Written by hand: of an `async fn` that is generic over the request the compiler cannot tell that it is `Send`
/// where an error is a `dyn Error`.
///
/// # Cancel safety
///
/// Dropping it gives up the place among those who wait, or hands over.
pub(crate) struct Joining<'a, R> {
    request: &'a mut R,
    waiter: Option<Waiter>,
}

impl<R: Request> Future for Joining<'_, R> {
    type Output = Plan<R::Answer, R::Stale>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { request, waiter } = &mut *self;
        loop {
            let step = match waiter {
                None => begin(*request),
                Some(waiting) => {
                    let outcome = ready!(Pin::new(waiting).poll(cx));
                    *waiter = None;
                    resume(*request, outcome)
                }
            };
            match step {
                Step::Go(plan) => return Poll::Ready(plan),
                Step::Wait(waiting) => *waiter = Some(waiting),
            }
        }
    }
}

/// [`join`], on a thread that waits.
pub(crate) fn join_blocking<R: Request>(request: &mut R) -> Plan<R::Answer, R::Stale> {
    let mut step = begin(request);
    loop {
        match step {
            Step::Go(plan) => return plan,
            Step::Wait(waiter) => step = resume(request, waiter.block()),
        }
    }
}

/// Ends a load that has stored a value in this process, and gives the shared tier what it is given by `share`.
///
/// To encode a large value takes its time, for which nobody has to wait. Who comes meanwhile finds it in this process, or waits until it is
/// on its way.
pub(crate) fn share_and_end(
    permit: Option<Permit>,
    began: &Began,
    mut outcome: impl FnMut() -> LoadOutcome,
    share: impl FnOnce(),
) {
    if began.shared.is_some() {
        if let Some(permit) = &permit {
            permit.tell(&mut outcome);
        }
        share();
    }
    end(permit, outcome);
}

fn begin<R: Request>(request: &mut R) -> Step<R::Answer, R::Stale> {
    loop {
        match request.lookup() {
            Looked::Answer(answer) => return Step::Go(Plan::Done(answer)),
            Looked::Stale(stale) => return Step::Go(refresh(request, stale)),
            Looked::Nothing => {}
        }
        match request.join(true) {
            Some(Joined::Lead(permit)) => {
                if let Some(permit) = lead(request, permit) {
                    return Step::Go(Plan::Load(Some(permit)));
                }
            }
            Some(Joined::Wait(waiter)) => {
                request.waits(true);
                return Step::Wait(waiter);
            }
            Some(Joined::Within | Joined::Taken(_)) | None => return Step::Go(Plan::Load(None)),
        }
    }
}

/// The next step of a request that waited.
fn resume<R: Request>(request: &mut R, outcome: Result<LoadOutcome, RecvError>) -> Step<R::Answer, R::Stale> {
    request.waits(false);
    let plan = match outcome {
        Ok(LoadOutcome::Shared(outcome)) => request.accept(outcome).map(Plan::Done),
        Ok(LoadOutcome::Alone) => Some(Plan::Load(None)),
        Ok(LoadOutcome::TimedOut) => Some(request.timed_out().map_or(Plan::Load(None), Plan::Done)),
        Ok(LoadOutcome::Lead(permit)) => lead(request, permit).map(|permit| Plan::Load(Some(permit))),
        // The load was given up.
        Err(_) => None,
    };
    plan.map_or_else(|| begin(request), Step::Go)
}

/// Leads, unless that is needless by now.
fn lead<R: Request>(request: &mut R, permit: Permit) -> Option<Permit> {
    request.leads(&permit, None);
    request.recheck(permit)
}

/// Lets one request refresh, and serves the others at once.
fn refresh<R: Request>(request: &mut R, stale: R::Stale) -> Plan<R::Answer, R::Stale> {
    match request.join(false) {
        Some(Joined::Lead(permit)) => {
            request.leads(&permit, Some(&stale));
            Plan::Refresh(permit, stale)
        }
        _ => Plan::Done(request.serve_stale(stale)),
    }
}
