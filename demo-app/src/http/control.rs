//! Health and control endpoints, and the gate before the latter.

#![expect(clippy::result_large_err, reason = "the error is the answer, as in axum itself")]

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts as Head;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use fastness::http::{HostLayer, Stack};
use fastness::routes::BearerToken;

use super::fallbacks::wrong_method;
use super::parts::Parts;
use super::problem::Problem;
use super::{cache, figures, resilience, stack, supplier};
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
    let own = Router::new()
        .merge(cache::routes(parts.cache.clone()))
        .merge(resilience::routes())
        .merge(supplier::routes(parts.supplier.clone()))
        .merge(figures::routes(parts.repository.clone()))
        .layer(body_limit)
        .route_layer(from_fn_with_state(gate.clone(), pass))
        .method_not_allowed_fallback(wrong_method);
    let monitor = fastness::routes::monitor(&parts.monitor).authorize(move |head: &Head| gate.check(head));
    let monitor = Router::from(monitor).method_not_allowed_fallback(wrong_method);
    let layers = Stack::new().timing(stack::timing(&parts.timings)).host(HostLayer::new());
    stack::handled(own, &parts.cache, config).merge(monitor).layer(layers)
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match gate.check(&head) {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(refusal) => refusal,
    }
}
