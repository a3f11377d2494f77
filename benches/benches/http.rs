//! Cost of the HTTP layers: each before the same small handler, a hit of the cache beside a handler of prebuilt bytes, the same
//! under axum, and a compressed hit beside compressing.
//!
//! Everything runs without a socket; `scripts/wrk` measures whole servers. What makes a request is part of all cases.

use std::collections::HashMap;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use fastness::Fastness;
use fastness::http::{
    BreakerLayer, CacheLayer, CoalesceLayer, ConcurrencyLimitLayer, IdempotencyLayer, MemoryGuardLayer, RequestIdLayer,
    Stack, TimingLayer,
};
use fastness::monitor::MemoryGuard;
use fastness::resilience::bulkhead;
use fastness_benches::measure::{Case, Outcome, Plan, block_on, run, setting};
use fastness_benches::page::{SMALL, answer, exchange};
use fastness_benches::report::{Line, budget, table};
use fastness_benches::traffic::Traffic;
use http::header::{AGE, CONTENT_LENGTH, DATE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, service_fn};
use tower_http::compression::CompressionLayer;

const BARE: &str = "a handler of prebuilt bytes";
const BY_HAND: &str = "the least that a store can do: a look-up, a head, a body";
const HIT: &str = "CacheLayer, a hit";
const HIT_TAGGED: &str = "CacheLayer, a hit by Vary";
const PASSED: &str = "CacheLayer, passed by";
const COMPRESSED: &str = "CompressionLayer";
const COMPRESSED_HIT: &str = "CacheLayer around CompressionLayer, a hit";
const STACK: &str = "Stack, everything but cache and coalescing";
const AXUM: &str = "axum, a handler of prebuilt bytes";
const AXUM_LAYER: &str = "axum, a layer that does nothing";
const AXUM_STACK: &str = "axum, Stack";
const AXUM_HIT: &str = "axum, CacheLayer, a hit";
const AXUM_STACK_HIT: &str = "axum, Stack with the cache, a hit";

const NOT_MANY: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

/// 16 KiB that compress as JSON does.
static LARGE: LazyLock<Bytes> = LazyLock::new(|| {
    let items: Vec<_> = (0..400).map(|n| format!("{{\"id\":{n},\"name\":\"product {}\"}}", n * 7919 % 1000)).collect();
    format!("[{}]", items.join(",")).into()
});
static FAST: LazyLock<Fastness> =
    LazyLock::new(|| block_on(async { Fastness::builder().build() }).expect("a handle without servers"));

type Asked = Request<Full<Bytes>>;

fn case<S, B>(name: &'static str, service: S) -> Case
where
    S: Service<Asked, Response = Response<B>, Error = Infallible> + Clone + Sync + 'static,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    asked(name, service)
}

/// An application as `axum::serve` calls it for each connection.
fn served(name: &'static str, app: Router) -> Case {
    asked::<axum::body::Body, _, _>(name, app.with_state(()))
}

/// One request, and its whole body.
fn asked<Q, S, B>(name: &'static str, service: S) -> Case
where
    Q: Default,
    S: Service<Request<Q>, Response = Response<B>, Error = Infallible> + Clone + Sync + 'static,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    Case::future(name, async move |_| exchange(&service).await)
}

macro_rules! small {
    () => {
        service_fn(async |_| Ok::<_, Infallible>(answer(&SMALL)))
    };
}

/// The work that any store has to do for a hit, and nothing else: no host, no conditions, no time.
fn by_hand() -> Case {
    let mut head = answer(&SMALL).headers().clone();
    for (name, value) in [
        (CONTENT_LENGTH, "37"),
        (DATE, "Thu, 01 Jan 2026 00:00:00 GMT"),
        (AGE, "7"),
        ("cache-status".parse().expect("a name"), "fastness; hit; ttl=31535993"),
    ] {
        head.insert(name, value.parse().expect("a value"));
    }
    let kept = HashMap::from([("/products/7?colour=red".to_owned(), (head, Bytes::copy_from_slice(&SMALL)))]);
    let kept: Arc<HashMap<String, (HeaderMap, Bytes)>> = Arc::new(kept);
    case(
        BY_HAND,
        service_fn(move |request: Asked| {
            let (head, body) = &kept[request.uri().path_and_query().expect("a path").as_str()];
            let mut response = Response::new(Full::new(body.clone()));
            *response.headers_mut() = head.clone();
            std::future::ready(Ok::<_, Infallible>(response))
        }),
    )
}

