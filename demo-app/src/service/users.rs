//! Users, cached by id, by batch and by list.

use std::collections::HashMap;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable};

use super::market::{Market, by_id};
use crate::domain::{Id, Listing, Page, User};
use crate::store::Result;

/// The user `id`.
#[cacheable(ttl = 300, key = "user:{id}", negative_ttl = 30, stale_if_error = "10m", load_timeout = "2s", skip(market))]
pub async fn get_user(market: &Market, id: Id) -> Result<Option<Arc<User>>> {
    Ok(market.repository.find(&id).await?.map(Arc::new))
}

/// The users of `ids` that exist.
#[cacheable(ttl = 300, key = "user:{ids}", batch(ids), negative_ttl = 30, skip(market))]
pub async fn get_users(market: &Market, ids: &[Id]) -> Result<HashMap<Id, Arc<User>>> {
    market.repository.find_many(ids).await.map(by_id)
}

/// A page of the documents that `listing` admits. Pages after the tenth are not cached, because they are rarely requested twice.
#[cacheable(ttl = 60, key = "users:{listing:hash}", skip(market), condition = listing.page.number <= 10)]
pub async fn list_users(market: &Market, listing: &Listing) -> Result<Arc<Page<User>>> {
    market.repository.list(listing).await.map(Arc::new)
}

/// Adds a user with a new id.
#[cache_invalidate("users:*", when = always)]
#[cache_put(key = "user:{id}", ttl = 300)]
pub async fn insert_user(market: &Market, id: Id, draft: User) -> Result<Arc<User>> {
    market.add::<User>(&*market.repository, id, draft).await
}

/// Replaces the user `id` by `draft`, if it exists and, where `only_if` is given, equals it.
#[cache_invalidate("users:*", when = always)]
#[cache_put(key = "user:{id}", ttl = 300)]
pub async fn update_user(market: &Market, id: Id, draft: User, only_if: Option<&User>) -> Result<Option<Arc<User>>> {
    Ok(market.repository.update(&id, draft, only_if).await?.map(Arc::new))
}

/// Removes the user `id`; tells whether there was one.
#[cache_invalidate("user:{id}", "users:*", when = always)]
pub async fn delete_user(market: &Market, id: Id, only_if: Option<&User>) -> Result<bool> {
    market.repository.delete(&id, only_if).await
}

/// Counts the votes of the user `id` anew, after one was cast.
#[cache_invalidate("user:{id}", "users:*", when = always)]
pub(super) async fn recount_votes(market: &Market, id: Id) -> Result<()> {
    market.repository.recount_votes(id).await
}
