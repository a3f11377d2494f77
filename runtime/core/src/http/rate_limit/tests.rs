use std::convert::Infallible;
use std::num::NonZeroU32;

use tower::{ServiceExt, service_fn};

use http::{Request, Response};
use tower_layer::Layer;

use super::*;
use crate::clock::Clock;

#[tokio::test]
async fn each_key_has_its_own_limit_and_a_time_to_retry() {
    let settings = Settings::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(20));
    let clock = Clock::manual();
    let limit = KeyedRateLimit::new("http.rate", settings).with_max_keys(100).with_clock(clock.clone());
    let key = |request: &Parts| Some(request.headers.get("x-api-key")?.to_str().ok()?.to_owned());
    let service = RateLimitLayer::from_limit(limit, key)
        .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new()))));
    let ask = async |key: Option<&'static str>| {
        let mut request = Request::new(());
        if let Some(key) = key {
            request.headers_mut().insert("x-api-key", key.parse().unwrap());
        }
        service.clone().oneshot(request).await.unwrap()
    };
    for status in [200, 200, 429] {
        assert_eq!(ask(Some("ada")).await.status(), status);
    }
    assert_eq!(ask(Some("grace")).await.status(), 200);
    assert_eq!(ask(Some("ada")).await.headers()["retry-after"], "10");
    for _ in 0..10 {
        assert_eq!(ask(None).await.status(), 200, "without a key there is no limit");
    }
    clock.advance(Duration::from_secs(10));
    assert_eq!(ask(Some("ada")).await.status(), 200);
}
