//! The pipeline of a request that missed: the steps until it has an answer or has to load, and the end of its load.
//!
//! look up -> (answer | stale value and refresh) -> join or lead -> look up again -> shared tier -> load -> store -> notify the waiters.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot::error::RecvError;

use super::TieredStart;
use crate::flight::{Joined, LoadOutcome, LoadPermit, Waiter, end};
use crate::trace::{Subject, Traced, wait};

/// The result of a lookup in the local tier.
pub(crate) enum Lookup<A, O> {
    /// The answer of the request.
    Answer(A),
    /// A stale value, which may be served while it is refreshed.
    Stale(O),
    /// Neither an answer nor a stale value.
    Miss,
}

/// The way in which a request gets its answer.
pub(crate) enum RequestPlan<A, O> {
    /// The request is answered: no load is needed.
    Done(A),
    /// The request has to load: with a permit for all waiters, otherwise for itself alone.
    Load(Option<LoadPermit>),
    /// The request has to load for all waiters, and the stale value may be served meanwhile.
    Refresh(LoadPermit, O),
}

/// The next step of a request in the pipeline.
enum NextStep<A, O> {
    /// Leaves the pipeline with a plan.
    Go(RequestPlan<A, O>),
    /// Waits for another load inside of a span, then goes on with [`resume`].
    Wait(Waiter, Traced),
}

/// A request that missed. The pipeline calls these methods; none of them runs a body.
pub(crate) trait Request {
    /// The answer of the request.
    type Answer;
    /// A stale value, which may be served while it is refreshed.
    type Stale;

    /// Returns the subject of the load, for its spans.
    fn subject(&self) -> Subject<'_>;

    /// Looks up an answer in the local tier.
    fn lookup(&mut self) -> Lookup<Self::Answer, Self::Stale>;

    /// Joins the in-flight load of its key, or leads one; without `wait` it never becomes a waiter. `None` if it does not use single flight
    /// or has nothing to load.
    fn join(&mut self, wait: bool) -> Option<Joined>;

    /// Notes that this request leads: a refresh if there is a stale value, otherwise a load.
    fn leads(&mut self, permit: &LoadPermit, stale: Option<&Self::Stale>);

    /// Checks whether a load that ended after the lookup makes this request's load needless. If so, it ends its own load, and the pipeline
    /// looks up again.
    fn recheck(&mut self, permit: LoadPermit) -> Option<LoadPermit>;

    /// Turns a stale value that another request refreshes into the answer.
    fn serve_stale(&mut self, stale: Self::Stale) -> Self::Answer;

    /// Notes that this request begins or stops to wait for another request's load.
    fn waits(&mut self, waits: bool);

    /// Returns whether the load that was waited for began too early for this request, so that nothing of it may be taken, neither its value
    /// nor its failure. The request then looks up and joins again.
    fn needs_later_load(&mut self) -> bool {
        false
    }

    /// Turns the outcome of another request's load into the answer. `None` if this request cannot use that outcome; it then looks up again.
    fn accept(&mut self, outcome: Box<dyn Any + Send>) -> Option<Self::Answer>;

    /// Returns the answer to a timeout of another request's load, if that timeout is this request's too. With `None` this request loads by
    /// itself.
    fn timed_out(&mut self) -> Option<Self::Answer> {
        None
    }
}

/// Joins the load of a request's key: resolves once the request is answered, leads, or has to load by itself.
pub(crate) fn join<R: Request>(request: &mut R) -> Joining<'_, R> {
    Joining { request, waiter: None }
}

/// The future of [`join`]. It is written by hand, because the compiler cannot prove that an `async fn` generic over the request is `Send`
/// if an error is a `dyn Error`.
///
/// # Cancel safety
///
/// Dropping the future stops waiting. If it has received a permit, the load is handed over.
pub(crate) struct Joining<'a, R> {
    request: &'a mut R,
    waiter: Option<(Waiter, Traced)>,
}

impl<R: Request> Future for Joining<'_, R> {
    type Output = RequestPlan<R::Answer, R::Stale>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { request, waiter } = &mut *self;
        loop {
            let step = match waiter {
                None => begin(*request),
                Some((waiting, span)) => {
                    let outcome = ready!(Pin::new(waiting).poll(cx));
                    end_wait(span, &outcome);
                    *waiter = None;
                    resume(*request, outcome)
                }
            };
            match step {
                NextStep::Go(plan) => return Poll::Ready(plan),
                NextStep::Wait(waiting, span) => *waiter = Some((waiting, span)),
            }
        }
    }
}

