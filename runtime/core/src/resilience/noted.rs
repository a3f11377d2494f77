//! The last rejection on each thread, by which a retry and a breaker learn of rejections inside the calls that they make.
//!
//! A [`Rejected`](super::Rejected) becomes an error of the user's type, in which it cannot be found (the usual
//! `#[error(transparent)]` hides it from `source`). So each thread notes its last rejection. Before they poll a call,
//! a retry and a breaker take a [`Mark`], and when the call has failed they check the rejections noted since.
//!
//! A call ended with a rejection only if its output can hold the rejection: a copy of it still exists, or a policy has just converted
//! it into an error in which it is *lost*. A rejection that was dropped otherwise was recovered from. So was one that was lost before
//! the call waited for something else, or before a fallback was called.
//!
//! A rejection on another thread, or one that an error holds for longer, shows only when the error is dropped: [`drop_noting`].
//!
//! The one false positive: code that recovers by itself from an error in which the rejection is lost, and then fails for another reason
//! without having waited for anything.

use std::cell::Cell;
use std::mem::needs_drop;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

/// The last rejection on a thread.
struct Noted {
    /// The number of the rejection, drawn at random, so that a copy dropped on another thread is not taken for one of this thread.
    id: Cell<u32>,
    /// The copies of it that were not dropped on this thread.
    copies: Cell<u32>,
    /// True if a policy converted it into an error in which it is lost.
    is_lost: Cell<bool>,
    retry_after: Cell<Option<Duration>>,
    /// The longest `retry_after` of the rejections in an error, while that is dropped.
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

/// Notes a new rejection, and returns its number.
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

/// Converts the rejection with this number into an error of the user, and notes whether it is lost in there.
pub(super) fn converted<E>(id: u32, retry_after: Option<Duration>, convert: impl FnOnce() -> E) -> E {
    let error = convert();
    NOTED.with(|noted| {
        if noted.id.get() != id || noted.copies.get() == 0 {
            noted.begin(0, true, retry_after);
        }
    });
    error
}

/// Notes that a call was given up before it was made, without an error.
pub(super) fn given_up() {
    NOTED.with(|noted| noted.begin(0, true, None));
}

/// Returns whether the last noted rejection is lost in an error.
pub(super) fn is_lost() -> bool {
    NOTED.with(|noted| noted.is_lost.get())
}

/// Marks a lost rejection as recovered from, because another call is made.
pub(super) fn recover() {
    NOTED.with(|noted| noted.is_lost.set(false));
}

/// A point in the sequence of rejections on this thread.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "http"), expect(unreachable_pub, reason = "the gates of HTTP name it"))]
pub struct Mark(u32);

/// Returns the mark of this moment.
#[inline]
pub(crate) fn mark() -> Mark {
    Mark(NOTED.with(|noted| noted.id.get()))
}

/// A rejection that a call may have ended with, and the time after which it asks to be tried again.
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

    /// Returns the rejection that a call may have ended with that began at this mark and has an output of type `T`.
    pub(crate) fn rejection<T>(self) -> Option<Rejection> {
        NOTED.with(|noted| {
            let is_held = needs_drop::<T>() && noted.copies.get() > 0;
            let ended_with_it = noted.id.get() != self.0 && (noted.is_lost.get() || is_held);
            ended_with_it.then(|| Rejection { retry_after: noted.retry_after.get() })
        })
    }
}

/// Notes the end of a call that failed earlier: its rejection, or that it had none.
pub(crate) fn note_again(rejection: Option<Rejection>) {
    NOTED.with(|noted| {
        let retry_after = rejection.and_then(|rejection| rejection.retry_after);
        noted.begin(0, rejection.is_some(), retry_after);
    });
}

/// Drops the failed output of a call, and returns the time after which a rejection in it asks to be tried again.
pub(super) fn drop_noting<T>(failed: T) -> Option<Duration> {
    /// Restores the state of an outer drop, even if this one panics.
    struct Restore {
        was_dropping: bool,
        dropped: Option<Duration>,
    }

    impl Drop for Restore {
        fn drop(&mut self) {
            NOTED.with(|noted| {
                noted.is_dropping.set(self.was_dropping);
                noted.dropped.set(self.dropped);
            });
        }
    }

    if !needs_drop::<T>() {
        return None;
    }
    // The state of an outer drop during which this one happens.
    let restore =
        NOTED.with(|noted| Restore { was_dropping: noted.is_dropping.replace(true), dropped: noted.dropped.take() });
    drop(failed);
    let noted = NOTED.with(|noted| noted.dropped.get());
    drop(restore);
    noted
}

pin_project! {
    /// A future with the rejection of the code that created it, which counts as if it happened during the first poll.
    #[derive(Debug)]
    pub struct Made<F> {
        #[pin]
        future: F,
        early: Option<Rejection>,
    }
}

/// Creates a future and wraps it, with the rejection that happened meanwhile.
pub(crate) fn made<F: Future>(make: impl FnOnce() -> F) -> Made<F> {
    let mark = mark();
    let future = make();
    // The output is not known yet. If it will hold the rejection, the future holds it now.
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
