//! Bearer tokens.

use std::fmt;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::headers::NO_STORE;
use crate::http::Problem;

/// Token that requests must carry: `Authorization: Bearer <token>` (RFC 6750), or `Basic` with any user and the token as the password, for
/// which browsers have a dialog.
///
/// Only its SHA-256 is stored and compared, so the token cannot be printed, and the time of a comparison reveals nothing about it. Use at
/// least 128 random bits, such as the output of `openssl rand -hex 32`, and serve the pages over TLS or on a private network.
///
/// ```
/// use fastness::routes::BearerToken;
///
/// let token = BearerToken::new("b1c1a7d9e0f24c6c");
/// let (head, ()) = http::Request::get("/metrics").header("authorization", "Bearer b1c1a7d9e0f24c6c").body(())?.into_parts();
/// assert!(token.check(&head).is_ok());
/// let (head, ()) = http::Request::get("/metrics").body(())?.into_parts();
/// assert_eq!(token.check(&head).unwrap_err().status(), 401);
/// # Ok::<_, http::Error>(())
/// ```
#[derive(Clone)]
pub struct BearerToken {
    digest: [u8; 32],
}

impl BearerToken {
    /// Creates the token. With an empty one, every request is rejected.
    pub fn new(token: &str) -> Self {
        Self { digest: digest(token.as_bytes()) }
    }

    /// Checks that a request carries the token.
    ///
    /// # Errors
    ///
    /// The response to a request without it: 401 with `WWW-Authenticate`.
    pub fn check(&self, request: &Parts) -> Result<(), Response> {
        if given(request).and_then(token).is_some_and(|token| self.is(&token)) {
            return Ok(());
        }
        Err(unauthorized(&["Bearer realm=\"fastness\"", "Basic realm=\"fastness\", charset=\"UTF-8\""]))
    }

    /// Checks that a request carries the token as a bearer token. `Basic` does not count: a browser sends that by itself, for other sites
    /// too, and asks for it in a dialog.
    pub(super) fn check_bearer(&self, request: &Parts) -> Result<(), Response> {
        let bearer = given(request)
            .filter(|header| header.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer ")));
        if bearer.and_then(token).is_some_and(|token| self.is(&token)) {
            return Ok(());
        }
        Err(unauthorized(&["Bearer realm=\"fastness\""]))
    }

    fn is(&self, token: &[u8]) -> bool {
        !token.is_empty() && digest(token) == self.digest
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(***)")
    }
}

/// Returns the `Authorization` header. Several headers count as none, because software differs in which of them it uses.
fn given(request: &Parts) -> Option<&HeaderValue> {
    let mut given = request.headers.get_all(AUTHORIZATION).iter();
    given.next().filter(|_| given.next().is_none())
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Returns the token in an `Authorization` header.
fn token(header: &HeaderValue) -> Option<Vec<u8>> {
    let (scheme, rest) = header.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        Some(rest.as_bytes().to_vec())
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = BASE64_STANDARD.decode(rest).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        Some(pair[colon + 1..].to_vec())
    } else {
        None
    }
}

fn unauthorized(challenges: &[&'static str]) -> Response {
    let detail = "this page requires a token: send it as `Authorization: Bearer <token>`";
    let problem = Problem::new(StatusCode::UNAUTHORIZED, detail).into_response::<Body>();
    let mut response = problem.map(Body::new);
    for challenge in challenges {
        response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response.headers_mut().insert(NO_STORE.0, NO_STORE.1);
    response
}
