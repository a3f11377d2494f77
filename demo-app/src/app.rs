//! Puts the parts together: a repository below, the services on it, the HTTP surface on top.
//!
//! May use: everything but `server` and `config`.

use std::sync::Arc;

use axum::Router;
use fastness::Fastness;

use crate::clock::Clock;
use crate::http::{self, Health, Parts, Tally};
use crate::service::{
    BusinessService, EventService, ManufacturerService, ProductService, RatingService, UserService, VoteService,
};
use crate::store::Repository;
use crate::supplier::Supplier;

/// The application over `repository` and `supplier` with `cache` in front, ready to be served, or called in a test.
pub fn app(repository: Arc<dyn Repository>, supplier: Supplier, clock: Clock, cache: Fastness) -> Router {
    let tally = Tally::default();
    let users = UserService::new(Arc::clone(&repository), clock.clone());
    http::router(Parts {
        businesses: BusinessService::new(Arc::clone(&repository), clock.clone()),
        events: EventService::new(Arc::clone(&repository), clock.clone()),
        manufacturers: ManufacturerService::new(Arc::clone(&repository)),
        products: ProductService::new(Arc::clone(&repository), clock.clone()),
        ratings: RatingService::new(supplier.client.clone()),
        supplier,
        votes: VoteService::new(Arc::clone(&repository), users.clone(), clock.clone()),
        users,
        health: Health::new(repository, clock, tally.clone(), cache.clone()),
        tally,
        cache,
    })
}
