//! The dashboard for Grafana and the rules for Prometheus, made from the list of metrics; `scripts/dashboards` gives both to promtool.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::names::{self, ALL, Metric, MetricKind, MetricUnit};

/// The sections of the dashboard, by the prefixes of their metrics. The last takes the rest.
const SECTIONS: [(&str, &[&str]); 6] = [
    ("Cache", &["fastness_cache_"]),
    ("Shared tier", &["fastness_shared_"]),
    ("Timed calls", &["fastness_timed_"]),
    ("Policies", &["fastness_policy_", "fastness_breaker_", "fastness_bulkhead_"]),
    ("HTTP", &["fastness_http_"]),
    ("Process", &[""]),
];

/// The series of the chosen processes.
const CHOSEN: &str = r#"{job=~"$job",instance=~"$instance"}"#;

/// An alert, in whose texts `{name}` stands for the name of a metric.
struct Rule {
    alert: &'static str,
    /// The expression of the names of these metrics.
    expr: String,
    lasts: &'static str,
    severity: &'static str,
    summary: &'static str,
    remedy: &'static str,
}

fn rule(
    alert: &'static str,
    lasts: &'static str,
    severity: &'static str,
    texts: [&'static str; 2],
    expr: String,
) -> Rule {
    let [summary, remedy] = texts;
    Rule { alert, expr, lasts, severity, summary, remedy }
}

/// The share of one sum of rates in another, where there are enough events to speak of a share.
fn share(by: &str, part: &str, whole: &str, least: &str) -> String {
    format!(
        "sum by ({by}) (rate({part}[10m])) / sum by ({by}) (rate({whole}[10m])) {least} and sum by ({by}) (rate({whole}[10m])) > 0.1"
    )
}

#[rustfmt::skip]
fn rules() -> Vec<Rule> {
    use names::*;
    let name = |metric: &Metric| metric.name;
    let (hits, misses, loads) = (name(&HITS), name(&MISSES), name(&LOADS));
    vec![
        rule("FastnessHitRatioLow", "30m", "info", ["fewer than half of the calls of {{ $labels.function }} are hits", "Its keys are too many for its capacity, or its ttl is too short: see its recommendation in the monitor."],
            format!("sum by (function) (rate({hits}[30m])) / (sum by (function) (rate({hits}[30m])) + sum by (function) (rate({misses}[30m]))) < 0.5 and sum by (function) (rate({misses}[30m])) > 1")),
        rule("FastnessLoadsFail", "5m", "warning", ["more than a tenth of the loads of {{ $labels.function }} fail", "Its origin fails or is too slow; `stale_if_error` or a `#[fallback]` bridges that."],
            share("function", &format!(r#"{loads}{{outcome!="ok"}}"#), loads, "> 0.1")),
        rule("FastnessLoadStalled", "0m", "warning", ["a load of {{ $labels.function }} was not polled, and another one was started", "Find the future that rests in a `select!` or a stream, or set a longer `load_timeout`."],
            format!("increase({}[15m]) > 0", name(&STALLED))),
        rule("FastnessTtlPanics", "0m", "warning", ["the function of `ttl` of {{ $labels.function }} panics, so nothing is stored", "Return a `Duration` for every value."],
            format!("increase({}[15m]) > 0", name(&TTL_PANICS))),
        rule("FastnessFunctionOff", "1h", "info", ["{{ $labels.function }} has been turned off for an hour", "Turn it on again, or remove the attribute."],
            format!("{} == 1", name(&DISABLED))),
        rule("FastnessInvalidationTableSmall", "15m", "warning", ["the table of invalidations is too small, which costs hits", "Give it more memory with `Builder::invalidation_memory`."],
            format!("rate({}[10m]) > 1", name(&FLOOR_VERDICTS))),
        rule("FastnessSharedTierDown", "2m", "warning", ["{{ $labels.instance }} has no connection to Redis, and caches in its memory only", "Look at Redis and at the network between; the log says why."],
            format!("{} == 0", name(&SHARED_CONNECTED))),
        rule("FastnessSharedTierBehind", "2m", "warning", ["{{ $labels.instance }} reads the invalidations of others too late to serve its memory", "Redis answers slowly, or the process is starved of processor time."],
            format!("{} == 0 and {} == 1", name(&SHARED_COHERENT), name(&SHARED_CONNECTED))),
        rule("FastnessInvalidationsInDoubt", "2m", "critical", ["invalidations of {{ $labels.instance }} are not announced, so other processes may serve outdated entries up to their ttl", "Make Redis accept writes again: memory, permissions, a read-only replica."],
            format!("{} > 0", name(&SHARED_IN_DOUBT))),
        rule("FastnessSharedLogReset", "0m", "warning", ["the invalidation log starts over again and again, and everything cached is stale each time", "Do not delete, trim or rename the log, and set `maxmemory-policy` to `volatile-lfu`."],
            format!("increase({}[1h]) > 3", name(&SHARED_RESETS))),
        rule("FastnessSharedLogUnreadable", "0m", "warning", ["an entry of the invalidation log cannot be read", "Let only fastness write to it, with a prefix for each application."],
            format!("increase({}[15m]) > 0", name(&SHARED_UNREADABLE_ENTRIES))),
        rule("FastnessSharedStoresDropped", "10m", "warning", ["values are not written to Redis: {{ $labels.result }}", "`overflow`: Redis is too slow for the writes; `too_large` and `unencodable`: see the guide's page on codecs."],
            format!(r#"sum by (instance, result) (rate({}{{result!="ok"}}[10m])) > 1"#, name(&SHARED_STORES))),
        rule("FastnessBreakerOpen", "5m", "warning", ["the circuit breaker {{ $labels.name }} has been open for five minutes", "Its callee fails, or is slow: the log line of the breaker has the evidence."],
            format!(r#"max by (name) ({}{{state="open"}}) == 1"#, name(&BREAKER_STATE))),
        rule("FastnessBreakerForced", "1h", "info", ["the circuit breaker {{ $labels.name }} has been {{ $labels.state }} for an hour", "Let it decide again with `automatic()`."],
            format!(r#"max by (name, state) ({}{{state=~"forced_open|forced_closed|disabled"}}) == 1"#, name(&BREAKER_STATE))),
        rule("FastnessBulkheadFull", "10m", "warning", ["the bulkhead {{ $labels.name }} is nearly full", "Its callee is slow, or its `max` is too small."],
            format!("max by (name) ({} / {}) > 0.9", name(&BULKHEAD_IN_FLIGHT), name(&BULKHEAD_LIMIT))),
        rule("FastnessHttpErrors", "5m", "critical", ["more than a twentieth of the requests of {{ $labels.route }} fail", "See the log, and the spans of a failed request."],
            share("route", &format!(r#"{}{{status=~"5xx|failed|panicked"}}"#, name(&HTTP_REQUESTS)), name(&HTTP_REQUESTS), "> 0.05")),
        rule("FastnessHttpSlow", "10m", "warning", ["one in a hundred requests of {{ $labels.route }} takes longer than a second", "See its spans; the monitor's recommendations name slow functions and queries."],
            format!("histogram_quantile(0.99, sum by (le, route) (rate({}_bucket[10m]))) > 1", name(&HTTP_SECONDS))),
        rule("FastnessUnhealthy", "1m", "critical", ["{{ $labels.instance }} says that it is unhealthy", "`GET /health` says which dependency is missing."],
            format!(r#"{}{{status="unhealthy"}} == 1"#, name(&HEALTH_STATUS))),
        rule("FastnessProbeDown", "2m", "critical", ["the dependency {{ $labels.probe }} of {{ $labels.instance }} does not answer", "Look at the dependency, and at the network between."],
            format!("{} == 0", name(&PROBE_UP))),
        rule("FastnessAlertFires", "5m", "warning", ["the monitor of {{ $labels.instance }} has the alert {{ $labels.alert }}", "`GET /api/performance` has its evidence and the recommendations."],
            format!("{} == 1", name(&ALERT_FIRING))),
        rule("FastnessMemoryShort", "2m", "critical", ["the memory guard of {{ $labels.instance }} is at {{ $labels.level }}", "Raise the limit of memory, or lower `max_entries` and the capacities."],
            format!(r#"{}{{level=~"noBodies|shed"}} == 1"#, name(&MEMORY_PRESSURE))),
    ]
}

/// A text as a double-quoted YAML scalar, which JSON's strings are.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// `docs/monitoring/prometheus-rules.yml`.
fn rules_file() -> String {
    let mut text = "# Made from runtime/core/src/metrics/names.rs by a test; `UPDATE_DOCS=1 cargo test -p fastness-core --all-features --lib metrics`\n\
                    # writes it anew. Copy what you need, and change the bounds to yours.\ngroups:\n  - name: fastness\n    rules:\n"
        .to_owned();
    for Rule { alert, expr, lasts, severity, summary, remedy } in rules() {
        writeln!(text, "      - alert: {alert}\n        expr: {}", quoted(&expr)).unwrap();
        writeln!(text, "        for: {lasts}\n        labels:\n          severity: {severity}").unwrap();
        writeln!(text, "        annotations:\n          summary: {}", quoted(summary)).unwrap();
        writeln!(text, "          description: {}", quoted(remedy)).unwrap();
    }
    text
}

/// An expression, and its legend.
type Query = (String, String);

/// The queries of a metric's panel.
fn queries(metric: &Metric) -> Vec<Query> {
    let name = metric.name;
    let labels = metric.labels.join(", ");
    let legend = metric.labels.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ");
    let legend = if legend.is_empty() { "{{instance}}".to_owned() } else { legend };
    let by = if labels.is_empty() { "instance".to_owned() } else { labels };
    match metric.kind {
        MetricKind::Counter => vec![(format!("sum by ({by}) (rate({name}{CHOSEN}[$__rate_interval]))"), legend)],
        MetricKind::Gauge if metric.unit == MetricUnit::Flag => {
            vec![(format!("max by ({by}, instance) ({name}{CHOSEN})"), format!("{legend} {{{{instance}}}}"))]
        }
        MetricKind::Gauge => vec![(format!("sum by ({by}) ({name}{CHOSEN})"), legend)],
        MetricKind::Histogram => [("0.5", "median"), ("0.99", "99 %")]
            .map(|(quantile, shown)| {
                let rate = format!("sum by (le, {by}) (rate({name}_bucket{CHOSEN}[$__rate_interval]))");
                (format!("histogram_quantile({quantile}, {rate})"), format!("{legend} {shown}"))
            })
            .into(),
    }
}

fn unit(metric: &Metric) -> &'static str {
    match (metric.kind, metric.unit) {
        (MetricKind::Counter, MetricUnit::Seconds) => "percentunit",
        (MetricKind::Counter, _) if metric.name.contains("_bytes_") => "Bps",
        (MetricKind::Counter, _) => "ops",
        (_, MetricUnit::Seconds) => "s",
        (_, MetricUnit::Flag) => "bool",
        _ if metric.name.ends_with("_bytes") => "bytes",
        _ => "short",
    }
}

/// The panels that follow from several metrics.
fn derived() -> Vec<(&'static str, &'static str, Vec<Query>)> {
    use names::{HITS, LOAD_SECONDS, LOADS, MISSES};
    let rate = |metric: &Metric, only: &str| {
        let chosen = CHOSEN.replace('}', &format!("{only}}}"));
        format!("sum by (function) (rate({}{chosen}[$__rate_interval]))", metric.name)
    };
    let (hits, misses) = (rate(&HITS, ""), rate(&MISSES, ""));
    let legend = "{{function}}".to_owned();
    let ended = rate(&LOADS, r#",outcome=~"ok|error""#);
    vec![
        ("Hit ratio by function", "percentunit", vec![(format!("{hits} / ({hits} + {misses})"), legend.clone())]),
        ("Mean time of a load", "s", vec![(format!("{} / {ended}", rate(&LOAD_SECONDS, "")), legend.clone())]),
        (
            "Share of loads that fail",
            "percentunit",
            vec![(format!("{} / {}", rate(&LOADS, r#",outcome!="ok""#), rate(&LOADS, "")), legend)],
        ),
    ]
}

/// The panels in two columns below each other.
#[derive(Default)]
struct Grid {
    panels: Vec<Value>,
    row: u32,
    column: u32,
}

impl Grid {
    fn section(&mut self, title: &str) {
        self.end_row();
        let at = json!({"h": 1, "w": 24, "x": 0, "y": self.row});
        self.panels.push(json!({"type": "row", "id": self.panels.len() + 1, "title": title, "collapsed": false, "panels": [], "gridPos": at}));
        self.row += 1;
    }

    fn end_row(&mut self) {
        self.row += if self.column > 0 { 8 } else { 0 };
        self.column = 0;
    }

    fn panel(&mut self, (title, help): (&str, &str), unit: &str, queries: &[Query]) {
        let source = json!({"type": "prometheus", "uid": "${datasource}"});
        let targets: Vec<_> = queries
            .iter()
            .enumerate()
            .map(|(at, (expr, legend))| {
                let letter = char::from(b'A' + u8::try_from(at).unwrap()).to_string();
                json!({"refId": letter, "datasource": source, "expr": expr, "legendFormat": legend})
            })
            .collect();
        self.panels.push(json!({
            "type": "timeseries",
            "id": self.panels.len() + 1,
            "title": title,
            "description": help,
            "datasource": source,
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "gridPos": {"h": 8, "w": 12, "x": self.column, "y": self.row},
            "targets": targets,
        }));
        self.column += 12;
        if self.column == 24 {
            self.end_row();
        }
    }
}

/// `docs/monitoring/grafana.json`.
fn dashboard() -> String {
    let mut grid = Grid::default();
    let mut left: Vec<_> = ALL.iter().collect();
    for (section, prefixes) in SECTIONS {
        grid.section(section);
        if section == "Cache" {
            for (title, unit, queries) in derived() {
                grid.panel((title, ""), unit, &queries);
            }
        }
        let (here, rest) =
            left.into_iter().partition(|metric| prefixes.iter().any(|prefix| metric.name.starts_with(prefix)));
        left = rest;
        for metric in here {
            grid.panel((metric.name, metric.help), unit(metric), &queries(metric));
        }
    }
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    let variable = |name: &str, query: String| {
        json!({
            "name": name, "type": "query", "datasource": source, "query": {"query": query, "refId": name},
            "refresh": 2, "includeAll": true, "allValue": ".*", "multi": true, "current": {"text": "All", "value": "$__all"},
        })
    };
    let entries = names::ENTRIES.name;
    let dashboard = json!({
        "title": "Fastness",
        "uid": "fastness",
        "description": "Made from runtime/core/src/metrics/names.rs by a test.",
        "tags": ["fastness"],
        "schemaVersion": 39,
        "editable": true,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus"},
            variable("job", format!("label_values({entries}, job)")),
            variable("instance", format!(r#"label_values({entries}{{job=~"$job"}}, instance)"#)),
        ]},
        "panels": grid.panels,
    });
    format!("{dashboard:#}\n")
}

fn compare(file: &str, made: &str) {
    let path = format!("{}/../../docs/monitoring/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == made, "docs/monitoring/{file}: run the test with UPDATE_DOCS=1");
}

#[test]
fn the_dashboard_and_the_rules_are_those_of_the_list() {
    compare("grafana.json", &dashboard());
    compare("prometheus-rules.yml", &rules_file());
}

#[test]
fn every_metric_has_a_panel() {
    let dashboard: Value = serde_json::from_str(&dashboard()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    for metric in ALL {
        assert_eq!(panels.iter().filter(|panel| panel["title"] == metric.name).count(), 1, "{metric:?}");
    }
    let ids: std::collections::BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
}
