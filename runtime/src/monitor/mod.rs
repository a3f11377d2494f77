//! What a process and its caches, policies and databases are doing, judged: health, alerts and recommendations.
//!
//! May use: `clock`, `error`, `handle`, `index`, `resilience`, `stats`, `sync`, `timed`.
//!
//! ```text
//! counters that exist anyway (read) -> what is new since the look before (window) -> alerts, advice, performance
//! questions to databases (probe)  ------------------------------------------------> health
//! ```
//!
//! Everything but reading and asking is pure: the window, the alarm of one alert, the levels of memory, the rules of advice
//! and of health are functions of what they are given. [`Monitor`] ties them together.
//!
//! Invariants: nothing here is on the path of a call; no user code runs under a lock; what a source or a subscriber does
//! wrong is seen in its own figures only; liveness asks nobody.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::clock::{Clock, nanos, pause};
use crate::error::{Error, Kind};
use crate::handle::Fastness;
use crate::sync::{Mutex, lock};

mod advice;
mod alerts;
mod builder;
mod figures;
mod guard;
mod health;
mod performance;
mod probe;
mod process;
mod read;
mod sources;
#[cfg(test)]
mod tests;
mod window;

pub use advice::{Recommendation, SharedTier, Targets};
use advice::{Snapshot, advise};
pub use alerts::{Alert, AlertEvents, AlertKind, AlertState, Threshold, Thresholds};
use alerts::{Alerts, Reading, pass_on};
pub use builder::MonitorBuilder;
use figures::{millis, real, whole_millis};
pub use guard::{MemoryGuard, MemoryGuardBuilder, Pressure};
pub use health::{CacheHealth, DatabaseHealth, ErrorsHealth, Health, MemoryHealth, Status};
use health::{Findings, judge};
pub use performance::{BreakerReport, CacheReport, CallReport, Performance, PolicyReport, Sample, SiteReport};
use performance::{HISTORY, hit_rate};
use probe::Prober;
pub use probe::{Pool, Probe, ProbeReport};
use process::System;
pub use process::{Memory, ProcessFigures};
use sources::Sources;
pub use sources::{RouteFigures, SlowQuery};
use window::Window;

/// Watches a process: samples what its caches, timers and policies count, asks what it depends on, and judges. Cheap to
/// clone; the sampling ends with the last clone.
///
/// ```
/// use fastness::Fastness;
/// use fastness::monitor::{Monitor, Probe, Status};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = Fastness::builder().build().await?;
/// let monitor = Monitor::builder()
///     .cache(&fast)
///     .database(Probe::new("postgres", async || Ok::<_, std::io::Error>(())))
///     .on_alert(|alert| eprintln!("{}", alert.message))
///     .build()?;
/// monitor.start()?;
///
/// let health = monitor.health().await;
/// assert_eq!(health.status, Status::Healthy);
/// assert!(health.database.connected);
/// assert!(monitor.alerts().is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Monitor {
    inner: Arc<Inner>,
}

struct Settings {
    period: Duration,
    window: Duration,
    thresholds: Thresholds,
    cache_required: bool,
    memory_limit: Option<u64>,
    guard: Option<MemoryGuard>,
    database: Option<Probe>,
    probes: Vec<Probe>,
    sources: Sources,
    told: Vec<Arc<dyn Fn(&Alert) + Send + Sync>>,
}

struct Inner {
    cache: Fastness,
    clock: Clock,
    settings: Settings,
    system: System,
    database: Option<Arc<Prober>>,
    probers: Vec<Arc<Prober>>,
    alerts: Alerts,
    /// When it was built, in nanoseconds of the clock.
    built: u64,
    /// Held by the one who looks, so that looks follow each other.
    looking: tokio::sync::Mutex<()>,
    seen: Mutex<Seen>,
    /// The sampler and the callbacks; they end with this.
    tasks: OnceLock<JoinSet<()>>,
}

/// What looks have found.
#[derive(Default)]
struct Seen {
    window: Window,
    history: VecDeque<Sample>,
    last: Option<Arc<Performance>>,
    /// In nanoseconds of the clock.
    looked: u64,
}

