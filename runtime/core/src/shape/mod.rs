//! The meaning of a function's return type to a cache.
//!
//! May use: nothing of this crate.
//!
//! `T`, `Option<T>`, `Result<T, E>` and `Result<Option<T>, E>` are distinguished by the type, never by its spelling, so an alias counts as
//! the type that it stands for. A call site asks `(&&&&&returns::<R>()).__shape()`: the first rung of the [`ladder`] that applies wins.
//!
//! A call of any shape ends in one [`Outcome`], and the same `T` is stored: a function that returns `Result<Arc<User>, E>` and one that
//! returns `Option<Arc<User>>` share their entries if they share their key.
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

mod errors;
pub(crate) mod ladder;

use errors::{Cloned, Copied, ErrorSharing};
pub(crate) use errors::{Copier, Private};

/// The outcome of a call. `N` and `E` are types without values if the return type has no such case.
#[derive(Clone, Debug)]
pub enum Outcome<T, N, E> {
    /// The function returned a value.
    Present(T),
    /// The function returned an absence.
    Absent(N),
    /// The function returned an error.
    Failed(E),
}

/// The meaning of one return type.
pub trait Shape: Copy {
    /// The return type.
    type Out;
    /// The type of stored values.
    type Item;
    /// `()` if the value may be absent, otherwise a type without values.
    type Absent: Copy + Send + Sync + 'static;
    /// The error, or a type without values.
    type Error;
    /// The error in the form in which it is stored and shared with several callers, or a type without values.
    type SharedError: Send + Sync + 'static;

    /// The outcome that a returned value means.
    fn open(out: Self::Out) -> Outcome<Self::Item, Self::Absent, Self::Error>;
    /// The return value of an outcome.
    fn close(outcome: Outcome<Self::Item, Self::Absent, Self::Error>) -> Self::Out;
    /// Returns whether a returned value is not an error.
    fn is_ok(out: &Self::Out) -> bool;
    /// A copy of the error to store, if the error can be copied.
    fn share_error(error: &Self::Error, copy: Copier<Self::Error>) -> Option<Self::SharedError>;
    /// A copy of the stored error for one caller.
    fn clone_error(shared: &Self::SharedError, copy: Copier<Self::Error>) -> Self::Error;
    /// The absence of this shape, if it has one.
    fn absent() -> Option<Self::Absent>;
}

/// The outcome of a shape's calls.
pub(crate) type OutcomeOf<S> = Outcome<<S as Shape>::Item, <S as Shape>::Absent, <S as Shape>::Error>;

