//! No shared tier: the implementation of [`SharedApi`] for builds without the feature `redis`.
//!
//! It has no value, so the compiler removes all code that would use it. Builds with the feature compile it too, so that both
//! implementations stay in step.

use std::sync::Arc;
use std::time::Duration;

use super::api::{
    FetchedEntry, LeaseApi, NewEntry, PutEpochs, ScopesOf, SharedApi, SharedEpoch, Unavailable, ValueKey,
};
use crate::log::{Epoch, Reach, Record};

/// A tier that cannot exist.
#[derive(Debug)]
pub(crate) enum NoTier {}

/// A lease that cannot exist.
pub(crate) enum NoLease {}

// Uses the type in every build, so that no build calls it dead code.
const _: () = {
    const fn implements_api<T: SharedApi>() {}
    implements_api::<NoTier>();
};

impl SharedApi for NoTier {
    type Lease = NoLease;
    type BlockingContext<'a> = NoLease;

    fn identity(&self) -> String {
        match *self {}
    }

    fn enter(&self) -> Option<NoLease> {
        match *self {}
    }

    fn longest_answer(&self) -> Duration {
        match *self {}
    }

    fn epoch(&self) -> Option<SharedEpoch> {
        match *self {}
    }

    async fn announce(&self, _: Record) -> Reach {
        match *self {}
    }

    fn announce_later(&self, _: Record) {
        match *self {}
    }

    async fn put(&self, _: Record, _: Epoch, _: &[u64]) -> Option<PutEpochs> {
        match *self {}
    }

    fn put_locally(&self, _: Record, _: Epoch, _: &[u64]) -> Option<Epoch> {
        match *self {}
    }

    async fn fetch<V>(&self, _: &ValueKey<'_, V>, _: ScopesOf<'_, V>) -> Option<FetchedEntry<V>> {
        match *self {}
    }

    async fn fetch_many<'a, V: 'a>(
        &self,
        _: impl Iterator<Item = &'a ValueKey<'a, V>> + Clone,
        _: ScopesOf<'_, V>,
    ) -> Vec<Option<FetchedEntry<V>>> {
        match *self {}
    }

    async fn lease<V>(self: &Arc<Self>, _: &ValueKey<'_, V>, _: Duration) -> Result<Option<NoLease>, Unavailable> {
        match **self {}
    }

    fn store<V>(&self, _: &ValueKey<'_, V>, _: &NewEntry<'_, V>, _: Option<NoLease>) {
        match *self {}
    }

    fn store_many<'a, V: 'a>(&self, _: impl Iterator<Item = (ValueKey<'a, V>, NewEntry<'a, V>)>) {
        match *self {}
    }

    fn remove<V>(&self, _: &ValueKey<'_, V>, _: SharedEpoch, _: u64, _: Option<NoLease>) {
        match *self {}
    }
}

impl LeaseApi for NoLease {
    fn renewed(self, _: Duration, _: Duration) -> Self {
        self
    }

    #[cfg(feature = "http")]
    fn let_expire(self) {}
}