impl Monitor {
    fn new(cache: Fastness, settings: Settings) -> Self {
        let clock = cache.clock().clone();
        let prober = |probe: &Probe| Prober::new(probe.clone(), clock.clone());
        let built = clock.now();
        let inner = Inner {
            database: settings.database.as_ref().map(prober),
            probers: settings.probes.iter().map(prober).collect(),
            alerts: Alerts::new(settings.thresholds),
            system: System::new(),
            looking: tokio::sync::Mutex::default(),
            seen: Mutex::new(Seen { looked: built, ..Seen::default() }),
            tasks: OnceLock::new(),
            cache,
            clock,
            settings,
            built,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Samples from now on, until the last clone is dropped. Again, it does nothing.
    ///
    /// # Errors
    ///
    /// If there is no tokio runtime here to do it in.
    pub fn start(&self) -> Result<(), Error> {
        let runtime = Handle::try_current()
            .map_err(|_| Kind::Setting("a monitor needs a tokio runtime: call `start` within one"))?;
        self.inner.tasks.get_or_init(|| {
            let mut tasks = JoinSet::new();
            for told in &self.inner.settings.told {
                tasks.spawn_on(pass_on(self.subscribe(), told.clone()), &runtime);
            }
            let (inner, period) = (Arc::downgrade(&self.inner), self.inner.settings.period);
            let sampling = async move {
                while let Some(inner) = inner.upgrade() {
                    inner.look().await;
                    drop(inner);
                    pause(period).await;
                }
            };
            tasks.spawn_on(sampling, &runtime);
            tasks
        });
        Ok(())
    }

    /// Takes a sample now, in place of waiting for the next; for tests, and for programs with a rhythm of their own.
    ///
    /// # Cancel safety
    ///
    /// A sample that was begun is taken in or lost as a whole.
    pub async fn look(&self) {
        self.inner.look().await;
    }

    /// How the process is, now. Each probe is asked at the same time as the others, and has failed after its own bound, 1 s;
    /// answers are a second old at most, so a storm of these calls is one question a second to each.
    pub async fn health(&self) -> Health {
        self.inner.health().await
    }

    /// Whether requests should be sent here: what is required answers, and memory is not so short that they are turned
    /// away. The reasons, if not.
    pub async fn ready(&self) -> Result<(), Vec<String>> {
        let (inner, mut reasons) = (&self.inner, Vec::new());
        for probe in inner.ask().await.all().filter(|probe| !probe.ok && !probe.optional) {
            reasons.push(format!("{}: {}", probe.name, probe.error.as_deref().unwrap_or("failed")));
        }
        if inner.settings.cache_required
            && read::shared(&inner.cache).is_some_and(|tier| !tier.connected || !tier.coherent)
        {
            reasons.push("the shared tier cannot be used".into());
        }
        if inner.pressure() == Pressure::Shed {
            reasons.push("memory is short".into());
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }

    /// The alerts that fire.
    pub fn alerts(&self) -> Vec<Alert> {
        self.inner.alerts.firing()
    }

    /// The last 100 alerts that began or ended, oldest first.
    pub fn recent_alerts(&self) -> Vec<Alert> {
        self.inner.alerts.recent()
    }

    /// Tells of alerts that begin or end from now on.
    pub fn subscribe(&self) -> AlertEvents {
        self.inner.alerts.subscribe()
    }

    /// Everything that is known, as of the last sample; `None` before the first. It asks nobody and waits for nothing.
    pub fn performance(&self) -> Option<Arc<Performance>> {
        lock(&self.inner.seen).last.clone()
    }

    /// The cache that is watched.
    pub fn cache(&self) -> &Fastness {
        &self.inner.cache
    }
}

/// The answers of all probes.
struct Answers {
    database: Option<ProbeReport>,
    others: Vec<ProbeReport>,
}

impl Answers {
    fn all(&self) -> impl Iterator<Item = &ProbeReport> {
        self.database.iter().chain(&self.others)
    }
}

impl Inner {
    /// Asks all at once.
    async fn ask(&self) -> Answers {
        let mut asked = JoinSet::new();
        for (place, prober) in self.database.iter().chain(&self.probers).enumerate() {
            let prober = prober.clone();
            asked.spawn(async move { (place, prober.ask().await) });
        }
        let mut answers: Vec<_> = asked.join_all().await;
        answers.sort_by_key(|(place, _)| *place);
        let mut answers = answers.into_iter().map(|(_, answer)| answer);
        let database = self.database.as_ref().and_then(|_| answers.next());
        Answers { database, others: answers.collect() }
    }

    fn pressure(&self) -> Pressure {
        self.settings.guard.as_ref().map_or(Pressure::None, MemoryGuard::pressure)
    }

    fn memory(&self) -> Option<Memory> {
        self.system.memory(self.settings.memory_limit)
    }

    fn uptime(&self) -> u64 {
        whole_millis(Duration::from_nanos(self.clock.now().saturating_sub(self.built)))
    }

    fn timestamp(&self) -> String {
        timestamp(self.clock.wall())
    }

    async fn health(&self) -> Health {
        let answers = self.ask().await;
        let tier = read::shared(&self.cache);
        let (last, window_cache, looked) = {
            let seen = lock(&self.seen);
            (seen.last.clone(), seen.window.sum(), seen.looked)
        };
        let requests = window_cache.requests();
        let all_time = || hit_rate(&self.cache.stats().total);
        let cache = CacheHealth {
            connected: tier.is_none_or(|tier| tier.connected),
            latency: tier.map_or(0, |tier| whole(tier.latency)),
            hit_rate: hit_rate(&window_cache.cache()).or_else(all_time).unwrap_or(0.0),
            coherent: tier.is_none_or(|tier| tier.coherent),
        };
        let silent = self.clock.now().saturating_sub(looked) / 1_000_000_000;
        let late = silent > 3 * self.settings.period.as_secs().max(1) && (last.is_some() || self.tasks.get().is_some());
        let probes: Vec<_> = answers.all().cloned().collect();
        let (status, reasons) = judge(&Findings {
            probes: &probes,
            alerts: &self.alerts.firing(),
            cache,
            cache_required: self.settings.cache_required,
            pressure: self.pressure(),
            blind: late.then_some(silent),
        });
        Health {
            status,
            timestamp: self.timestamp(),
            uptime: self.uptime(),
            memory: self.memory().map_or_else(MemoryHealth::default, MemoryHealth::from),
            database: self.database_health(answers.database.as_ref()),
            cache,
            errors: ErrorsHealth::new(requests.errors, requests.error_rate()),
            reasons,
            probes,
        }
    }

    fn database_health(&self, answer: Option<&ProbeReport>) -> DatabaseHealth {
        let pool = self.database.as_ref().and_then(|prober| prober.pool());
        DatabaseHealth {
            connected: answer.is_none_or(|answer| answer.ok),
            latency: answer.map_or(0, |answer| whole(answer.latency)),
            connections: pool.map_or(0, |pool| pool.connections),
        }
    }

    async fn look(self: &Arc<Self>) {
        let _looking = self.looking.lock().await;
        let answers = self.ask().await;
        // Reads files and calls sources, which may block.
        let inner = self.clone();
        // It panics only where the runtime ends.
        let _ = tokio::task::spawn_blocking(move || inner.take_in(&answers)).await;
        let health = self.health().await;
        let mut seen = lock(&self.seen);
        if let Some(last) = &mut seen.last {
            let last = Arc::make_mut(last);
            (last.status, last.reasons) = (health.status, health.reasons);
        }
    }

    /// One sample: everything outside is read before the lock is taken.
    fn take_in(&self, answers: &Answers) {
        let now = self.clock.now();
        let totals = read::totals(now, &self.cache, self.settings.sources.routes());
        let (entries, policies) = (totals.cache.entries, totals.policies.clone());
        let (process, memory, pressure) = (self.system.look(now), self.memory(), self.pressure());
        let mut seen = lock(&self.seen);
        let percent = memory.map(|memory| memory.percentage());
        if let Some(interval) = seen.window.add(totals, self.settings.window) {
            let sample = Sample::new(unix_millis(self.clock.wall()), interval, &process, percent);
            seen.history.push_back(sample);
            if seen.history.len() > HISTORY {
                seen.history.pop_front();
            }
        }
        seen.looked = now;
        let (window, history) = (seen.window.sum(), seen.history.clone());
        drop(seen);
        let snapshot = Snapshot {
            cpu: self.mean_cpu(&history),
            window,
            entries,
            process,
            memory,
            shared: read::shared(&self.cache),
            pool: self.database.as_ref().and_then(|prober| prober.pool()),
            slow_queries: self.settings.sources.slow_queries(),
        };
        self.alerts.look(&self.timestamp(), &readings(&snapshot, answers.database.as_ref()));
        let report = self.report(snapshot, &policies, pressure, history, answers);
        lock(&self.seen).last = Some(Arc::new(report));
    }

    /// Of the samples within the window; one or two are none.
    fn mean_cpu(&self, history: &VecDeque<Sample>) -> Option<f64> {
        let within = nanos(self.settings.window) / nanos(self.settings.period).max(1);
        let within = usize::try_from(within).unwrap_or(HISTORY);
        let cpu: Vec<_> = history.iter().rev().take(within).filter_map(|sample| sample.cpu).collect();
        (cpu.len() > 2).then(|| cpu.iter().sum::<f64>() / real(cpu.len() as u64))
    }

    fn report(
        &self,
        seen: Snapshot,
        policies: &[crate::resilience::PolicySnapshot],
        pressure: Pressure,
        history: VecDeque<Sample>,
        answers: &Answers,
    ) -> Performance {
        let (window, nanos) = (&seen.window, seen.window.nanos);
        Performance {
            status: Status::Healthy,
            reasons: Vec::new(),
            timestamp: self.timestamp(),
            uptime: self.uptime(),
            period: whole_millis(self.settings.period),
            window: millis(Duration::from_nanos(nanos)) / 1e3,
            requests: CallReport::new("all", &window.requests(), nanos),
            routes: window.routes.as_ref().map_or_else(Vec::new, |routes| CallReport::all(routes, nanos)),
            functions: CallReport::all(&window.timed, nanos),
            memory: seen.memory.map_or_else(MemoryHealth::default, MemoryHealth::from),
            pressure,
            process: seen.process,
            cache: CacheReport::new(window, seen.entries, seen.shared),
            policies: PolicyReport::all(policies, window),
            pool: seen.pool,
            probes: answers.all().cloned().collect(),
            sections: self.settings.sources.sections(),
            alerts: self.alerts.firing(),
            recent_alerts: self.alerts.recent(),
            recommendations: advise(&seen),
            targets: Targets::DEFAULT,
            slow_queries: seen.slow_queries,
            history,
        }
    }
}

/// What the alerts are judged by.
fn readings(seen: &Snapshot, database: Option<&ProbeReport>) -> [(AlertKind, Option<Reading>); 5] {
    let (requests, cache) = (seen.window.requests(), seen.window.cache());
    let one = |value: f64| Reading { value, samples: 1 };
    let mean = requests.mean().map(|mean| Reading { value: millis(mean), samples: requests.count });
    let hits = hit_rate(&cache).map(|value| Reading { value, samples: cache.hits + cache.misses });
    let errors = Reading { value: requests.error_rate(), samples: requests.count };
    [
        (AlertKind::ResponseTime, mean),
        (AlertKind::HitRate, hits),
        (AlertKind::Memory, seen.memory.map(|memory| one(real(memory.percentage())))),
        (AlertKind::Errors, Some(errors)),
        (AlertKind::DatabaseLatency, database.map(|answer| one(answer.latency))),
    ]
}

/// RFC 3339, in UTC, to the millisecond.
fn timestamp(wall: std::time::SystemTime) -> String {
    jiff::Timestamp::try_from(wall).map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

fn unix_millis(wall: std::time::SystemTime) -> u64 {
    wall.duration_since(std::time::UNIX_EPOCH).map_or(0, whole_millis)
}

/// Milliseconds, rounded.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a latency, which is neither
fn whole(millis: f64) -> u64 {
    millis.round() as u64
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("period", &self.inner.settings.period)
            .field("database", &self.inner.database)
            .field("probes", &self.inner.probers)
            .finish_non_exhaustive()
    }
}
