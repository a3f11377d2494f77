//! The router, called as a server calls it.

mod inspector;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::monitor::{Probe, RouteTotals};
use crate::timing::{CallOutcome, Timing};
use crate::{Clock, Fastness};

/// The pages, without an authorisation.
fn open(watched: &Monitor) -> Router {
    monitor(watched).into_router()
}

async fn get_from(app: &Router, path: &str) -> (u16, HeaderMap, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.into()).unwrap())
}

async fn json_from(app: &Router, path: &str) -> (u16, Value) {
    let (status, _, body) = get_from(app, path).await;
    (status, serde_json::from_str(&body).unwrap())
}

fn cache() -> Fastness {
    Fastness::builder().clock(Clock::manual()).build().unwrap()
}

#[tokio::test]
async fn health_lists_services_and_liveness_ignores_them() {
    let (up, fast) = (Arc::new(AtomicBool::new(true)), cache());
    let asked = up.clone();
    let probe = Probe::new("db", move || {
        let up = asked.load(SeqCst);
        async move { if up { Ok(()) } else { Err("no route to host") } }
    });
    let app = open(&Monitor::builder().cache(&fast).database(probe).build().unwrap());
    let (status, health) = json_from(&app, "/health").await;
    assert_eq!((status, &health["status"]), (200, &json!("healthy")));
    let fields: Vec<_> = health.as_object().unwrap().keys().collect();
    let promised = ["cache", "database", "errors", "memory", "probes", "reasons", "status", "timestamp", "uptime"];
    assert_eq!(fields, promised);
    assert_eq!(json_from(&app, "/health/ready").await, (200, json!({ "status": "ready" })));
    up.store(false, SeqCst);
    fast.clock().advance(Duration::from_secs(1));
    let (status, health) = json_from(&app, "/health").await;
    assert_eq!((status, &health["reasons"]), (503, &json!(["db: no route to host"])));
    let (status, ready) = json_from(&app, "/health/ready").await;
    assert_eq!((status, &ready["reasons"]), (503, &json!(["db: no route to host"])));
    assert_eq!(json_from(&app, "/health/live").await, (200, json!({ "status": "alive" })));
}

#[tokio::test]
async fn performance_comes_with_the_first_sample_and_names_are_not_markup() {
    let hostile = "GET /</script><img src=x onerror=alert(1)>";
    let routes = move || {
        let timing = Timing::new("routes.tests.hostile");
        timing.record(Duration::from_millis(3), CallOutcome::Ok);
        vec![RouteTotals { route: hostile.into(), latency: timing.snapshot().ok, errors: 0 }]
    };
    let watched = Monitor::builder().cache(&cache()).routes(routes).build().unwrap();
    let app = open(&watched);
    assert_eq!(json_from(&app, "/api/performance").await.0, 503);
    watched.sample().await;
    watched.cache().clock().advance(Duration::from_secs(5));
    watched.sample().await;
    let (status, headers, body) = get_from(&app, "/api/performance").await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/json"));
    let seen: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&seen["routes"][0]["name"], &seen["requests"]["count"]), (&json!(hostile), &json!(1)));
    assert_eq!((seen["history"].as_array().unwrap().len(), &seen["targets"]["hitRate"]), (1, &json!(85.0)));
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let app = open(&Monitor::builder().cache(&cache()).build().unwrap());
    let (status, headers, body) = get_from(&app, "/metrics").await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    assert!(body.contains("fastness_cache_entries 0\n"), "{body}");
}

#[tokio::test]
async fn metrics_contain_the_figures_of_the_monitor() {
    let down = |name: &str| Probe::new(name, async || Err::<(), _>("down"));
    let watched = Monitor::builder()
        .cache(&cache())
        .database(down("db"))
        .probe(down("sea\"rch\n").optional())
        .probe(Probe::new("db", async || Ok::<_, String>(())))
        .memory_limit(1 << 40)
        .build()
        .unwrap();
    let app = open(&watched);
    assert!(!get_from(&app, "/metrics").await.2.contains("fastness_health_status"), "nothing was seen yet");
    watched.sample().await;
    let (_, _, body) = get_from(&app, "/metrics").await;
    for line in [
        "# TYPE fastness_health_status gauge",
        "fastness_health_status{status=\"healthy\"} 0",
        "fastness_health_status{status=\"unhealthy\"} 1",
        "fastness_alert_firing{alert=\"memory\"} 0",
        "fastness_probe_up{probe=\"db\"} 0",
        "fastness_probe_up{probe=\"sea\\\"rch\\n\"} 0",
        "fastness_memory_pressure{level=\"none\"} 1",
        "fastness_memory_total_bytes 1099511627776",
    ] {
        assert!(body.lines().any(|own| own == line), "no {line} in\n{body}");
    }
    let kinds: Vec<_> = body.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    let once: std::collections::BTreeSet<_> = kinds.iter().collect();
    assert_eq!(kinds.len(), once.len(), "each metric is described once");
}

