//! Checks of values and types for the shared tier, for use in tests.
//!
//! May use: `codec`.
//!
//! If a value does not survive the way to the shared tier and back, a hit returns another value than a load. If the fingerprint of a type
//! changes, no older values are found. Both are worth a line in a test of the type.

use std::fmt;

use crate::codec::forms::Form;
use crate::codec::value_codec::ValueCodec;
use crate::codec::{Codec, SharedValue};

/// The error of a value that a codec cannot carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundTripError {
    type_name: &'static str,
    codec: Codec,
    reason: String,
}

/// Checks that a value survives a codec: encodes and decodes it, and compares the results by their `Serialize`. That does not cover
/// fields with `#[serde(skip)]`, nor the choice between two variants of an untagged enum that look the same.
///
/// # Errors
///
/// Fails if the value cannot be encoded or decoded, or is decoded as another value.
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
    let error = |reason| RoundTripError { type_name: std::any::type_name::<T>(), codec, reason };
    let value_codec = ValueCodec::<T>::new();
    let plain = value_codec.survives(value, Form::Plain(codec));
    let result =
        if codec == Codec::MessagePack { plain.or_else(|_| value_codec.survives(value, Form::Exact)) } else { plain };
    result.map_err(|unfit| error(unfit.0))
}

/// Returns the fingerprint of a type: a hash of the names of types, fields and variants that it announces to serde, their order, and the
/// kinds of the leaves. Stored values are found only by a type of the same path and fingerprint. It does not cover the contents of
/// flattened and untagged types.
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
        let Self { type_name, codec, reason } = self;
        let instead = match codec {
            Codec::MessagePack => "store it in this process only (`tier = local`), or change its serialisation",
            _ => "try `codec = messagepack`, which most types survive",
        };
        write!(f, "`{type_name}` does not survive {codec:?}: {reason}; {instead}")
    }
}

impl std::error::Error for RoundTripError {}
