//! Tower layers for HTTP servers, each usable alone; [`Stack`] puts them in order.
//!
//! May use: `clock`, `codec`, `direct`, `engine`, `flight`, `handle`, `key`, `l1`, `log`, `monitor`, `resilience`, `stats`, `sync`, `timed`.
//!
//! A layer answers with [`Body`]: the body of the service behind it, or bytes of its own, such as a [`Problem`]. None boxes a
//! future, except where the work is that of a disk or a network anyway ([`IdempotencyLayer`]), and none has a lock on the way
//! of every request but the adaptive [`ConcurrencyLimitLayer`].
//!
//! The service of a layer `XLayer` is `XService`, in [`services`]. Layers that reject requests are one,
//! [`GateLayer`](services::GateLayer), with a rule each.
//!
//! A layer that needs a [`Fastness`](crate::Fastness) takes it by `.on(&fast)`, and uses the one in force without that.
//!
//! # Paths that are exempt
//!
//! `exempt` means the same in every layer that has it. A pattern is a path, `/health`, which is this path alone, or ends in `/*`:
//! `/health/*` is `/health` and all that is below it. It is compared with the path as the client wrote it, not with what a router
//! has left of it, byte by byte and without the query. Each call adds to the paths that were named before. [`Stack::exempt`] names
//! paths for all of the layers that turn requests away.

mod admission;
mod body;
mod body_limit;
mod breaker;
mod broken;
mod cache;
mod coalesce;
mod collect;
mod endless;
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
#[cfg(feature = "rate-limit")]
mod rate_limit;
mod reading;
mod request_id;
mod resumed;
mod stack;
mod timing;

pub use body::Body;
pub use body_limit::BodyLimitLayer;
pub use breaker::BreakerLayer;
pub use cache::{CacheLayer, CacheTags};
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
#[cfg(feature = "rate-limit")]
pub use rate_limit::RateLimitLayer;
pub use request_id::{RequestId, RequestIdLayer};
pub use resumed::BodyError;
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
