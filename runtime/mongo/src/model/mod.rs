//! Models: the indexes and scopes that they declare, and their fields as paths that the compiler checks.
//!
//! May use: nothing of this crate.
//!
//! `#[derive(Indexed)]` writes all of it. [`Declaration`] is one index, in constants; [`Scope`] is a pattern of keys that a change of a
//! document invalidates; [`Path`] is a field by its stored name.

mod check;
mod declaration;
mod nested;
mod path;
mod scope;
mod sort;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

pub use declaration::{Collation, Condition, Declaration, Field, Kind, Literal, Operator};
pub use nested::{Date, Keyed};
use path::{FieldSet, Root};
pub use path::{Nested, Path};
pub(crate) use scope::Rendered;
pub use scope::{Scope, ScopePiece};
use sort::Lists;
pub use sort::{Order, Sort, UnknownField};

/// The names in an expansion of `#[derive(Indexed)]`.
#[doc(hidden)]
pub mod derived {
    pub use super::check::{arrays, below, compares, date, entry, field, root, steps};
    pub use super::nested::{Ask, Converted, Unknown};
    pub use super::path::{At, FieldSet, Holds, In, Key, Segment, Segments};
    pub use super::scope::{UnfitField, read, single, write};
    pub use super::{
        Collation, Condition, Declaration, Field, Indexed, Kind, Literal, Nested, Operator, Path, Scope, ScopePiece,
    };
    pub use fastness_core::seam::{Arg, digest, lower};

    /// The traits by which a scope asks the type of a field by method call.
    pub mod ladder {
        pub use super::super::scope::UnfitField;
        pub use fastness_core::seam::DisplayArg;
    }
}

/// A model: its collection and the indexes that it needs. Derive it.
pub trait Indexed: Nested + Sized + 'static {
    /// The name of the collection.
    const COLLECTION: &'static str;

    /// The indexes, in the order of the attributes; the one over `_id`, which MongoDB makes itself, is not among them.
    const INDEXES: &'static [Declaration];

    /// What a change of a document invalidates, in the order of `scopes(..)`: see [`changes`](crate::changes).
    const SCOPES: &'static [Scope] = &[];

    /// The fields, for filters, updates and sorts whose names the compiler checks.
    fn fields() -> &'static Self::Fields<Self, Root> {
        FieldSet::ALL
    }

    /// The names that a request may sort by: those that lead an index over all documents, and `_id`.
    fn sortable() -> Vec<Cow<'static, str>> {
        Self::sortable_within(&[])
    }

    /// The names that a request may sort by if its filter fixes the fields `fixed` by equality: those that lead an index, or
    /// stand in it behind fixed ones only.
    fn sortable_within(fixed: &[&str]) -> Vec<Cow<'static, str>> {
        lists::<Self>().sortable(fixed)
    }

    /// The sort by a name that came with a request, if an index serves it.
    ///
    /// ```
    /// use fastness::Indexed;
    /// use fastness::mongo::model::Order;
    ///
    /// #[derive(Indexed)]
    /// #[indexed(collection = "products")]
    /// struct Product {
    ///     #[index(desc)]
    ///     price: f64,
    ///     color: String,
    /// }
    ///
    /// assert_eq!(Product::sort_by("price", Order::Ascending).unwrap().name, "price");
    ///
    /// let error = Product::sort_by("color", Order::Ascending).unwrap_err();
    /// assert_eq!(error.to_string(), "`color` cannot be used to sort `products`: use one of `_id`, `price`");
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnknownField`], with the names that are allowed.
    fn sort_by(name: &str, order: Order) -> Result<Sort, UnknownField> {
        Self::sort_within(&[], name, order)
    }

    /// The same where the filter fixes the fields `fixed` by equality: with an index over `business` and `createdAt`, the
    /// products of one business can be sorted by `createdAt`.
    ///
    /// # Errors
    ///
    /// [`UnknownField`], with the names that are allowed.
    fn sort_within(fixed: &[&str], name: &str, order: Order) -> Result<Sort, UnknownField> {
        lists::<Self>().sort_by(fixed, name, order)
    }

    /// The names that a request may filter by: those that lead an index, and `_id`.
    fn filterable() -> Vec<Cow<'static, str>> {
        lists::<Self>().filterable()
    }

    /// The stored name for a name that came with a request, if an index serves a filter by it.
    ///
    /// # Errors
    ///
    /// [`UnknownField`], with the names that are allowed.
    fn filter_by(name: &str) -> Result<Cow<'static, str>, UnknownField> {
        lists::<Self>().filter_by(name)
    }
}

fn lists<M: Indexed>() -> Lists {
    Lists { collection: M::COLLECTION, indexes: M::INDEXES }
}
