//! The outcome of a batch, as the batches that joined it get it.

use std::collections::HashMap;
use std::sync::Arc;

use super::BatchMap;
use super::start::Value;
use crate::engine::ValueOrigin;
use crate::flight::LoadOutcome;
use crate::key::{Hashed, OwnedKey, Prehashed};
use crate::shape::{Outcome, Shape};

/// The values of a load, by key; an absent element has no value.
pub(super) type Values<K, S> = Arc<HashMap<Hashed<K>, Value<S>, Prehashed>>;

/// The outcome of a batch.
pub(super) type BatchOutcome<K, S> = Outcome<Values<K, S>, <S as Shape>::Absent, <S as Shape>::SharedError>;

/// The outcome of a batch, as its waiters get it.
pub(super) struct EndedBatch<K: Eq, S: Shape<Item: BatchMap>> {
    pub(super) outcome: BatchOutcome<K, S>,
    /// The load of the values, with the tags of all; `None` for an absence or an error.
    pub(super) origin: Option<ValueOrigin>,
}

pub(super) fn ended<K, S>(outcome: BatchOutcome<K, S>, origin: Option<ValueOrigin>) -> LoadOutcome
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    LoadOutcome::shared(EndedBatch::<K, S> { outcome, origin })
}
