//! MongoDB for [`fastness`](https://docs.rs/fastness), which re-exports this crate as `fastness::mongo`: indexes that are declared on models,
//! slow queries, and change streams as invalidations.
//!
//! | | |
//! |---|---|
//! | [`Client`], [`Collection`], [`Cursor`] | the driver's calls with a bound on each, timed |
//! | [`IndexManager`] | plans, applies and advises on the indexes that models declare |
//! | [`model`] | what `#[derive(Indexed)]` declares, and its fields as checked paths |
//! | [`plan`] | an index in normal form; what is to be done, and what was |
//! | [`slow`] | slow queries by shape, and the server's profiler |
//! | [`advise`] | indexes that are missing, and those that nothing needs |
//! | [`changes`] | change streams as invalidations |
//!
//! Types of the driver stand in this API where they are the point: databases, options and results of operations are [`mongodb`]'s, and keys,
//! filters and ids are [`bson`]'s. Name both crates in your own manifest, with the major versions of this one.

// On docs.rs, what needs a feature says so.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod advise;
mod ask;
pub mod changes;
mod client;
mod collection;
#[cfg(feature = "redis")]
mod documents;
mod error;
mod lease;
mod manage;
pub mod model;
#[cfg(feature = "monitor")]
mod monitor;
pub mod plan;
mod query;
pub mod slow;
mod values;

pub use client::{Client, Settings, Snapshot};
pub use collection::{Collection, Cursor};
pub use error::Error;
pub use manage::IndexManager;
pub use model::Indexed;
