//! Events of the supply chain, which never change: cached by id, by list, by product and by place.

use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable, hedge, timed};

use super::market::Market;
use crate::domain::{Id, Listing, Near, NearEvent, Page, Scalar, SupplyChainEvent};
use crate::store::{Collection, Result};

/// The event `id`. It never changes and is rarely busy, so there is nothing to refresh early.
#[cacheable(
    ttl = "1h",
    key = "event:{id}",
    negative_ttl = 10,
    stale_if_error = "1d",
    load_timeout = "2s",
    early = off,
    skip(market)
)]
pub async fn get_event(market: &Market, id: Id) -> Result<Option<Arc<SupplyChainEvent>>> {
    Ok(market.repository.find(&id).await?.map(Arc::new))
}

/// A page of the documents that `listing` admits. Pages after the tenth are not cached, because they are rarely requested twice.
#[cacheable(ttl = 60, key = "events:{listing:hash}", skip(market), condition = listing.page.number <= 10)]
pub async fn list_events(market: &Market, listing: &Listing) -> Result<Arc<Page<SupplyChainEvent>>> {
    market.repository.list(listing).await.map(Arc::new)
}

/// A page of the supply-chain events of `product`, by `listing`.
#[timed(name = "events.trace", slow = "100ms")]
#[cacheable(ttl = "10m", key = "trace:{product}:{listing:hash}", stale_if_error = "1h", skip(market))]
#[hedge(p95 = "100ms")]
pub async fn trace(market: &Market, product: Id, listing: &Listing) -> Result<Arc<Page<SupplyChainEvent>>> {
    debug_assert_eq!(listing.filter.get("productId"), Some(&Scalar::Number(product)), "the key's product");
    market.repository.list(listing).await.map(Arc::new)
}

/// Events near a place. Almost every client asks for another place, so the answers stay in this process.
#[timed(name = "events.near", slow = "100ms")]
#[cacheable(ttl = 30, key = "near:{near:hash}", tags = ["near"], tier = local, capacity = 1_000, skip(market))]
#[hedge(p95 = "100ms")]
pub async fn events_near(market: &Market, near: Near) -> Result<Arc<Vec<NearEvent>>> {
    market.repository.events_near(near).await.map(Arc::new)
}

/// Adds an event.
pub async fn append_event(market: &Market, draft: SupplyChainEvent) -> Result<Arc<SupplyChainEvent>> {
    let id = Collection::<SupplyChainEvent>::next_id(&*market.repository).await?;
    insert_event(market, id, draft).await
}

#[cache_invalidate("events:*", "trace:{draft.product_id}:*", tags = ["near"], when = always)]
#[cache_put(key = "event:{id}", ttl = "1h")]
async fn insert_event(market: &Market, id: Id, draft: SupplyChainEvent) -> Result<Arc<SupplyChainEvent>> {
    market.add::<SupplyChainEvent>(&*market.repository, id, draft).await
}
