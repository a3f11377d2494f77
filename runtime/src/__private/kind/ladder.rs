//! The rungs, highest first: each is a method of one name on one reference more.

use std::pin::Pin;

use super::marker::{Local, Sends, SendsAndSyncs};
use super::{Awaitable, Awaits, Blocks, Kind, Makeable, Outlives, Spelled};
use crate::resilience::sites::Fallible;
use crate::shape::Probe;

macro_rules! boxed {
    ($($marker:ident: $($bound:path),*;)*) => {$(
        impl<'a, T> BoxedFuture for &&Probe<Pin<Box<dyn Future<Output = T> $(+ $bound)* + 'a>>> {
            type Kind = Kind<T, Awaits<'a, $marker>>;
            #[inline]
            fn __kind(&self) -> Self::Kind {
                Kind::NEW
            }
        }
    )*};
}

pub trait BoxedFuture {
    type Kind;
    fn __kind(&self) -> Self::Kind;
}

boxed! {
    Local: ;
    Sends: Send;
    SendsAndSyncs: Send, Sync;
}

/// The rung of every other future. No type meets the bound of its method, and the compiler says so in the bound's words.
pub trait OtherFuture {
    type Future;
    fn __kind(&self) -> <Self::Future as Makeable>::Kind
    where
        Self::Future: Makeable,
    {
        <Self::Future as Makeable>::KIND
    }
}

impl<F: Future> OtherFuture for &Probe<F> {
    type Future = F;
}

pub trait NoFuture {
    type Kind;
    fn __kind(&self) -> Self::Kind;
}

impl<R> NoFuture for Probe<R> {
    type Kind = Kind<R, Blocks>;
    #[inline]
    fn __kind(&self) -> Self::Kind {
        Kind::NEW
    }
}

/// The kind of a body that may fail.
pub type OfResult<T, H> = Kind<Result<<T as Fallible>::Value, <T as Fallible>::Error>, H>;

/// What an attribute asks of any kind. The bounds stand at methods of traits, where a type that lacks one is told so.
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

/// What an attribute, or an option, asks that needs a future, or the name of the value: here, of a value.
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
