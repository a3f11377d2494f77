//! [`Wire`], the encoding of one type, chosen by the type's traits.
//!
//! A call site calls `(&&Wired(shape, kind)).__wire()`. Method resolution tries the implementations of [`WireRung`] in this order:
//! references, values with serde, all other values.

use std::marker::PhantomData;

use super::shared_value::SharedValue;
use crate::shape::Shape;

/// The encoding of one type in the shared tier.
pub struct Wire<V> {
    #[cfg(feature = "redis")]
    pub(crate) codec: super::value_codec::ValueCodec<V>,
    #[cfg(not(feature = "redis"))]
    #[allow(dead_code)] // without the feature no value of this type can exist
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
    #[allow(clippy::unnecessary_wraps)] // same signature as without the feature
    pub(crate) fn new() -> Option<Self> {
        Some(Self { codec: super::value_codec::ValueCodec::new(), of: PhantomData })
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

/// A shape and the kind of its function (async or not), by which a call site chooses the encoding of its values.
#[derive(Clone, Copy, Debug)]
pub struct Wired<S, K>(pub S, pub K);

/// A [`Wired`] shape behind as many references as its priority: more references are tried first.
pub trait WireRung<V> {
    /// Returns the encoding; `None` for values that stay in this process.
    fn __wire(&self) -> Option<Wire<V>>;
}

/// Values of any type, or of a function that blocks: they stay in this process.
impl<S: Shape, K> WireRung<S::Item> for Wired<S, K> {
    #[inline]
    fn __wire(&self) -> Option<Wire<S::Item>> {
        None
    }
}

#[cfg(feature = "redis")]
mod rungs {
    use super::{Shape, SharedValue, Wire, WireRung, Wired};

    /// Kinds of functions that can wait for the shared tier; `()` where the signature itself is `async`.
    pub trait MayWait {}

    impl MayWait for () {}

    impl<S: Shape<Item: SharedValue>, K: MayWait> WireRung<S::Item> for &&Wired<S, K> {
        #[inline]
        fn __wire(&self) -> Option<Wire<S::Item>> {
            Wire::new()
        }
    }

    /// References, such as `&'static str`: serde decodes one only from bytes that live as long, but method resolution ignores lifetimes and
    /// would choose the implementation for serde values.
    impl<'a, T: ?Sized, S: Shape<Item = &'a T>, K> WireRung<&'a T> for &Wired<S, K> {
        #[inline]
        fn __wire(&self) -> Option<Wire<&'a T>> {
            None
        }
    }
}

#[cfg(feature = "redis")]
pub(crate) use rungs::MayWait;
