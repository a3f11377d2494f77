//! The adaptive limit: derives the number of calls that a callee can take at a time from their durations. No clock, no lock.
//!
//! The algorithm is that of TCP Vegas, with the constants of Netflix's `concurrency-limits`. If calls take longer than on an idle
//! server, the difference is the time that they wait there; so of `limit` calls in flight, `limit * (1 - baseline / latency)` are in
//! the server's queue. With a queue that is nearly empty the limit grows, with a long one it shrinks.
//!
//! The limit changes once per *window*, by the calls that began in it and succeeded. The baseline is the shortest mean of
//! a window; because a server may become slower for good, it is measured again every [`PROBE_EVERY`] windows, by halving
//! the limit for one window so that the queue empties.
//!
//! Invariants: `min <= limit <= max`; the limit grows only in a window in which at least half of it was used; nothing but
//! samples changes it.

/// Windows from one measurement of the baseline to the next. A measurement costs half the throughput of a window.
const PROBE_EVERY: u32 = 50;
/// The minimum number of calls in a window.
const FEWEST: f64 = 10.0;
/// The share of the limit that is left after a window in which a call was given up.
const BACKOFF: f64 = 0.9;
/// Thresholds of the queue, in steps of the decimal logarithm of the limit: below the first the limit grows, above the second it
/// shrinks. As in Netflix's `concurrency-limits`.
const SHORT_QUEUE: f64 = 3.0;
const LONG_QUEUE: f64 = 6.0;

/// A call that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The start of the call, in nanoseconds, as is the end.
    pub(super) started: u64,
    pub(super) ended: u64,
    /// The calls in flight when it ended, itself included.
    pub(super) in_flight: u32,
    /// True if the call was dropped before its end, because it took too long.
    pub(super) given_up: bool,
}

#[derive(Debug)]
pub(super) struct Gradient {
    min: f64,
    max: f64,
    limit: f64,
    /// The mean latency of an empty queue, in nanoseconds.
    baseline: Option<f64>,
    windows: u32,
    /// The limit to return to, while the baseline is measured.
    resume: Option<f64>,
    window: LatencyWindow,
}

#[derive(Debug, Default)]
struct LatencyWindow {
    began: u64,
    calls: f64,
    nanos: f64,
    most_in_flight: u32,
    given_up: bool,
}

impl Gradient {
    pub(super) fn new(min: u32, max: u32) -> Self {
        let max = max.max(min);
        Self {
            min: f64::from(min),
            max: f64::from(max),
            limit: f64::from(min),
            baseline: None,
            windows: 0,
            resume: None,
            window: LatencyWindow::default(),
        }
    }

    /// Sets the smallest and the largest limit, between which the limit stays as it is.
    #[cfg(feature = "settings")]
    pub(super) fn set_bounds(&mut self, min: u32, max: u32) {
        (self.min, self.max) = (f64::from(min), f64::from(max.max(min)));
        self.limit = self.limit.clamp(self.min, self.max);
        self.resume = self.resume.map(|limit| limit.clamp(self.min, self.max));
    }

    pub(super) fn limit(&self) -> u32 {
        // Between `min` and `max`, which are whole numbers of 32 bits.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let limit = self.limit as u32;
        limit
    }

    /// Adds a call to the window; the limit may change.
    pub(super) fn add(&mut self, sample: Sample) {
        let window = &mut self.window;
        window.most_in_flight = window.most_in_flight.max(sample.in_flight);
        // Calls that began before the window may have waited in a queue that another limit caused.
        if sample.started < window.began {
            return;
        }
        if sample.given_up {
            window.given_up = true;
        } else {
            #[allow(clippy::cast_precision_loss)] // of nanoseconds
            let nanos = sample.ended.saturating_sub(sample.started).max(1) as f64;
            window.nanos += nanos;
        }
        window.calls += 1.0;
        if window.calls >= self.limit.max(FEWEST) {
            self.judge();
            self.window = LatencyWindow { began: sample.ended, ..LatencyWindow::default() };
        }
    }

    fn judge(&mut self) {
        let saturated = f64::from(self.window.most_in_flight) * 2.0 >= self.limit;
        let latency = self.window.nanos / self.window.calls;
        let limit = if self.window.given_up {
            self.resume.take().unwrap_or(self.limit) * BACKOFF
        } else if let Some(resume) = self.resume.take() {
            self.baseline = Some(latency);
            resume
        } else if self.windows >= PROBE_EVERY {
            self.windows = 0;
            self.resume = Some(self.limit);
            self.limit / 2.0
        } else {
            self.follow(latency, saturated)
        };
        self.windows += 1;
        self.limit = limit.clamp(self.min, self.max);
    }

