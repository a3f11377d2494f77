//! [`SharedValue`], the trait of values that the shared tier can store.

use crate::shape::CacheValue;

/// Values that the shared tier can store.
///
/// Implemented for every `Clone + Send + Sync + 'static` type that is `serde::Serialize` and `serde::de::DeserializeOwned`, and for an
/// `Arc` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot go into the shared tier",
    label = "must be `serde::Serialize + serde::de::DeserializeOwned`",
    note = "derive both; or keep it in this process: in an attribute with `tier = local`, in direct calls with `Cache::local`"
)]
#[cfg(feature = "redis")]
pub trait SharedValue: CacheValue + serde::Serialize + serde::de::DeserializeOwned {}

#[cfg(feature = "redis")]
impl<T: CacheValue + serde::Serialize + serde::de::DeserializeOwned> SharedValue for T {}

/// Values that the shared tier can store. This build has no shared tier (feature `redis`), so every value that can be cached is one.
#[cfg(not(feature = "redis"))]
pub trait SharedValue: CacheValue {}

#[cfg(not(feature = "redis"))]
impl<T: CacheValue> SharedValue for T {}
