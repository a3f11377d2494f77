//! The builder of a monitor.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Monitor;
use super::alerts::{Alert, AlertKind, Threshold, Thresholds};
use super::memory_guard::MemoryGuard;
use super::probe::Probe;
use super::settings::Settings;
use super::sources::{RouteTotals, SlowQuery, Sources};
use crate::error::{Error, ErrorDetail};
use crate::handle::Fastness;

/// Builder of a [`Monitor`], from [`Monitor::builder`].
///
/// ```
/// use std::time::Duration;
///
/// use fastness::monitor::{AlertKind, Monitor, Threshold};
///
/// let monitor = Monitor::builder()
///     .every(Duration::from_secs(1))
///     .window(Duration::from_secs(30))
///     .threshold(AlertKind::ResponseTime, Threshold::above(500.0, 400.0))
///     .section("build", || "1.2.3")
///     .build()?;
/// # Ok::<_, fastness::Error>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
pub struct MonitorBuilder {
    cache: Option<Fastness>,
    settings: Settings,
}

impl Monitor {
    /// Returns a builder with the defaults: the handle in force when it is built, no probes, a sample every 5 s.
    pub fn builder() -> MonitorBuilder {
        let settings = Settings {
            period: Duration::from_secs(5),
            window: Duration::from_secs(60),
            thresholds: Thresholds::default(),
            shared_tier_required: false,
            memory_limit: None,
            guard: None,
            database: None,
            probes: Vec::new(),
            sources: Sources::default(),
            on_alert: Vec::new(),
        };
        MonitorBuilder { cache: None, settings }
    }
}

impl MonitorBuilder {
    /// Sets the handle whose cache is watched, and whose clock the monitor uses. Default: the handle in force when the monitor is built.
    pub fn cache(mut self, cache: &Fastness) -> Self {
        self.cache = Some(cache.clone());
        self
    }

    /// Sets the probe of the database, which reports show apart from other probes. Unless it is [optional](Probe::optional), the process is
    /// unhealthy and not ready while it fails.
    ///
    /// A client of MongoDB (`fastness::mongo::Client`, feature `mongodb`) converts into a probe, which also reports the client's pool and
    /// its slow queries of the last ten minutes: `.database(&client)`.
    pub fn database(mut self, probe: impl Into<Probe>) -> Self {
        self.settings.database = Some(probe.into());
        self
    }

    /// Adds a probe of another dependency of the process.
    pub fn probe(mut self, probe: Probe) -> Self {
        self.settings.probes.push(probe);
        self
    }

    /// Makes the shared tier required: while it is not connected or not coherent, the process is unhealthy and not ready. Default: it is
    /// degraded and ready.
    pub fn require_shared_tier(mut self) -> Self {
        self.settings.shared_tier_required = true;
        self
    }

    /// Sets the threshold of one kind of alert. Each applies to the figures of the [`window`](Self::window). Defaults, each after 3
    /// samples in a row:
    ///
    /// | alert | fires | is resolved | needs at least |
    /// |---|---|---|---|
    /// | response time | mean > 1000 ms | < 800 ms | 20 requests |
    /// | hit rate | < 70 % | > 75 % | 200 look-ups |
    /// | memory | > 90 % | < 85 % | 1 reading |
    /// | errors | > 1 % | < 0.5 % | 100 requests |
    /// | database latency | > 500 ms | < 400 ms | 1 answer |
    pub fn threshold(mut self, kind: AlertKind, threshold: Threshold) -> Self {
        self.settings.thresholds.set(kind, threshold);
        self
    }

    /// Adds a function to call with each alert that fires or is resolved, on a thread where it may block. Needs [`Monitor::start`]. If it
    /// is slow it misses alerts; if it panics it is called with the next.
    pub fn on_alert(mut self, callback: impl Fn(&Alert) + Send + Sync + 'static) -> Self {
        self.settings.on_alert.push(Arc::new(callback));
        self
    }

    /// Sets the time between two samples; at least 100 ms. Default 5 s.
    pub fn every(mut self, period: Duration) -> Self {
        self.settings.period = period;
        self
    }

    /// Sets the window of rates and percentiles. Default 1 minute.
    pub fn window(mut self, window: Duration) -> Self {
        self.settings.window = window;
        self
    }

    /// Sets how many bytes this process may hold. Default: the limit of its control group, else the memory of the machine.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.settings.memory_limit = Some(bytes);
        self
    }

    /// Sets the guard whose level is reported. Each sample makes it read memory if that is due.
    pub fn memory_guard(mut self, guard: &MemoryGuard) -> Self {
        self.settings.guard = Some(guard.clone());
        self
    }

    /// Sets the source of requests by route, such as `fastness::http::snapshots` (feature `http`). It is called with each sample, on a
    /// thread where it may block; while it hangs no samples are taken, but nothing else waits. The same goes for the other sources.
    pub fn routes<R: Into<RouteTotals>>(mut self, read: impl Fn() -> Vec<R> + Send + Sync + 'static) -> Self {
        let read = move || read().into_iter().map(Into::into).collect();
        self.settings.sources.routes = Some(Arc::new(read));
        self
    }

    /// Sets the source of recent slow queries.
    pub fn slow_queries(mut self, read: impl Fn() -> Vec<SlowQuery> + Send + Sync + 'static) -> Self {
        self.settings.sources.slow_queries = Some(Arc::new(read));
        self
    }

    /// Adds a section to the performance report, such as a plan of indexes. A value that cannot be serialised is shown as null.
    pub fn section<T: Serialize>(
        mut self,
        name: impl Into<String>,
        read: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.settings.sources.add_section(name.into(), read);
        self
    }

    /// Builds the monitor. It takes no samples until it is [started](Monitor::start).
    ///
    /// # Errors
    ///
    /// Fails if a setting is out of its range, or contradicts another.
    pub fn build(self) -> Result<Monitor, Error> {
        let mut settings = self.settings;
        if settings.period < Duration::from_millis(100) {
            return Err(
                ErrorDetail::Setting("`every` of a monitor is below 100ms: give more, or leave it at 5 s").into()
            );
        }
        if settings.window < settings.period {
            let text =
                "`window` of a monitor is shorter than `every`, the time between two samples: give at least as much";
            return Err(ErrorDetail::Setting(text).into());
        }
        if !settings.thresholds.are_valid() {
            let text = "a threshold's second value must be on the good side of the first: `above(90.0, 85.0)`, `below(70.0, 75.0)`";
            return Err(ErrorDetail::Setting(text).into());
        }
        let of_database = settings.database.as_ref().and_then(|probe| probe.slow_queries.clone());
        settings.sources.slow_queries = settings.sources.slow_queries.or(of_database);
        Ok(Monitor::new(self.cache.unwrap_or_else(Fastness::current), settings))
    }
}

impl fmt::Debug for MonitorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorBuilder").field("period", &self.settings.period).finish_non_exhaustive()
    }
}
