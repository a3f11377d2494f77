//! The stand-in without the feature `mongodb`: no type has a form of its own.

use super::Codec;
use super::forms::{Form, Unfit};
use super::msgpack::Extent;

type Encode<V> = fn(&V, Form, &mut Vec<u8>) -> Result<Extent, Unfit>;
type Decode<V> = fn(&[u8], Codec) -> Result<V, Unfit>;

/// The form of a type's own.
pub(super) fn formats<V>() -> Option<(Encode<V>, Decode<V>)> {
    None
}
