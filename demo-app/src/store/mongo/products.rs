//! Products in MongoDB; a search by words goes by a text index.

use async_trait::async_trait;
use bson::{Document, doc};

use super::MongoRepository;
use super::convert::signed;
use super::documents;
use crate::domain::{Id, Listing, Page, Product, ProductDraft, ProductQuery};
use crate::store::{Collection, Products, Result, StoreError};

#[async_trait]
impl Products for MongoRepository {
    async fn product(&self, id: Id) -> Result<Option<Product>> {
        self.find::<documents::Product, _>(id).await
    }

    async fn products(&self, ids: &[Id]) -> Result<Vec<Product>> {
        self.pick::<documents::Product, _>(ids).await
    }

    async fn list_products(&self, listing: &Listing) -> Result<Page<Product>> {
        self.list::<documents::Product, _>(Collection::Products, listing).await
    }

    async fn search_products(&self, query: &ProductQuery) -> Result<Page<Product>> {
        self.found::<documents::Product, _>(filter(query), query.page).await
    }

    async fn insert_product(&self, product: Product) -> Result<()> {
        self.business_exists(product.business).await?;
        self.insert(documents::Product::from(product)).await
    }

    async fn update_product(&self, id: Id, draft: ProductDraft, only_if: Option<&Product>) -> Result<Option<Product>> {
        if only_if.is_some_and(|expected| expected.business != draft.business) {
            return Err(StoreError::Fixed("business"));
        }
        let filter = doc! { "_id": signed(id), "business": signed(draft.business) };
        let fields = doc! {
            "name": draft.name,
            "description": draft.description,
            "category": draft.category,
            "price": signed(draft.price),
        };
        if only_if.is_some() {
            return self.change(id, fields, only_if.cloned().map(documents::Product::from)).await;
        }
        if let Some(product) = self.set::<documents::Product, _>(filter, fields).await? {
            return Ok(Some(product));
        }
        // There is none, or it is another business's.
        match self.product(id).await? {
            Some(_) => Err(StoreError::Fixed("business")),
            None => Ok(None),
        }
    }

    async fn delete_product(&self, id: Id, only_if: Option<&Product>) -> Result<bool> {
        self.delete(id, only_if.cloned().map(documents::Product::from)).await
    }
}

/// Each word in quotes, because MongoDB looks for any of the words that are not, and for all of those that are.
fn filter(query: &ProductQuery) -> Document {
    let words = query.text.split_whitespace();
    let words: Vec<_> = words.map(|word| format!("\"{}\"", word.replace(['"', '\\'], ""))).collect();
    let mut filter = doc! { "$text": { "$search": words.join(" ") } };
    if let Some(category) = &query.category {
        filter.insert("category", category);
    }
    filter
}
