//! MongoDB indexes that are declared on models: what a model declares, and what is made of it.
//!
//! May use: `clock`.
//!
//! [`spec`](IndexSpec) says what is declared, in constants. [`Index`] is one in normal form, from a declaration or from a
//! server's list; [`Plan`] compares them and decides, without a server. Only [`Indexes::apply`] writes, and nothing is ever
//! dropped that was not asked for. [`Advice`] is again decided without a server, from what was measured.

mod advise;
mod apply;
mod build;
mod client;
mod error;
mod indexes;
mod lease;
mod normal;
mod options;
mod plan;
mod report;
mod server;
mod spec;
mod unique;

pub use advise::{Advice, Evidence, Explained, Reason, SlowQuery, Suggestion, Unneeded, Usage};
pub use client::{Client, ClientOptions, Health, Metrics};
pub use error::Error;
pub use indexes::Indexes;
pub use normal::{Difference, Index};
pub use options::{ApplyOptions, Progress, Unmanaged};
pub use plan::{Action, Clash, Plan, Step};
pub use report::{Entry, Outcome, Report};
pub use spec::{Collation, Condition, Field, IndexSpec, Kind, Literal, Operator};
pub use unique::Duplicates;

/// A model: the collection in which its documents are, and the indexes that this needs.
pub trait Indexed {
    /// The name of the collection.
    const COLLECTION: &'static str;

    /// The indexes, in the order of the attributes; the one over `_id`, which MongoDB makes itself, is not among them.
    const INDEXES: &'static [IndexSpec];
}
