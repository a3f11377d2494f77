//! MongoDB indexes that are declared on models: what a model declares, and what is made of it. (What is made of a model's
//! scopes is in `changes`.)
//!
//! May use: `clock`, `key`, `sync`, `timed`.
//!
//! [`spec`](IndexSpec) says what is declared, in constants. [`Index`] is one in normal form, from a declaration or from a
//! server's list; [`Plan`] compares them and decides, without a server. Only [`Indexes::apply`] writes, and nothing is ever
//! dropped that was not asked for. [`Advice`] is again decided without a server, from what was measured: by [`Collection`], which
//! times its calls and remembers the slow ones by shape, and by the server's [`Profiler`].

mod advise;
mod apply;
mod build;
mod check;
mod client;
mod collection;
mod error;
mod indexes;
mod lease;
mod nested;
mod normal;
mod optimize;
mod options;
mod path;
mod plan;
mod profiler;
mod query;
mod report;
mod scope;
mod server;
mod slow;
mod sort;
mod spec;
#[cfg(test)]
mod tests;
mod text;
mod unique;

use std::borrow::Cow;

pub use advise::{Advice, Analysis, Evidence, Explained, Reason, SlowQuery, Suggestion, Unneeded, Usage};
pub use client::{Client, ClientOptions, Health, Metrics};
pub use collection::{Collection, Cursor};
pub use error::Error;
pub(crate) use error::code;
pub use indexes::Indexes;
pub(crate) use lease::{held, holder};
pub use nested::{Date, Keyed, Nested};
pub use normal::{Difference, Index};
pub use optimize::Chosen;
pub use options::{ApplyOptions, Progress, Unmanaged};
pub use path::Path;
use path::{FieldSet, Root};
pub use plan::{Action, Clash, Plan, Step};
pub use profiler::{Profile, Profiler, Profiling};
pub use query::{Operation, Query};
pub use report::{Entry, Outcome, Report};
pub(crate) use scope::Rendered;
pub use scope::{Scope, ScopePiece};
pub use slow::{SlowQueries, SlowShape, Source};
use sort::Lists;
pub use sort::{Order, Sort, UnknownField};
pub use spec::{Collation, Condition, Field, IndexSpec, Kind, Literal, Operator};
pub use unique::Duplicates;

/// What the derive names, for the door of the macros.
pub(crate) mod derived {
    pub use super::check::{arrays, below, compares, date, entry, field, root, steps};
    pub use super::nested::{Ask, Converted, Unknown};
    pub use super::path::{At, FieldSet, Holds, In, Key, Segment, Segments};
    pub use super::scope::{UnfitField, read, single, write};
    pub use crate::key::arg::Arg;
    pub use crate::key::args::{digest, lower};
}

/// A model: its collection and the indexes that it needs. Derive it.
pub trait Indexed: Nested + Sized + 'static {
    /// The name of the collection.
    const COLLECTION: &'static str;

    /// The indexes, in the order of the attributes; the one over `_id`, which MongoDB makes itself, is not among them.
    const INDEXES: &'static [IndexSpec];

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
    /// use fastness::{Indexed, index::Order};
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
