//! Businesses, cached by id and by list. A deletion invalidates the products, users and votes that go with it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable};

use crate::clock::Clock;
use crate::domain::{Business, BusinessDraft, Id, Listing, Page};
use crate::store::{Collection, Repository, Result};

/// The sellers.
#[derive(Clone)]
pub struct BusinessService {
    repository: Arc<dyn Repository>,
    clock: Clock,
}

impl BusinessService {
    /// The service over `repository`.
    pub fn new(repository: Arc<dyn Repository>, clock: Clock) -> Self {
        Self { repository, clock }
    }

    /// The business `id`.
    #[cacheable(
        ttl = 300,
        key = "business:{id}",
        negative_ttl = 30,
        stale_if_error = "10m",
        load_timeout = "2s",
        skip(self)
    )]
    pub async fn get_business(&self, id: Id) -> Result<Option<Arc<Business>>> {
        Ok(self.repository.business(id).await?.map(Arc::new))
    }

    /// The businesses of `ids` that exist.
    #[cacheable(ttl = 300, key = "business:{ids}", batch(ids), negative_ttl = 30, skip(self))]
    pub async fn get_businesses(&self, ids: &[Id]) -> Result<HashMap<Id, Arc<Business>>> {
        let businesses = self.repository.businesses(ids).await?;
        Ok(businesses.into_iter().map(|business| (business.id, Arc::new(business))).collect())
    }

    /// One page of what `listing` admits. What is far back is rarely asked for twice.
    #[cacheable(ttl = 60, key = "businesses:{listing:hash}", skip(self), condition = listing.page.number <= 10)]
    pub async fn list_businesses(&self, listing: &Listing) -> Result<Arc<Page<Business>>> {
        self.repository.list_businesses(listing).await.map(Arc::new)
    }

    /// Adds a business.
    pub async fn create_business(&self, draft: BusinessDraft) -> Result<Arc<Business>> {
        let id = self.repository.next_id(Collection::Businesses).await?;
        self.insert_business(id, draft).await
    }

    #[cache_invalidate("businesses:*", when = always)]
    #[cache_put(key = "business:{id}", ttl = 300, skip(self))]
    async fn insert_business(&self, id: Id, draft: BusinessDraft) -> Result<Arc<Business>> {
        let business = draft.into_business(id, self.clock.now());
        self.repository.insert_business(business.clone()).await?;
        Ok(Arc::new(business))
    }

    /// The business `id` as it is stored now, whatever is cached: what a write may depend on.
    pub async fn stored_business(&self, id: Id) -> Result<Option<Business>> {
        self.repository.business(id).await
    }

    /// Writes `draft` over the business `id`, if there is one, and it is `only_if` where that is given.
    #[cache_invalidate("businesses:*", when = always)]
    #[cache_put(key = "business:{id}", ttl = 300, skip(self))]
    pub async fn update_business(
        &self,
        id: Id,
        draft: BusinessDraft,
        only_if: Option<&Business>,
    ) -> Result<Option<Arc<Business>>> {
        Ok(self.repository.update_business(id, draft, only_if).await?.map(Arc::new))
    }

    /// Removes the business `id` with its products, users and votes; tells whether there was one.
    #[cache_invalidate(
        "business:{id}", "businesses:*",
        "product:*", "products:*", "catalog:{id}:*", "user:*", "users:*",
        "vote:*", "votes:*", "tally:{id}:*",
        tags = ["search"],
        when = always
    )]
    pub async fn delete_business(&self, id: Id, only_if: Option<&Business>) -> Result<bool> {
        self.repository.delete_business(id, only_if).await
    }
}

impl fmt::Debug for BusinessService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusinessService").finish_non_exhaustive()
    }
}
