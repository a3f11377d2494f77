//! The HTTP cache.

use std::convert::Infallible;

use bytes::Bytes;
use fastness::Fastness;
use fastness::http::CacheLayer;
use http::{Request, Response};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};
use tracing::{Instrument, info_span};

use crate::Trace;

#[tokio::test]
async fn the_handler_behind_the_cache_runs_inside_of_a_load() {
    async fn handler(request: Request<String>) -> Result<Response<Full<Bytes>>, Infallible> {
        let lifetime = if request.uri().path() == "/page" { "max-age=60" } else { "no-store" };
        tokio::task::yield_now().instrument(info_span!("query")).await;
        Ok(Response::builder().header("cache-control", lifetime).body(Full::from("page")).unwrap())
    }
    let (trace, fast) = (Trace::begin(), Fastness::builder().build().unwrap());
    let service = ServiceBuilder::new().layer(CacheLayer::new().on(&fast)).service(tower::service_fn(handler));
    let get = |path| service.clone().oneshot(Request::get(path).body(String::new()).unwrap());
    let calls = async {
        for path in ["/page", "/page", "/private"] {
            get(path).await.unwrap();
        }
    };
    trace.run(calls).await;
    let loads = trace.spans("fastness.load");
    let seen: Vec<_> = loads.iter().map(|load| (load.text("fastness.kind"), load.outcome())).collect();
    assert_eq!(seen, [("response".into(), "value".into()), ("response".into(), "private".into())]);
    assert_eq!(trace.spans("query")[0].parent(), loads[0].id());
}
