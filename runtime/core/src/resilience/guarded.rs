//! The future of a call that needs a permit: admission, the call, and its end.
//!
//! Written by hand, because an `async fn` stores a future that it takes as an argument twice, and policies nest.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::error::Rejected;
use super::noted::{self, Mark};

/// A permit that is notified when its call ends without an output.
pub(crate) trait Ends: Sized {
    fn end_early(self, how: Early);
}

/// The end of a call without an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "http"), expect(unreachable_pub, reason = "the gates of HTTP name it"))]
pub enum Early {
    /// The call panicked.
    Panicked,
    /// The call was dropped.
    Cancelled,
    /// The call was dropped while it waited to be made.
    NotMade,
}

/// The permit of a call that needs none.
impl Ends for () {
    fn end_early(self, _: Early) {}
}

/// The permit of a call that is pending.
///
/// It is declared below the call in the same future, so that the call is dropped before it.
#[derive(Debug)]
pub(crate) struct Held<P: Ends>(Option<P>);

impl<P: Ends> Held<P> {
    #[inline]
    pub(crate) fn new(permit: Option<P>) -> Self {
        Self(permit)
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Option<P> {
        self.0.take()
    }

    /// Marks the start of the drop of a future: rejections noted from here on belong to its call.
    #[inline]
    pub(crate) fn leave(&self) {
        if self.0.is_some() {
            noted::recover();
        }
    }
}

impl<P: Ends> Drop for Held<P> {
    #[inline]
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.end_early(if noted::is_lost() { Early::NotMade } else { Early::Cancelled });
        }
    }
}

/// The permit of a call that is being polled. It is on the stack, and is dropped only if the call panics.
pub(crate) struct Running<P: Ends>(Option<P>);

impl<P: Ends> Running<P> {
    #[inline]
    pub(crate) fn new(permit: Option<P>) -> Self {
        Self(permit)
    }

    #[inline]
    pub(crate) fn stop(mut self) -> Option<P> {
        self.0.take()
    }
}

impl<P: Ends> Drop for Running<P> {
    #[inline]
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.end_early(Early::Panicked);
        }
    }
}

pin_project! {
    /// A future that acquires a permit, runs the call with it, and passes both to `finish`.
    ///
    /// Dropped early, it drops the call first, then the permit. If the call panics, the permit is dropped while
    /// the panic unwinds.
    pub(super) struct Guarded<A, P, F, N>
    where
        P: Ends,
    {
        #[pin]
        admission: A,
        #[pin]
        call: F,
        permit: Held<P>,
        finish: Option<N>,
    }

    impl<A, P, F, N> PinnedDrop for Guarded<A, P, F, N>
    where
        P: Ends,
    {
        fn drop(this: Pin<&mut Self>) {
            this.project().permit.leave();
        }
    }
}

/// Guards a call. `finish` gets the permit, the output of the call and the mark of its last poll, or the rejection.
pub(super) fn guarded<A, P, F, N, O>(admission: A, call: F, finish: N) -> Guarded<A, P, F, N>
where
    A: Future<Output = Result<P, Rejected>>,
    P: Ends,
    F: Future,
    N: FnOnce(Result<(P, F::Output, Mark), Rejected>) -> O,
{
    Guarded { admission, call, permit: Held::new(None), finish: Some(finish) }
}

impl<A, P, F, N, O> Future for Guarded<A, P, F, N>
where
    A: Future<Output = Result<P, Rejected>>,
    P: Ends,
    F: Future,
    N: FnOnce(Result<(P, F::Output, Mark), Rejected>) -> O,
{
    type Output = O;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let this = self.project();
        let mut finish = || this.finish.take().expect("a future is not polled after its end");
        // Return from each arm: merging them writes the value with narrow stores and reloads it with wide loads, which stalls store
        // forwarding.
        let permit = match this.permit.take() {
            Some(permit) => permit,
            None => match ready!(this.admission.poll(cx)) {
                Ok(permit) => permit,
                Err(rejected) => return Poll::Ready(finish()(Err(rejected))),
            },
        };
        let mark = noted::mark();
        // The permit is on the stack while the call runs, not in the future, so that a panic drops it.
        let running = Running::new(Some(permit));
        match this.call.poll(cx) {
            Poll::Ready(output) => {
                let permit = running.stop().expect("it is there until the call panics");
                Poll::Ready(finish()(Ok((permit, output, mark))))
            }
            Poll::Pending => {
                *this.permit = Held::new(running.stop());
                Poll::Pending
            }
        }
    }
}
