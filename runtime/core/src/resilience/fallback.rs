//! Fallbacks: another answer for a call that failed.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::base::{Base, PolicyState};
use super::kind::PolicyKind;
use super::noted;
use super::outcomes::{Begun, Outcomes};
use crate::clock::Clock;

/// A fallback: makes a second call when the first failed, and counts both. Cheap to clone; clones are the same policy.
///
/// ```
/// use fastness::resilience::fallback::Fallback;
///
/// static PRICE: Fallback = Fallback::new("price");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let listed = |error: &'static str| async move { if error == "down" { Ok(100) } else { Err("no such product") } };
/// assert_eq!(PRICE.call(async { Ok::<_, &str>(90) }, listed).await, Ok(90));
/// assert_eq!(PRICE.call(async { Err("down") }, listed).await, Ok(100));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fallback(Base<Otherwise>);

#[derive(Debug)]
struct Otherwise;

const FIRST: usize = 0;
const FALLBACK: usize = 1;
const FAILED: usize = 2;
const CANCELLED: usize = 3;
const PANICKED: usize = 4;

impl PolicyState for Otherwise {
    type Settings = ();

    const KIND: PolicyKind = PolicyKind::Fallback;
    const OUTCOMES: &'static [&'static str] = &["first", "fallback", "failed", "cancelled", "panicked"];

    fn new(_: &Arc<str>, (): &(), _: &Clock) -> Self {
        Self
    }
}

impl Fallback {
    /// Creates a policy that shares no counters with others.
    pub const fn new(name: &'static str) -> Self {
        Self(Base::new(name, ()))
    }

    /// Makes the call, and if it fails, calls `otherwise` with its error.
    ///
    /// # Errors
    ///
    /// The error of `otherwise`.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as those of the two calls.
    pub fn call<T, E, O, F, G>(&self, call: F, otherwise: impl FnOnce(E) -> G) -> impl Future<Output = Result<T, O>>
    where
        F: Future<Output = Result<T, E>>,
        G: Future<Output = Result<T, O>>,
    {
        self.either(call, ByResult(PhantomData), otherwise)
    }

    /// [`call`](Self::call) for outputs of any type: `failed` decides which of them is a failure, and `otherwise` gets that
    /// output.
    ///
    /// ```
    /// use fastness::resilience::fallback::Fallback;
    ///
    /// static PAGE: Fallback = Fallback::new("page");
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let status = PAGE.call_judged(async { 503 }, |status| *status >= 500, |status| async move { status - 300 }).await;
    /// assert_eq!(status, 203);
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as those of the two calls.
    pub fn call_judged<R, F, G>(
        &self,
        call: F,
        failed: impl Fn(&R) -> bool,
        otherwise: impl FnOnce(R) -> G,
    ) -> impl Future<Output = R>
    where
        F: Future<Output = R>,
        G: Future<Output = R>,
    {
        self.either(call, By(failed), otherwise)
    }

    fn either<F: Future, G, N, J>(&self, call: F, judge: J, otherwise: N) -> Either<'_, F, G, N, J> {
        let outcomes = &self.0.shared().outcomes;
        Either { call: Some(call), other: None, otherwise: Some(otherwise), judge, outcomes, begun: None }
    }

    /// [`call`](Self::call) for blocking functions.
    pub fn call_sync<T, E, O>(
        &self,
        call: impl FnOnce() -> Result<T, E>,
        otherwise: impl FnOnce(E) -> Result<T, O>,
    ) -> Result<T, O> {
        self.either_sync(call, &ByResult(PhantomData), otherwise)
    }

    /// [`call_judged`](Self::call_judged) for blocking functions.
    pub fn call_judged_sync<R>(
        &self,
        call: impl FnOnce() -> R,
        failed: impl Fn(&R) -> bool,
        otherwise: impl FnOnce(R) -> R,
    ) -> R {
        self.either_sync(call, &By(failed), otherwise)
    }

    fn either_sync<R, J: Judge<R>>(
        &self,
        call: impl FnOnce() -> R,
        judge: &J,
        otherwise: impl FnOnce(J::Failed) -> J::Output,
    ) -> J::Output {
        let mut begun = Begun::new(&self.0.shared().outcomes, CANCELLED, PANICKED);
        let (ended, outcome) = begun.run(|| {
            let failed = match judge.split(call()) {
                Ok(ended) => return (ended, FIRST),
                Err(failed) => failed,
            };
            noted::recover();
            let ended = otherwise(failed);
            let outcome = if judge.is_good(&ended) { FALLBACK } else { FAILED };
            (ended, outcome)
        });
        begun.end(outcome);
        ended
    }
}

/// Decides whether an output is a failure, and splits it for the second call.
trait Judge<R> {
    /// The argument of the second call.
    type Failed;
    /// The output for the caller.
    type Output;
    fn split(&self, ended: R) -> Result<Self::Output, Self::Failed>;
    fn is_good(&self, ended: &Self::Output) -> bool;
}

/// Takes `Err` for a failure; the second call may have an error of another type.
struct ByResult<O>(PhantomData<fn() -> O>);

impl<T, E, O> Judge<Result<T, E>> for ByResult<O> {
    type Failed = E;
    type Output = Result<T, O>;

    fn split(&self, ended: Result<T, E>) -> Result<Result<T, O>, E> {
        ended.map(Ok)
    }

