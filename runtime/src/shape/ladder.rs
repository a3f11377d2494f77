//! The rungs, highest first: each is a method of one name on one reference more.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use super::keep::{Cloned, Private};
use super::{Fallible, FallibleMaybe, Maybe, Plain, Probe};

macro_rules! rungs {
    ($($rung:ident: [$($generics:tt)*] $probe:ty => $shape:ty;)*) => {$(
        pub trait $rung {
            type Shape;
            fn __shape(&self) -> Self::Shape;
        }
        impl<$($generics)*> $rung for $probe {
            type Shape = $shape;
            #[inline]
            fn __shape(&self) -> $shape {
                <$shape>::NEW
            }
        }
    )*};
}

rungs! {
    ClonedFallibleMaybe: [T, E: Clone + Send + Sync + 'static] &&&&&Probe<Result<Option<T>, E>> => FallibleMaybe<T, E, Cloned>;
    PrivateFallibleMaybe: [T, E] &&&&Probe<Result<Option<T>, E>> => FallibleMaybe<T, E, Private>;
    ClonedFallible: [T, E: Clone + Send + Sync + 'static] &&&Probe<Result<T, E>> => Fallible<T, E, Cloned>;
    PrivateFallible: [T, E] &&Probe<Result<T, E>> => Fallible<T, E, Private>;
    IsMaybe: [T] &Probe<Option<T>> => Maybe<T>;
    IsPlain: [T] Probe<T> => Plain<T>;
}