macro_rules! markers {
    ($($(#[$doc:meta])* $name:ident<$($param:ident),*>;)*) => {$(
        $(#[$doc])*
        pub struct $name<$($param),*>(PhantomData<fn() -> ($($param,)*)>);
        impl<$($param),*> $name<$($param),*> {
            /// The only value of this type.
            pub const NEW: Self = Self(PhantomData);
        }
        impl<$($param),*> Clone for $name<$($param),*> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<$($param),*> Copy for $name<$($param),*> {}
        impl<$($param),*> fmt::Debug for $name<$($param),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

markers! {
    /// The return type `R` of a function, and the form `H` in which it is returned: directly, async or boxed.
    Returns<R, H>;
    /// The shape of `T`.
    Plain<T>;
    /// The shape of `Option<T>`.
    Maybe<T>;
    /// The shape of `Result<T, E>`, whose errors are shared as `P` says.
    Fallible<T, E, P>;
    /// The shape of `Result<Option<T>, E>`, whose errors are shared as `P` says.
    FallibleMaybe<T, E, P>;
}

/// A return type whose shape is asked for.
pub(crate) type ReturnOf<R> = Returns<R, ()>;

/// A value through which method resolution finds the shape of a return type. It is a function, because a borrowed constant costs one more
/// compiled body for each call site.
#[inline]
pub fn returns<R>() -> ReturnOf<R> {
    ReturnOf::NEW
}

impl<T> Shape for Plain<T> {
    type Out = T;
    type Item = T;
    type Absent = Infallible;
    type Error = Infallible;
    type SharedError = Infallible;

    #[inline]
    fn open(out: T) -> OutcomeOf<Self> {
        Outcome::Present(out)
    }
    #[inline]
    fn close(outcome: OutcomeOf<Self>) -> T {
        match outcome {
            Outcome::Present(value) => value,
            Outcome::Absent(never) | Outcome::Failed(never) => match never {},
        }
    }
    fn is_ok(_: &T) -> bool {
        true
    }
    fn share_error(error: &Infallible, _: Copier<Infallible>) -> Option<Infallible> {
        match *error {}
    }
    fn clone_error(shared: &Infallible, _: Copier<Infallible>) -> Infallible {
        *shared
    }
    fn absent() -> Option<Infallible> {
        None
    }
}

impl<T> Shape for Maybe<T> {
    type Out = Option<T>;
    type Item = T;
    type Absent = ();
    type Error = Infallible;
    type SharedError = Infallible;

    #[inline]
    fn open(out: Option<T>) -> OutcomeOf<Self> {
        out.map_or(Outcome::Absent(()), Outcome::Present)
    }
    #[inline]
    fn close(outcome: OutcomeOf<Self>) -> Option<T> {
        match outcome {
            Outcome::Present(value) => Some(value),
            Outcome::Absent(()) => None,
            Outcome::Failed(never) => match never {},
        }
    }
    fn is_ok(_: &Option<T>) -> bool {
        true
    }
    fn share_error(error: &Infallible, _: Copier<Infallible>) -> Option<Infallible> {
        match *error {}
    }
    fn clone_error(shared: &Infallible, _: Copier<Infallible>) -> Infallible {
        *shared
    }
    fn absent() -> Option<()> {
        Some(())
    }
}

impl<T, E, P: ErrorSharing<E> + Copy> Shape for Fallible<T, E, P> {
    type Out = Result<T, E>;
    type Item = T;
    type Absent = Infallible;
    type Error = E;
    type SharedError = P::SharedError;

    #[inline]
    fn open(out: Result<T, E>) -> OutcomeOf<Self> {
        out.map_or_else(Outcome::Failed, Outcome::Present)
    }
    #[inline]
    fn close(outcome: OutcomeOf<Self>) -> Result<T, E> {
        match outcome {
            Outcome::Present(value) => Ok(value),
            Outcome::Absent(never) => match never {},
            Outcome::Failed(error) => Err(error),
        }
    }
    fn is_ok(out: &Result<T, E>) -> bool {
        out.is_ok()
    }
    fn share_error(error: &E, copy: Copier<E>) -> Option<P::SharedError> {
        P::share_error(error, copy)
    }
    fn clone_error(shared: &P::SharedError, copy: Copier<E>) -> E {
        P::clone_error(shared, copy)
    }
    fn absent() -> Option<Infallible> {
        None
    }
}

impl<T, E, P: ErrorSharing<E> + Copy> Shape for FallibleMaybe<T, E, P> {
    type Out = Result<Option<T>, E>;
    type Item = T;
    type Absent = ();
    type Error = E;
    type SharedError = P::SharedError;

    #[inline]
    fn open(out: Result<Option<T>, E>) -> OutcomeOf<Self> {
        match out {
            Ok(Some(value)) => Outcome::Present(value),
            Ok(None) => Outcome::Absent(()),
            Err(error) => Outcome::Failed(error),
        }
    }
    #[inline]
    fn close(outcome: OutcomeOf<Self>) -> Result<Option<T>, E> {
        match outcome {
            Outcome::Present(value) => Ok(Some(value)),
            Outcome::Absent(()) => Ok(None),
            Outcome::Failed(error) => Err(error),
        }
    }
    fn is_ok(out: &Result<Option<T>, E>) -> bool {
        out.is_ok()
    }
    fn share_error(error: &E, copy: Copier<E>) -> Option<P::SharedError> {
        P::share_error(error, copy)
    }
    fn clone_error(shared: &P::SharedError, copy: Copier<E>) -> E {
        P::clone_error(shared, copy)
    }
    fn absent() -> Option<()> {
        Some(())
    }
}

impl<T, E, P> Fallible<T, E, P> {
    /// The same shape, for a call site that copies errors with a function of its own.
    #[allow(clippy::unused_self)] // a method, because an expansion cannot name the type
    pub fn sharing(self) -> Fallible<T, E, Copied> {
        Fallible::NEW
    }
}

impl<T, E, P> FallibleMaybe<T, E, P> {
    /// The same shape, for a call site that copies errors with a function of its own.
    #[allow(clippy::unused_self)] // a method, because an expansion cannot name the type
    pub fn sharing(self) -> FallibleMaybe<T, E, Copied> {
        FallibleMaybe::NEW
    }
}

/// The return types that `negative_ttl` accepts.
#[diagnostic::on_unimplemented(
    message = "this function always returns a value or an error, so `negative_ttl` has nothing to store",
    label = "`negative_ttl` does not fit the return type",
    note = "remove `negative_ttl`, or return an `Option<T>` or a `Result<Option<T>, E>`"
)]
pub trait MayBeAbsent {}

impl MayBeAbsent for () {}

/// The return types that `cache_err` and `err_ttl` accept.
#[diagnostic::on_unimplemented(
    message = "the errors of this function cannot be stored, so `cache_err` and `err_ttl` have no effect",
    label = "this option does not fit the return type",
    note = "return a `Result` whose error is `Clone + Send + Sync + 'static`, or say how to copy it: `share_error = |error| ..`"
)]
pub trait KeepsErrors {}

impl<T, E> KeepsErrors for Fallible<T, E, Cloned> {}
impl<T, E> KeepsErrors for Fallible<T, E, Copied> {}
impl<T, E> KeepsErrors for FallibleMaybe<T, E, Cloned> {}
impl<T, E> KeepsErrors for FallibleMaybe<T, E, Copied> {}

/// The values that can be stored.
///
/// Every type that is `Clone + Send + Sync + 'static` is one of them. Return `Arc<T>` for a hit that copies nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "must be `Clone + Send + Sync + 'static`",
    note = "derive `Clone`, or return an `Arc` of it"
)]
pub trait CacheValue: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> CacheValue for T {}
