//! Products, cached by id, by batch, by list, by catalogue of a business and by search.

use std::collections::HashMap;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable};

use super::market::{Market, by_id};
use crate::domain::{Id, Listing, Page, Product, ProductQuery, Scalar};
use crate::store::Result;

/// The product `id`.
#[cacheable(
    ttl = 300,
    key = "product:{id}",
    negative_ttl = 30,
    stale_if_error = "10m",
    load_timeout = "2s",
    skip(market)
)]
pub async fn get_product(market: &Market, id: Id) -> Result<Option<Arc<Product>>> {
    Ok(market.repository.find(&id).await?.map(Arc::new))
}

/// The products of `ids` that exist.
#[cacheable(ttl = 300, key = "product:{ids}", batch(ids), negative_ttl = 30, skip(market))]
pub async fn get_products(market: &Market, ids: &[Id]) -> Result<HashMap<Id, Arc<Product>>> {
    market.repository.find_many(ids).await.map(by_id)
}

/// A page of the documents that `listing` admits. Pages after the tenth are not cached, because they are rarely requested twice.
#[cacheable(ttl = 60, key = "products:{listing:hash}", skip(market), condition = listing.page.number <= 10)]
pub async fn list_products(market: &Market, listing: &Listing) -> Result<Arc<Page<Product>>> {
    market.repository.list(listing).await.map(Arc::new)
}

/// Adds a product with a new id.
#[cache_invalidate("products:*", "catalog:{draft.business}:*", tags = ["search"], when = always)]
#[cache_put(key = "product:{id}", ttl = 300)]
pub async fn insert_product(market: &Market, id: Id, draft: Product) -> Result<Arc<Product>> {
    market.add::<Product>(&*market.repository, id, draft).await
}

/// Replaces the product `id` by `draft`, if it exists and, where `only_if` is given, equals it.
#[cache_invalidate("products:*", "catalog:{draft.business}:*", tags = ["search"], when = always)]
#[cache_put(key = "product:{id}", ttl = 300)]
pub async fn update_product(
    market: &Market,
    id: Id,
    draft: Product,
    only_if: Option<&Product>,
) -> Result<Option<Arc<Product>>> {
    Ok(market.repository.update(&id, draft, only_if).await?.map(Arc::new))
}

/// Removes the product `id`; tells whether there was one.
pub async fn delete_product(market: &Market, id: Id, only_if: Option<&Product>) -> Result<bool> {
    // Its business is known to the document alone, and is part of what must be invalidated.
    let found: Option<Product> = market.repository.find(&id).await?;
    let Some(product) = found else { return Ok(false) };
    remove_product(market, id, product.business, only_if).await
}

/// A page of the products of `business`.
///
/// `listing` is of this business: so a write to one of its products reaches its lists, and no other's.
#[cacheable(ttl = 60, key = "catalog:{business}:{listing:hash}", skip(market))]
pub async fn products_of(market: &Market, business: Id, listing: &Listing) -> Result<Arc<Page<Product>>> {
    debug_assert_eq!(listing.filter.get("business"), Some(&Scalar::Number(business)));
    market.repository.list(listing).await.map(Arc::new)
}

/// A page of the products that match `query`.
#[cacheable(
    ttl = 60, key = "search:{query:hash}", tags = ["search"], skip(market),
    stale = "5m", refresh = background,
    condition = query.page.number <= 10, unless = |page| page.items.is_empty()
)]
pub async fn search_products(market: &Market, query: &ProductQuery) -> Result<Arc<Page<Product>>> {
    market.repository.search_products(query).await.map(Arc::new)
}

#[cache_invalidate("product:{id}", "products:*", "catalog:{business}:*", tags = ["search"], when = always)]
async fn remove_product(market: &Market, id: Id, business: Id, only_if: Option<&Product>) -> Result<bool> {
    market.repository.delete(&id, only_if).await
}
