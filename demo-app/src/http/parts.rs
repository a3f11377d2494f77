//! The parts that handlers work with.

use std::sync::Arc;

use fastness::Fastness;
use fastness::http::Timings;
use fastness::monitor::{MemoryGuard, Monitor};

use crate::service::{
    BusinessService, EventService, ManufacturerService, ProductService, RatingService, UserService, VoteService,
};
use crate::store::Repository;
use crate::supplier::Supplier;

/// The services and the shared state that the handlers use.
#[derive(Clone)]
#[expect(missing_docs, missing_debug_implementations, reason = "the types are the whole story")]
pub struct Parts {
    pub businesses: BusinessService,
    pub events: EventService,
    pub manufacturers: ManufacturerService,
    pub products: ProductService,
    pub ratings: RatingService,
    pub supplier: Supplier,
    pub users: UserService,
    pub votes: VoteService,
    pub repository: Arc<dyn Repository>,
    pub cache: Fastness,
    pub monitor: Monitor,
    pub guard: MemoryGuard,
    pub timings: Timings,
}
