//! Watches a process, its caches, policies and databases: health, performance, alerts and recommendations.
//!
//! May use: `clock`, `error`, `flight`, `handle`, `key`, `l1`, `resilience`, `settings`, `stats`, `sync`, `timed`.
//!
//! ```text
//! counters that exist anyway (counters) -> difference from the sample before (window) -> alerts, advice, performance
//! probes of dependencies (probe)  ------------------------------------------------------> health
//! ```
//!
//! Only reading and probing have side effects: the window, the state of one alert, the levels of memory, and the rules of advice and of
//! health depend on their arguments alone. `sampler` ties them together for [`Monitor`].
//!
//! Invariants: nothing here is on the path of a call; no user code runs under a lock; a source or a subscriber that fails affects only its
//! own figures; liveness asks no dependency.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::clock::pause;
use crate::error::{Error, ErrorDetail};
use crate::handle::Fastness;
use crate::sync::{Mutex, lock};

mod advice;
mod alerts;
mod builder;
mod counters;
pub mod guard;
pub mod health;
mod memory_guard;
pub mod performance;
mod pressure;
mod probe;
mod process;
mod rounding;
mod sampler;
mod settings;
mod shared_tier;
mod sources;
mod status;
#[cfg(test)]
mod tests;
mod window;

pub use advice::Recommendation;
pub use alerts::{Alert, AlertEvents, AlertKind, Threshold};
use alerts::{Alerts, run_callback};
pub use builder::MonitorBuilder;
pub use memory_guard::{MemoryGuard, MemoryGuardBuilder};
pub use pressure::Pressure;
use probe::Prober;
pub use probe::{Pool, Probe, ProbeAnswer};
use process::System;
pub use process::{Memory, Process};
use sampler::{LastSample, Sampler};
use settings::Settings;
pub use shared_tier::SharedTier;
pub use sources::{RouteTotals, SlowQuery};
pub use status::Status;

/// Watches a process: samples the counters of its caches, timers and policies, probes its dependencies, and judges both.
///
/// Cheap to clone; sampling ends with the last clone.
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
/// assert!(health.database.is_some_and(|answer| answer.ok));
/// assert!(monitor.alerts().is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Monitor {
    sampler: Arc<Sampler>,
}

impl Monitor {
    fn new(cache: Fastness, settings: Settings) -> Self {
        let clock = cache.clock().clone();
        let prober = |probe: &Probe| Prober::new(probe.clone(), clock.clone());
        let built = clock.now();
        let sampler = Sampler {
            database: settings.database.as_ref().map(prober),
            probers: settings.probes.iter().map(prober).collect(),
            alerts: Alerts::new(settings.thresholds),
            system: System::new(),
            series: Arc::default(),
            memory: Mutex::default(),
            last: Mutex::new(LastSample { at: built, ..LastSample::default() }),
            tasks: OnceLock::new(),
            cache,
            clock,
            settings,
            built,
        };
        Self { sampler: Arc::new(sampler) }
    }

    /// Starts to take samples, until the last clone is dropped. Calling it again has no effect.
    ///
    /// # Errors
    ///
    /// Fails outside a tokio runtime.
    pub fn start(&self) -> Result<(), Error> {
        let runtime = Handle::try_current()
            .map_err(|_| ErrorDetail::Setting("a monitor needs a tokio runtime: call `start` within one"))?;
        self.sampler.tasks.get_or_init(|| {
            let mut tasks = JoinSet::new();
            for callback in &self.sampler.settings.on_alert {
                tasks.spawn_on(run_callback(self.subscribe(), callback.clone()), &runtime);
            }
            let (sampler, period) = (Arc::downgrade(&self.sampler), self.sampler.settings.period);
            let sampling = async move {
                while let Some(sampler) = sampler.upgrade() {
                    sampler.sample().await;
                    drop(sampler);
                    pause(period).await;
                }
            };
            tasks.spawn_on(sampling, &runtime);
            tasks
        });
        Ok(())
    }

    /// Takes a sample now; for tests, and for programs that do not [`start`](Self::start) the monitor.
    ///
    /// # Cancel safety
    ///
    /// A sample is recorded as a whole or not at all.
    pub async fn sample(&self) {
        self.sampler.sample().await;
    }

    /// Returns the health of the process now. All probes are asked at the same time, and each fails after its own timeout, 1 s by default.
    /// Answers are reused for a second, so each dependency is asked at most once a second, however often this is called.
    pub async fn health(&self) -> health::Snapshot {
        self.sampler.health().await
    }

    /// Checks whether the process should get requests: all required probes and the required shared tier answer, and the memory guard does
    /// not reject requests.
    ///
    /// # Errors
    ///
    /// The reasons why the process should get none.
    pub async fn ready(&self) -> Result<(), Vec<String>> {
        let (sampler, mut reasons) = (&self.sampler, Vec::new());
        for probe in sampler.answers().await.all().filter(|probe| !probe.ok && !probe.optional) {
            reasons.push(format!("{}: {}", probe.name, probe.error.as_deref().unwrap_or("failed")));
        }
        if sampler.settings.shared_tier_required
            && counters::shared_tier(&sampler.cache).is_some_and(|tier| !tier.connected || !tier.coherent)
        {
            reasons.push("the shared tier cannot be used".into());
        }
        if sampler.pressure() == Pressure::Shed {
            reasons.push("memory is short".into());
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }

    /// Checks whether the process should go on, by its [`MemoryGuard`] if there is one. Dependencies are not asked: a restart of this
    /// process would not repair them.
    ///
    /// # Errors
    ///
    /// The reasons for a restart.
    pub fn alive(&self) -> Result<(), Vec<String>> {
        let alive = self.sampler.settings.guard.as_ref().is_none_or(MemoryGuard::is_alive);
        if alive { Ok(()) } else { Err(vec!["memory stays short, and nothing is left to give up".into()]) }
    }

    /// Returns the alerts that fire.
    pub fn alerts(&self) -> Vec<Alert> {
        self.sampler.alerts.firing()
    }

    /// Returns the last 100 alerts that fired or were resolved, oldest first.
    pub fn recent_alerts(&self) -> Vec<Alert> {
        self.sampler.alerts.recent()
    }

    /// Subscribes to alerts that fire or are resolved from now on.
    pub fn subscribe(&self) -> AlertEvents {
        self.sampler.alerts.subscribe()
    }

    /// Returns all figures as of the last sample; `None` before the first. Probes nothing and does not block.
    pub fn performance(&self) -> Option<Arc<performance::Snapshot>> {
        lock(&self.sampler.last).report.clone()
    }

    /// Returns the handle whose cache is watched.
    pub fn cache(&self) -> &Fastness {
        &self.sampler.cache
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("period", &self.sampler.settings.period)
            .field("database", &self.sampler.database)
            .field("probes", &self.sampler.probers)
            .finish_non_exhaustive()
    }
}