#[tokio::test]
async fn the_dashboard_is_self_contained_and_its_policy_allows_no_more() {
    let app = open(&Monitor::builder().cache(&cache()).build().unwrap());
    let (status, headers, page) = get_from(&app, "/dashboard").await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/html; charset=utf-8"));
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
    for (tag, source) in [("style", "style-src"), ("script", "script-src")] {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let inline: Vec<_> =
            page.split(open.as_str()).skip(1).map(|rest| rest.split(close.as_str()).next().unwrap()).collect();
        assert_eq!(inline.len(), 1, "one {tag}");
        let digest = BASE64_STANDARD.encode(Sha256::digest(inline[0]));
        assert!(policy.contains(&format!("{source} 'sha256-{digest}'")), "the {tag} that is served is the one allowed");
    }
    let outside = ["src=", "href=\"http", "//cdn", "@import", "url("];
    assert!(outside.iter().all(|outside| !page.contains(outside)), "the page loads nothing");
}

/// Names come from outside. A page that never turns them into markup cannot run them as a script.
#[test]
fn the_script_makes_text_of_values_never_markup() {
    let makes_markup =
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser"];
    for call in makes_markup {
        assert!(!SCRIPT.contains(call), "{call}");
    }
    assert!(SCRIPT.contains("textContent"));
    assert!(!PAGE.contains(" style=") && !PAGE.contains(" onclick"), "inline attributes are not allowed by the policy");
}

#[tokio::test]
async fn without_authorisation_only_a_status_is_shown() {
    let fast = cache();
    let down = Probe::new("db", async || Err::<(), _>("no route to 10.0.0.7"));
    let watched = Monitor::builder().cache(&fast).database(down).build().unwrap();
    let token = "0123456789abcdef";
    let app: Router = Router::new().merge(monitor(&watched).token(token));
    for path in ["/api/performance", "/metrics", "/dashboard"] {
        let (status, headers, body) = get_from(&app, path).await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (401, "application/problem+json"), "{path}");
        let asked_for: Vec<_> = headers.get_all("www-authenticate").iter().collect();
        assert!(asked_for[0].to_str().unwrap().starts_with("Bearer ") && asked_for.len() == 2, "{path}");
        assert!(!body.contains(token));
    }
    assert_eq!(json_from(&app, "/health").await, (503, json!({ "status": "unhealthy" })));
    assert_eq!(json_from(&app, "/health/ready").await, (503, json!({ "status": "notReady" })));
    assert_eq!(json_from(&app, "/health/live").await.0, 200);

    let bearer = |path: &str| Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty());
    let ready = app.clone().oneshot(bearer("/health/ready").unwrap()).await.unwrap();
    let body = ready.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("no route to 10.0.0.7"));
    assert_eq!(app.oneshot(bearer("/metrics").unwrap()).await.unwrap().status(), 200);
    assert!(!format!("{:?} {:?}", monitor(&watched).token(token), BearerToken::new(token)).contains(token));
}

#[tokio::test]
async fn the_application_decides_the_answer_to_a_refusal() {
    let watched = Monitor::builder().cache(&cache()).build().unwrap();
    let app = monitor(&watched).authorize(|_| Err((StatusCode::FORBIDDEN, "not for you"))).into_router();
    let (status, _, body) = get_from(&app, "/metrics").await;
    assert_eq!((status, body.as_str()), (403, "not for you"));
}

#[test]
fn a_token_is_taken_in_the_forms_of_the_standards_and_in_no_other() {
    let token = BearerToken::new("Tok3n-0123456789");
    let check = |headers: &[&str]| {
        let mut request = Request::get("/metrics");
        for header in headers {
            request = request.header("authorization", *header);
        }
        token.check(&request.body(()).unwrap().into_parts().0).is_ok()
    };
    let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
    assert!(check(&["Bearer Tok3n-0123456789"]) && check(&["bearer  Tok3n-0123456789"]));
    assert!(check(&[&basic("any:Tok3n-0123456789")]) && check(&[&basic(":Tok3n-0123456789")]));
    let refused = [
        "",
        "Bearer",
        "Bearer ",
        "Tok3n-0123456789",
        "Bearer tok3n-0123456789",
        "Bearer Tok3n-012345678",
        "Basic !",
        "Digest x",
    ];
    for header in refused {
        assert!(!check(&[header]), "{header:?}");
    }
    assert!(!check(&[]) && !check(&[&basic("Tok3n-0123456789")]) && !check(&[&basic("Tok3n-0123456789:")]));
    assert!(!check(&["Bearer Tok3n-0123456789"; 2]), "several headers count as none");
    let empty = BearerToken::new("");
    let request = Request::get("/").header("authorization", "Bearer ").body(()).unwrap().into_parts().0;
    assert!(empty.check(&request).is_err(), "an empty token rejects every request");
}
