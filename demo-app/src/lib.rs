//! The reference server of fastness: a marketplace of businesses, manufacturers, users, products, votes and
//! supply-chain events.
//!
//! A request: [`http`] (extract, check) -> [`service`] (what is cached, and what a write invalidates) -> [`store`] (the
//! database, behind a seam) or [`supplier`] (another party's service), all speaking of [`domain`]. [`app`] puts the parts
//! together, [`server`] serves them by [`config`], and [`cli`] is the program. Each module's documentation lists the modules that
//! it may use; everything points from `cli` towards `domain`, never back.
//!
//! Read first: `service/products.rs` and `service/ratings.rs` (the attributes), `domain/product.rs` (indexes), `http/crud.rs`
//! (handlers), `http/stack.rs` (layers). The rest is what a public server needs besides.

// Printing panics where it cannot be written: `cli::print` and `log` say what then.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod log;
pub mod peers;
pub mod server;
pub mod service;
pub mod store;
pub mod supplier;
