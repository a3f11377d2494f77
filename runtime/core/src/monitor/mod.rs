//! What a process and its caches, policies and databases are doing, judged: health, alerts and recommendations.
//!
//! May use: `clock`, `error`, `flight`, `handle`, `key`, `resilience`, `stats`, `sync`, `timed`.
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

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::clock::pause;
use crate::error::{Error, Kind};
use crate::handle::Fastness;
use crate::sync::{Mutex, lock};

mod advice;
mod alerts;
mod builder;
mod figures;
mod guard;
mod health;
mod inner;
mod performance;
mod probe;
mod process;
mod read;
mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod window;

pub use advice::{Recommendation, SharedTier, Targets};
pub use alerts::{Alert, AlertEvents, AlertKind, AlertState, Threshold, Thresholds};
use alerts::{Alerts, pass_on};
pub use builder::MonitorBuilder;
pub use guard::{GuardSnapshot, MemoryGuard, MemoryGuardBuilder, Pressure};
pub use health::{CacheHealth, DatabaseHealth, ErrorsHealth, Health, MemoryHealth, Status};
use inner::{Inner, LastLook};
pub use performance::{BreakerReport, CacheReport, CallReport, Performance, PolicyReport, Sample, SiteReport};
use probe::Prober;
pub use probe::{Pool, Probe, ProbeReport};
use process::System;
pub use process::{Memory, ProcessFigures};
use settings::Settings;
pub use sources::{RouteFigures, SlowQuery};

/// Watches a process: samples what its caches, timers and policies count, asks what it depends on, and judges. Cheap to
/// clone; the sampling ends with the last clone.
///
/// ```
/// use fastness::Fastness;
/// use fastness::monitor::{Monitor, Probe, Status};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = Fastness::builder().build()?;
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
            looks: Arc::default(),
            memory: Mutex::default(),
            seen: Mutex::new(LastLook { looked: built, ..LastLook::default() }),
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

    /// Tells whether the process should go on: its [`MemoryGuard`] says so, if there is one. Nothing else is asked, because no other
    /// process gets better by this one's restart.
    ///
    /// # Errors
    ///
    /// The reasons for a restart.
    pub fn alive(&self) -> Result<(), Vec<String>> {
        let alive = self.inner.settings.guard.as_ref().is_none_or(MemoryGuard::is_alive);
        if alive { Ok(()) } else { Err(vec!["memory stays short, and nothing is left to give up".into()]) }
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

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("period", &self.inner.settings.period)
            .field("database", &self.inner.database)
            .field("probes", &self.inner.probers)
            .finish_non_exhaustive()
    }
}
