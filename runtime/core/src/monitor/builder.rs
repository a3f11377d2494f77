//! Settings of a monitor.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Monitor;
use super::alerts::{Alert, Thresholds};
use super::guard::MemoryGuard;
use super::probe::Probe;
use super::settings::Settings;
use super::sources::{RouteFigures, SlowQuery, Sources};
use crate::error::{Error, Kind};
use crate::handle::Fastness;

/// Settings of a [`Monitor`].
///
/// ```
/// use std::time::Duration;
///
/// use fastness::monitor::{AlertKind, Monitor, Threshold, Thresholds};
///
/// let monitor = Monitor::builder()
///     .every(Duration::from_secs(1))
///     .window(Duration::from_secs(30))
///     .thresholds(Thresholds::default().set(AlertKind::ResponseTime, Threshold::above(500.0, 400.0)))
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
    /// Starts from the defaults: the cache in force where it is built, no probes, a sample every 5 s.
    pub fn builder() -> MonitorBuilder {
        let settings = Settings {
            period: Duration::from_secs(5),
            window: Duration::from_secs(60),
            thresholds: Thresholds::default(),
            cache_required: false,
            memory_limit: None,
            guard: None,
            database: None,
            probes: Vec::new(),
            sources: Sources::default(),
            told: Vec::new(),
        };
        MonitorBuilder { cache: None, settings }
    }
}

impl MonitorBuilder {
    /// The cache that is watched; its clock is the monitor's. Default: the one in force where the monitor is built.
    pub fn cache(mut self, cache: &Fastness) -> Self {
        self.cache = Some(cache.clone());
        self
    }

    /// The database: what the report says of it comes from this probe. Unless it is optional, the process is unhealthy and
    /// not ready without it.
    ///
    /// A client of MongoDB (`fastness::mongo::Client`, feature `mongodb`) is one: it is asked, and tells what its pool has and which
    /// queries were slow in the last ten minutes: `.database(&client)`.
    pub fn database(mut self, probe: impl Into<Probe>) -> Self {
        self.settings.database = Some(probe.into());
        self
    }

    /// Another thing that the process depends on.
    pub fn probe(mut self, probe: Probe) -> Self {
        self.settings.probes.push(probe);
        self
    }

    /// The process is of no use without the shared tier: unhealthy and not ready where it is not connected or not coherent.
    /// Default: degraded, and ready.
    pub fn require_shared_tier(mut self) -> Self {
        self.settings.cache_required = true;
        self
    }

    /// When alerts fire.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.settings.thresholds = thresholds;
        self
    }

    /// Calls this with each alert that begins or ends, on a thread where it may block. It needs
    /// [`start`](Monitor::start). One that is slow misses alerts, one that panics gets the next; nobody else notices.
    pub fn on_alert(mut self, told: impl Fn(&Alert) + Send + Sync + 'static) -> Self {
        self.settings.told.push(Arc::new(told));
        self
    }

    /// How often a sample is taken. Default 5 s; at least 100 ms.
    pub fn every(mut self, period: Duration) -> Self {
        self.settings.period = period;
        self
    }

    /// How far back rates and percentiles look. Default 1 minute.
    pub fn window(mut self, window: Duration) -> Self {
        self.settings.window = window;
        self
    }

    /// How many bytes this process may hold. Default: what its control group allows, else what the machine has.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.settings.memory_limit = Some(bytes);
        self
    }

    /// The guard whose level is reported. Each sample lets it look.
    pub fn memory_guard(mut self, guard: &MemoryGuard) -> Self {
        self.settings.guard = Some(guard.clone());
        self
    }

    /// Where to read what each route did since the start. It is called with each sample, on a thread where it may block;
    /// while it hangs there are no new samples, and nothing else waits. The same goes for the other sources.
    pub fn routes(mut self, read: impl Fn() -> Vec<RouteFigures> + Send + Sync + 'static) -> Self {
        self.settings.sources.routes = Some(Arc::new(read));
        self
    }

    /// Where to read which queries were slow lately.
    pub fn slow_queries(mut self, read: impl Fn() -> Vec<SlowQuery> + Send + Sync + 'static) -> Self {
        self.settings.sources.slow_queries = Some(Arc::new(read));
        self
    }

    /// A further section of the performance report, such as the plan of indexes. What cannot be serialised is null.
    pub fn section<T: Serialize>(
        mut self,
        name: impl Into<String>,
        read: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.settings.sources.section(name.into(), read);
        self
    }

    /// Builds it. Nothing is sampled until it is [started](Monitor::start).
    ///
    /// # Errors
    ///
    /// If a setting makes no sense.
    pub fn build(self) -> Result<Monitor, Error> {
        let mut settings = self.settings;
        if settings.period < Duration::from_millis(100) {
            return Err(Kind::Setting("`every` of a monitor is below 100ms: give more, or leave it at 5 s").into());
        }
        if settings.window < settings.period {
            return Err(Kind::Setting("`window` of a monitor is shorter than the time between two samples").into());
        }
        if !settings.thresholds.make_sense() {
            let text = "a threshold's second value must be on the good side of the first: `above(90.0, 85.0)`, `below(70.0, 75.0)`";
            return Err(Kind::Setting(text).into());
        }
        let told = settings.database.as_ref().and_then(|probe| probe.slow_queries.clone());
        settings.sources.slow_queries = settings.sources.slow_queries.or(told);
        Ok(Monitor::new(self.cache.unwrap_or_else(Fastness::current), settings))
    }
}

impl fmt::Debug for MonitorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorBuilder").field("period", &self.settings.period).finish_non_exhaustive()
    }
}
