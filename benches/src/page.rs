//! One small page: its handler, and a request for it as a browser makes it.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::Service;

/// The body of the page.
pub static SMALL: Bytes = Bytes::from_static(b"{\"id\":7,\"name\":\"a lamp\",\"price\":1999}");

/// Makes a response that may be cached for a year.
pub fn answer(body: &Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=31536000"));
    response
}

/// Makes a request.
pub fn request<Q: Default>() -> Request<Q> {
    let mut request = Request::new(Q::default());
    *request.uri_mut() = http::Uri::from_static("/products/7?colour=red");
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("shop.example"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br"));
    request
}

/// Sends one request to a service, and reads the whole body of the response.
///
/// # Panics
///
/// If the body fails.
pub async fn exchange<Q, S, B>(service: &S) -> Bytes
where
    Q: Default,
    S: Service<Request<Q>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let mut service = service.clone();
    let ready = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
    let Ok(response) = match ready {
        Ok(()) => service.call(request()).await,
        Err(never) => Err(never),
    };
    response.into_body().collect().await.expect("a body of bytes").to_bytes()
}
