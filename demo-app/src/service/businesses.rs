//! Businesses, cached by id and by list. A deletion also removes products, users and votes, whose ids it does
//! not read, so it invalidates all of these.

use std::collections::HashMap;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable};

use super::market::{Market, by_id};
use crate::domain::{Business, Id, Listing, Page};
use crate::store::Result;

/// The business `id`.
#[cacheable(
    ttl = 300,
    key = "business:{id}",
    negative_ttl = 30,
    stale_if_error = "10m",
    load_timeout = "2s",
    skip(market)
)]
pub async fn get_business(market: &Market, id: Id) -> Result<Option<Arc<Business>>> {
    Ok(market.repository.find(&id).await?.map(Arc::new))
}

/// The businesses of `ids` that exist.
#[cacheable(ttl = 300, key = "business:{ids}", batch(ids), negative_ttl = 30, skip(market))]
pub async fn get_businesses(market: &Market, ids: &[Id]) -> Result<HashMap<Id, Arc<Business>>> {
    market.repository.find_many(ids).await.map(by_id)
}

/// A page of the documents that `listing` admits. Pages after the tenth are not cached, because they are rarely requested twice.
#[cacheable(ttl = 60, key = "businesses:{listing:hash}", skip(market), condition = listing.page.number <= 10)]
pub async fn list_businesses(market: &Market, listing: &Listing) -> Result<Arc<Page<Business>>> {
    market.repository.list(listing).await.map(Arc::new)
}

/// Adds a business with a new id.
#[cache_invalidate("businesses:*", when = always)]
#[cache_put(key = "business:{id}", ttl = 300)]
pub async fn insert_business(market: &Market, id: Id, draft: Business) -> Result<Arc<Business>> {
    market.add::<Business>(&*market.repository, id, draft).await
}

/// Replaces the business `id` by `draft`, if it exists and, where `only_if` is given, equals it.
#[cache_invalidate("businesses:*", when = always)]
#[cache_put(key = "business:{id}", ttl = 300)]
pub async fn update_business(
    market: &Market,
    id: Id,
    draft: Business,
    only_if: Option<&Business>,
) -> Result<Option<Arc<Business>>> {
    Ok(market.repository.update(&id, draft, only_if).await?.map(Arc::new))
}

/// Removes the business `id`; tells whether there was one.
#[cache_invalidate(
    "business:{id}", "businesses:*",
    "product:*", "products:*", "catalog:{id}:*", "user:*", "users:*",
    "vote:*", "votes:*", "tally:{id}:*",
    tags = ["search"],
    when = always
)]
pub async fn delete_business(market: &Market, id: Id, only_if: Option<&Business>) -> Result<bool> {
    market.repository.delete_business(id, only_if).await
}
