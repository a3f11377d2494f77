//! Manufacturers, cached by id and by list. They change rarely, and one process sees a change of another's soon enough.

use std::collections::HashMap;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable};

use super::market::{Market, by_id};
use crate::domain::{Id, Listing, Manufacturer, Page};
use crate::store::Result;

/// The manufacturer `id`.
#[cacheable(
    ttl = "10m",
    local_ttl = 60,
    key = "manufacturer:{id}",
    negative_ttl = 30,
    stale_if_error = "1h",
    load_timeout = "2s",
    skip(market)
)]
pub async fn get_manufacturer(market: &Market, id: Id) -> Result<Option<Arc<Manufacturer>>> {
    Ok(market.repository.find(&id).await?.map(Arc::new))
}

/// The manufacturers of `ids` that exist.
#[cacheable(ttl = "10m", local_ttl = 60, key = "manufacturer:{ids}", batch(ids), negative_ttl = 30, skip(market))]
pub async fn get_manufacturers(market: &Market, ids: &[Id]) -> Result<HashMap<Id, Arc<Manufacturer>>> {
    market.repository.find_many(ids).await.map(by_id)
}

/// A page of the documents that `listing` admits. Pages after the tenth are not cached, because they are rarely requested twice.
#[cacheable(ttl = 60, key = "manufacturers:{listing:hash}", skip(market), condition = listing.page.number <= 10)]
pub async fn list_manufacturers(market: &Market, listing: &Listing) -> Result<Arc<Page<Manufacturer>>> {
    market.repository.list(listing).await.map(Arc::new)
}

/// Adds a manufacturer with a new id.
#[cache_invalidate("manufacturers:*", when = always)]
#[cache_put(key = "manufacturer:{id}", ttl = "10m", local_ttl = 60)]
pub async fn insert_manufacturer(market: &Market, id: Id, draft: Manufacturer) -> Result<Arc<Manufacturer>> {
    market.add::<Manufacturer>(&*market.repository, id, draft).await
}

/// Replaces the manufacturer `id` by `draft`, if it exists and, where `only_if` is given, equals it.
#[cache_invalidate("manufacturers:*", when = always)]
#[cache_put(key = "manufacturer:{id}", ttl = "10m", local_ttl = 60)]
pub async fn update_manufacturer(
    market: &Market,
    id: Id,
    draft: Manufacturer,
    only_if: Option<&Manufacturer>,
) -> Result<Option<Arc<Manufacturer>>> {
    Ok(market.repository.update(&id, draft, only_if).await?.map(Arc::new))
}

/// Removes the manufacturer `id`; tells whether there was one.
// What happened to its products stays known.
#[cache_invalidate("manufacturer:{id}", "manufacturers:*", when = always)]
pub async fn delete_manufacturer(market: &Market, id: Id, only_if: Option<&Manufacturer>) -> Result<bool> {
    market.repository.delete(&id, only_if).await
}
