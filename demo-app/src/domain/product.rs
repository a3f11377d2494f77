use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Draft, Fields, Id, PageRequest};

/// Something that a business sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Identity.
    pub id: Id,
    /// The seller, for the product's whole life.
    pub business: Id,
    /// What it is called.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// The shelf it stands on, in lower case.
    pub category: String,
    /// In cents.
    pub price: u64,
    /// When it was listed.
    pub created_at: Timestamp,
}

/// What a client may say about a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductDraft {
    /// See [`Product::business`].
    pub business: Id,
    /// See [`Product::name`].
    pub name: String,
    /// See [`Product::description`].
    pub description: String,
    /// See [`Product::category`].
    pub category: String,
    /// See [`Product::price`]; at most 100 million.
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
    pub text: Option<String>,
    /// The one category to look in.
    pub category: Option<String>,
    /// Which part of the answer.
    pub page: PageRequest,
}

impl ProductQuery {
    /// Whether `product` belongs to the answer.
    pub fn matches(&self, product: &Product) -> bool {
        let on_shelf = self.category.as_ref().is_none_or(|category| *category == product.category);
        on_shelf && self.text.as_ref().is_none_or(|text| contains_words(product, text))
    }
}

fn contains_words(product: &Product, text: &str) -> bool {
    let name = product.name.to_lowercase();
    let description = product.description.to_lowercase();
    text.split_whitespace().all(|word| name.contains(word) || description.contains(word))
}
