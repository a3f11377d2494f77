//! The shape of a return type, selected by method resolution. Each implementation (rung) has another number of references, and the compiler
//! tries them in this order: five, as written in the expansion, then six, then ever fewer. All rungs implement one trait, because with
//! several the compiler would try each trait at every step.

use super::errors::{Cloned, Private};
use super::{Fallible, FallibleMaybe, Maybe, Plain, Returns};

/// A return type of this shape, behind the references of its rung.
pub trait Rung {
    /// The shape.
    type Shape;
    /// Returns the shape.
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
