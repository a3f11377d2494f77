use async_trait::async_trait;

use super::MemoryRepository;
use super::tables::{Tables, page, pick};
use crate::domain::{Business, BusinessDraft, Id, Page, PageRequest};
use crate::store::{Businesses, Result, StoreError};

#[async_trait]
impl Businesses for MemoryRepository {
    async fn business(&self, id: Id) -> Result<Option<Business>> {
        self.read(|tables| Ok(tables.businesses.get(&id).cloned())).await
    }

    async fn businesses(&self, ids: &[Id]) -> Result<Vec<Business>> {
        self.read(|tables| Ok(pick(&tables.businesses, ids))).await
    }

    async fn list_businesses(&self, request: PageRequest) -> Result<Page<Business>> {
        self.read(|tables| Ok(page(request, tables.businesses.len(), tables.businesses.values()))).await
    }

    async fn insert_business(&self, business: Business) -> Result<()> {
        self.write(|tables| {
            tables.email_is_free(&business.email, business.id)?;
            tables.business_by_email.insert(business.email.clone(), business.id);
            tables.businesses.insert(business.id, business);
            Ok(())
        })
        .await
    }

    async fn update_business(&self, id: Id, draft: BusinessDraft) -> Result<Option<Business>> {
        self.write(|tables| {
            let Some(old) = tables.businesses.get(&id) else {
                return Ok(None);
            };
            tables.email_is_free(&draft.email, id)?;
            let new = draft.into_business(id, old.created_at);
            tables.business_by_email.remove(&old.email);
            tables.business_by_email.insert(new.email.clone(), id);
            tables.businesses.insert(id, new.clone());
            Ok(Some(new))
        })
        .await
    }

    async fn delete_business(&self, id: Id) -> Result<bool> {
        self.write(|tables| {
            let Some(old) = tables.businesses.remove(&id) else {
                return Ok(false);
            };
            tables.business_by_email.remove(&old.email);
            tables.users.retain(|_, user| user.business != id);
            tables.products.retain(|_, product| product.business != id);
            tables.products_by_business.retain(|(business, _)| *business != id);
            Ok(true)
        })
        .await
    }
}

impl Tables {
    fn email_is_free(&self, email: &str, for_business: Id) -> Result<()> {
        match self.business_by_email.get(email) {
            Some(owner) if *owner != for_business => Err(StoreError::Taken("email")),
            _ => Ok(()),
        }
    }

    /// Documents name their business; it must be there.
    pub(super) fn business_exists(&self, business: Id) -> Result<()> {
        let exists = self.businesses.contains_key(&business);
        exists.then_some(()).ok_or(StoreError::Dangling("business"))
    }
}
