//! The rungs, in the order in which the compiler tries them: with one reference as asked, then with one more.

use super::{Awaitable, Awaits, Blocks, Kind, Makeable, Outlives, Spelled};
use crate::resilience::sites::Fallible;
use crate::shape::Probe;

/// The rung of every future. Of one that cannot be made, the compiler says so in the words of its method's bound.
pub trait AnyFuture {
    type Future;
    fn __kind(&self) -> <Self::Future as Makeable>::Kind
    where
        Self::Future: Makeable;
}

impl<F: Future> AnyFuture for Probe<F> {
    type Future = F;
    #[inline]
    fn __kind(&self) -> F::Kind
    where
        F: Makeable,
    {
        F::KIND
    }
}

pub trait NoFuture {
    type Kind;
    fn __kind(&self) -> Self::Kind;
}

impl<R> NoFuture for &Probe<R> {
    type Kind = Kind<R, Blocks>;
    #[inline]
    fn __kind(&self) -> Self::Kind {
        Kind::NEW
    }
}

/// The kind of a body that may fail.
pub type OfResult<T, H> = Kind<Result<<T as Fallible>::Value, <T as Fallible>::Error>, H>;

/// Questions of attributes about any kind. The bounds are on the methods, so that the compiler names the one that a type lacks.
pub trait AnyKind {
    type Value;
    type How;

    /// The kind of a body that may fail.
    #[inline]
    fn __fallible(&self) -> OfResult<Self::Value, Self::How>
    where
        Self::Value: Fallible,
    {
        Kind::NEW
    }
}

impl<T, H> AnyKind for Kind<T, H> {
    type Value = T;
    type How = H;
}

/// Questions of an attribute or an option that needs a future, or the name of the value: here, about a value.
pub trait KindOfValue: Sized {
    type Value;

    fn __awaited(self) -> <Self::Value as Awaitable>::Kind
    where
        Self::Value: Awaitable,
    {
        <Self::Value as Awaitable>::KIND
    }

    fn __owned(self) -> <Self::Value as Outlives>::Kind
    where
        Self::Value: Outlives,
    {
        <Self::Value as Outlives>::KIND
    }

    #[inline]
    #[must_use]
    fn __named(self) -> Self {
        self
    }
}

impl<R> KindOfValue for Kind<R, Blocks> {
    type Value = R;
}

/// The same, of a future.
pub trait KindOfFuture: Sized {
    type Value;

    #[inline]
    #[must_use]
    fn __awaited(self) -> Self {
        self
    }

    #[inline]
    #[must_use]
    fn __owned(self) -> Self {
        self
    }

    fn __named(self) -> <Self::Value as Spelled>::Kind
    where
        Self::Value: Spelled,
    {
        <Self::Value as Spelled>::KIND
    }
}

impl<T, M> KindOfFuture for Kind<T, Awaits<'_, M>> {
    type Value = T;
}
