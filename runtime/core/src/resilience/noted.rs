//! How a retry and a breaker learn of a rejection that they never see.
//!
//! A [`Rejected`](super::Rejected) becomes an error of the user's, in which nobody can find it (the usual
//! `#[error(transparent)]` hides it from `source`). So each thread notes the last rejection on it. Before they poll a call,
//! a retry and a breaker take a [`Mark`], and when it failed they ask what was noted since.
//!
//! A call ended with a rejection only if that can be in what it gave: it lives on, or a policy has just made an error of it in
//! which it is lost. One that was dropped otherwise was recovered from. So was one that was lost before the call
//! waited for something else, or before another answer was asked for.
//!
//! What is rejected on another thread, or held for longer, shows only when the error is dropped: [`drop_heard`].
//!
//! At worst, code that recovers by hand from an error in which the rejection is lost, and fails for another reason without
//! having waited for anything, is taken for rejected.

use std::cell::Cell;
use std::mem::needs_drop;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

/// The last rejection on a thread.
struct Noted {
    /// Drawn at random, so that a copy that is dropped on another thread is not taken for one of this one.
    id: Cell<u32>,
    /// Copies of it that were not dropped on this thread.
    copies: Cell<u32>,
    /// Whether a policy made an error of it in which it is lost.
    is_lost: Cell<bool>,
    retry_after: Cell<Option<Duration>>,
    /// While an error is dropped: the longest time that a rejection in it asked for.
    dropped: Cell<Option<Duration>>,
    is_dropping: Cell<bool>,
}

thread_local! {
    static NOTED: Noted = const {
        Noted {
            id: Cell::new(0),
            copies: Cell::new(0),
            is_lost: Cell::new(false),
            retry_after: Cell::new(None),
            dropped: Cell::new(None),
            is_dropping: Cell::new(false),
        }
    };
}

impl Noted {
    fn begin(&self, copies: u32, is_lost: bool, retry_after: Option<Duration>) -> u32 {
        let (before, drawn) = (self.id.get(), fastrand::u32(..));
        let id = if drawn == before { drawn.wrapping_add(1) } else { drawn };
        self.id.set(id);
        self.copies.set(copies);
        self.is_lost.set(is_lost);
        self.retry_after.set(retry_after);
        id
    }
}

/// Notes a new rejection, and gives it the number by which it is known here.
pub(super) fn note(retry_after: Option<Duration>) -> u32 {
    NOTED.with(|noted| noted.begin(1, false, retry_after))
}

/// Notes that a rejection was copied.
pub(super) fn copied(id: u32) {
    NOTED.with(|noted| {
        if noted.id.get() == id {
            noted.copies.set(noted.copies.get().saturating_add(1));
        }
    });
}

/// Notes that a rejection, or a copy of it, was dropped.
pub(super) fn dropped(id: u32, retry_after: Option<Duration>) {
    NOTED.with(|noted| {
        if noted.is_dropping.get() {
            noted.dropped.set(noted.dropped.get().max(retry_after));
        }
        if noted.id.get() == id {
            noted.copies.set(noted.copies.get().saturating_sub(1));
        }
    });
}

/// Makes an error of the user's of a rejection with this number, and notes if it is lost in there.
pub(super) fn converted<E>(id: u32, retry_after: Option<Duration>, convert: impl FnOnce() -> E) -> E {
    let error = convert();
    NOTED.with(|noted| {
        if noted.id.get() != id || noted.copies.get() == 0 {
            noted.begin(0, true, retry_after);
        }
    });
    error
}

/// Notes that a call was not made and will not be, without anybody having been told.
pub(super) fn given_up() {
    NOTED.with(|noted| noted.begin(0, true, None));
}

/// Returns whether the last that was noted is a rejection that is lost.
pub(super) fn is_lost() -> bool {
    NOTED.with(|noted| noted.is_lost.get())
}

/// Forgets a rejection that is lost: another answer is asked for.
pub(super) fn recover() {
    NOTED.with(|noted| noted.is_lost.set(false));
}

/// A moment on this thread.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "http"), expect(unreachable_pub, reason = "the gates of HTTP name it"))]
pub struct Mark(u32);

/// The present moment.
#[inline]
pub(crate) fn mark() -> Mark {
    Mark(NOTED.with(|noted| noted.id.get()))
}

/// A rejection that a call may have ended with, and when it asked to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(super) retry_after: Option<Duration>,
}

impl Mark {
    /// Returns whether anything was rejected on this thread since then, recovered from or not.
    #[cfg(feature = "http")]
    pub(crate) fn saw_rejection(self) -> bool {
        mark().0 != self.0
    }

    /// The rejection that a call of this output may have ended with, which began at this moment.
    pub(crate) fn rejection<T>(self) -> Option<Rejection> {
        NOTED.with(|noted| {
            let is_held = needs_drop::<T>() && noted.copies.get() > 0;
            let ended_with_it = noted.id.get() != self.0 && (noted.is_lost.get() || is_held);
            ended_with_it.then(|| Rejection { retry_after: noted.retry_after.get() })
        })
    }
}

/// Notes what a call ended with that failed earlier, or that it was no rejection.
pub(crate) fn note_again(rejection: Option<Rejection>) {
    NOTED.with(|noted| {
        let retry_after = rejection.and_then(|rejection| rejection.retry_after);
        noted.begin(0, rejection.is_some(), retry_after);
    });
}

/// Drops what a call failed with, and says when what was rejected in it asks to be tried again.
pub(super) fn drop_heard<T>(failed: T) -> Option<Duration> {
    /// Ends the hearing, should the drop panic.
    struct Hearing {
        was_dropping: bool,
        heard: Option<Duration>,
    }

    impl Drop for Hearing {
        fn drop(&mut self) {
            NOTED.with(|noted| {
                noted.is_dropping.set(self.was_dropping);
                noted.dropped.set(self.heard);
            });
        }
    }

    if !needs_drop::<T>() {
        return None;
    }
    // What another drop heard, in which this one happens.
    let hearing =
        NOTED.with(|noted| Hearing { was_dropping: noted.is_dropping.replace(true), heard: noted.dropped.take() });
    drop(failed);
    let heard = NOTED.with(|noted| noted.dropped.get());
    drop(hearing);
    heard
}

pin_project! {
    /// A future that was made by code that may have been rejected, which counts as if it had been while it was first polled.
    #[derive(Debug)]
    pub struct Made<F> {
        #[pin]
        future: F,
        early: Option<Rejection>,
    }
}

/// Makes a future.
pub(crate) fn made<F: Future>(make: impl FnOnce() -> F) -> Made<F> {
    let mark = mark();
    let future = make();
    // What it gives is not known yet; should it hold the rejection, the future does so now.
    let early = mark.rejection::<F>();
    Made { future, early }
}

impl<F: Future> Future for Made<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(early) = this.early.take() {
            note_again(Some(early));
        }
        this.future.poll(cx)
    }
}

#[cfg(test)]
mod tests;