    fn is_good(&self, ended: &Result<T, O>) -> bool {
        ended.is_ok()
    }
}

/// Takes an output for a failure if the user's closure does.
struct By<F>(F);

impl<R, F: Fn(&R) -> bool> Judge<R> for By<F> {
    type Failed = R;
    type Output = R;

    fn split(&self, ended: R) -> Result<R, R> {
        if (self.0)(&ended) { Err(ended) } else { Ok(ended) }
    }

    fn is_good(&self, ended: &R) -> bool {
        !(self.0)(ended)
    }
}

pin_project! {
    /// A call, and possibly a second one. Written by hand for the reason given in `guarded`.
    struct Either<'a, F, G, N, J> {
        // The first call is dropped before the second begins.
        #[pin]
        call: Option<F>,
        #[pin]
        other: Option<G>,
        otherwise: Option<N>,
        judge: J,
        outcomes: &'a Outcomes,
        begun: Option<Begun<'a>>,
    }
}

impl<F, G, N, J> Future for Either<'_, F, G, N, J>
where
    F: Future,
    G: Future<Output = J::Output>,
    N: FnOnce(J::Failed) -> G,
    J: Judge<F::Output>,
{
    type Output = J::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let begun = this.begun.get_or_insert_with(|| Begun::new(this.outcomes, CANCELLED, PANICKED));
        let polled = begun.run(|| {
            if let Some(call) = this.call.as_mut().as_pin_mut() {
                let ended = ready!(call.poll(cx));
                this.call.set(None);
                match this.judge.split(ended) {
                    Ok(ended) => return Poll::Ready((ended, FIRST)),
                    Err(failed) => {
                        let otherwise = this.otherwise.take().expect("it is asked once");
                        noted::recover();
                        this.other.set(Some(otherwise(failed)));
                    }
                }
            }
            let ended =
                ready!(this.other.as_mut().as_pin_mut().expect("a future is not polled after its end").poll(cx));
            let outcome = if this.judge.is_good(&ended) { FALLBACK } else { FAILED };
            Poll::Ready((ended, outcome))
        });
        let (ended, outcome) = ready!(polled);
        begun.end(outcome);
        *this.begun = None;
        Poll::Ready(ended)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn outcomes(fallback: &Fallback) -> Vec<u64> {
        fallback.0.outcomes()
    }

    #[tokio::test]
    async fn every_ending_of_a_fallback_is_counted() {
        let fallback = Fallback::new("test");
        let other = |error: i32| async move { if error > 1 { Err("none") } else { Ok(7) } };
        assert_eq!(fallback.call(async { Ok(1) }, other).await, Ok(1));
        assert_eq!(fallback.call(async { Err(1) }, other).await, Ok(7));
        assert_eq!(fallback.call(async { Err(2) }, other).await, Err("none"));
        assert_eq!(fallback.call_sync(|| Err::<i32, _>(1), |_| Ok::<_, ()>(3)), Ok(3));
        assert_eq!(fallback.call_sync(|| Ok::<_, ()>(2), |()| Err(())), Ok(2));
        let mut cx = Context::from_waker(Waker::noop());
        let mut pending = Box::pin(fallback.call(std::future::pending(), other));
        assert!(pending.as_mut().poll(&mut cx).is_pending());
        drop(pending);
        assert_eq!(outcomes(&fallback), [2, 2, 1, 1, 0]);
    }

    #[tokio::test]
    async fn the_call_is_dropped_before_the_other_begins() {
        let held = Arc::new(());
        let own = held.clone();
        let call = async move {
            std::future::ready(()).await;
            assert_eq!(Arc::strong_count(&own), 2);
            Err::<usize, _>(())
        };
        let seen = Fallback::new("test").call(call, |()| async { Ok::<_, ()>(Arc::strong_count(&held)) }).await;
        assert_eq!(seen, Ok(1));
    }

    #[tokio::test]
    async fn outputs_of_any_type_may_be_failures() {
        let fallback = Fallback::new("test");
        let failed = |status: &u16| *status >= 500;
        assert_eq!(fallback.call_judged(async { 200 }, failed, |_| async { 0 }).await, 200);
        assert_eq!(fallback.call_judged(async { 503 }, failed, |status| async move { status - 303 }).await, 200);
        assert_eq!(fallback.call_judged_sync(|| 503, failed, |status| status + 1), 504);
        assert_eq!(outcomes(&fallback), [1, 1, 1, 0, 0]);
    }

    #[tokio::test]
    async fn either_call_may_panic_and_is_counted_as_such() {
        let fallback: &'static Fallback = Box::leak(Box::new(Fallback::new("test")));
        let caught = async |call: Pin<Box<dyn Future<Output = Result<(), ()>> + Send>>| {
            assert!(tokio::spawn(call).await.unwrap_err().is_panic());
        };
        caught(Box::pin(fallback.call(async { panic!("on purpose") }, |()| async { Ok(()) }))).await;
        caught(Box::pin(fallback.call(async { Err(()) }, |()| async { panic!("on purpose") }))).await;
        let sync = || fallback.call_sync(|| Err::<(), _>(()), |()| -> Result<(), ()> { panic!("on purpose") });
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(sync)).is_err());
        assert_eq!(outcomes(fallback), [0, 0, 0, 0, 3]);
    }
}
