//! Products, what a client may say about one, and searches by words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Draft, Fields, Id, PageRequest};

/// An article that a business sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Identity.
    pub id: Id,
    /// The seller, for the product's whole life.
    pub business: Id,
    /// The name of the product.
    pub name: String,
    /// A description; may be empty.
    pub description: String,
    /// The shelf it stands on, in lower case.
    pub category: String,
    /// The price in cents.
    pub price: u64,
    /// The time at which it was listed.
    pub created_at: Timestamp,
}

/// A product as a client may write it.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ProductDraft {
    /// See [`Product::business`].
    #[schema(minimum = 1, example = 1)]
    pub business: Id,
    /// See [`Product::name`].
    #[schema(min_length = 1, max_length = 100, example = "Atlas")]
    pub name: String,
    /// See [`Product::description`].
    #[schema(required = false, max_length = 2000)]
    pub description: String,
    /// See [`Product::category`].
    #[schema(min_length = 1, max_length = 50, example = "food")]
    pub category: String,
    /// See [`Product::price`]; at most 100 million.
    #[schema(maximum = 100_000_000, example = 1250)]
    pub price: u64,
}

impl ProductDraft {
    /// The document that this draft founds.
    pub fn into_product(self, id: Id, created_at: Timestamp) -> Product {
        Product {
            id,
            business: self.business,
            name: self.name,
            description: self.description,
            category: self.category,
            price: self.price,
            created_at,
        }
    }
}

impl Draft for ProductDraft {
    const KEPT: &'static [&'static str] = &["id", "createdAt"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            business: fields.id("business"),
            name: fields.text("name", 100),
            description: fields.optional_text("description", 2_000).unwrap_or_default(),
            category: fields.text("category", 50).to_lowercase(),
            price: fields.number("price", 0..=100_000_000),
        }
    }
}

/// A search among products. Built in one normal form (trimmed, lower case), so that two spellings of one question are one
/// cached answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ProductQuery {
    /// Words that the name or the description must contain, all of them.
    pub text: String,
    /// The one category to look in.
    pub category: Option<String>,
    /// The page of the answer.
    pub page: PageRequest,
}

impl ProductQuery {
    /// True if `product` belongs to the answer.
    pub fn matches(&self, product: &Product) -> bool {
        let on_shelf = self.category.as_ref().is_none_or(|category| *category == product.category);
        on_shelf && contains_words(product, &self.text)
    }
}

fn contains_words(product: &Product, text: &str) -> bool {
    let name = product.name.to_lowercase();
    let description = product.description.to_lowercase();
    text.split_whitespace().all(|word| name.contains(word) || description.contains(word))
}
