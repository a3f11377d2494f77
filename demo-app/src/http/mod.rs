//! The REST surface: every route, handlers, and one shape for every error.
//!
//! A request passes, outermost first: the runtime's layers (`stack`: ids, timing, host, memory, rate, body, cache, limit, replay, breaker),
//! compression, `middleware` (this server's cache, a bound on time), a net for panics, then the route. Health and
//! control endpoints have none of what turns requests away, but a gate (`control`): a client that may ask for the server's state gets
//! an answer. Extractors turn outside data into drafts and queries, or answer
//! for the handler with a [`Problem`]; a handler calls a service, dresses its answer, and says by `cache_control` which caches may store it.
//!
//! May use: `clock`, `config`, `domain`, `service`, `store`, `supplier`.

mod cache;
mod control;
mod crud;
mod events;
mod openapi;
mod products;
mod resilience;
mod settings;
mod supplier;
mod votes;

mod body;
mod cache_control;
mod json;
mod middleware;
mod parts;
mod problem;
mod queries;
mod query;
mod responses;
mod stack;
mod when;

pub use openapi::{Access, Endpoint, endpoints};
pub use parts::Parts;
pub use problem::Problem;

use axum::Router;
use axum::routing::get;

use self::control::Gate;
use self::problem::{no_route, wrong_method};
use crate::config::Config;
use crate::domain::{Business, Manufacturer, Product, User};
use crate::service::Market;

/// The routes of the server, by listener.
#[derive(Clone, Debug)]
pub struct Surface {
    /// Routes for every client; and the control endpoints, if they [stand there](crate::config::Control).
    pub public: Router,
    /// Health and the control endpoints.
    pub private: Router,
}

/// The whole surface.
pub fn surface(parts: &Parts, config: &Config) -> Surface {
    let (public, private) = Gate::from_control(config.control());
    let api = marketplace().with_state(parts.market.clone());
    Surface {
        public: stack::around(api, &parts.cache, &parts.guard, &parts.timings, config)
            .merge(control::routes(parts, public, config)),
        private: Router::new()
            .route("/", get(openapi::index))
            .fallback(no_route)
            .merge(control::routes(parts, private, config)),
    }
}

fn marketplace() -> Router<Market> {
    Router::new()
        .route("/", get(openapi::index))
        .route("/openapi.json", get(openapi::document))
        .route("/api/users", crud::many::<User>())
        .route("/api/users/{id}", crud::one::<User>())
        .route("/api/businesses", crud::many::<Business>())
        .route("/api/businesses/{id}", crud::one::<Business>())
        .route("/api/businesses/{id}/products", get(products::of_business))
        .route("/api/businesses/{id}/proposals/{proposal}/tally", get(votes::tally))
        .route("/api/manufacturers", crud::many::<Manufacturer>())
        .route("/api/manufacturers/{id}", crud::one::<Manufacturer>())
        .route("/api/products", crud::many::<Product>())
        .route("/api/products/search", get(products::search))
        .route("/api/products/{id}", crud::one::<Product>())
        .route("/api/products/{id}/trace", get(events::trace))
        .route("/api/products/{id}/rating", get(products::rating))
        .route("/api/votes", get(votes::list).post(votes::cast))
        .route("/api/votes/{vote}", get(votes::read))
        .route("/api/events", get(events::list).post(events::append))
        .route("/api/events/near", get(events::near))
        .route("/api/events/{id}", get(events::read))
        .fallback(no_route)
        // Only routes that are there by now are covered: it stays below them.
        .method_not_allowed_fallback(wrong_method)
}
