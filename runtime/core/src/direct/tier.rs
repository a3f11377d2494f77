//! The tiers that a cache of direct calls has, and the values that fit into them.

use std::fmt::Debug;

use crate::codec::{SharedValue, Wire};
use crate::shape::CacheValue;

/// The tiers of a [`Cache`](crate::Cache) that stores its values in this process, and in the shared tier if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Both;

/// The tier of a [`Cache`](crate::Cache) that stores its values in this process only, from [`Cache::local`](crate::Cache::local).
#[derive(Clone, Copy, Debug)]
pub struct Local;

/// A value that a [`Cache`](crate::Cache) of these tiers takes: for [`Local`] any that is `Clone + Send + Sync + 'static`, for [`Both`]
/// one that serde can write and read as well (with the feature `redis`; without it there is no other tier).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot go into the shared tier: derive `serde::Serialize` and `serde::Deserialize` for it, or keep it in this process with `Cache::local`",
    label = "must be `serde::Serialize + serde::de::DeserializeOwned`",
    note = "`fast.cache()` stores in both tiers, so its values are serialisable; `fast.cache().local()` takes any that are `Clone + Send + Sync + 'static`"
)]
pub trait StoredIn<Tiers>: CacheValue {
    /// The form of the values in the shared tier, if they go there.
    #[doc(hidden)]
    fn __wire() -> Option<Wire<Self>>;
}

#[diagnostic::do_not_recommend]
impl<V: CacheValue> StoredIn<Local> for V {
    fn __wire() -> Option<Wire<Self>> {
        None
    }
}

#[diagnostic::do_not_recommend]
impl<V: SharedValue> StoredIn<Both> for V {
    fn __wire() -> Option<Wire<Self>> {
        Wire::new()
    }
}
