//! The REST surface: routes and handlers per model, one shape for every error.
//!
//! A request passes, outermost first: the runtime's layers (`stack`: ids, timing, host, memory, rate, body, cache, limit, replay, breaker),
//! compression, `middleware` (this server's cache, a bound on time), a net for panics, then the route. Health and
//! control endpoints have none of what turns requests away, but a gate (`control`): whoever may ask how the server is gets
//! an answer. Extractors turn outside data into drafts and queries, or answer
//! for the handler with a [`Problem`]; a handler calls a service, dresses its answer, and says by `cache_control` who may keep it.
//!
//! May use: `clock`, `config`, `domain`, `service`, `store`, `supplier`.

mod businesses;
mod cache;
mod control;
mod events;
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
mod problem;
mod queries;
mod query;
mod responses;
mod stack;
mod when;

pub(crate) use figures::routes_of;
pub use index::{Access, ENDPOINTS};
pub use problem::Problem;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, Uri};
use fastness::Fastness;
use fastness::http::HttpStats;
use fastness::monitor::{MemoryGuard, Monitor};

use self::control::Gate;
use crate::config::Config;
use crate::domain::cut;
use crate::service::{
    BusinessService, EventService, ManufacturerService, ProductService, RatingService, UserService, VoteService,
};
use crate::store::Repository;
use crate::supplier::Supplier;

/// What the handlers work with.
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
    pub stats: HttpStats,
}

/// What is served, by listener.
#[derive(Clone, Debug)]
pub struct Surface {
    /// Everything for everybody; and the control endpoints, if they [stand there](crate::config::Control).
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
        public: stack::around(api, &parts.cache, &parts.guard, &parts.stats, config)
            .merge(control::routes(parts, public, config)),
        private: index::routes().fallback(no_route).merge(control::routes(parts, private, config)),
    }
}

async fn no_route(uri: Uri) -> Problem {
    Problem::not_found(format!("nothing is served at `{}`; GET / lists what is", cut(uri.path().to_owned())))
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::wrong_method(format!(
        "`{}` does not take {method}; the Allow header lists what it takes",
        cut(uri.path().to_owned())
    ))
}
