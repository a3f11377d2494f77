//! The rungs, in the order in which the compiler tries them: with five references as asked, with one more, then with ever fewer. All are
//! of one trait, because every trait with a method of this name is tried each time.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use super::keep::{Cloned, Private};
use super::{Fallible, FallibleMaybe, Maybe, Plain, Returns};

/// A return type of this shape, behind the references of its rung.
pub trait Rung {
    type Shape;
    fn __shape(&self) -> Self::Shape;
}

macro_rules! rungs {
    ($([$($generics:tt)*] $returns:ty => $shape:ty;)*) => {$(
        impl<$($generics)*, H> Rung for $returns {
            type Shape = $shape;
            #[inline]
            fn __shape(&self) -> $shape {
                <$shape>::NEW
            }
        }
    )*};
}

rungs! {
    [T, E: Clone + Send + Sync + 'static] &&&&Returns<Result<Option<T>, E>, H> => FallibleMaybe<T, E, Cloned>;
    [T, E] &&&&&Returns<Result<Option<T>, E>, H> => FallibleMaybe<T, E, Private>;
    [T, E: Clone + Send + Sync + 'static] &&&Returns<Result<T, E>, H> => Fallible<T, E, Cloned>;
    [T, E] &&Returns<Result<T, E>, H> => Fallible<T, E, Private>;
    [T] &Returns<Option<T>, H> => Maybe<T>;
    [T] Returns<T, H> => Plain<T>;
}
