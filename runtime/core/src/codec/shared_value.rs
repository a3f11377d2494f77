//! Values that the shared tier can take.

use crate::shape::CacheValue;

/// What can go into the shared tier: what can be cached and serialised.
///
/// Every `Clone + Send + Sync + 'static` type that is `serde::Serialize` and `serde::de::DeserializeOwned`, an `Arc` of one
/// included.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot go into the shared tier",
    label = "must be `serde::Serialize + serde::de::DeserializeOwned`",
    note = "derive both; or keep it in this process: in an attribute with `tier = local`, in direct calls with `Cache::local`"
)]
#[cfg(feature = "redis")]
pub trait SharedValue: CacheValue + serde::Serialize + serde::de::DeserializeOwned {}

#[cfg(feature = "redis")]
impl<T: CacheValue + serde::Serialize + serde::de::DeserializeOwned> SharedValue for T {}

/// A value that may go into the shared tier. This build has none (feature `redis`), so any value that can be cached is one.
#[cfg(not(feature = "redis"))]
pub trait SharedValue: CacheValue {}

#[cfg(not(feature = "redis"))]
impl<T: CacheValue> SharedValue for T {}
