//! A reverse proxy with the HTTP cache in front, which the public conformance tests judge; `scripts/conformance` starts it:
//! `conformance PORT ORIGIN_PORT MODE`.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use fastness::Fastness;
use fastness::http::CacheLayer;
use http::{HeaderMap, StatusCode, Uri, Version, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// The server behind the proxy.
#[derive(Clone)]
struct Origin {
    client: Client<HttpConnector, Body>,
    port: u16,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [port, origin, mode] = &arguments[..] else { panic!("usage: conformance PORT ORIGIN_PORT MODE") };
    let number = |text: &str| text.parse::<u16>().expect("a port");
    // The tests' server closes idle connections after five seconds.
    let idle = Duration::from_secs(2);
    let mut client = Client::builder(TokioExecutor::new());
    client.pool_timer(TokioTimer::new()).pool_idle_timeout(idle).set_host(false);
    let app = Router::new().fallback(forward).with_state(Origin { client: client.build_http(), port: number(origin) });
    let fast = Fastness::builder().build().expect("a handle");
    let app = match mode.as_str() {
        "none" => app,
        mode => app.layer(layer(mode).on(&fast).capacity(20_000)),
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", number(port))).await.expect("the port is free");
    axum::serve(listener, app).await.expect("it serves");
}

/// Returns the cache of a mode.
fn layer(mode: &str) -> CacheLayer {
    const DAY: Duration = Duration::from_secs(86_400);
    match mode {
        "default" => CacheLayer::new(),
        // `a` is the cookie of the tests, which no response depends on.
        "best" => CacheLayer::new()
            .public_with_credentials()
            .ignored_cookies(["a"])
            .targeted(["CDN-Cache-Control"])
            .heuristic(DAY)
            .stale_if_error(DAY),
        other => panic!("no such mode: {other}"),
    }
}

async fn forward(State(Origin { client, port }): State<Origin>, mut request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("http://127.0.0.1:{port}{path}").parse::<Uri>().expect("an address");
    *request.version_mut() = Version::HTTP_11;
    remove_hop_by_hop(request.headers_mut());
    match client.request(request).await {
        Ok(mut response) => {
            remove_hop_by_hop(response.headers_mut());
            response.map(Body::new)
        }
        Err(error) => (StatusCode::BAD_GATEWAY, format!("the origin failed: {error}")).into_response(),
    }
}

/// Removes the fields that concern one connection (RFC 9110 section 7.6.1).
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let named: Vec<_> = lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect();
    for name in named {
        headers.remove(name);
    }
    for name in ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"] {
        headers.remove(name);
    }
}
