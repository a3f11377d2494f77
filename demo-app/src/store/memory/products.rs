//! Products of the embedded store.

use async_trait::async_trait;

use super::MemoryRepository;
use super::tables::{list, page, pick, sorted, still_there, unchanged};
use crate::domain::{Id, Listing, Page, Product, ProductDraft, ProductQuery, Scalar};
use crate::store::{Products, Result, StoreError};

#[async_trait]
impl Products for MemoryRepository {
    async fn product(&self, id: Id) -> Result<Option<Product>> {
        self.read(|tables| Ok(tables.products.get(&id).cloned())).await
    }

    async fn products(&self, ids: &[Id]) -> Result<Vec<Product>> {
        self.read(|tables| Ok(pick(&tables.products, ids))).await
    }

    async fn list_products(&self, listing: &Listing) -> Result<Page<Product>> {
        self.read(|tables| {
            if listing.is_all() {
                return Ok(page(listing.page, tables.products.len(), tables.products.values()));
            }
            let Some(Scalar::Number(business)) = listing.filter.get("business") else {
                return Ok(list(listing, &tables.products));
            };
            let index = tables.products_by_business.range((*business, Id::MIN)..=(*business, Id::MAX));
            Ok(sorted(listing, index.filter_map(|(_, product)| tables.products.get(product))))
        })
        .await
    }

    async fn search_products(&self, query: &ProductQuery) -> Result<Page<Product>> {
        self.read(|tables| {
            let matches: Vec<_> = tables.products.values().filter(|product| query.matches(product)).collect();
            Ok(page(query.page, matches.len(), matches.into_iter()))
        })
        .await
    }

    async fn insert_product(&self, product: Product) -> Result<()> {
        self.write(|tables| {
            tables.business_exists(product.business)?;
            tables.products_by_business.insert((product.business, product.id));
            tables.products.insert(product.id, product);
            Ok(())
        })
        .await
    }

    async fn update_product(&self, id: Id, draft: ProductDraft, only_if: Option<&Product>) -> Result<Option<Product>> {
        self.write(|tables| {
            let Some(product) = tables.products.get_mut(&id) else {
                return Ok(None);
            };
            unchanged(product, only_if)?;
            if product.business != draft.business {
                return Err(StoreError::Fixed("business"));
            }
            *product = draft.into_product(id, product.created_at);
            Ok(Some(product.clone()))
        })
        .await
    }

    async fn delete_product(&self, id: Id, only_if: Option<&Product>) -> Result<bool> {
        self.write(|tables| {
            still_there(tables.products.get(&id), only_if)?;
            let Some(old) = tables.products.remove(&id) else {
                return Ok(false);
            };
            tables.products_by_business.remove(&(old.business, id));
            Ok(true)
        })
        .await
    }
}
