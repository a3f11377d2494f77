//! The `metrics` facade: what was counted since the last time, told to the recorder that the application installed.

use std::collections::HashMap;
use std::time::Duration;

use ::metrics::{Key, Label, Level, Metadata, Recorder, SharedString, with_recorder};

use super::collect::{Labels, Value, collect};
use super::names::{self, Kind, Metric};
use crate::handle::Fastness;
use crate::timed::Latency;

static METADATA: Metadata<'static> = Metadata::new("fastness", Level::INFO, Some("fastness"));

/// Hands all metrics of a handle, and the timings of the process, to the recorder of the `metrics` crate.
///
/// Nothing happens on hot paths: call [`publish`](Self::publish) every few seconds, or before the recorder is read. Counters and
/// gauges are set; of histograms, what was recorded since the last call is recorded there too, with an error of at most 1.6 %, so
/// one publisher is enough, and a second one would count timings twice. Without a recorder nothing happens.
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
    /// What was published of each histogram.
    published: HashMap<(&'static str, Labels), Latency>,
}

impl Publisher {
    /// For this handle.
    pub fn new(handle: &Fastness) -> Self {
        with_recorder(|recorder| names::ALL.iter().for_each(|metric| describe(recorder, metric)));
        Self { handle: handle.clone(), published: HashMap::new() }
    }

    /// Publishes everything as it is now.
    pub fn publish(&mut self) {
        with_recorder(|recorder| {
            for family in collect(&self.handle) {
                for (labels, value) in family.samples {
                    self.sample(recorder, family.metric, labels, value);
                }
            }
        });
    }

    fn sample(&mut self, recorder: &dyn Recorder, metric: &'static Metric, labels: Labels, value: Value) {
        let own = labels.iter().map(|(name, value)| Label::new(*name, value.clone())).collect::<Vec<_>>();
        let key = Key::from_parts(metric.name, own);
        match (metric.kind, value) {
            (Kind::Counter, Value::Count(count)) => recorder.register_counter(&key, &METADATA).absolute(count),
            #[allow(clippy::cast_precision_loss)] // far below 2^53
            (_, Value::Count(count)) => recorder.register_gauge(&key, &METADATA).set(count as f64),
            // The facade's counters are whole numbers.
            (_, Value::Seconds(seconds)) => recorder.register_gauge(&key, &METADATA).set(seconds),
            (_, Value::Latency(latency)) => {
                let histogram = recorder.register_histogram(&key, &METADATA);
                let before = self.published.entry((metric.name, labels)).or_default();
                latency.since(before).for_each(|(time, count)| many(&histogram, time, count));
                *before = latency;
            }
        }
    }
}

fn many(histogram: &::metrics::Histogram, time: Duration, count: u64) {
    histogram.record_many(time.as_secs_f64(), usize::try_from(count).unwrap_or(usize::MAX));
}

fn describe(recorder: &dyn Recorder, metric: &Metric) {
    let (name, help) = (metric.name.into(), SharedString::const_str(metric.help));
    let unit = Some(match metric.unit {
        names::Unit::Seconds => ::metrics::Unit::Seconds,
        names::Unit::Count | names::Unit::Flag => ::metrics::Unit::Count,
    });
    match metric.kind {
        Kind::Counter if metric.unit == names::Unit::Count => recorder.describe_counter(name, unit, help),
        Kind::Counter | Kind::Gauge => recorder.describe_gauge(name, unit, help),
        Kind::Histogram => recorder.describe_histogram(name, unit, help),
    }
}
