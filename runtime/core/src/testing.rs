//! Questions about users' own types, for their tests.
//!
//! May use: `codec`.
//!
//! A value that does not come back from the shared tier as it went is served differently by a hit than by a load; a type
//! whose fingerprint changes finds no older values. Both are worth a line in a test of the type.

use std::fmt;

use crate::codec::forms::Form;
use crate::codec::value_codec::ValueCodec;
use crate::codec::{Codec, SharedValue};

/// Why a value cannot go through a codec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundTripError {
    type_name: &'static str,
    codec: Codec,
    why: String,
}

/// Whether a value comes back from a codec as it went: encoded, decoded, and compared by all that its `Serialize` says. What that does not
/// say it cannot see: fields with `#[serde(skip)]`, and which of two variants of an untagged enum that look the same.
///
/// # Errors
///
/// If it cannot be encoded or decoded, or comes back as another value.
///
/// ```
/// use fastness::testing;
/// use fastness::tier::Codec;
///
/// testing::round_trip(&vec![Some(1), None], Codec::MessagePack).unwrap();
/// let error = testing::round_trip(&f64::NAN, Codec::Json).unwrap_err();
/// assert!(error.to_string().contains("`f64` does not survive Json"), "{error}");
/// ```
pub fn round_trip<T: SharedValue>(value: &T, codec: Codec) -> Result<(), RoundTripError> {
    let error = |why| RoundTripError { type_name: std::any::type_name::<T>(), codec, why };
    let value_codec = ValueCodec::<T>::new();
    let plain = value_codec.survives(value, Form::Plain(codec));
    let result =
        if codec == Codec::MessagePack { plain.or_else(|_| value_codec.survives(value, Form::Exact)) } else { plain };
    result.map_err(|unfit| error(unfit.0))
}

/// A number for what a type announces to serde: names of types, fields and variants, their order, and the kinds of the leaves. Values
/// are found only under the number under which they were stored, by a type of the same path. It cannot see through flattened and untagged types.
///
/// Pin it where a deployment must not lose the values of the one before:
///
/// ```
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct User { id: u64, name: String }
///
/// assert_eq!(fastness::testing::fingerprint::<User>(), 0x39f1_7b15_8b70_6de2);
/// ```
pub fn fingerprint<T: SharedValue>() -> u64 {
    ValueCodec::<T>::new().announced().fingerprint
}

impl fmt::Display for RoundTripError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { type_name, codec, why } = self;
        let instead = match codec {
            Codec::MessagePack => "keep it in this process (`tier = local`), or change how it is serialised",
            _ => "try `codec = messagepack`, which gives back most types",
        };
        write!(f, "`{type_name}` does not survive {codec:?}: {why}; {instead}")
    }
}

impl std::error::Error for RoundTripError {}
