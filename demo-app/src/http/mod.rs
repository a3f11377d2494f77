//! The REST surface: routes and handlers per model, one shape for every error.
//!
//! A request passes, outermost first: the runtime's layers (`stack`: ids, timing, host, memory, rate, body, cache, limit, replay, breaker),
//! compression, `middleware` (this server's cache, a bound on time), a net for panics, then the route. Health and
//! control endpoints have none of what turns requests away, but a gate (`control`): a client that may ask for the server's state gets
//! an answer. Extractors turn outside data into drafts and queries, or answer
//! for the handler with a [`Problem`]; a handler calls a service, dresses its answer, and says by `cache_control` who may keep it.
//!
//! May use: `clock`, `config`, `domain`, `service`, `store`, `supplier`.

mod businesses;
mod cache;
mod control;
mod events;
mod fallbacks;
mod figures;
mod index;
mod manufacturers;
mod openapi;
mod products;
mod ratings;
mod resilience;
mod supplier;
mod users;
mod votes;

mod body;
mod cache_control;
mod lists;
mod middleware;
mod parts;
mod problem;
mod queries;
mod query;
mod responses;
mod stack;
mod when;

pub(crate) use figures::watched_routes;
pub use index::{Access, ENDPOINTS};
pub use parts::Parts;
pub use problem::Problem;

use axum::Router;

use self::control::Gate;
use self::fallbacks::{no_route, wrong_method};
use crate::config::Config;

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
    let api = Router::new()
        .merge(index::routes())
        .merge(openapi::routes())
        .merge(users::routes(parts.users.clone()))
        .merge(businesses::routes(parts.businesses.clone(), parts.products.clone()))
        .merge(manufacturers::routes(parts.manufacturers.clone()))
        .merge(votes::routes(parts.votes.clone(), parts.businesses.clone()))
        .merge(events::routes(parts.events.clone(), parts.products.clone()))
        .merge(products::routes(parts.products.clone()))
        .merge(ratings::routes(parts.ratings.clone()))
        .fallback(no_route)
        // Only routes that are there by now are covered: keep it below them.
        .method_not_allowed_fallback(wrong_method);
    let (public, private) = Gate::from_control(config.control());
    Surface {
        public: stack::around(api, &parts.cache, &parts.guard, &parts.timings, config)
            .merge(control::routes(parts, public, config)),
        private: index::routes().fallback(no_route).merge(control::routes(parts, private, config)),
    }
}
