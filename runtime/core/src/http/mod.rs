//! Tower layers for HTTP servers, each usable alone; [`Stack`] puts them in order.
//!
//! May use: `clock`, `codec`, `direct`, `engine`, `events`, `flight`, `handle`, `key`, `l1`, `log`, `monitor`, `resilience`, `stats`, `sync`, `timed`, `trace`.
//!
//! A layer answers with a [`Body`]: that of the inner service, or bytes of its own, such as a [`Problem`]. Futures are boxed only where
//! the work is that of a disk or a network anyway ([`IdempotencyLayer`]), and only the adaptive [`ConcurrencyLimitLayer`] takes a lock for
//! each request.
//!
//! The service of a layer `XLayer` is `XService`, in [`services`]. Layers that reject requests are one,
//! [`GateLayer`](services::GateLayer), with a rule each.
//!
//! A layer that needs a [`Fastness`](crate::Fastness) takes it by `.on(&fast)`, and otherwise uses the handle in force.
//!
//! # Paths that are exempt
//!
//! `exempt` means the same in every layer that has it. A pattern is a path, such as `/health`, which matches this path only, or ends in
//! `/*`: `/health/*` matches `/health` and everything below it. Patterns are compared with the path as the client sent it, before any
//! router strips a prefix, byte by byte and without the query. Each call adds to the patterns of earlier calls. [`Stack::exempt`] sets
//! patterns for memory guard, rate limit, concurrency limit and breaker.

mod admission;
mod body;
mod body_error;
mod body_limit;
mod breaker;
mod broken;
mod cache;
mod coalesce;
mod collect;
mod fill;
mod gate;
mod hop_by_hop;
mod host;
mod idempotency;
mod limit;
mod log_uri;
#[cfg(feature = "monitor")]
mod memory;
mod original_uri;
mod paths;
mod peer;
mod precondition;
mod problem;
mod provenance;
#[cfg(feature = "rate-limit")]
mod rate_limit;
mod reading;
mod request_id;
mod resumed;
mod stack;
mod streaming;
mod timing;
mod types;

pub use body::Body;
pub use body_error::BodyError;
pub use body_limit::BodyLimitLayer;
pub use breaker::BreakerLayer;
pub use cache::{CacheLayer, CacheTags, ClientReloads, TagField};
pub use coalesce::CoalesceLayer;
pub use host::HostLayer;
pub use idempotency::IdempotencyLayer;
pub use limit::ConcurrencyLimitLayer;
pub use log_uri::LogUri;
#[cfg(feature = "monitor")]
pub use memory::MemoryGuardLayer;
pub use peer::peer_network;
pub use precondition::Preconditions;
pub use problem::Problem;
pub use provenance::{Visibility, provenance_headers};
#[cfg(feature = "rate-limit")]
pub use rate_limit::RateLimitLayer;
pub use request_id::{RequestId, RequestIdLayer};
pub use stack::Stack;
pub use timing::{Snapshot, TimingLayer, Timings, snapshots};

/// Services of the layers, and the body of their responses, for code that has to name these types.
pub mod services {
    pub use super::body_limit::BodyLimitService;
    pub use super::cache::CacheService;
    pub use super::gate::{GateLayer, GateService};
    pub use super::idempotency::IdempotencyService;
    pub use super::request_id::RequestIdService;
    pub use super::resumed::ResumedBody;
    pub use super::timing::TimingService;
}

#[cfg(test)]
async fn poll_once<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
}
