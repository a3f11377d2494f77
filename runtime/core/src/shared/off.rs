//! In place of the shared tier, where the feature `redis` is off: there is none, and no code for it.
//!
//! The names are those of the tier, so that nobody who calls it has to know about the feature.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::{Codec, Wire};
use crate::log::{Epoch, Reach, Record};

pub(crate) struct Tier(Infallible);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(Infallible);

pub(crate) struct Lease(Infallible);

impl Lease {
    pub(crate) fn renewed(self, _: Duration, _: Duration) -> Self {
        match self.0 {}
    }

    #[cfg(feature = "http")]
    pub(crate) fn leave(self) {
        match self.0 {}
    }
}

pub(crate) struct Unavailable;

#[derive(Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) local: Epoch,
    pub(crate) shared: Option<Mark>,
}

#[derive(Debug, Default)]
pub(crate) struct Seat;

impl Seat {
    pub(crate) fn new(_: u64) -> Self {
        Self
    }
}

#[allow(dead_code)]
pub(crate) struct Place<'a, V> {
    pub(crate) wire: Wire<V>,
    pub(crate) seat: &'a Seat,
    pub(crate) codec: Option<Codec>,
    pub(crate) key: &'a str,
    pub(crate) scopes: &'a [u64],
}

pub(crate) struct Fetched<V> {
    pub(crate) value: Option<V>,
    pub(crate) expires: u64,
    pub(crate) load_time: u64,
    pub(crate) ended: u64,
    pub(crate) epoch: Epoch,
    pub(crate) is_refreshed: bool,
}

#[allow(dead_code)]
pub(crate) struct Kept<'a, V> {
    pub(crate) value: Option<&'a V>,
    pub(crate) mark: Mark,
    pub(crate) began: u64,
    pub(crate) expires: u64,
    pub(crate) load_time: u64,
    pub(crate) beyond: Duration,
}

#[allow(clippy::unused_async)]
impl Tier {
    #[cfg(feature = "mongodb")]
    pub(crate) fn identity(&self) -> String {
        match self.0 {}
    }

    pub(crate) fn longest_answer(&self) -> Duration {
        match self.0 {}
    }

    pub(crate) fn mark(&self) -> Option<Mark> {
        match self.0 {}
    }

    pub(crate) fn announce_later(&self, _: Record) {
        match self.0 {}
    }

    pub(crate) async fn announce(&self, _: Record) -> Reach {
        match self.0 {}
    }

    pub(crate) async fn put(&self, _: Record, _: Epoch, _: &[u64]) -> Option<Placed> {
        match self.0 {}
    }

    pub(crate) fn put_here(&self, _: Record, _: Epoch, _: &[u64]) -> Option<Epoch> {
        match self.0 {}
    }

    pub(crate) async fn fetch<V>(&self, _: &Place<'_, V>, _: fn(&V) -> Vec<u64>) -> Option<Fetched<V>> {
        match self.0 {}
    }

    pub(crate) async fn fetch_many<'a, V: 'a>(
        &self,
        _: impl Iterator<Item = &'a Place<'a, V>> + Clone,
    ) -> Vec<Option<Fetched<V>>> {
        match self.0 {}
    }

    pub(crate) async fn lease<V>(
        self: &Arc<Self>,
        _: &Place<'_, V>,
        _: Duration,
    ) -> Result<Option<Lease>, Unavailable> {
        match self.0 {}
    }

    pub(crate) fn keep<V>(&self, _: &Place<'_, V>, _: &Kept<'_, V>, _: Option<Lease>) {
        match self.0 {}
    }

    pub(crate) fn remove<V>(&self, _: &Place<'_, V>, _: Mark, _: u64, _: Option<Lease>) {
        match self.0 {}
    }

    pub(crate) fn keep_many<'a, V: 'a>(&self, _: impl Iterator<Item = (Place<'a, V>, Kept<'a, V>)>) {
        let _ = PhantomData::<V>;
        match self.0 {}
    }
}

impl std::fmt::Debug for Tier {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {}
    }
}
