//! The traits through which a call site finds its kind. The compiler tries the receiver `&ReturnOf` first, then `&&ReturnOf`, so futures
//! come before other values.

use super::{Awaitable, Awaits, Blocks, Makeable, Outlives, Returns, Spelled};
use crate::resilience::sites::Fallible;
use crate::shape::ReturnOf;

/// The rung of every future. If an expansion cannot make that future, the compiler reports it through the bound of the method.
pub trait AnyFuture {
    type Future;
    fn __kind(&self) -> <Self::Future as Makeable>::Kind
    where
        Self::Future: Makeable;
}

impl<F: Future> AnyFuture for ReturnOf<F> {
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

impl<R> NoFuture for &ReturnOf<R> {
    type Kind = Returns<R, Blocks>;
    #[inline]
    fn __kind(&self) -> Self::Kind {
        Returns::NEW
    }
}

/// The kind of a body that may fail.
pub type OfResult<T, H> = Returns<Result<<T as Fallible>::Value, <T as Fallible>::Error>, H>;

/// The questions of attributes about any kind. The bounds are on the methods, so that the compiler names the bound that a type lacks.
pub trait AnyKind {
    type Value;
    type How;

    /// The kind of a body that may fail.
    #[inline]
    fn __fallible(&self) -> OfResult<Self::Value, Self::How>
    where
        Self::Value: Fallible,
    {
        Returns::NEW
    }
}

impl<T, H> AnyKind for Returns<T, H> {
    type Value = T;
    type How = H;
}

/// The questions of attributes and options that need a future, or the type of the value, asked about a function that returns its value.
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

impl<R> KindOfValue for Returns<R, Blocks> {
    type Value = R;
}

/// The questions of [`KindOfValue`], asked about a function that returns a future.
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

impl<T, M> KindOfFuture for Returns<T, Awaits<'_, M>> {
    type Value = T;
}
