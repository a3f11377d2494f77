//! Values to bytes and back.
//!
//! May use: `shape`.
//!
//! [`Wire`] is how the values of one type go over the wire, as a call site finds out by asking the type; [`envelope`] is what
//! stands around the bytes. Without the feature `redis` there is nothing to encode for, and no type has a wire form.

#[cfg(feature = "compression")]
mod compression;
#[cfg(all(feature = "redis", not(feature = "compression")))]
#[path = "compression/off.rs"]
mod compression;
#[cfg(feature = "redis")]
pub(crate) mod envelope;
#[cfg(feature = "redis")]
mod fingerprint;
#[cfg(feature = "redis")]
pub(crate) mod formats;
#[cfg(feature = "redis")]
mod msgpack;
pub(crate) mod wire;

pub use wire::SharedValue;
pub(crate) use wire::Wire;

/// How values are encoded in the shared tier. A reader takes the codec from the stored value, so it can be changed at any
/// time.
///
/// ```
/// # #[cfg(feature = "redis")] {
/// use fastness::{Codec, Redis};
///
/// let readable = Redis::single("redis://localhost").unwrap().codec(Codec::Json);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// `MessagePack` with field names, in serde's human-readable form: the only compact format that gives back all of what
    /// models hold (flattened and untagged types, `serde_json::Value`, ids and dates of `MongoDB`, maps with any key, NaN).
    #[default]
    MessagePack,
    /// JSON, for people who read Redis. Some 20 % larger and half as fast; maps with keys that are no strings, NaN and
    /// infinities do not come back.
    Json,
    /// `bincode` 2: the smallest and fastest, for closed types. It cannot give back flattened and untagged types, ids of
    /// `MongoDB` or `serde_json::Value`; so the first value of each call site is decoded again, and a type that does not come
    /// back is stored as `MessagePack`, with one warning. For values of up to 16 MiB.
    #[cfg(feature = "bincode")]
    Bincode,
}
