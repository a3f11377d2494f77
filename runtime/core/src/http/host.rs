//! Validation of the `Host` header.

use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri, Version};

use super::admission::GateRule;
use super::gate::GateLayer;
use super::problem::Problem;

/// Longest host with its port, in bytes: a host name has at most 253.
const MAX_BYTES: usize = 261;

/// Answers a request with 400 if its `Host` is missing, repeated, or not a valid host (RFC 9112 section 3.2).
///
/// Servers such as hyper pass such requests on. A proxy in front may use the other of two hosts; then a cache, a router or a link that
/// depends on the host belongs to the wrong site. HTTP/1.0 may leave `Host` out, and HTTP/2 may have the host in the URI instead.
///
/// ```
/// use fastness::http::HostLayer;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let service = HostLayer::new().layer(service_fn(async |_: http::Request<()>| {
///     Ok::<_, std::convert::Infallible>(http::Response::new(String::from("hello")))
/// }));
/// let none = http::Request::builder().body(()).unwrap();
/// let one = http::Request::builder().header("host", "a.example:8080").body(()).unwrap();
/// assert_eq!(service.clone().oneshot(none).await.unwrap().status(), 400);
/// assert_eq!(service.oneshot(one).await.unwrap().status(), 200);
/// # }
/// ```
pub type HostLayer = GateLayer<ByHost>;

/// Rule of a [`HostLayer`].
#[derive(Clone, Copy, Debug)]
pub struct ByHost;

impl GateLayer<ByHost> {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::from_admission(ByHost)
    }
}

impl Default for GateLayer<ByHost> {
    fn default() -> Self {
        Self::new()
    }
}

impl GateRule for ByHost {
    type Permit = ();

    const HOLDS: bool = false;

    fn admit(&self, request: &mut Parts) -> Result<(), Problem> {
        let checked = check(request.version, &request.uri, &request.headers);
        checked.map_err(|fault| Problem::new(StatusCode::BAD_REQUEST, fault))
    }
}

fn check(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host.as_bytes()) => Ok(()),
        (Some(_), None) => {
            Err("the `Host` of the request is not a valid host: send a name or an address, such as `a.example:8080`")
        }
        (Some(_), Some(_)) => Err("the request has more than one `Host`: send one"),
        (None, _) if version < Version::HTTP_11 || (version >= Version::HTTP_2 && uri.authority().is_some()) => Ok(()),
        (None, _) => Err("the request has no `Host`: send the name of the server"),
    }
}

/// Returns whether a text is a name, an IPv4 address, or an IP literal in brackets, with or without a port (RFC 3986 section 3.2.2).
fn is_host(text: &[u8]) -> bool {
    let end = match text.first() {
        Some(b'[') => text.iter().position(|byte| *byte == b']').map(|at| at + 1),
        _ => Some(text.iter().position(|byte| *byte == b':').unwrap_or(text.len())),
    };
    let Some((host, port)) = end.map(|end| text.split_at(end)) else { return false };
    let is_port = port.first().is_none_or(|colon| *colon == b':') && port.iter().skip(1).all(u8::is_ascii_digit);
    let is_name = match host {
        [b'[', literal @ .., b']'] => {
            literal.contains(&b':') && literal.iter().all(|byte| byte.is_ascii_alphanumeric() || b":.".contains(byte))
        }
        name => {
            let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(byte);
            !name.is_empty() && name.iter().all(in_name)
        }
    };
    text.len() <= MAX_BYTES && port.len() <= 6 && is_port && is_name
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{HeaderValue, Request, Response};
    use tower::{ServiceExt as _, service_fn};

    use tower_layer::Layer as _;

    use super::*;

    async fn status(version: Version, uri: &str, hosts: &[&[u8]]) -> u16 {
        let service = HostLayer::new()
            .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::from("hello")))));
        let mut request = Request::builder().version(version).uri(uri).body(()).unwrap();
        for host in hosts {
            request.headers_mut().append(HOST, HeaderValue::from_bytes(host).unwrap());
        }
        service.oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn rfc9112_3_2_a_request_needs_exactly_one_valid_host() {
        for host in [
            "a.example",
            "a.example:8080",
            "a.example:",
            "localhost",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:3000",
            "[::ffff:1.2.3.4]",
            "xn--bcher-kva.example",
            "a_b.example",
            "a%20b",
        ] {
            assert_eq!(status(Version::HTTP_11, "/", &[host.as_bytes()]).await, 200, "{host}");
        }
        let long = "a".repeat(262);
        for host in [
            "",
            ":80",
            "a b",
            "a.example:http",
            "a:80:80",
            "a.example:999999",
            "[::1",
            "::1]",
            "[]",
            "[a]",
            "[::1]x",
            "ann@a.example",
            "a/b",
            "a,b",
            "a\\b",
            "<a>",
            "\"a\"",
            "a?b",
            "a#b",
            long.as_str(),
        ] {
            assert_eq!(status(Version::HTTP_11, "/", &[host.as_bytes()]).await, 400, "{host}");
        }
        assert_eq!(status(Version::HTTP_11, "/", &["a\u{e9}".as_bytes()]).await, 400);
        assert_eq!(status(Version::HTTP_11, "/", &[]).await, 400);
        assert_eq!(status(Version::HTTP_11, "http://a.example/", &[]).await, 400, "HTTP/1.1 has it in any case");
        assert_eq!(status(Version::HTTP_11, "/", &[b"a.example", b"a.example"]).await, 400);
        assert_eq!(status(Version::HTTP_11, "/", &[b"a.example", b"b.example"]).await, 400);
    }

    #[tokio::test]
    async fn other_versions_of_http_have_their_host_elsewhere() {
        assert_eq!(status(Version::HTTP_10, "/", &[]).await, 200);
        assert_eq!(status(Version::HTTP_10, "/", &[b"a", b"b"]).await, 400);
        assert_eq!(status(Version::HTTP_2, "http://a.example/", &[]).await, 200);
        assert_eq!(status(Version::HTTP_2, "/", &[]).await, 400);
        assert_eq!(status(Version::HTTP_2, "/", &[b"a.example"]).await, 200);
    }

    #[tokio::test]
    async fn a_check_that_is_off_passes_every_request_on() {
        let service = HostLayer::off()
            .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::from("hello")))));
        assert_eq!(service.oneshot(Request::new(())).await.unwrap().status(), 200);
    }
}
