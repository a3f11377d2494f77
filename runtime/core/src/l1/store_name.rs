//! The names of a store and of the causes of removals, for the events of entries.

use std::sync::{Arc, OnceLock};

use crate::events::{EventKey, Eviction};

/// The cause for which an entry is removed.
#[derive(Clone, Copy, Debug)]
pub(super) enum RemovalCause {
    Evicted(Eviction),
    /// Expired or invalidated.
    Dead,
    /// Contradicted by a later load.
    Superseded,
}

/// The function whose entries a store has, and the texts of their keys.
pub(super) struct StoreName<K> {
    pub(super) function: Arc<str>,
    pub(super) is_negative: bool,
    pub(super) key: Box<dyn Fn(&K) -> EventKey + Send + Sync>,
}

/// The name of a store, once it is known.
pub(super) type NamedOnce<K> = OnceLock<StoreName<K>>;
