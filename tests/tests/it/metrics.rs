//! Metrics that are published through the `metrics` facade, in the recorder of a real exporter.
#![allow(clippy::float_cmp)] // counts, which are exact

use std::time::Duration;

use fastness::metrics::{Publisher, prometheus};
use fastness::timing::{CallOutcome, Timing};
use fastness::{cacheable, with_cache};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::fresh;

#[cacheable(ttl = 60, key = "published:{n}")]
async fn published(n: u64) -> u64 {
    n
}

/// The value of the sample whose line starts like this.
fn value(text: &str, start: &str) -> f64 {
    let mut lines = text.lines().filter(|line| line.starts_with(start));
    let line = lines.next().unwrap_or_else(|| panic!("no {start} in\n{text}"));
    assert!(lines.next().is_none(), "several {start} in\n{text}");
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn a_recorder_gets_the_figures_of_the_page() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let fast = fresh();
    let timing = Timing::new("facade.timing");
    let mut publisher = metrics::with_local_recorder(&recorder, || Publisher::new(&fast));
    for round in 1..=3 {
        with_cache(&fast, async { published(7).await + published(7).await }).await;
        timing.record(Duration::from_millis(20), CallOutcome::Ok);
        timing.record(Duration::from_millis(20 * round), CallOutcome::Ok);
        metrics::with_local_recorder(&recorder, || publisher.publish());
    }
    let theirs = recorder.handle().render();
    let ours = prometheus(&fast);
    let (hits, function) = ("fastness_cache_hits_total{function=", module_path!().replace("::", "."));
    for text in [&theirs, &ours] {
        assert_eq!(value(text, &format!("{hits}\"{function}.published\",tier=\"local\"}}")), 5.0);
        assert_eq!(value(text, "fastness_cache_entries"), 1.0);
        let count = "fastness_timed_seconds_count{name=\"facade.timing\",outcome=\"ok\"}";
        assert_eq!(value(text, count), 6.0, "each record is published once");
        let sum = value(text, "fastness_timed_seconds_sum{name=\"facade.timing\",outcome=\"ok\"}");
        assert!((sum - 0.18).abs() < 0.18 / 64.0, "{sum}");
    }
    assert!(theirs.contains("# HELP fastness_cache_hits_total Calls answered"), "{theirs}");
    assert!(!theirs.contains("published:7") && !ours.contains("published:7"), "a key is in the metrics");
}
