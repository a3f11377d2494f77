//! The state of a monitor, and the steps of one sample.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinSet;

use super::advice::{Facts, Targets, advise};
use super::alerts::{AlertKind, AlertReading, Alerts};
use super::counters;
use super::guard;
use super::health::{self, Findings, judge};
use super::memory_guard::MemoryGuard;
use super::performance::{self, CacheActivity, CallActivity, ChartPoint, HISTORY, hit_rate, within_window};
use super::pressure::Pressure;
use super::probe::{FRESH, ProbeAnswer, Prober};
use super::process::{Memory, System};
use super::rounding::{millis, percent, real, whole_millis};
use super::settings::Settings;
use super::status::Status;
use super::window::SampleWindow;
use crate::clock::{Clock, nanos};
use crate::handle::Fastness;
use crate::resilience;
use crate::sync::{Mutex, lock};

/// State of a monitor, shared by its clones.
pub(super) struct Sampler {
    pub(super) cache: Fastness,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    pub(super) system: System,
    pub(super) database: Option<Arc<Prober>>,
    pub(super) probers: Vec<Arc<Prober>>,
    pub(super) alerts: Alerts,
    /// Time of creation, in nanoseconds of the clock.
    pub(super) built: u64,
    /// Held until a sample is recorded, even if its caller is dropped: samples are taken one after the other.
    pub(super) series: Arc<tokio::sync::Mutex<SampleSeries>>,
    /// Lock around the last report and its time.
    pub(super) last: Mutex<LastSample>,
    /// Memory as read last, and the time of that. Reading takes a dozen small files, and health checks may come in large numbers.
    pub(super) memory: Mutex<Option<(u64, Option<Memory>)>>,
    /// The task that takes samples, and those of the callbacks; they end with the monitor.
    pub(super) tasks: OnceLock<JoinSet<()>>,
}

/// Series of samples: the window that they add up to, and the points of the charts.
#[derive(Default)]
pub(super) struct SampleSeries {
    window: SampleWindow,
    history: VecDeque<ChartPoint>,
}

/// Report of the last sample.
#[derive(Default)]
pub(super) struct LastSample {
    pub(super) report: Option<Arc<performance::Snapshot>>,
    /// Time of the sample, or of creation before the first, in nanoseconds of the clock.
    pub(super) at: u64,
}

/// Answers of all probes.
pub(super) struct Answers {
    pub(super) database: Option<ProbeAnswer>,
    pub(super) others: Vec<ProbeAnswer>,
}

impl Answers {
    pub(super) fn all(&self) -> impl Iterator<Item = &ProbeAnswer> {
        self.database.iter().chain(&self.others)
    }
}

impl Sampler {
    /// Asks all probes at once.
    pub(super) async fn answers(&self) -> Answers {
        let mut asked = JoinSet::new();
        for (index, prober) in self.database.iter().chain(&self.probers).enumerate() {
            let prober = prober.clone();
            asked.spawn(async move { (index, prober.answer().await) });
        }
        let mut answers: Vec<_> = asked.join_all().await;
        answers.sort_by_key(|(index, _)| *index);
        let mut answers = answers.into_iter().map(|(_, answer)| answer);
        let database = self.database.as_ref().and_then(|_| answers.next());
        Answers { database, others: answers.collect() }
    }

    pub(super) fn pressure(&self) -> Pressure {
        self.settings.guard.as_ref().map_or(Pressure::None, MemoryGuard::pressure)
    }

    fn guard(&self) -> Option<guard::Snapshot> {
        self.settings.guard.as_ref().map(MemoryGuard::snapshot)
    }

    /// Returns memory, as read at most a second ago.
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

    pub(super) async fn health(&self) -> health::Snapshot {
        let answers = self.answers().await;
        let shared = counters::shared_tier(&self.cache);
        let (last, sampled) = {
            let last = lock(&self.last);
            (last.report.clone(), last.at)
        };
        let last = last.as_deref();
        let since_start = || hit_rate(&self.cache.stats().total);
        let silent = self.clock.now().saturating_sub(sampled) / 1_000_000_000;
        let late = silent > self.settings.period.as_secs().max(1).saturating_mul(3)
            && (last.is_some() || self.tasks.get().is_some());
        let probes: Vec<_> = answers.all().cloned().collect();
        let (status, reasons) = judge(&Findings {
            probes: &probes,
            alerts: &self.alerts.firing(),
            shared,
            shared_required: self.settings.shared_tier_required,
            pressure: self.pressure(),
            exhausted: self.guard().and_then(|guard| guard.exhausted).map(|millis| millis / 1_000),
            blind: late.then_some(silent),
        });
        let pool = self.database.as_ref().and_then(|prober| prober.pool());
        health::Snapshot {
            status,
            reasons,
            timestamp: self.timestamp(),
            uptime: self.uptime(),
            memory: self.memory(),
            database: answers.database,
            connections: pool.map_or(0, |pool| pool.connections),
            shared,
            hit_rate: last.and_then(|last| last.cache.hit_rate).or_else(since_start).unwrap_or(0.0),
            errors: last.map_or(0, |last| last.requests.errors),
            error_rate: last.map_or(0.0, |last| last.requests.error_rate),
            probes,
        }
    }

