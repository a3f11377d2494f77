//! What a monitor keeps, and one look.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinSet;

use super::advice::{Snapshot, Targets, advise};
use super::alerts::{AlertKind, Alerts, Reading};
use super::figures::{millis, percent, real, whole_millis};
use super::guard::{GuardSnapshot, MemoryGuard, Pressure};
use super::health::{CacheHealth, DatabaseHealth, ErrorsHealth, Findings, Health, MemoryHealth, Status, judge};
use super::performance::{CacheReport, CallReport, HISTORY, Performance, PolicyReport, Sample, hit_rate};
use super::probe::{FRESH, ProbeReport, Prober};
use super::process::{Memory, System};
use super::read;
use super::settings::Settings;
use super::window::Window;
use crate::clock::{Clock, nanos};
use crate::handle::Fastness;
use crate::resilience;
use crate::sync::{Mutex, lock};

pub(super) struct Inner {
    pub(super) cache: Fastness,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    pub(super) system: System,
    pub(super) database: Option<Arc<Prober>>,
    pub(super) probers: Vec<Arc<Prober>>,
    pub(super) alerts: Alerts,
    /// When it was built, in nanoseconds of the clock.
    pub(super) built: u64,
    /// Held by the one who looks until its sample is taken in, even if its caller goes away: looks follow each other.
    pub(super) looks: Arc<tokio::sync::Mutex<Looks>>,
    pub(super) seen: Mutex<LastLook>,
    /// Memory as it was read last. Reading it costs a dozen small files, and health checks come in storms.
    pub(super) memory: Mutex<Option<(u64, Option<Memory>)>>,
    /// The sampler and the callbacks; they end with this.
    pub(super) tasks: OnceLock<JoinSet<()>>,
}

/// What looks compare and add up.
#[derive(Default)]
pub(super) struct Looks {
    window: Window,
    history: VecDeque<Sample>,
}

/// What looks have found.
#[derive(Default)]
pub(super) struct LastLook {
    pub(super) last: Option<Arc<Performance>>,
    /// In nanoseconds of the clock.
    pub(super) looked: u64,
}

/// The answers of all probes.
pub(super) struct Answers {
    pub(super) database: Option<ProbeReport>,
    pub(super) others: Vec<ProbeReport>,
}

impl Answers {
    pub(super) fn all(&self) -> impl Iterator<Item = &ProbeReport> {
        self.database.iter().chain(&self.others)
    }
}

