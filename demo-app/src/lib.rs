//! The reference server of fastness: a marketplace of businesses, products and users.
//!
//! Modules in reading order; each may use those above it, as its own documentation says.
//!
//! A request: `http` (extract, check) -> `service` (what is cached, and what a write invalidates) -> `store` (the database).

pub mod app;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod memory;
pub mod server;
pub mod service;
pub mod store;
