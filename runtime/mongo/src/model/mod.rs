//! Models: their declared indexes and change scopes, and their fields as paths that the compiler checks.
//!
//! May use: nothing of this crate.
//!
//! `#[derive(Indexed)]` writes these constants. A [`DeclaredIndex`] is one index, a [`ChangeScope`] is a key pattern that a change of a
//! document invalidates, and a [`FieldPath`] is a field with its stored name.

mod check;
mod collection;
mod condition;
mod date;
mod declaration;
mod nested;
mod path;
mod scope;
mod sort;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

use bson::Document;

pub use collection::CollectionOptions;
pub use declaration::{DeclaredIndex, IndexField, IndexKind};
pub use nested::Date;
use path::{DocumentRoot, FieldSet};
pub use path::{FieldPath, Nested};
pub use scope::ChangeScope;
pub(crate) use scope::RenderedScope;
use sort::ModelIndexes;
pub use sort::{SortOrder, UnknownField};

/// Names in an expansion of `#[derive(Indexed)]`. Hidden, because anything here may change in any release.
#[doc(hidden)]
pub mod derived {
    pub use super::check::{
        check_arrays, check_prefix, index_field, list_element, map_entry, nested_fields, path_steps, require_date, root,
    };
    pub use super::collection::{Capped, CollectionOptions, TimeSeries};
    pub use super::condition::{
        check_literals, check_presence, check_sparse, check_types, stored_literal, written_date,
    };
    pub use super::declaration::{Collation, Condition, Literal, Operator, Projection};
    pub use super::nested::{Converted, DefaultFacts, TypeFacts};
    pub use super::path::{FieldLocation, FieldSet, MapKey, StoredField, StoredFields, StructField, ValueKind};
    pub use super::scope::{ScopePiece, UnfitField, read_field, require_single_value, write_part};
    pub use super::{ChangeScope, DeclaredIndex, FieldPath, IndexField, IndexKind, Indexed, Nested};
    pub use fastness_core::seam::{Arg, by_debug, by_display, digest, lower};

    /// Traits by which a scope finds out, by method call, how the type of a field is written into a key.
    pub mod ladder {
        pub use super::super::scope::UnfitField;
        pub use fastness_core::seam::DisplayArg;
    }
}

/// A model: its collection, and the indexes that it needs. Implemented by `#[derive(Indexed)]`.
pub trait Indexed: Nested + Sized + 'static {
    /// The name of the collection.
    const COLLECTION: &'static str;

    /// The declared indexes, in the order of the attributes. The index on `_id`, which MongoDB creates itself, is not included.
    const INDEXES: &'static [DeclaredIndex];

    /// Keys and prefixes that a change of a document invalidates, in the order of `scopes(..)`; see [`changes`](crate::changes).
    const SCOPES: &'static [ChangeScope] = &[];

    /// The declared options of the collection, which [`apply`](crate::IndexManager::apply) creates it with.
    const COLLECTION_OPTIONS: CollectionOptions = CollectionOptions::DEFAULT;

    /// Returns the fields, for filters, updates and sorts whose names the compiler checks.
    fn fields() -> &'static Self::Fields<Self, DocumentRoot> {
        FieldSet::ALL
    }

    /// Returns the names that a request may sort by: `_id`, and the first field of each index over all documents.
    fn sortable() -> Vec<Cow<'static, str>> {
        Self::sortable_within(&[])
    }

    /// Returns the names that a request may sort by if its filter fixes the fields `fixed` by equality: `_id`, and the first field of each
    /// index that is not in `fixed`.
    fn sortable_within(fixed: &[&str]) -> Vec<Cow<'static, str>> {
        model_indexes::<Self>().sortable(fixed)
    }

    /// Returns the sort document for a name that came with a request, if an index serves it; for the `sort` option of a query.
    ///
    /// ```
    /// use bson::doc;
    /// use fastness::Indexed;
    /// use fastness::mongo::model::SortOrder;
    ///
    /// #[derive(Indexed)]
    /// #[indexed(collection = "products")]
    /// struct Product {
    ///     #[index(desc)]
    ///     price: f64,
    ///     color: String,
    /// }
    ///
    /// assert_eq!(Product::sort_by("price", SortOrder::Ascending).unwrap(), doc! { "price": 1 });
    ///
    /// let error = Product::sort_by("color", SortOrder::Ascending).unwrap_err();
    /// assert_eq!(error.to_string(), "`color` cannot be used to sort `products`: use one of `_id`, `price`");
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnknownField`], with the names that are allowed.
    fn sort_by(name: &str, order: SortOrder) -> Result<Document, UnknownField> {
        Self::sort_within(&[], name, order)
    }

    /// Like [`sort_by`](Self::sort_by), for a filter that fixes the fields `fixed` by equality: with an index on `business` and
    /// `createdAt`, the products of one business can be sorted by `createdAt`.
    ///
    /// # Errors
    ///
    /// [`UnknownField`], with the names that are allowed.
    fn sort_within(fixed: &[&str], name: &str, order: SortOrder) -> Result<Document, UnknownField> {
        model_indexes::<Self>().sort_by(fixed, name, order)
    }

    /// Returns the names that a request may filter by: `_id`, and the first field of each index that is neither
    /// partial, hidden, text nor wildcard.
    fn filterable() -> Vec<Cow<'static, str>> {
        model_indexes::<Self>().filterable()
    }

    /// Returns the stored name for a name that came with a request, if an index serves a filter by it.
    ///
    /// # Errors
    ///
    /// [`UnknownField`], with the names that are allowed.
    fn filter_by(name: &str) -> Result<Cow<'static, str>, UnknownField> {
        model_indexes::<Self>().filter_by(name)
    }
}

fn model_indexes<M: Indexed>() -> ModelIndexes {
    ModelIndexes { collection: M::COLLECTION, indexes: M::INDEXES }
}