impl Inner {
    /// Asks all at once.
    pub(super) async fn ask(&self) -> Answers {
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

    pub(super) fn pressure(&self) -> Pressure {
        self.settings.guard.as_ref().map_or(Pressure::None, MemoryGuard::pressure)
    }

    fn guard(&self) -> Option<GuardSnapshot> {
        self.settings.guard.as_ref().map(MemoryGuard::snapshot)
    }

    /// Memory, a second old at most.
    fn memory(&self) -> Option<Memory> {
        let (now, last) = (self.clock.now(), *lock(&self.memory));
        if let Some((at, memory)) = last
            && now.saturating_sub(at) < nanos(FRESH)
        {
            return memory;
        }
        let memory = self.system.memory(self.settings.memory_limit);
        *lock(&self.memory) = Some((now, memory));
        memory
    }

    fn uptime(&self) -> u64 {
        whole_millis(Duration::from_nanos(self.clock.now().saturating_sub(self.built)))
    }

    fn timestamp(&self) -> String {
        timestamp(self.clock.wall())
    }

    pub(super) async fn health(&self) -> Health {
        let answers = self.ask().await;
        let tier = read::shared(&self.cache);
        let (last, looked) = {
            let seen = lock(&self.seen);
            (seen.last.clone(), seen.looked)
        };
        let last = last.as_deref();
        let all_time = || hit_rate(&self.cache.stats().total);
        let cache = CacheHealth {
            connected: tier.is_none_or(|tier| tier.connected),
            latency: tier.map_or(0, |tier| whole(tier.latency)),
            hit_rate: last.and_then(|last| last.cache.hit_rate).or_else(all_time).unwrap_or(0.0),
            coherent: tier.is_none_or(|tier| tier.coherent),
        };
        let silent = self.clock.now().saturating_sub(looked) / 1_000_000_000;
        let late = silent > self.settings.period.as_secs().max(1).saturating_mul(3)
            && (last.is_some() || self.tasks.get().is_some());
        let probes: Vec<_> = answers.all().cloned().collect();
        let (status, reasons) = judge(&Findings {
            probes: &probes,
            alerts: &self.alerts.firing(),
            cache,
            cache_required: self.settings.cache_required,
            tier_rests: tier.and_then(|tier| tier.rests),
            in_doubt: tier.map_or(0, |tier| tier.in_doubt),
            pressure: self.pressure(),
            exhausted: self.guard().and_then(|guard| guard.exhausted).map(|millis| millis / 1_000),
            blind: late.then_some(silent),
        });
        Health {
            status,
            timestamp: self.timestamp(),
            uptime: self.uptime(),
            memory: self.memory().map_or_else(MemoryHealth::default, MemoryHealth::from),
            database: self.database_health(answers.database.as_ref()),
            cache,
            errors: last
                .map_or(ErrorsHealth::NONE, |last| ErrorsHealth::new(last.requests.errors, last.requests.error_rate)),
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

    pub(super) async fn look(self: &Arc<Self>) {
        let looks = self.looks.clone().lock_owned().await;
        let answers = self.ask().await;
        // Reads files and calls sources, which may block.
        let inner = self.clone();
        let taking = tokio::task::spawn_blocking(move || {
            let mut looks = looks;
            inner.take_in(&mut looks, &answers);
        });
        // It panics only where the runtime ends.
        let _ = taking.await;
        let health = self.health().await;
        let mut seen = lock(&self.seen);
        if let Some(last) = &mut seen.last {
            let last = Arc::make_mut(last);
            (last.status, last.reasons) = (health.status, health.reasons);
        }
    }

    /// One sample: everything outside is read before the lock is taken.
    fn take_in(&self, looks: &mut Looks, answers: &Answers) {
        let now = self.clock.now();
        let totals = read::totals(now, &self.cache, self.settings.sources.routes());
        let (entries, policies) = (totals.cache.entries, totals.policies.clone());
        let (process, memory, pressure) = (self.system.look(now), self.memory(), self.pressure());
        let percent = memory.map(|memory| memory.percentage());
        if let Some(interval) = looks.window.add(totals, self.settings.window) {
            let sample = Sample::new(unix_millis(self.clock.wall()), &interval, &process, percent);
            looks.history.push_back(sample);
            if looks.history.len() > HISTORY {
                looks.history.pop_front();
            }
        }
        let (window, history) = (looks.window.sum(), looks.history.clone());
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
        let mut report = self.report(snapshot, &policies, pressure, history, answers);
        let mut seen = lock(&self.seen);
        // The verdict before stands until the new one is there, which needs this.
        if let Some(last) = &seen.last {
            (report.status, report.reasons) = (last.status, last.reasons.clone());
        }
        (seen.last, seen.looked) = (Some(Arc::new(report)), now);
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
        policies: &[resilience::Snapshot],
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
            guard: self.guard(),
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
    let hits = hit_rate(&cache).map(|value| Reading { value, samples: cache.look_ups() });
    let errors = Reading { value: requests.error_rate(), samples: requests.count };
    [
        (AlertKind::ResponseTime, mean),
        (AlertKind::HitRate, hits),
        (AlertKind::Memory, seen.memory.map(|memory| one(percent(memory.used(), memory.total())))),
        (AlertKind::Errors, Some(errors)),
        (AlertKind::DatabaseLatency, database.map(|answer| one(answer.latency))),
    ]
}

/// RFC 3339, in UTC, to the millisecond.
pub(super) fn timestamp(wall: std::time::SystemTime) -> String {
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