/// Does what [`join`] does on a thread that blocks.
pub(crate) fn join_blocking<R: Request>(request: &mut R) -> RequestPlan<R::Answer, R::Stale> {
    let mut step = begin(request);
    loop {
        match step {
            NextStep::Go(plan) => return plan,
            NextStep::Wait(waiter, span) => {
                let outcome = waiter.block();
                end_wait(&span, &outcome);
                drop(span);
                step = resume(request, outcome);
            }
        }
    }
}

/// Ends a load whose value is in the local tier, and stores the value in the shared tier by `share`.
///
/// Waiters are notified first, because encoding a large value takes time. Callers that come meanwhile find the value in the local tier,
/// or wait until it is on its way.
pub(crate) fn share_and_end(
    permit: Option<LoadPermit>,
    began: &TieredStart,
    mut outcome: impl FnMut() -> LoadOutcome,
    share: impl FnOnce(),
) {
    if began.shared.is_some() {
        if let Some(permit) = &permit {
            permit.notify(&mut outcome);
        }
        share();
    }
    end(permit, outcome);
}

fn begin<R: Request>(request: &mut R) -> NextStep<R::Answer, R::Stale> {
    loop {
        match request.lookup() {
            Lookup::Answer(answer) => return NextStep::Go(RequestPlan::Done(answer)),
            Lookup::Stale(stale) => return NextStep::Go(refresh(request, stale)),
            Lookup::Miss => {}
        }
        match request.join(true) {
            Some(Joined::Lead(permit)) => {
                if let Some(permit) = lead(request, permit) {
                    return NextStep::Go(RequestPlan::Load(Some(permit)));
                }
            }
            Some(Joined::Wait(waiter)) => {
                request.waits(true);
                return NextStep::Wait(waiter, wait(request.subject()));
            }
            Some(Joined::Within | Joined::Taken(_)) | None => return NextStep::Go(RequestPlan::Load(None)),
        }
    }
}

/// Records the end of a wait in its span.
fn end_wait(span: &Traced, outcome: &Result<LoadOutcome, RecvError>) {
    span.end(match outcome {
        Ok(LoadOutcome::Shared(_)) => "shared",
        Ok(LoadOutcome::Alone) => "alone",
        Ok(LoadOutcome::TimedOut) => "timeout",
        Ok(LoadOutcome::Lead(_)) => "lead",
        Err(_) => "given_up",
    });
}

/// The next step of a request that waited.
fn resume<R: Request>(request: &mut R, outcome: Result<LoadOutcome, RecvError>) -> NextStep<R::Answer, R::Stale> {
    request.waits(false);
    if matches!(outcome, Ok(LoadOutcome::Shared(_) | LoadOutcome::Alone | LoadOutcome::TimedOut))
        && request.needs_later_load()
    {
        return begin(request);
    }
    let plan = match outcome {
        Ok(LoadOutcome::Shared(outcome)) => request.accept(outcome).map(RequestPlan::Done),
        Ok(LoadOutcome::Alone) => Some(RequestPlan::Load(None)),
        Ok(LoadOutcome::TimedOut) => Some(request.timed_out().map_or(RequestPlan::Load(None), RequestPlan::Done)),
        Ok(LoadOutcome::Lead(permit)) => lead(request, permit).map(|permit| RequestPlan::Load(Some(permit))),
        // The load was given up.
        Err(_) => None,
    };
    plan.map_or_else(|| begin(request), NextStep::Go)
}

/// Leads, unless a load that has just ended makes that needless.
fn lead<R: Request>(request: &mut R, permit: LoadPermit) -> Option<LoadPermit> {
    request.leads(&permit, None);
    request.recheck(permit)
}

/// Lets one request refresh, and serves the stale value to the others at once.
fn refresh<R: Request>(request: &mut R, stale: R::Stale) -> RequestPlan<R::Answer, R::Stale> {
    match request.join(false) {
        Some(Joined::Lead(permit)) => {
            request.leads(&permit, Some(&stale));
            RequestPlan::Refresh(permit, stale)
        }
        _ => RequestPlan::Done(request.serve_stale(stale)),
    }
}
