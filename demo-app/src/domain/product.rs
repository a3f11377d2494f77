//! Products, and searches by words.

use serde::{Deserialize, Serialize};

use super::{Draft, Field, Fields, Id, Kind, Model, Moment, PageRequest, Reference, Target};

/// An article that a business sells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "servers",
    derive(fastness::Indexed),
    indexed(collection = "products", scopes("product:{id}", "products:*", "catalog:{business}:*", "search:*")),
    index(keys(business = 1, created_at = -1)),
    index(keys(business = 1, category = 1))
)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: Id,
    /// The seller, for the product's whole life.
    pub business: Id,
    /// The name of the product.
    #[cfg_attr(feature = "servers", index(text))]
    pub name: String,
    /// A description; may be empty.
    #[cfg_attr(feature = "servers", index(text))]
    pub description: String,
    /// The shelf it stands on, in lower case.
    pub category: String,
    /// The price in cents; at most 100 million.
    pub price: u64,
    /// The time at which it was listed.
    pub created_at: Moment,
}

impl Draft for Product {
    const READ_ONLY: &'static [&'static str] = &["id", "createdAt"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            business: fields.id("business"),
            name: fields.text("name", 100),
            description: fields.optional_text("description", 2_000).unwrap_or_default(),
            category: fields.text("category", 50).to_lowercase(),
            price: fields.number("price", 0..=100_000_000),
            ..Self::default()
        }
    }
}

impl Model for Product {
    type Id = Id;

    const ONE: &'static str = "product";
    const MANY: &'static str = "products";
    const FIELDS: &'static [Field<Self>] = &[
        Field::new("business", Kind::Number, |product| product.business.into()),
        Field::new("category", Kind::Lower, |product| (&*product.category).into()),
        Field::new("createdAt", Kind::Moment, |product| product.created_at.into()),
    ];
    const LISTS: &'static [&'static str] = &["business,-createdAt", "business,category"];

    fn id(&self) -> Id {
        self.id
    }

    fn created(self, id: Id, now: Moment) -> Self {
        Self { id, created_at: now, ..self }
    }

    fn over(self, old: &Self) -> Self {
        self.created(old.id, old.created_at)
    }

    fn references(&self) -> Vec<Reference> {
        vec![Reference { field: "business", id: self.business, to: Target::Businesses }]
    }

    fn fixed(&self) -> Option<(&'static str, Id)> {
        Some(("business", self.business))
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
        let (name, description) = (product.name.to_lowercase(), product.description.to_lowercase());
        self.category.as_ref().is_none_or(|category| *category == product.category)
            && self.text.split_whitespace().all(|word| name.contains(word) || description.contains(word))
    }
}
