//! The parts of the marketplace, and what its files share.

use std::collections::HashMap;
use std::sync::Arc;

use fastness::resilience::{Reason, Rejected};

use crate::clock::Clock;
use crate::domain::{Id, Model};
use crate::store::{Collection, Repository, Result, StoreError};
use crate::supplier::Client;

/// The parts that the services work with.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the types are the whole story")]
pub struct Market {
    pub repository: Arc<dyn Repository>,
    pub supplier: Client,
    pub clock: Clock,
}

impl Market {
    /// Inserts the document made of this draft.
    pub(super) async fn add<M: Model>(&self, to: &dyn Collection<M>, id: Id, draft: M) -> Result<Arc<M>> {
        let document = draft.created(id, self.clock.now());
        to.insert(document.clone()).await?;
        Ok(Arc::new(document))
    }
}

/// Documents by their ids.
pub(super) fn by_id<M: Model>(documents: Vec<M>) -> HashMap<M::Id, Arc<M>> {
    documents.into_iter().map(|document| (document.id(), Arc::new(document))).collect()
}

/// A load that takes too long is given up: the database counts as not answering.
impl From<fastness::LoadTimeout> for StoreError {
    fn from(_: fastness::LoadTimeout) -> Self {
        Self::Unavailable
    }
}

/// A call that a limit refused.
impl From<Rejected> for StoreError {
    fn from(rejected: Rejected) -> Self {
        Self::Busy { limited: rejected.reason() == Reason::Limited, retry_after: rejected.retry_after() }
    }
}
