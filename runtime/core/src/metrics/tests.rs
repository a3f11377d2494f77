#[cfg(feature = "monitor")]
mod dashboards;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::names::{ALL, MetricKind, MetricUnit};

/// Text above the table.
const HEAD: &str = r#"# Metrics

| feature | write |
|---|---|
| `axum` | `fastness::routes::monitor(&monitor)`, which answers `/metrics` among others: see [monitor](guide/monitor.md#pages) |
| `prometheus` | a route of your own that answers `fastness::metrics::prometheus(&fast)`, as below |
| `metrics` | `fastness::metrics::Publisher::new(&fast)`, and `publish()` every few seconds, for the recorder that you have installed |

```rust
use axum::{Router, routing::get};
use fastness::Fastness;

fn metrics(fast: Fastness) -> Router {
    Router::new().route("/metrics", get(async move || fastness::metrics::prometheus(&fast)))
}
```

Both export all of them except health, alerts, probes, memory and the process, which belong to the monitor. Through the `metrics` facade, counters in
seconds are gauges. Metrics of the shared tier appear if there is one. Timings also have the labels of their `#[timed(labels(..))]`, and metrics of HTTP
appear behind a `TimingLayer`. No label is ever a key.

(The table is made from `runtime/core/src/metrics/names.rs`; `UPDATE_DOCS=1 cargo test -p fastness --features full metrics` writes it anew.)

| metric | kind | unit | labels | meaning |
|---|---|---|---|---|
"#;

/// `docs/metrics.md`.
fn page() -> String {
    let mut page = HEAD.to_owned();
    for metric in ALL {
        let unit = match metric.unit {
            MetricUnit::Count => "",
            MetricUnit::Seconds => "seconds",
            MetricUnit::Flag => "0 or 1",
        };
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, labels, help) = (metric.name, metric.kind.as_str(), labels.join(", "), metric.help);
        writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {help} |").unwrap();
    }
    page
}

#[test]
fn the_page_lists_every_metric() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page(), "run the test with UPDATE_DOCS=1");
}

#[test]
fn names_follow_the_conventions() {
    let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len(), "a name is used twice");
    for metric in ALL {
        assert!(metric.name.starts_with("fastness_"), "{metric:?}");
        assert_eq!(metric.name.ends_with("_total"), metric.kind == MetricKind::Counter, "{metric:?}");
        assert_eq!(metric.name.contains("_seconds"), metric.unit == MetricUnit::Seconds, "{metric:?}");
        assert!(!metric.labels.contains(&"key") && !metric.help.contains(['\n', '|']), "{metric:?}");
    }
}

#[cfg(feature = "prometheus")]
#[allow(clippy::float_cmp)] // counts, which are exact
mod text {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::names::ALL;
    use super::super::{prometheus, text::escaped};
    use crate::handle::{Fastness, with_cache};
    use crate::timed::{CallOutcome, Timing};

    type Series = BTreeMap<(String, Vec<(String, String)>), f64>;

