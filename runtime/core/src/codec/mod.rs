//! Values to bytes and back.
//!
//! May use: `shape`.
//!
//! [`Wire`] is how the values of one type go over the wire, as a call site finds out by asking the type; [`envelope`] is what
//! stands around the bytes. Without the feature `redis` there is nothing to encode for, and no type has a wire form.

#[cfg(feature = "redis")]
pub(crate) mod choice;
#[cfg(feature = "compression")]
mod compression;
#[cfg(all(feature = "redis", not(feature = "compression")))]
#[path = "compression/off.rs"]
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
pub(crate) mod formats;
#[cfg(feature = "redis")]
pub(crate) mod forms;
#[cfg(feature = "redis")]
mod msgpack;
mod shared_value;
#[cfg(feature = "redis")]
mod unreadable;
pub(crate) mod wire;

pub use shared_value::SharedValue;
pub(crate) use wire::Wire;

/// How values are encoded in the shared tier. A reader takes the codec from the stored value, so it can be changed at any
/// time.
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
    /// `MessagePack` with field names, in serde's human-readable form: the only compact format that gives back all of what
    /// models hold (flattened and untagged types, `serde_json::Value`, the types of `MongoDB`, maps with any key, NaN, nested options).
    #[default]
    MessagePack,
    /// JSON, for people who read Redis. Some 20 % larger and half as fast. Each value is decoded again before it is stored; one that does
    /// not come back (NaN, infinities, maps with keys that are no strings, nested options) is stored as `MessagePack`, and so are
    /// those of its call site from then on, with one warning.
    Json,
    /// `bincode` 2: the smallest and fastest, for closed types. It cannot give back flattened and untagged types, types of
    /// `MongoDB` or `serde_json::Value`, and not always types with `skip_serializing_if`; so each value is decoded again before it is
    /// stored, and one that does not come back is stored as with [`Json`](Self::Json). For values of up to 16 MiB.
    #[cfg(feature = "bincode")]
    Bincode,
}