fn stack(name: &'static str) -> Stack {
    let guard = MemoryGuard::builder().build().expect("a guard with defaults");
    Stack::new()
        .memory_guard(MemoryGuardLayer::new(&guard))
        .idempotency(IdempotencyLayer::new().on(&FAST))
        .limit(ConcurrencyLimitLayer::new(name, bulkhead::Settings::adaptive(NonZeroU32::MIN, NOT_MANY)))
        .breaker(BreakerLayer::new(name))
}

fn axum() -> Vec<Case> {
    let app = || Router::new().route("/products/{id}", get(async || answer(&SMALL)));
    let cache = || CacheLayer::new().on(&FAST);
    vec![
        served(AXUM, app()),
        served(AXUM_LAYER, app().layer(tower::layer::util::Identity::new())),
        served(AXUM_STACK, app().layer(stack("bench.axum"))),
        served(AXUM_HIT, app().layer(cache().space("axum"))),
        served(AXUM_STACK_HIT, app().layer(stack("bench.cached").cache(cache().space("axum stack")))),
    ]
}

fn layers() -> Vec<Case> {
    let guard = MemoryGuard::builder().build().expect("a guard with defaults");
    let adaptive =
        ConcurrencyLimitLayer::new("bench.adaptive", bulkhead::Settings::adaptive(NonZeroU32::MIN, NOT_MANY));
    let fixed = ConcurrencyLimitLayer::new("bench.fixed", bulkhead::Settings::fixed(NOT_MANY));
    vec![
        case(BARE, small!()),
        by_hand(),
        case("RequestIdLayer", RequestIdLayer::new().layer(small!())),
        case("TimingLayer", TimingLayer::new().layer(small!())),
        case("MemoryGuardLayer", MemoryGuardLayer::new(&guard).layer(small!())),
        case("IdempotencyLayer, no key", IdempotencyLayer::new().on(&FAST).layer(small!())),
        case("CoalesceLayer", CoalesceLayer::new().on(&FAST).space("alone").layer(small!())),
        case("ConcurrencyLimitLayer, fixed", fixed.layer(small!())),
        case("ConcurrencyLimitLayer, adaptive", adaptive.layer(small!())),
        case("BreakerLayer", BreakerLayer::new("bench.layer").layer(small!())),
        case(STACK, stack("bench.stack").layer(small!())),
        case(PASSED, CacheLayer::new().on(&FAST).hosts(["other.example"]).layer(small!())),
        case(HIT, CacheLayer::new().on(&FAST).layer(small!())),
        case(
            HIT_TAGGED,
            CacheLayer::new().on(&FAST).space("vary").layer(service_fn(async |_| {
                let mut response = answer(&SMALL);
                response.headers_mut().insert("vary", HeaderValue::from_static("accept-encoding"));
                Ok::<_, Infallible>(response)
            })),
        ),
    ]
}

fn compression() -> Vec<Case> {
    let compressed = || CompressionLayer::new().layer(service_fn(async |_| Ok::<_, Infallible>(answer(&LARGE))));
    let cached = CacheLayer::new().on(&FAST).space("compressed").layer(compressed());
    vec![case(COMPRESSED, compressed()), case(COMPRESSED_HIT, cached)]
}

fn measured(title: &str, floor: &str, cases: &[Case]) -> Outcome {
    let slice = Duration::from_millis(setting("HIT_SLICE_MS", 15) as u64);
    let outcome = run(Plan { traffic: Traffic::Hot, threads: 1, rounds: setting("HIT_ROUNDS", 15), slice }, cases);
    table(title, &outcome, floor);
    outcome
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let small = measured("layers of HTTP", BARE, &layers());
    let axum = measured("under axum", AXUM, &axum());
    let large = measured("compression", COMPRESSED, &compression());
    budget(&[
        Line::ratio("HTTP cache hit / a handler of prebuilt bytes, of axum", 1.25, axum.ratio(AXUM_HIT, AXUM)),
        Line::ratio("HTTP cache hit / a handler of prebuilt bytes, of nothing", 1.25, small.ratio(HIT, BARE)),
        Line::ratio("the least that a store can do / the same", 1.25, small.ratio(BY_HAND, BARE)),
        Line::ratio("compressed hit / CompressionLayer", 0.5, large.ratio(COMPRESSED_HIT, COMPRESSED)),
    ]);
    let exact = [Line::at_most(
        "allocations of a hit beyond the handler's",
        3.0,
        small.allocations(HIT) - small.allocations(BARE),
    )];
    if budget(&exact) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