    /// A strict reader of the format: every sample is under the HELP and TYPE lines of its own metric, and each of these lines is there
    /// once.
    fn read(text: &str) -> (BTreeMap<String, String>, Series) {
        let (mut kinds, mut series) = (BTreeMap::new(), Series::new());
        let (mut helped, mut current) = (String::new(), String::new());
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                helped = rest.split_once(' ').expect("a help text").0.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a kind");
                assert_eq!(name, helped);
                assert_eq!(kinds.insert(name.to_owned(), kind.to_owned()), None, "{name} appears twice");
                name.clone_into(&mut current);
            } else {
                let (name, labels, value) = sample(line);
                let parts: &[&str] =
                    if kinds[&current] == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(parts.iter().any(|part| name == format!("{current}{part}")), "{line}");
                assert_eq!(series.insert((name, labels), value), None, "{line} appears twice");
            }
        }
        (kinds, series)
    }

    fn sample(line: &str) -> (String, Vec<(String, String)>, f64) {
        let end = line.find(['{', ' ']).expect("a value");
        let (name, mut rest) = line.split_at(end);
        let mut labels = Vec::new();
        while let Some(inner) = rest.strip_prefix(['{', ',']) {
            let (label, after) = inner.split_once("=\"").expect("a label");
            let mut value = String::new();
            let mut chars = after.char_indices();
            let end = loop {
                match chars.next().expect("a closing quote") {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next().expect("an escape").1 {
                        'n' => '\n',
                        letter @ ('\\' | '"') => letter,
                        other => panic!("\\{other}"),
                    }),
                    (_, letter) => value.push(letter),
                }
            };
            labels.push((label.to_owned(), value));
            rest = &after[end + 1..];
            rest = rest.strip_prefix('}').unwrap_or(rest);
        }
        let value = rest.strip_prefix(' ').expect("one space").parse().expect("a number");
        (name.to_owned(), labels, value)
    }

    #[tokio::test]
    async fn every_line_is_well_formed() {
        let fast = Fastness::builder().build().unwrap();
        let cache = fast.cache();
        with_cache(&fast, async { cache.set(&crate::tests::named("user:1"), 1, Duration::from_secs(60)).await }).await;
        Timing::new("odd \"name\"\\\n").record(Duration::from_millis(3), CallOutcome::Error);
        let text = prometheus(&fast);
        let (kinds, series) = read(&text);
        for (name, kind) in &kinds {
            let metric = ALL.iter().find(|metric| metric.name == name).expect("a listed metric");
            assert_eq!(kind, metric.kind.as_str());
        }
        assert_eq!(series[&("fastness_cache_entries".to_owned(), vec![])], 1.0);
        let labels = [("name", "odd \"name\"\\\n"), ("outcome", "error")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(series[&("fastness_timed_seconds_count".to_owned(), labels.to_vec())], 1.0);
        assert!(!text.contains("user:1"), "a key is in the metrics");
    }

    #[tokio::test]
    async fn histograms_add_up() {
        let timing = Timing::new("metrics.histogram");
        // Each time is a fifth above a bound, so that none is near a bound, and the last is beyond all bounds.
        for micros in [12, 120, 1_200, 1_200, 12_000, 120_000, 1_200_000, 12_000_000] {
            timing.record(Duration::from_micros(micros), CallOutcome::Ok);
        }
        let fast = Fastness::builder().build().unwrap();
        let (_, series) = read(&prometheus(&fast));
        let own = |part: &str| {
            let name = format!("fastness_timed_seconds{part}");
            let of = |labels: &[(String, String)]| labels[0].1 == "metrics.histogram";
            series.iter().filter(move |((n, labels), _)| *n == name && of(labels)).collect::<Vec<_>>()
        };
        let mut buckets: Vec<(f64, f64)> = own("_bucket")
            .into_iter()
            .map(|((_, labels), value)| {
                let (name, bound) = labels.last().unwrap();
                assert_eq!(name, "le");
                (bound.parse().unwrap(), *value)
            })
            .collect();
        buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
        assert!(buckets.is_sorted_by(|left, right| left.1 <= right.1), "{buckets:?}");
        let at = |bound: f64| buckets.iter().find(|(le, _)| *le == bound).unwrap().1;
        assert_eq!([at(1e-5), at(1e-4), at(1e-3), at(2.5e-3), at(10.0)], [0.0, 1.0, 2.0, 4.0, 7.0]);
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, 8.0)));
        assert_eq!(*own("_count")[0].1, 8.0);
        assert!((own("_sum")[0].1 - 13.334_532).abs() < 1e-9);
    }

    #[tokio::test]
    async fn policies_have_their_calls_and_their_state() {
        let fast = Fastness::builder().build().unwrap();
        let breaker = crate::resilience::breaker::Breaker::named("seen in metrics");
        breaker.call_sync(|| Ok::<_, crate::resilience::Rejected>(())).unwrap();
        breaker.force_open();
        breaker.call_sync(|| Ok::<_, crate::resilience::Rejected>(())).unwrap_err();
        let hosts = crate::resilience::sites::KeyedBreakerSite::new(
            "per host in metrics",
            || (crate::resilience::breaker::Settings::new(), 10),
            std::panic::Location::caller(),
        );
        let hosts: &'static _ = Box::leak(Box::new(hosts));
        hosts.get("a.example").force_open();
        hosts.get("b.example");

        let (_, series) = read(&prometheus(&fast));
        let of = |metric: &str, labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            series.get(&(metric.to_owned(), labels)).copied()
        };
        let calls = |outcome| {
            let labels = [("policy", "breaker"), ("name", "seen in metrics"), ("outcome", outcome)];
            of("fastness_policy_calls_total", &labels)
        };
        assert_eq!((calls("success"), calls("rejected"), calls("failure")), (Some(1.0), Some(1.0), Some(0.0)));
        let state = |state| of("fastness_breaker_state", &[("name", "seen in metrics"), ("state", state)]);
        assert_eq!((state("forced_open"), state("closed")), (Some(1.0), Some(0.0)));
        let name = &[("name", "per host in metrics")];
        assert_eq!(of("fastness_breaker_keys", name), Some(2.0));
        assert_eq!(of("fastness_breaker_keys_not_closed", name), Some(1.0));
        assert!(!series.keys().any(|(_, labels)| labels.iter().any(|(_, value)| value.contains("a.example"))));
    }

    #[cfg(feature = "http")]
    #[tokio::test]
    async fn requests_are_counted_by_their_ending() {
        use tower::{Layer, ServiceExt, service_fn};

        let route = |_: &http::request::Parts| Some("/seen/in/metrics/{id}".into());
        let layer = crate::http::TimingLayer::new().route_by(route);
        for status in [201, 204, 404, 503] {
            let service = layer.layer(service_fn(async |_: http::Request<()>| {
                let answer = http::Response::builder().status(status).body(String::from("four"));
                Ok::<_, std::convert::Infallible>(answer.unwrap())
            }));
            service.oneshot(http::Request::post("/seen/in/metrics/7").body(()).unwrap()).await.unwrap();
        }
        let fast = Fastness::builder().build().unwrap();
        let text = prometheus(&fast);
        let (_, series) = read(&text);
        let of = |metric: &str, more: &[(&str, &str)]| {
            let own = [("route", "/seen/in/metrics/{id}"), ("method", "POST")];
            let labels = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            series.get(&(format!("fastness_http_{metric}"), labels.collect())).copied()
        };
        let ended = ["2xx", "4xx", "5xx", "cancelled"].map(|status| of("requests_total", &[("status", status)]));
        assert_eq!(ended, [Some(2.0), Some(1.0), Some(1.0), None]);
        let counts = ["ok", "error"].map(|outcome| of("request_seconds_count", &[("outcome", outcome)]));
        assert_eq!(counts, [Some(3.0), Some(1.0)]);
        assert_eq!(
            ["in_flight", "response_bytes_total", "slow_total"].map(|name| of(name, &[])),
            [0.0, 16.0, 0.0].map(Some)
        );
        assert!(!text.contains("/seen/in/metrics/7"), "a path is in the metrics");
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("a\\b\n\"c\"", true), "a\\\\b\\n\\\"c\\\"");
        assert_eq!(escaped("a\\b\n\"c\"", false), "a\\\\b\\n\"c\"");
    }
}
