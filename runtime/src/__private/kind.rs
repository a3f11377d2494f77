//! How a function gives its value, found by its return type where the spelling does not tell: the value itself, or a boxed
//! future of it under another name (`BoxFuture`, an alias, `Self::Future`).
//!
//! A call site asks `(&&&Probe::<R>::NEW).__kind()` and runs its body through the [`Kind`] that it gets. A future that is
//! returned borrows no more than the function's own: key, labels and policy are made when the function is called, and so
//! is the body's future; only that is polled later.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]
#![expect(clippy::unused_self, reason = "methods, because an expansion cannot name the types that they are of")]

use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use crate::resilience::Verdict;
use crate::resilience::sites::Fallible;
use crate::shape::Probe;

mod awaits;
mod blocks;
pub(super) mod ladder;

/// A function of this value type, which it gives in this way.
pub struct Kind<T, H>(PhantomData<fn() -> (T, H)>);

impl<T, H> Kind<T, H> {
    pub(crate) const NEW: Self = Self(PhantomData);

    /// The value's type, to be asked for its shape.
    #[inline]
    pub fn probe(self) -> Probe<T> {
        Probe::NEW
    }

    /// A question to the value's error.
    pub fn of_error<W, F: Fn(&T::Error) -> W>(self, question: F) -> F
    where
        T: Fallible,
    {
        question
    }

    /// `failure_if = ..`
    pub fn failure_if(self, question: impl Fn(&T) -> bool) -> impl Fn(&T) -> Verdict {
        crate::resilience::sites::failure_if(question)
    }

    /// `ignore = ..`
    pub fn ignore_if(self, question: impl Fn(&T::Error) -> bool) -> impl Fn(&T) -> Verdict
    where
        T: Fallible,
    {
        crate::resilience::sites::ignore_if::<T>(question)
    }
}

impl<T, H> Clone for Kind<T, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, H> Copy for Kind<T, H> {}

impl<T, H> fmt::Debug for Kind<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kind")
    }
}

/// The value itself.
#[derive(Debug)]
pub struct Blocks;

/// A boxed future, with the lifetime of what it borrows and the marker of its auto traits.
#[derive(Debug)]
pub struct Awaits<'a, M>(PhantomData<fn() -> (&'a (), M)>);

/// Markers of the boxed futures that an expansion can make.
pub(crate) mod marker {
    #[derive(Debug)]
    pub struct Local;
    #[derive(Debug)]
    pub struct Sends;
    #[derive(Debug)]
    pub struct SendsAndSyncs;
}

macro_rules! boxed {
    ($($marker:ident: $($bound:path),*;)*) => {$(
        impl<'a, T> Kind<T, Awaits<'a, marker::$marker>> {
            /// The function's own future.
            pub fn finish<F>(self, call: F) -> Pin<Box<dyn Future<Output = T> $(+ $bound)* + 'a>>
            where
                F: Future<Output = T> $(+ $bound)* + 'a,
            {
                Box::pin(call)
            }
        }
    )*};
}

boxed! {
    Local: ;
    Sends: Send;
}

impl<'a, T> Kind<T, Awaits<'a, marker::SendsAndSyncs>> {
    /// The function's own future.
    pub fn finish<F>(self, call: F) -> Pin<Box<dyn Future<Output = T> + Send + Sync + 'a>>
    where
        F: Future<Output = T> + Send + 'a,
    {
        Box::pin(Exclusive(Mutex::new(Box::pin(call))))
    }
}

/// A future that may be shared because nothing can be done with a shared one. Its lock is never taken.
struct Exclusive<F>(Mutex<Pin<Box<F>>>);

impl<F: Future> Future for Exclusive<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll(cx)
    }
}

impl<R> Kind<R, Blocks> {
    #[inline]
    pub fn finish(self, value: R) -> R {
        value
    }

    #[inline]
    pub fn ready(self, value: R) -> R {
        value
    }
}

impl<T, M> Kind<T, Awaits<'_, M>> {
    pub fn ready(self, value: T) -> Ready<T> {
        ready(value)
    }
}

/// A future that is no `Pin<Box<dyn Future>>` and yet could be made. There is none: this is what says so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a future that this attribute cannot make",
    label = "a future of a type of its own",
    note = "write an `async fn`, or return `Pin<Box<dyn Future<Output = ..> + Send>>` (an alias such as `BoxFuture` will do) \
            or `impl Future<Output = ..>`",
    note = "where the future itself is the value, return it inside another type, as `Ok(future)`"
)]
pub trait Makeable {
    type Kind;
    const KIND: Self::Kind;
}

/// A value whose function can be awaited although it returns no future. There is none: this is what says so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no future, and this attribute or one of its options needs one",
    label = "a function that blocks cannot be stopped, hedged or waited for",
    note = "write an `async fn`, or return `Pin<Box<dyn Future<Output = ..> + Send>>`"
)]
pub trait Awaitable {
    type Kind;
    const KIND: Self::Kind;
}

/// A value that outlives its call although its type says that it borrows. There is none: this is what says so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` borrows, and cached values outlive the call",
    label = "a value that borrows from what the call was given",
    note = "return an owned value, such as `String` or `Arc<str>`"
)]
pub trait Outlives {
    type Kind;
    const KIND: Self::Kind;
}

/// A value whose type is known although it is hidden. There is none: this is what says so.
#[diagnostic::on_unimplemented(
    message = "this is a future of `{Self}`, and this attribute or one of its options needs the type of its value",
    label = "the type of the value is hidden behind this name",
    note = "write an `async fn`, or spell the future out: `Pin<Box<dyn Future<Output = ..> + Send>>`"
)]
pub trait Spelled {
    type Kind;
    const KIND: Self::Kind;
}

/// What a body gives, to be asked for its shape where its type has no name.
#[inline]
pub fn probe_of<R>(_: &impl FnOnce() -> R) -> Probe<R> {
    Probe::NEW
}

/// [`probe_of`], of a body that is awaited.
#[inline]
pub fn probe_of_future<F: Future>(_: &F) -> Probe<F::Output> {
    Probe::NEW
}

/// [`probe_of`], of a value.
#[inline]
pub fn probe_of_value<R>(_: &R) -> Probe<R> {
    Probe::NEW
}
