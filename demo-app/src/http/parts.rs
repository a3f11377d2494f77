//! The parts that handlers work with.

use fastness::Fastness;
use fastness::http::Timings;
use fastness::monitor::{MemoryGuard, Monitor};

use crate::service::Market;
use crate::supplier::Supplier;

/// The services and the shared state that the handlers use.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the types are the whole story")]
pub struct Parts {
    pub market: Market,
    pub supplier: Supplier,
    pub cache: Fastness,
    pub monitor: Monitor,
    pub guard: MemoryGuard,
    pub timings: Timings,
}
