//! Many samples, as the few numbers that people compare.

use std::time::Duration;

use serde::Serialize;

use super::drive::{Outcome, Sample};
use super::mix::Endpoint;

/// The figures of one run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) failed: u64,
    /// Errors in percent of the requests.
    pub(super) error_rate: f64,
    /// The first error.
    pub(super) first_error: Option<String>,
    /// Answers that came from the cache, in percent of those that could have.
    pub(super) hit_rate: f64,
    pub(super) overall: Latencies,
    /// Answers of which the server said that all came from the cache.
    pub(super) hits: Option<Latencies>,
    pub(super) misses: Option<Latencies>,
    pub(super) endpoints: Vec<EndpointFigures>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct EndpointFigures {
    pub(super) endpoint: Endpoint,
    pub(super) route: &'static str,
    pub(super) failed: u64,
    #[serde(flatten)]
    pub(super) latencies: Latencies,
}

/// Latencies in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Latencies {
    pub(super) count: u64,
    pub(super) mean: f64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Figures {
    pub(super) fn new(outcome: Outcome) -> Self {
        let Outcome { samples, took, fault } = outcome;
        let failed = samples.iter().filter(|sample| sample.failed).count() as u64;
        let requests = samples.len() as u64;
        let of = |is_wanted: &dyn Fn(&Sample) -> bool| {
            Latencies::from_times(samples.iter().filter(|sample| is_wanted(sample)).map(|sample| sample.took).collect())
        };
        let (hits, misses) = (of(&|sample| sample.hit == Some(true)), of(&|sample| sample.hit == Some(false)));
        let count = |latencies: Option<Latencies>| latencies.map_or(0, |latencies| latencies.count);
        let endpoints = Endpoint::MIX.into_iter().filter_map(|(endpoint, _, route)| {
            let latencies = of(&|sample| sample.endpoint == endpoint)?;
            let failed = samples.iter().filter(|sample| sample.endpoint == endpoint && sample.failed).count() as u64;
            Some(EndpointFigures { endpoint, route, failed, latencies })
        });
        Self {
            requests,
            requests_per_second: number(requests) / took.as_secs_f64().max(1e-9),
            failed,
            error_rate: percent(failed, requests),
            first_error: fault,
            hit_rate: percent(count(hits), count(hits) + count(misses)),
            overall: of(&|_| true).unwrap_or(Latencies::NONE),
            hits,
            misses,
            endpoints: endpoints.collect(),
        }
    }
}

impl Latencies {
    const NONE: Self = Self { count: 0, mean: 0.0, p50: 0.0, p90: 0.0, p95: 0.0, p99: 0.0, max: 0.0 };

    /// Exact ones, by sorting.
    pub(super) fn from_times(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let count = times.len();
        let sum: Duration = times.iter().sum();
        // The smallest that so many hundredths of all do not exceed.
        let percentile = |hundredths: usize| millis(times[(count * hundredths).div_ceil(100).max(1) - 1]);
        (count > 0).then(|| Self {
            count: count as u64,
            mean: millis(sum) / number(count as u64),
            p50: percentile(50),
            p90: percentile(90),
            p95: percentile(95),
            p99: percentile(99),
            max: millis(times[count - 1]),
        })
    }
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { number(part) / number(whole) * 100.0 }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let Latencies { count, mean, p50, p90, p95, p99, max } = Latencies::from_times(times).unwrap();
        assert_eq!((count, p50, p90, p95, p99, max), (200, 100.0, 180.0, 190.0, 198.0, 200.0));
        assert!((mean - 100.5).abs() < 1e-9);
        let one = Latencies::from_times(vec![Duration::from_millis(3)]).unwrap();
        assert_eq!((one.count, one.p50, one.max), (1, 3.0, 3.0));
        assert_eq!(Latencies::from_times(Vec::new()), None);
    }
}
