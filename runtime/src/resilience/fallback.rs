//! Another answer, where there is none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::outcomes::{Begun, Outcomes};
use super::snapshot::{Lazy, PolicyKind, PolicySnapshot, Report};

/// Asks somebody else when a call failed, and counts how often.
///
/// ```
/// use fastness::resilience::Fallback;
///
/// static PRICE: Fallback = Fallback::new("price");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let listed = |error: &'static str| async move { if error == "down" { Ok(100) } else { Err("no such product") } };
/// assert_eq!(PRICE.call(async { Ok::<_, &str>(90) }, listed).await, Ok(90));
/// assert_eq!(PRICE.call(async { Err("down") }, listed).await, Ok(100));
/// # }
/// ```
#[derive(Debug)]
pub struct Fallback {
    name: &'static str,
    state: Lazy<State>,
}

#[derive(Debug)]
struct State {
    name: Arc<str>,
    outcomes: Outcomes,
}

const FIRST: usize = 0;
const FALLBACK: usize = 1;
const FAILED: usize = 2;
const CANCELLED: usize = 3;

impl Fallback {
    /// A policy of its own.
    pub const fn new(name: &'static str) -> Self {
        Self { name, state: Lazy::new() }
    }

    fn state(&self) -> &State {
        self.state.get(|| State {
            name: self.name.into(),
            outcomes: Outcomes::new(&["first", "fallback", "failed", "cancelled"]),
        })
    }

    /// Makes the call, and `otherwise` with its error if it fails.
    ///
    /// # Errors
    ///
    /// That of `otherwise`.
    ///
    /// # Cancel safety
    ///
    /// As safe as the two calls.
    pub fn call<T, E, O, F, G>(&self, call: F, otherwise: impl FnOnce(E) -> G) -> impl Future<Output = Result<T, O>>
    where
        F: Future<Output = Result<T, E>>,
        G: Future<Output = Result<T, O>>,
    {
        let outcomes = &self.state().outcomes;
        Either { call: Some(call), other: None, otherwise: Some(otherwise), outcomes, begun: None }
    }

    /// [`call`](Self::call), for functions that block.
    pub fn call_sync<T, E, O>(
        &self,
        call: impl FnOnce() -> Result<T, E>,
        otherwise: impl FnOnce(E) -> Result<T, O>,
    ) -> Result<T, O> {
        let begun = Begun::new(&self.state().outcomes, CANCELLED);
        let error = match call() {
            Ok(value) => {
                begun.end(FIRST);
                return Ok(value);
            }
            Err(error) => error,
        };
        let ended = otherwise(error);
        begun.end(if ended.is_ok() { FALLBACK } else { FAILED });
        ended
    }
}

pin_project! {
    /// A call, and then perhaps another. By hand for the reason that `guarded` gives.
    struct Either<'a, F, G, N> {
        // Dropped before the other one begins.
        #[pin]
        call: Option<F>,
        #[pin]
        other: Option<G>,
        otherwise: Option<N>,
        outcomes: &'a Outcomes,
        begun: Option<Begun<'a>>,
    }
}

impl<T, E, O, F, G, N> Future for Either<'_, F, G, N>
where
    F: Future<Output = Result<T, E>>,
    G: Future<Output = Result<T, O>>,
    N: FnOnce(E) -> G,
{
    type Output = Result<T, O>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        this.begun.get_or_insert_with(|| Begun::new(this.outcomes, CANCELLED));
        let mut end = |outcome| this.begun.take().into_iter().for_each(|begun| begun.end(outcome));
        if let Some(call) = this.call.as_mut().as_pin_mut() {
            let ended = ready!(call.poll(cx));
            this.call.set(None);
            match ended {
                Ok(value) => {
                    end(FIRST);
                    return Poll::Ready(Ok(value));
                }
                Err(error) => {
                    let otherwise = this.otherwise.take().expect("it is asked once");
                    this.other.set(Some(otherwise(error)));
                }
            }
        }
        let other = this.other.as_pin_mut().expect("a future is not polled after its end");
        let ended = ready!(other.poll(cx));
        end(if ended.is_ok() { FALLBACK } else { FAILED });
        Poll::Ready(ended)
    }
}

impl Report for State {
    fn snapshot(&self) -> PolicySnapshot {
        PolicySnapshot::of(PolicyKind::Fallback, &self.name, &self.outcomes, Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn outcomes(fallback: &Fallback) -> Vec<u64> {
        fallback.state().snapshot().outcomes.into_iter().map(|(_, count)| count).collect()
    }

    #[tokio::test]
    async fn every_ending_is_counted() {
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
        assert_eq!(outcomes(&fallback), [2, 2, 1, 1]);
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
}
