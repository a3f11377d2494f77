//! Products, cached by id, by batch, by list, by catalogue of a business and by search.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable};

use crate::clock::Clock;
use crate::domain::{Id, Listing, Page, Product, ProductDraft, ProductQuery, Scalar};
use crate::store::{Collection, Repository, Result};

/// Products for sale.
#[derive(Clone)]
pub struct ProductService {
    repository: Arc<dyn Repository>,
    clock: Clock,
}

impl ProductService {
    /// The service over `repository`.
    pub fn new(repository: Arc<dyn Repository>, clock: Clock) -> Self {
        Self { repository, clock }
    }

    /// The product `id`.
    #[cacheable(
        ttl = 300,
        key = "product:{id}",
        negative_ttl = 30,
        stale_if_error = "10m",
        load_timeout = "2s",
        skip(self)
    )]
    pub async fn get_product(&self, id: Id) -> Result<Option<Arc<Product>>> {
        Ok(self.repository.product(id).await?.map(Arc::new))
    }

    /// The products of `ids` that exist.
    #[cacheable(ttl = 300, key = "product:{ids}", batch(ids), negative_ttl = 30, skip(self))]
    pub async fn get_products(&self, ids: &[Id]) -> Result<HashMap<Id, Arc<Product>>> {
        let products = self.repository.products(ids).await?;
        Ok(products.into_iter().map(|product| (product.id, Arc::new(product))).collect())
    }

    /// One page of what `listing` admits. What is far back is rarely asked for twice.
    #[cacheable(ttl = 60, key = "products:{listing:hash}", skip(self), condition = listing.page.number <= 10)]
    pub async fn list_products(&self, listing: &Listing) -> Result<Arc<Page<Product>>> {
        self.repository.list_products(listing).await.map(Arc::new)
    }

    /// One page of what `business` sells.
    ///
    /// `listing` is of this business: so a write to one of its products reaches its lists, and no other's.
    #[cacheable(ttl = 60, key = "catalog:{business}:{listing:hash}", skip(self))]
    pub async fn products_of(&self, business: Id, listing: &Listing) -> Result<Arc<Page<Product>>> {
        debug_assert_eq!(listing.filter.get("business"), Some(&Scalar::Number(business)));
        self.repository.list_products(listing).await.map(Arc::new)
    }

    /// One page of what matches `query`.
    #[cacheable(
        ttl = 60, key = "search:{query:hash}", tags = ["search"], skip(self),
        stale = "5m", refresh = background,
        condition = query.page.number <= 10, unless = |page| page.items.is_empty()
    )]
    pub async fn search_products(&self, query: &ProductQuery) -> Result<Arc<Page<Product>>> {
        self.repository.search_products(query).await.map(Arc::new)
    }

    /// Adds a product.
    pub async fn create_product(&self, draft: ProductDraft) -> Result<Arc<Product>> {
        let id = self.repository.next_id(Collection::Products).await?;
        self.insert_product(id, draft).await
    }

    #[cache_invalidate("products:*", "catalog:{draft.business}:*", tags = ["search"], when = always)]
    #[cache_put(key = "product:{id}", ttl = 300, skip(self))]
    async fn insert_product(&self, id: Id, draft: ProductDraft) -> Result<Arc<Product>> {
        let product = draft.into_product(id, self.clock.now());
        self.repository.insert_product(product.clone()).await?;
        Ok(Arc::new(product))
    }

    /// The product `id` as it is stored now, whatever is cached: what a write may depend on.
    pub async fn stored_product(&self, id: Id) -> Result<Option<Product>> {
        self.repository.product(id).await
    }

    /// Writes `draft` over the product `id`, if there is one, and it is `only_if` where that is given.
    #[cache_invalidate("products:*", "catalog:{draft.business}:*", tags = ["search"], when = always)]
    #[cache_put(key = "product:{id}", ttl = 300, skip(self))]
    pub async fn update_product(
        &self,
        id: Id,
        draft: ProductDraft,
        only_if: Option<&Product>,
    ) -> Result<Option<Arc<Product>>> {
        Ok(self.repository.update_product(id, draft, only_if).await?.map(Arc::new))
    }

    /// Removes the product `id`; tells whether there was one.
    pub async fn delete_product(&self, id: Id, only_if: Option<&Product>) -> Result<bool> {
        // Its business is known to the document alone, and is part of what must be invalidated.
        let Some(product) = self.repository.product(id).await? else {
            return Ok(false);
        };
        self.remove_product(id, product.business, only_if).await
    }

    #[cache_invalidate("product:{id}", "products:*", "catalog:{business}:*", tags = ["search"], when = always)]
    async fn remove_product(&self, id: Id, business: Id, only_if: Option<&Product>) -> Result<bool> {
        self.repository.delete_product(id, only_if).await
    }
}

impl fmt::Debug for ProductService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProductService").finish_non_exhaustive()
    }
}
