//! The kind of a function: whether it returns its value or a boxed future of it. The return type decides where its spelling does not show
//! it (`BoxFuture`, an alias, `Self::Future`).
//!
//! A call site asks `(&returns::<R>()).__kind()` and runs its body through the [`Returns`] that it gets. The returned future borrows no
//! more than the function's own future would: key, labels, policy and the body's future are made when the function is called, and only the
//! body's future is polled later.
#![expect(clippy::unused_self, reason = "methods, because an expansion cannot name the types that they are of")]

use std::marker::PhantomData;

use crate::resilience::breaker::Verdict;
use crate::resilience::sites::Fallible;
use crate::shape::{ReturnOf, Returns};

mod awaits;
mod blocks;
mod boxed;
pub(super) mod ladder;

impl<T, H> Returns<T, H> {
    /// A question to the value's error.
    pub fn of_error<W, F: Fn(&T::Error) -> W>(self, question: F) -> F
    where
        T: Fallible,
    {
        question
    }

    /// A question to the whole value.
    pub fn of_result<W, F: Fn(&T) -> W>(self, question: F) -> F {
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

/// The kind of a function that returns its value, and blocks until it has it.
#[derive(Debug)]
pub struct Blocks;

/// The kind of a function that returns a boxed future, with the lifetime of the future's borrows and the marker of its auto traits.
#[derive(Debug)]
pub struct Awaits<'a, M>(PhantomData<fn() -> (&'a (), M)>);

#[cfg(feature = "redis")]
impl<T, M> crate::codec::wire::MayWait for Returns<T, Awaits<'_, M>> {}

/// A type of future that an expansion can make.
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

/// A value whose function could be awaited although it returns no future. No type implements it; it exists for its error message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no future, and this attribute or one of its options needs one",
    label = "a function that blocks cannot be stopped, hedged or waited for",
    note = "write an `async fn`, or return `Pin<Box<dyn Future<Output = ..> + Send>>`"
)]
pub trait Awaitable {
    type Kind;
    const KIND: Self::Kind;
}

/// A value that outlives its call although its type says that it borrows. No type implements it; it exists for its error message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` borrows, and cached values outlive the call",
    label = "a value that borrows from what the call was given",
    note = "return an owned value, such as `String` or `Arc<str>`"
)]
pub trait Outlives {
    type Kind;
    const KIND: Self::Kind;
}

/// A value whose type is known although its name is hidden. No type implements it; it exists for its error message.
#[diagnostic::on_unimplemented(
    message = "this is a future of `{Self}`, and this attribute or one of its options needs the type of its value",
    label = "the type of the value is hidden behind this name",
    note = "write an `async fn`, or spell the future out: `Pin<Box<dyn Future<Output = ..> + Send>>`"
)]
pub trait Spelled {
    type Kind;
    const KIND: Self::Kind;
}

/// A probe for the shape of a body's value, for a value whose type has no name.
#[inline]
pub fn probe_of<R>(_: &impl FnOnce() -> R) -> ReturnOf<R> {
    ReturnOf::NEW
}

/// A probe for the shape of the value to which a future resolves.
#[inline]
pub fn probe_of_future<F: Future>(_: &F) -> ReturnOf<F::Output> {
    ReturnOf::NEW
}

/// A probe for the shape of a value.
#[inline]
pub fn probe_of_value<R>(_: &R) -> ReturnOf<R> {
    ReturnOf::NEW
}
