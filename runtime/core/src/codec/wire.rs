//! Whether and how values of a type go over the wire, found out by asking the type.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::marker::PhantomData;

use super::shared_value::SharedValue;
use crate::shape::Shape;

/// How values of one type go over the wire.
pub struct Wire<V> {
    #[cfg(feature = "redis")]
    pub(crate) formats: super::formats::Formats<V>,
    #[cfg(not(feature = "redis"))]
    #[allow(dead_code)] // what makes the type impossible
    never: std::convert::Infallible,
    of: PhantomData<fn() -> V>,
}

impl<V> Clone for Wire<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Wire<V> {}

#[cfg(feature = "redis")]
impl<V: SharedValue> Wire<V> {
    #[allow(clippy::unnecessary_wraps)] // as without the feature
    pub(crate) fn new() -> Option<Self> {
        Some(Self { formats: super::formats::Formats::new(), of: PhantomData })
    }
}

#[cfg(not(feature = "redis"))]
impl<V: SharedValue> Wire<V> {
    pub(crate) fn new() -> Option<Self> {
        None
    }
}

impl<V> std::fmt::Debug for Wire<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

/// A shape that is asked for the wire form of its values, with the function's kind where the compiler was asked for that:
/// `(&&Wired(shape, kind)).__wire()`.
#[derive(Clone, Copy, Debug)]
pub struct Wired<S, K>(pub S, pub K);

/// A shape with this answer, behind the references of its rung; they are tried in this order: references, values that serde can
/// write and read, values of any type.
pub trait WireRung<V> {
    fn __wire(&self) -> Option<Wire<V>>;
}

/// Values that stay in this process: of any type, or of a function that blocks.
impl<S: Shape, K> WireRung<S::Item> for Wired<S, K> {
    #[inline]
    fn __wire(&self) -> Option<Wire<S::Item>> {
        None
    }
}

#[cfg(feature = "redis")]
mod rungs {
    use super::{Shape, SharedValue, Wire, WireRung, Wired};

    /// The kind of a function that can wait for another tier: `()` where its spelling tells.
    pub trait Waits {}

    impl Waits for () {}

    impl<S: Shape<Item: SharedValue>, K: Waits> WireRung<S::Item> for &&Wired<S, K> {
        #[inline]
        fn __wire(&self) -> Option<Wire<S::Item>> {
            Wire::new()
        }
    }

    /// References, `&'static str` above all: serde reads one only from bytes that live as long, but a method call is
    /// resolved without a look at lifetimes and would take them for the rung below.
    impl<'a, T: ?Sized, S: Shape<Item = &'a T>, K> WireRung<&'a T> for &Wired<S, K> {
        #[inline]
        fn __wire(&self) -> Option<Wire<&'a T>> {
            None
        }
    }
}

#[cfg(feature = "redis")]
pub(crate) use rungs::Waits;
