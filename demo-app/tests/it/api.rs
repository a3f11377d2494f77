//! An application of a test's own, with a cache of its own, called without a socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use demo_app::app::{App, Dependencies, app};
use demo_app::clock::Clock;
use demo_app::config::Config;
use demo_app::store::{MemoryRepository, Repository, seed};
use demo_app::supplier::Supplier;
use fastness::Fastness;
use fastness::http::Timings;
use fastness::monitor::Monitor;
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt;

/// The constant time of the application's clock.
pub(crate) const NOW: &str = "2030-01-02T03:04:05.678Z";

#[derive(Clone)]
pub(crate) struct Api {
    router: Router,
    /// Takes samples when told to.
    pub(crate) monitor: Monitor,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Null where there is no body.
    pub(crate) body: Value,
}

/// The embedded store with the seed in it, at no distance.
pub(crate) async fn seeded_store() -> MemoryRepository {
    let store = MemoryRepository::new(Duration::ZERO);
    seed(&store).await.expect("an empty store takes the seed");
    store
}

impl Api {
    pub(crate) async fn seeded() -> Self {
        Self::over(Arc::new(seeded_store().await))
    }

    pub(crate) fn over(repository: Arc<dyn Repository>) -> Self {
        let cache = Fastness::builder().build().expect("the defaults make sense");
        Self::with_cache(repository, cache)
    }

    pub(crate) fn with_cache(repository: Arc<dyn Repository>, cache: Fastness) -> Self {
        Self::configured(repository, cache, &Config::default())
    }

    pub(crate) fn configured(repository: Arc<dyn Repository>, cache: Fastness, config: &Config) -> Self {
        let [public, _] = Self::listeners(repository, cache, config);
        public
    }

    /// Both surfaces: of the public listener and of the private one.
    pub(crate) fn listeners(repository: Arc<dyn Repository>, cache: Fastness, config: &Config) -> [Self; 2] {
        Self::on(repository, cache, Supplier::at("http://127.0.0.1:9"), config)
    }

    /// Seeded, with a supplier at `url`.
    pub(crate) async fn supplied(url: &str) -> Self {
        let cache = Fastness::builder().build().expect("the defaults make sense");
        let [public, _] = Self::on(Arc::new(seeded_store().await), cache, Supplier::at(url), &Config::default());
        public
    }

    fn on(repository: Arc<dyn Repository>, cache: Fastness, supplier: Supplier, config: &Config) -> [Self; 2] {
        let clock = Clock::fixed(NOW.parse::<Timestamp>().expect("a timestamp"));
        let dependencies = Dependencies { repository, supplier, clock, cache, timings: Timings::new(), peers: None };
        let App { router, private, monitor } = app(dependencies, config).expect("settings that make sense");
        [Self { router, monitor: monitor.clone() }, Self { router: private, monitor }]
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(request(Method::GET, path).body(Body::empty())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(request(Method::DELETE, path).body(Body::empty())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.json(Method::POST, path, body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.json(Method::PUT, path, body.to_string()).await
    }

    /// A body that says it is JSON, whether it is or not.
    pub(crate) async fn json(&self, method: Method, path: &str, body: impl Into<Body>) -> Reply {
        let request = request(method, path).header("content-type", "application/json");
        self.send(request.body(body.into())).await
    }

    /// The answer as it is.
    pub(crate) async fn raw(&self, request: Result<Request<Body>, axum::http::Error>) -> Response<Bytes> {
        let mut request = request.expect("a well-formed request");
        request.headers_mut().entry("host").or_insert(HeaderValue::from_static("test"));
        let response = self.router.clone().oneshot(request).await.expect("the router is infallible");
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, to_bytes(body, usize::MAX).await.expect("the whole body"))
    }

    pub(crate) async fn send(&self, request: Result<Request<Body>, axum::http::Error>) -> Reply {
        let (parts, bytes) = self.raw(request).await.into_parts();
        let text = parts.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/"));
        let body = match &bytes[..] {
            [] => Value::Null,
            page if text => String::from_utf8_lossy(page).into(),
            document => serde_json::from_slice(document).expect("every other body of this server is JSON"),
        };
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

pub(crate) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path)
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header in ASCII"))
    }

    pub(crate) fn x_cache(&self) -> Option<&str> {
        self.header("x-cache")
    }

    /// Asserts the status and gives the body.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// Asserts a problem document of this status and gives its `detail`.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["type"], "about:blank");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["title"].as_str(), self.status.canonical_reason());
        self.body["detail"].as_str().expect("a problem has a detail")
    }

    /// The fields of a problem, each as `field: message`.
    pub(crate) fn errors(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| format!("{}: {}", text(&error["field"]), text(&error["message"]))).collect()
    }
}

/// The largest body that is read.
pub(crate) fn max_body() -> usize {
    Config::default().body_limit
}
