//! MongoDB for [`fastness`](https://docs.rs/fastness), which re-exports this crate as `fastness::mongo`: indexes that are declared on
//! models, slow queries, and change streams as invalidations.
//!
//! | | |
//! |---|---|
//! | [`Client`], [`Collection`], [`Cursor`] | the driver's calls, timed and with a time limit |
//! | [`IndexManager`] | plans, applies and advises on the indexes that models declare |
//! | [`model`] | the declarations of `#[derive(Indexed)]`, and fields as checked paths |
//! | [`plan`] | an index in normal form; the steps of a plan, and their outcomes |
//! | [`slow`] | slow queries by shape, and the server's profiler |
//! | [`advice`] | missing indexes, and indexes that are not needed |
//! | [`changes`] | change streams as invalidations |
//! | [`transaction()`] | a transaction whose invalidations are sent when it has committed |
//!
//! The API uses types of the driver: databases, options and results of operations are those of [`mongodb`]; keys, filters and ids are those
//! of [`bson`]. Add both crates to your own manifest, with the same major versions as this crate.

// On docs.rs, items that need a feature are marked.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod advice;
pub mod changes;
mod client;
mod collection;
mod command;
mod conversions;
#[cfg(feature = "redis")]
mod documents;
mod error;
mod lease;
mod manager;
pub mod model;
#[cfg(feature = "monitor")]
mod monitor;
pub mod plan;
mod query;
pub mod slow;
mod transaction;

pub use client::{Client, Settings, Snapshot};
pub use collection::{Collection, Cursor};
pub use error::Error;
pub use manager::IndexManager;
pub use model::Indexed;
pub use transaction::{TransactionError, transaction};
