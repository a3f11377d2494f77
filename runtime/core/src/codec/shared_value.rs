//! Values that the shared tier can take.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::shape::CacheValue;

/// What can go into the shared tier: what can be cached and serialised.
///
/// Every `Clone + Send + Sync + 'static` type that is `serde::Serialize` and `serde::de::DeserializeOwned`, an `Arc` of one
/// included.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot go into the shared tier",
    label = "must be `serde::Serialize + serde::de::DeserializeOwned`",
    note = "derive both; or keep it in this process, in an attribute with `tier = local`: `Cache` takes no other values"
)]
pub trait SharedValue: CacheValue + Serialize + DeserializeOwned {}

impl<T: CacheValue + Serialize + DeserializeOwned> SharedValue for T {}
