//! Businesses of the embedded store.

use async_trait::async_trait;

use super::MemoryRepository;
use super::tables::{Tables, list, pick, still_there, unchanged};
use crate::domain::{Business, BusinessDraft, Id, Listing, Page};
use crate::store::{Businesses, Result, StoreError};

#[async_trait]
impl Businesses for MemoryRepository {
    async fn business(&self, id: Id) -> Result<Option<Business>> {
        self.read(|tables| Ok(tables.businesses.get(&id).cloned())).await
    }

    async fn businesses(&self, ids: &[Id]) -> Result<Vec<Business>> {
        self.read(|tables| Ok(pick(&tables.businesses, ids))).await
    }

    async fn list_businesses(&self, listing: &Listing) -> Result<Page<Business>> {
        self.read(|tables| Ok(list(listing, &tables.businesses))).await
    }

    async fn insert_business(&self, business: Business) -> Result<()> {
        self.write(|tables| {
            tables.business_by_email.email_is_free(&business.email, business.id)?;
            tables.business_by_email.take(&business.email, business.id);
            tables.businesses.insert(business.id, business);
            Ok(())
        })
        .await
    }

    async fn update_business(
        &self,
        id: Id,
        draft: BusinessDraft,
        only_if: Option<&Business>,
    ) -> Result<Option<Business>> {
        self.write(|tables| {
            let Some(old) = tables.businesses.get(&id) else {
                return Ok(None);
            };
            unchanged(old, only_if)?;
            tables.business_by_email.email_is_free(&draft.email, id)?;
            let new = draft.into_business(id, old.created_at);
            tables.business_by_email.release(&old.email);
            tables.business_by_email.take(&new.email, id);
            tables.businesses.insert(id, new.clone());
            Ok(Some(new))
        })
        .await
    }

    async fn delete_business(&self, id: Id, only_if: Option<&Business>) -> Result<bool> {
        self.write(|tables| {
            still_there(tables.businesses.get(&id), only_if)?;
            let Some(old) = tables.businesses.remove(&id) else {
                return Ok(false);
            };
            tables.business_by_email.release(&old.email);
            tables.users.retain(|_, user| user.business != id);
            tables.products.retain(|_, product| product.business != id);
            tables.products_by_business.retain(|(business, _)| *business != id);
            tables.votes.retain(|_, vote| {
                let stays = vote.business != id;
                if !stays {
                    tables.vote_by_id.release(&vote.id);
                }
                stays
            });
            Ok(true)
        })
        .await
    }
}

impl Tables {
    /// Documents name their business; it must be there.
    pub(super) fn business_exists(&self, business: Id) -> Result<()> {
        let exists = self.businesses.contains_key(&business);
        exists.then_some(()).ok_or(StoreError::Dangling("business"))
    }
}
