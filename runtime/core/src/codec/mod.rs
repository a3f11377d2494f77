//! Encoding of values for the shared tier.
//!
//! [`Wire`] is the encoding of one type, which a call site chooses by the type's traits; [`envelope`] wraps the bytes. Without the feature
//! `redis` there is no shared tier, and no type has a [`Wire`].
//!
//! | part | purpose |
//! |---|---|
//! | `shared_value`, `wire` | types that the shared tier can store; the encoding of one type |
//! | `value_codec`, `forms`, `documents` | type-erased encoding; the formats; types with bytes of their own |
//! | `msgpack` | `MessagePack`, the default format |
//! | `choice`, `digest` | the form from which the values of a call site decode unchanged; the comparison with the original |
//! | `fingerprint` | a number by which values of a changed type are not found |
//! | `secret_id`, `unreadable` | the id of a secret key; the reasons to reject bytes |
//! | `keyring`, `no_keyring` | the secret keys that encrypt values; their place in builds without the feature `encryption` |
//! | `compression`, `envelope` | the bytes around a value |
//!
//! May use: `error`, `shape`.

#[cfg(feature = "redis")]
pub(crate) mod choice;
#[cfg(feature = "redis")]
mod compression;
#[cfg(feature = "redis")]
mod digest;
#[cfg(feature = "redis")]
pub(crate) mod documents;
#[cfg(feature = "redis")]
pub(crate) mod envelope;
#[cfg(feature = "redis")]
mod fingerprint;
#[cfg(feature = "redis")]
pub(crate) mod forms;
#[cfg(feature = "encryption")]
mod keyring;
#[cfg(feature = "redis")]
mod msgpack;
#[cfg(all(feature = "redis", not(feature = "encryption")))]
mod no_keyring;
#[cfg(feature = "encryption")]
mod secret_id;
mod shared_value;
#[cfg(feature = "redis")]
pub(crate) mod unreadable;
#[cfg(feature = "redis")]
pub(crate) mod value_codec;
pub(crate) mod wire;

#[cfg(feature = "encryption")]
pub(crate) use keyring::NameDigest;
#[cfg(feature = "encryption")]
pub use keyring::{Keyring, SecretKey};
#[cfg(all(feature = "redis", not(feature = "encryption")))]
pub(crate) use no_keyring::{NoKeyring as Keyring, NoNameDigest as NameDigest};
#[cfg(feature = "encryption")]
pub(crate) use secret_id::SecretId;
pub use shared_value::SharedValue;
pub(crate) use wire::Wire;

/// Encoding of values in the shared tier. A reader takes the codec from the stored value, so the setting can change at any time.
///
/// ```
/// # #[cfg(feature = "redis")] {
/// use fastness::Redis;
/// use fastness::tier::Codec;
///
/// let readable = Redis::single("redis://localhost").unwrap().codec(Codec::Json);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// `MessagePack` with field names, in serde's human-readable form: the only compact format from which all usual models decode
    /// unchanged (flattened and untagged types, `serde_json::Value`, the types of `MongoDB`, maps with any key, NaN, nested options).
    #[default]
    MessagePack,
    /// JSON, for people who read Redis. Some 20 % larger and half as fast. Each value is decoded again before it is stored. One that does
    /// not decode unchanged (NaN, infinities, maps whose keys are not strings, nested options) is stored as `MessagePack`, and so are all
    /// later values of its call site, with one warning.
    Json,
    /// `bincode` 2: the smallest and fastest, for closed types. Flattened and untagged types, types of `MongoDB` and `serde_json::Value`
    /// do not decode from it, and types with `skip_serializing_if` not always. So each value is decoded again before it is stored, and
    /// one that does not decode unchanged is stored as with [`Json`](Self::Json). For values of up to 16 MiB.
    #[cfg(feature = "bincode")]
    Bincode,
}
