//! The REST surface: routes and handlers per model, one shape for every error.
//!
//! A request passes, outermost first: `trace` (a span and a line), `tally` (counts failures), `catch_panic` (a panic is a
//! 500), `cached` (this server's cache, and a header that says what it did), then the route. Extractors turn outside data
//! into drafts and queries, or answer for the handler with a [`Problem`]; a handler calls a service and dresses its answer.
//!
//! May use: `clock`, `domain`, `memory`, `service`, `store`, `supplier`.

mod businesses;
mod cache;
mod events;
mod health;
mod index;
mod manufacturers;
mod openapi;
mod products;
mod ratings;
mod resilience;
mod supplier;
mod users;
mod votes;

mod answer;
mod body;
mod cached;
mod lists;
mod problem;
mod queries;
mod query;
mod tally;

pub use health::Health;
pub use index::ENDPOINTS;
pub use problem::Problem;
pub use tally::Tally;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use fastness::Fastness;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::service::{
    BusinessService, EventService, ManufacturerService, ProductService, RatingService, UserService, VoteService,
};
use crate::supplier::Supplier;

/// The largest body that is read, in bytes. The largest honest one, a product with a full description, has a hundredth.
pub const MAX_BODY: usize = 1024 * 1024;

/// What the handlers work with.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the types are the whole story")]
pub struct Parts {
    pub businesses: BusinessService,
    pub events: EventService,
    pub manufacturers: ManufacturerService,
    pub products: ProductService,
    pub ratings: RatingService,
    pub supplier: Supplier,
    pub users: UserService,
    pub votes: VoteService,
    pub health: Health,
    pub tally: Tally,
    pub cache: Fastness,
}

/// The whole surface.
pub fn router(parts: Parts) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    Router::new()
        .merge(index::routes())
        .merge(openapi::routes())
        .merge(users::routes(parts.users))
        .merge(businesses::routes(parts.businesses.clone(), parts.products.clone()))
        .merge(manufacturers::routes(parts.manufacturers))
        .merge(votes::routes(parts.votes, parts.businesses))
        .merge(events::routes(parts.events, parts.products.clone()))
        .merge(products::routes(parts.products))
        .merge(ratings::routes(parts.ratings))
        .merge(cache::routes(parts.cache.clone()))
        .merge(resilience::routes())
        .merge(supplier::routes(parts.supplier))
        .merge(health::routes(parts.health))
        .fallback(no_route)
        // Only routes that are there by now are covered: keep it below them.
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(parts.cache, cached::tell))
        .layer(CatchPanicLayer::custom(problem::from_panic))
        .layer(from_fn_with_state(parts.tally, tally::count))
        .layer(trace)
}

async fn no_route(uri: Uri) -> Problem {
    Problem::not_found(format!("nothing is served at `{}`; GET / lists what is", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::wrong_method(format!("`{}` does not take {method}; the Allow header lists what it takes", uri.path()))
}
