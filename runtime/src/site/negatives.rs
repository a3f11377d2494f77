//! That there is no value, or none but an error: kept where values are, but for each type of key and value alike, and so
//! compiled here rather than where the call sites are.

use std::any::{Any, TypeId};
use std::sync::Arc;

use crate::handle::Fastness;
use crate::key::{AnyKey, Hashed, Scopes};
use crate::l1::{Entry, Found, L1, Lifetime};
use crate::log::Epoch;

/// What is stored where there is no value.
#[derive(Clone)]
pub(super) enum Verdict {
    Absent,
    Failed(Arc<dyn Any + Send + Sync>),
}

/// The verdicts of one key template.
pub(super) struct Negatives(Arc<L1<AnyKey, Verdict>>);

impl Negatives {
    pub(super) fn of(handle: &Fastness, shape: &str, of: Option<TypeId>, capacity: Option<usize>) -> Self {
        Self(handle.store(shape, of, capacity))
    }

    /// Of most functions none is ever kept.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The verdict on this key, if it is valid, fresh or not.
    pub(super) fn look(&self, key: &Hashed<AnyKey>) -> Option<Found<Verdict>> {
        self.0.look(key)
    }

    pub(super) fn keep(&self, key: Hashed<AnyKey>, verdict: Verdict, epoch: Epoch, life: Lifetime, scopes: &Scopes) {
        self.0.insert(key, Entry::new(verdict, epoch, life, scopes));
    }
}
