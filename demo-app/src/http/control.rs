//! Health and control endpoints, and the gate before the latter.

#![expect(clippy::result_large_err, reason = "the error is the answer, as in axum itself")]

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts as Head;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use fastness::http::{HostLayer, Stack};
use fastness::routes::BearerToken;
use serde_json::json;

use super::parts::Parts;
use super::problem::{Problem, wrong_method};
use super::{cache, resilience, settings, stack, supplier};
use crate::config::{Config, Control};

/// The demand of one listener on requests for a control endpoint.
#[derive(Clone, Debug)]
pub(super) enum Gate {
    /// No demand.
    Open,
    /// A bearer token.
    Token(BearerToken),
    /// No request passes; the text gives the reason, and how to change that.
    Closed(&'static str),
}

/// Bytes of a request to a control endpoint.
const BODY: usize = 64 << 10;
const MOVED: &str = "this endpoint stands on the private listener (ADMIN_ADDR) alone";
const UNSET: &str = "this endpoint is closed, as others than this computer can reach the server: set ADMIN_TOKEN, or \
                     ADMIN_ADDR for a private listener";

impl Gate {
    /// The gates of the public listener and of the private one.
    pub(super) fn from_control(control: Control<'_>) -> (Self, Self) {
        let token = |secret: &crate::config::Secret| Self::Token(BearerToken::new(secret.expose()));
        match control {
            Control::Open => (Self::Open, Self::Closed(UNSET)),
            Control::Token(secret) => (token(secret), Self::Closed(UNSET)),
            Control::Private(_, secret) => (Self::Closed(MOVED), secret.map_or(Self::Open, token)),
            Control::Closed => (Self::Closed(UNSET), Self::Closed(UNSET)),
        }
    }

    fn check(&self, head: &Head) -> Result<(), Response> {
        match self {
            Self::Open => Ok(()),
            Self::Token(token) => token.check(head),
            Self::Closed(why) => Err(Problem::new(StatusCode::FORBIDDEN, *why).into_response()),
        }
    }
}

/// All of them, behind `gate`. Nothing else turns their requests away.
pub(super) fn routes(parts: &Parts, gate: Gate, config: &Config) -> Router {
    let gate = Arc::new(gate);
    // Within the gate, so that bodies are read of those only whom it lets in.
    let body_limit = Stack::new().body_limit(stack::body_limit(config.body_limit.min(BODY), config));
    let slow_queries = |State(parts): State<Parts>| async move { Json(parts.market.repository.slow_queries()) };
    let indexes =
        |State(parts): State<Parts>| async move { Json(json!({ "database": parts.market.repository.report() })) };
    let control = Router::new()
        .route("/api/cache/stats", get(cache::stats))
        .route("/api/cache/registry", get(cache::registry))
        .route("/api/cache/invalidate", post(cache::invalidate))
        .route("/api/resilience", get(resilience::list))
        .route("/api/breakers/{name}", get(resilience::read).put(resilience::force))
        .route("/api/settings", get(settings::read).put(settings::apply))
        .route("/api/supplier", get(supplier::read).put(supplier::turn))
        .route("/api/slow-queries", get(slow_queries))
        .route("/api/indexes", get(indexes))
        .layer(body_limit)
        .route_layer(from_fn_with_state(gate.clone(), pass))
        .method_not_allowed_fallback(wrong_method)
        .with_state(parts.clone());
    let monitor = fastness::routes::monitor(&parts.monitor).authorize(move |head: &Head| gate.check(head));
    let monitor = Router::from(monitor).method_not_allowed_fallback(wrong_method);
    let layers = Stack::new().timing(stack::timing(&parts.timings)).host(HostLayer::new());
    stack::handled(control, &parts.cache, config).merge(monitor).layer(layers)
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match gate.check(&head) {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(refusal) => refusal,
    }
}
