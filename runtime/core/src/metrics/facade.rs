//! Export to the `metrics` facade: passes the counts since the last call to the recorder that the application installed.

use std::collections::HashMap;
use std::time::Duration;

use ::metrics::{Key, Label, Level, Metadata, Recorder, SharedString, with_recorder};

use super::collect::{Labels, SampleValue, collect};
use super::names::{self, Metric, MetricKind};
use crate::handle::Fastness;
use crate::timed::Latency;

static METADATA: Metadata<'static> = Metadata::new("fastness", Level::INFO, Some("fastness"));

/// Publishes all metrics of a handle and of the process to the recorder of the `metrics` crate.
///
/// Call [`publish`](Self::publish) every few seconds, or before the recorder is read; hot paths do no extra work. Counters and gauges are
/// set. For histograms, the values since the last call are recorded, with an error of at most 1.6 %; so use one publisher, because a second
/// would record them twice. Without a recorder nothing happens.
///
/// ```no_run
/// # async fn example() {
/// let mut publisher = fastness::metrics::Publisher::new(&fastness::Fastness::current());
/// let mut every = tokio::time::interval(std::time::Duration::from_secs(10));
/// loop {
///     every.tick().await;
///     publisher.publish();
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Publisher {
    handle: Fastness,
    /// Last published state of each histogram.
    published: HashMap<(&'static str, Labels), Latency>,
}

impl Publisher {
    /// Creates a publisher for a handle.
    pub fn new(handle: &Fastness) -> Self {
        with_recorder(|recorder| names::ALL.iter().for_each(|metric| describe(recorder, metric)));
        Self { handle: handle.clone(), published: HashMap::new() }
    }

    /// Publishes the current state of all metrics.
    pub fn publish(&mut self) {
        with_recorder(|recorder| {
            for family in collect(&self.handle) {
                for (labels, value) in family.samples {
                    self.sample(recorder, family.metric, labels, value);
                }
            }
        });
    }

    fn sample(&mut self, recorder: &dyn Recorder, metric: &'static Metric, labels: Labels, value: SampleValue) {
        let labels_of_key = labels.iter().map(|(name, value)| Label::new(*name, value.clone())).collect::<Vec<_>>();
        let key = Key::from_parts(metric.name, labels_of_key);
        match (metric.kind, value) {
            (MetricKind::Counter, SampleValue::Count(count)) => {
                recorder.register_counter(&key, &METADATA).absolute(count);
            }
            #[allow(clippy::cast_precision_loss)] // far below 2^53
            (_, SampleValue::Count(count)) => recorder.register_gauge(&key, &METADATA).set(count as f64),
            // The facade's counters are whole numbers.
            (_, SampleValue::Seconds(seconds)) => recorder.register_gauge(&key, &METADATA).set(seconds),
            (_, SampleValue::Latency(latency)) => {
                let histogram = recorder.register_histogram(&key, &METADATA);
                let before = self.published.entry((metric.name, labels)).or_default();
                latency.since(before).for_each(|(time, count)| record_many(&histogram, time, count));
                *before = latency;
            }
        }
    }
}

fn record_many(histogram: &::metrics::Histogram, time: Duration, count: u64) {
    histogram.record_many(time.as_secs_f64(), usize::try_from(count).unwrap_or(usize::MAX));
}

fn describe(recorder: &dyn Recorder, metric: &Metric) {
    let (name, help) = (metric.name.into(), SharedString::const_str(metric.help));
    let unit = Some(match metric.unit {
        names::MetricUnit::Seconds => ::metrics::Unit::Seconds,
        names::MetricUnit::Count | names::MetricUnit::Flag => ::metrics::Unit::Count,
    });
    match metric.kind {
        MetricKind::Counter if metric.unit == names::MetricUnit::Count => recorder.describe_counter(name, unit, help),
        MetricKind::Counter | MetricKind::Gauge => recorder.describe_gauge(name, unit, help),
        MetricKind::Histogram => recorder.describe_histogram(name, unit, help),
    }
}
