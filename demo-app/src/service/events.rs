//! Events of the supply chain, which never change: cached by id, by list, by product and by place.

use std::fmt;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable, hedge, timed};

use crate::clock::Clock;
use crate::domain::{EventDraft, Id, Listing, Near, NearEvent, Page, Scalar, SupplyChainEvent};
use crate::store::{Collection, Repository, Result};

/// Events of products on their way.
#[derive(Clone)]
pub struct EventService {
    repository: Arc<dyn Repository>,
    clock: Clock,
}

impl EventService {
    /// The service over `repository`.
    pub fn new(repository: Arc<dyn Repository>, clock: Clock) -> Self {
        Self { repository, clock }
    }

    /// The event `id`. It never changes and is rarely busy, so there is nothing to refresh early.
    #[cacheable(
        ttl = "1h",
        key = "event:{id}",
        negative_ttl = 10,
        stale_if_error = "1d",
        load_timeout = "2s",
        early = off,
        skip(self)
    )]
    pub async fn get_event(&self, id: Id) -> Result<Option<Arc<SupplyChainEvent>>> {
        Ok(self.repository.event(id).await?.map(Arc::new))
    }

    /// One page of what `listing` admits. What is far back is rarely asked for twice.
    #[cacheable(ttl = 60, key = "events:{listing:hash}", skip(self), condition = listing.page.number <= 10)]
    pub async fn list_events(&self, listing: &Listing) -> Result<Arc<Page<SupplyChainEvent>>> {
        self.repository.list_events(listing).await.map(Arc::new)
    }

    /// One page of the way of `product`, of which `listing` is.
    #[timed(name = "events.trace", slow = "100ms")]
    #[cacheable(ttl = "10m", key = "trace:{product}:{listing:hash}", stale_if_error = "1h", skip(self))]
    #[hedge(p95 = "100ms")]
    pub async fn trace(&self, product: Id, listing: &Listing) -> Result<Arc<Page<SupplyChainEvent>>> {
        debug_assert_eq!(listing.filter.get("productId"), Some(&Scalar::Number(product)), "the key's product");
        self.repository.list_events(listing).await.map(Arc::new)
    }

    /// Events near a place. Almost every client asks for another place, so the answers stay in this process.
    #[timed(name = "events.near", slow = "100ms")]
    #[cacheable(ttl = 30, key = "near:{near:hash}", tags = ["near"], tier = local, capacity = 1_000, skip(self))]
    #[hedge(p95 = "100ms")]
    pub async fn events_near(&self, near: Near) -> Result<Arc<Vec<NearEvent>>> {
        self.repository.events_near(near).await.map(Arc::new)
    }

    /// Adds an event.
    pub async fn append(&self, draft: EventDraft) -> Result<Arc<SupplyChainEvent>> {
        let id = self.repository.next_id(Collection::Events).await?;
        self.insert_event(id, draft).await
    }

    #[cache_invalidate("events:*", "trace:{draft.product_id}:*", tags = ["near"], when = always)]
    #[cache_put(key = "event:{id}", ttl = "1h", skip(self))]
    async fn insert_event(&self, id: Id, draft: EventDraft) -> Result<Arc<SupplyChainEvent>> {
        let event = draft.into_event(id, self.clock.now());
        self.repository.insert_event(event.clone()).await?;
        Ok(Arc::new(event))
    }
}

impl fmt::Debug for EventService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventService").finish_non_exhaustive()
    }
}