    pub(super) async fn sample(self: &Arc<Self>) {
        let series = self.series.clone().lock_owned().await;
        let answers = self.answers().await;
        // Recording reads files and calls sources, which may block.
        let sampler = self.clone();
        let recording = tokio::task::spawn_blocking(move || {
            let mut series = series;
            sampler.record(&mut series, &answers);
        });
        // The task fails only while the runtime shuts down.
        let _ = recording.await;
        let health = self.health().await;
        let mut last = lock(&self.last);
        if let Some(report) = &mut last.report {
            let report = Arc::make_mut(report);
            (report.status, report.reasons) = (health.status, health.reasons);
        }
    }

    /// Takes one sample. Sources are called and files read before the lock on the last report is taken.
    fn record(&self, series: &mut SampleSeries, answers: &Answers) {
        let now = self.clock.now();
        let totals = counters::totals(now, &self.cache, self.settings.sources.routes());
        let (entries, policies) = (totals.cache.entries, totals.policies.clone());
        let (process, memory, pressure) = (self.system.process(now), self.memory(), self.pressure());
        let percent = memory.map(|memory| memory.percentage());
        if let Some(interval) = series.window.add(totals, self.settings.window) {
            let sample = ChartPoint::new(unix_millis(self.clock.wall()), &interval, &process, percent);
            series.history.push_back(sample);
            if series.history.len() > HISTORY {
                series.history.pop_front();
            }
        }
        let (window, history) = (series.window.sum(), series.history.clone());
        let facts = Facts {
            cpu: self.mean_cpu(&history),
            window,
            entries,
            process,
            memory,
            shared: counters::shared_tier(&self.cache),
            pool: self.database.as_ref().and_then(|prober| prober.pool()),
            slow_queries: self.settings.sources.slow_queries(),
        };
        self.alerts.update(&self.timestamp(), &readings(&facts, answers.database.as_ref()));
        let mut report = self.report(facts, policies, pressure, history, answers);
        let mut last = lock(&self.last);
        // The verdict before remains until the new one is known, which is made from this report.
        if let Some(last) = &last.report {
            (report.status, report.reasons) = (last.status, last.reasons.clone());
        }
        (last.report, last.at) = (Some(Arc::new(report)), now);
    }

    /// Returns the mean of processor time over the window; `None` with fewer than three samples.
    fn mean_cpu(&self, history: &VecDeque<ChartPoint>) -> Option<f64> {
        let within = nanos(self.settings.window) / nanos(self.settings.period).max(1);
        let within = usize::try_from(within).unwrap_or(HISTORY);
        let cpu: Vec<_> = history.iter().rev().take(within).filter_map(|sample| sample.cpu).collect();
        (cpu.len() > 2).then(|| cpu.iter().sum::<f64>() / real(cpu.len() as u64))
    }

    fn report(
        &self,
        facts: Facts,
        policies: Vec<resilience::Snapshot>,
        pressure: Pressure,
        history: VecDeque<ChartPoint>,
        answers: &Answers,
    ) -> performance::Snapshot {
        let (window, nanos) = (&facts.window, facts.window.nanos);
        performance::Snapshot {
            status: Status::Healthy,
            reasons: Vec::new(),
            timestamp: self.timestamp(),
            uptime: self.uptime(),
            period: whole_millis(self.settings.period),
            window: millis(Duration::from_nanos(nanos)) / 1e3,
            requests: CallActivity::new("all", &window.requests(), nanos),
            routes: window.routes.as_ref().map_or_else(Vec::new, |routes| CallActivity::by_name(routes, nanos)),
            functions: CallActivity::by_name(&window.timed, nanos),
            memory: facts.memory,
            pressure,
            guard: self.guard(),
            cache: CacheActivity::new(window, facts.entries, facts.shared),
            policies: within_window(policies, window),
            #[cfg(feature = "settings")]
            settings: self.cache.settings(),
            pool: facts.pool,
            probes: answers.all().cloned().collect(),
            sections: self.settings.sources.sections(),
            alerts: self.alerts.firing(),
            recent_alerts: self.alerts.recent(),
            recommendations: advise(&facts),
            targets: Targets::DEFAULT.by_name(),
            process: facts.process,
            slow_queries: facts.slow_queries,
            history,
        }
    }
}

/// Returns the values that the alerts are judged by.
fn readings(facts: &Facts, database: Option<&ProbeAnswer>) -> [(AlertKind, Option<AlertReading>); 5] {
    let (requests, cache) = (facts.window.requests(), facts.window.cache());
    let one = |value: f64| AlertReading { value, events: 1 };
    let mean = requests.mean().map(|mean| AlertReading { value: millis(mean), events: requests.count });
    let hits = hit_rate(&cache).map(|value| AlertReading { value, events: cache.lookups() });
    let errors = AlertReading { value: requests.error_rate(), events: requests.count };
    [
        (AlertKind::ResponseTime, mean),
        (AlertKind::HitRate, hits),
        (AlertKind::Memory, facts.memory.map(|memory| one(percent(memory.used(), memory.total())))),
        (AlertKind::Errors, Some(errors)),
        (AlertKind::DatabaseLatency, database.map(|answer| one(answer.latency))),
    ]
}

/// Formats a time: RFC 3339, in UTC, to the millisecond. Empty if its year has not four digits, or it is before 1970.
pub(super) fn timestamp(wall: std::time::SystemTime) -> String {
    let mut text = String::new();
    if wall < std::time::UNIX_EPOCH || write!(text, "{}", humantime::format_rfc3339_millis(wall)).is_err() {
        text.clear();
    }
    text
}

fn unix_millis(wall: std::time::SystemTime) -> u64 {
    wall.duration_since(std::time::UNIX_EPOCH).map_or(0, whole_millis)
}