    fn follow(&mut self, latency: f64, saturated: bool) -> f64 {
        let baseline = self.baseline.map_or(latency, |baseline| baseline.min(latency));
        self.baseline = Some(baseline);
        let queue = self.limit * (1.0 - baseline / latency);
        let step = self.limit.log10().max(1.0);
        match () {
            () if queue > LONG_QUEUE * step => self.limit - step,
            () if queue < SHORT_QUEUE * step && saturated => self.limit + step,
            () => self.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A server that works on a fixed number of calls at a time and queues the others, with enough callers to use up the
    /// limit.
    struct Server {
        at_a_time: f64,
        work: f64,
        now: u64,
    }

    impl Server {
        /// The concurrent calls of one window.
        fn window(&mut self, gradient: &mut Gradient) {
            let limit = gradient.limit();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let latency = (self.work * (f64::from(limit) / self.at_a_time).max(1.0)) as u64;
            for _ in 0..limit.max(10) {
                let (started, ended) = (self.now, self.now + latency);
                gradient.add(Sample { started, ended, in_flight: limit, given_up: false });
            }
            self.now += latency;
        }
    }

    fn sample() -> impl Strategy<Value = Sample> {
        (0_u64..1_000_000, 0_u64..1_000_000_000, 0_u32..500, prop::bool::weighted(0.05)).prop_map(
            |(started, nanos, in_flight, given_up)| Sample { started, ended: started + nanos, in_flight, given_up },
        )
    }

    proptest! {
        #[test]
        fn the_limit_stays_within_its_bounds(
            min in 1_u32..50, more in 0_u32..200, samples in prop::collection::vec(sample(), 0..2_000),
        ) {
            let mut gradient = Gradient::new(min, min + more);
            for sample in samples {
                gradient.add(sample);
                prop_assert!((min..=min + more).contains(&gradient.limit()), "{gradient:?}");
            }
        }

        #[test]
        fn the_limit_finds_the_capacity_of_a_server(at_a_time in 5_u32..150, millis in 1_u32..1_000) {
            let mut gradient = Gradient::new(1, 1_000);
            let mut server = Server { at_a_time: f64::from(at_a_time), work: f64::from(millis) * 1e6, now: 0 };
            for _ in 0..400 {
                server.window(&mut gradient);
            }
            let queue = LONG_QUEUE * f64::from(at_a_time).log10().max(1.0) * 1.5;
            for _ in 0..200 {
                server.window(&mut gradient);
                if gradient.resume.is_none() {
                    let limit = f64::from(gradient.limit());
                    let range = server.at_a_time..=server.at_a_time + queue + 1.0;
                    prop_assert!(range.contains(&limit), "{limit} where {range:?} is right");
                }
            }
        }

        #[test]
        fn the_limit_forgets_an_outdated_baseline(slower in 2_u32..20) {
            let mut gradient = Gradient::new(1, 1_000);
            let mut server = Server { at_a_time: 30.0, work: 1e6, now: 0 };
            for _ in 0..200 {
                server.window(&mut gradient);
            }
            server.work *= f64::from(slower);
            for _ in 0..200 {
                server.window(&mut gradient);
            }
            let limit = gradient.resume.unwrap_or(gradient.limit);
            prop_assert!(limit >= 29.0, "a slower server still takes as many calls at a time: {limit}");
        }

        #[test]
        fn the_limit_follows_a_server_that_loses_capacity(before in 20_u32..150, share in 0.1_f64..0.9) {
            let mut gradient = Gradient::new(1, 1_000);
            let mut server = Server { at_a_time: f64::from(before), work: 1e6, now: 0 };
            for _ in 0..300 {
                server.window(&mut gradient);
            }
            server.at_a_time = (server.at_a_time * share).max(5.0);
            for _ in 0..600 {
                server.window(&mut gradient);
            }
            let limit = gradient.resume.unwrap_or(gradient.limit);
            let queue = LONG_QUEUE * server.at_a_time.log10().max(1.0) * 1.5;
            prop_assert!(limit <= server.at_a_time + queue + 1.0, "{limit} of {}", server.at_a_time);
        }

        #[test]
        fn calls_below_the_limit_do_not_raise_it(
            nanos in prop::collection::vec(1_u64..1_000_000, 0..1_000),
        ) {
            let mut gradient = Gradient::new(20, 100);
            for nanos in nanos {
                gradient.add(Sample { started: 0, ended: nanos, in_flight: 9, given_up: false });
                prop_assert_eq!(gradient.limit(), 20);
            }
        }
    }

    #[test]
    fn abandoned_calls_lower_the_limit() {
        let mut gradient = Gradient::new(1, 100);
        let mut server = Server { at_a_time: 1e9, work: 1e6, now: 0 };
        while gradient.limit() < 100 {
            server.window(&mut gradient);
        }
        gradient.add(Sample { started: server.now, ended: server.now, in_flight: 100, given_up: true });
        server.window(&mut gradient);
        assert_eq!(gradient.limit(), 90);
    }
}
