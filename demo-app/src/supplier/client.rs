//! Asks the supplier over HTTP, and says what went wrong.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Request, StatusCode, Uri, header};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use fastness::resilience::{Rejected, TimedOut};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};

use crate::config::Url;

/// The supplier's rating of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// The rating from 1 to 5; none if the supplier could not be asked.
    pub stars: Option<f32>,
    /// The number of people who rated it.
    pub reviews: u32,
}

impl Rating {
    /// The answer where no rating is known.
    pub const UNKNOWN: Self = Self { stars: None, reviews: 0 };
}

/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// The reason why there is no rating.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SupplierError {
    /// The supplier has no such product. That is an answer, and says that the supplier works.
    #[error("the supplier knows no such product")]
    NoSuchProduct,
    /// An answer with this error status.
    #[error("the supplier answered {0}")]
    Refused(StatusCode),
    /// No connection, or an answer that makes no sense.
    #[error("the supplier cannot be reached: {0}")]
    Unreachable(Arc<str>),
    /// An answer that took too long.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// A call that was not made.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

impl SupplierError {
    /// True if the question was at fault, and not the supplier.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::NoSuchProduct)
    }

    /// True if a moment later the call may succeed.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unreachable(_) | Self::TimedOut(_))
    }

    /// An error with its causes: hyper says only in the last of them what happened. None of them names the URL.
    fn unreachable(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self::Unreachable(text.into())
    }
}

/// Asks a supplier.
#[derive(Clone, Debug)]
pub struct Client {
    http: legacy::Client<HttpConnector, Empty<Bytes>>,
    url: Url,
}

impl Client {
    /// The supplier at `url`, such as `http://ratings.example:4000`.
    pub fn new(url: impl Into<Url>) -> Self {
        Self { http: legacy::Client::builder(TokioExecutor::new()).build_http(), url: url.into() }
    }

    /// The supplier's address. Printed, it shows neither user nor password.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Asks for one rating, once.
    ///
    /// # Errors
    ///
    /// All that can go wrong between two computers.
    pub async fn rating(&self, product: u64) -> Result<Rating, SupplierError> {
        let request = self.request(product).map_err(|error| SupplierError::unreachable(&error))?;
        let response = self.http.request(request).await.map_err(|error| SupplierError::unreachable(&error))?;
        match response.status() {
            StatusCode::NOT_FOUND => Err(SupplierError::NoSuchProduct),
            status if status.is_success() => {
                let body = Limited::new(response.into_body(), LONGEST).collect().await;
                let body = body.map_err(|error| SupplierError::unreachable(&*error))?.to_bytes();
                serde_json::from_slice(&body).map_err(|error| SupplierError::unreachable(&error))
            }
            status => Err(SupplierError::Refused(status)),
        }
    }

    /// The question for a rating. User and password of the URL go into a header, as HTTP has them.
    fn request(&self, product: u64) -> Result<Request<Empty<Bytes>>, axum::http::Error> {
        let uri: Uri = format!("{}/ratings/{product}", self.url.expose()).parse()?;
        let credentials =
            uri.authority().and_then(|authority| authority.as_str().rsplit_once('@')).map(|(user, _)| user);
        let authorization = credentials.map(|user| {
            let decoded = percent_encoding::percent_decode_str(user).collect::<Vec<u8>>();
            HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(decoded)))
        });
        let mut request = Request::get(bare(uri)?).body(Empty::new())?;
        if let Some(authorization) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization?);
        }
        Ok(request)
    }
}

/// `uri` without user and password.
fn bare(uri: Uri) -> Result<Uri, axum::http::Error> {
    let mut parts = uri.into_parts();
    if let Some((_, host)) = parts.authority.as_ref().and_then(|authority| authority.as_str().rsplit_once('@')) {
        parts.authority = Some(Authority::try_from(host)?);
    }
    Ok(Uri::from_parts(parts)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_go_into_a_header() {
        let request = Client::new("http://me:s3c%40ret@ratings.example:4000/v1").request(7).expect("a good URL");
        assert_eq!(request.uri(), "http://ratings.example:4000/v1/ratings/7");
        // `me:s3c@ret`
        assert_eq!(request.headers()["authorization"], "Basic bWU6czNjQHJldA==");
        let request = Client::new("http://127.0.0.1:4000").request(7).expect("a good URL");
        assert!(request.headers().is_empty());
    }
}
