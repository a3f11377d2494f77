//! Asking something else whether it answers, within a bound, and not more often than is worth it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;

use super::figures::millis;
use super::sources::{SlowQuery, SourceFn, caught};
use crate::clock::{Clock, nanos};
use crate::flight::{Flights, Joined, LoadOutcome, Permit, Terms};
use crate::key::{AnyKey, Hashed};
use crate::sync::{Mutex, lock};

#[cfg(test)]
mod tests;

/// How long a probe may take where it does not say.
const BOUND: Duration = Duration::from_secs(1);

/// How long an answer stands for all who ask. Health checks come in storms; what is asked gets one question a second.
pub(super) const FRESH: Duration = Duration::from_secs(1);

type Asked = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A question to something that this process depends on. It has failed if it says so, panics, or takes longer than its bound
/// (1 s), and its answer stands for a second.
///
/// ```
/// use fastness::monitor::{Monitor, Probe};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let search = Probe::new("search", || async {
///     // client.get("http://search/health").send().await?.error_for_status()?;
///     Ok::<_, std::io::Error>(())
/// });
/// let monitor = Monitor::builder().probe(search.optional()).build()?;
/// assert!(monitor.health().await.probes[0].ok);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Probe {
    name: Arc<str>,
    ask: Arc<dyn Fn() -> Asked + Send + Sync>,
    bound: Duration,
    optional: bool,
    pool: Option<SourceFn<Pool>>,
    pub(super) slow_queries: Option<SourceFn<Vec<SlowQuery>>>,
}

/// What a pool of connections has, as of now.
///
/// ```
/// use fastness::monitor::{Pool, Probe};
///
/// let ping = async || Ok::<_, std::io::Error>(());
/// let database = Probe::new("postgres", ping).pool(|| Pool { connections: 8, in_use: 3, max: 20, waiting: 0 });
/// # drop(database);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// Connections that are open.
    pub connections: u64,
    /// Of these, those in use.
    pub in_use: u64,
    /// How many there may be; 0 where that is not bounded or not known.
    pub max: u64,
    /// Operations that wait for one.
    pub waiting: u64,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProbeReport {
    /// The probe's name.
    pub name: Arc<str>,
    /// Whether it was answered.
    pub ok: bool,
    /// How long the answer took, or until it was given up, in milliseconds.
    pub latency: f64,
    /// Why there was none.
    pub error: Option<String>,
    /// Whether the process is of use without it.
    pub optional: bool,
}

impl Probe {
    /// Asks by this. The text of the error is shown in the report: it must not hold secrets.
    pub fn new<F, A, E>(name: impl Into<Arc<str>>, ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let ask = move || -> Asked {
            let asked = ask();
            Box::pin(async move { asked.await.map_err(|error| error.to_string()) })
        };
        Self { name: name.into(), ask: Arc::new(ask), bound: BOUND, optional: false, pool: None, slow_queries: None }
    }

    /// How long it may take. Default 1 s.
    #[must_use]
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// The process is of use without it: where it fails, the process is degraded and stays ready.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Where to read what its pool has: counters that are there anyway, as this is called for each report.
    #[must_use]
    pub fn pool(mut self, pool: impl Fn() -> Pool + Send + Sync + 'static) -> Self {
        self.pool = Some(Arc::new(pool));
        self
    }

    /// Where to read which queries were slow lately. Of a probe that is the monitor's [`database`](super::MonitorBuilder::database), unless
    /// the monitor has [`slow_queries`](super::MonitorBuilder::slow_queries) of its own.
    #[must_use]
    pub fn slow_queries(mut self, read: impl Fn() -> Vec<SlowQuery> + Send + Sync + 'static) -> Self {
        self.slow_queries = Some(Arc::new(read));
        self
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("name", &self.name)
            .field("bound", &self.bound)
            .field("optional", &self.optional)
            .finish_non_exhaustive()
    }
}

/// A probe with its last answer.
pub(super) struct Prober {
    probe: Probe,
    clock: Clock,
    in_flight: Arc<Flights>,
    last: Mutex<Last>,
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober").field("probe", &self.probe).finish_non_exhaustive()
    }
}

/// A caller waits, however long the leader goes unpolled: its own bound is shorter than any patience.
const TERMS: Terms = Terms { wait: true, patience: u64::MAX, note: 0 };

fn answer(permit: Option<Permit>, report: &ProbeReport) {
    if let Some(permit) = permit {
        permit.end(|| LoadOutcome::shared(report.clone()));
    }
}

/// The last answer with its moment, and the last question that had no answer within the bound.
#[derive(Default)]
struct Last {
    answer: Option<(u64, ProbeReport)>,
    asked: Option<JoinHandle<Result<(), String>>>,
}

impl Prober {
    pub(super) fn new(probe: Probe, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            probe,
            in_flight: Arc::new(Flights::without_log(clock.clone())),
            clock,
            last: Mutex::default(),
        })
    }

    pub(super) fn pool(&self) -> Option<Pool> {
        let pool = self.probe.pool.as_ref()?;
        caught(|| pool())
    }

    /// Returns the answer, a second old at most. Waits for it no longer than twice the probe's bound.
    ///
    /// # Cancel safety
    ///
    /// The question goes on for those who wait for the same answer.
    pub(super) async fn ask(self: &Arc<Self>) -> ProbeReport {
        let permit = loop {
            if let Some(report) = self.recent() {
                return report;
            }
            // There is one for each probe, so all callers have one key.
            let key: Hashed<AnyKey> = Hashed { hash: 0, args: () }.erased();
            let waiter = match self.in_flight.join(key, &[], TERMS) {
                Joined::Lead(permit) => break Some(permit),
                Joined::Wait(waiter) => waiter,
                Joined::Within | Joined::Taken(_) => break None,
            };
            // The leader has an answer within the bound, unless it asks in a runtime that has no time to run.
            let patience = self.probe.bound.saturating_mul(2);
            match tokio::time::timeout(patience, waiter).await {
                Ok(Ok(LoadOutcome::Shared(report))) => match report.downcast() {
                    Ok(report) => return *report,
                    Err(_) => unreachable!("it is told reports only"),
                },
                Ok(Ok(LoadOutcome::Lead(permit))) => break Some(permit),
                // It was given up: ask anew.
                Ok(Ok(LoadOutcome::Alone | LoadOutcome::TimedOut) | Err(_)) => {}
                Err(_) => return self.report(patience, Err("whoever asked it last gets no time to run".to_owned())),
            }
        };
        self.lead(permit).await
    }

    /// The last answer, if it stands.
    fn recent(&self) -> Option<ProbeReport> {
        let last = lock(&self.last);
        let (at, report) = last.answer.as_ref()?;
        (self.clock.now().saturating_sub(*at) < nanos(FRESH)).then(|| report.clone())
    }

    async fn lead(self: &Arc<Self>, permit: Option<Permit>) -> ProbeReport {
        // Another may have come to its end since the look.
        if let Some(report) = self.recent() {
            answer(permit, &report);
            return report;
        }
        // A task of its own: there is an answer even if this caller goes away.
        let prober = self.clone();
        let asking = tokio::spawn(async move {
            let report = prober.question().await;
            lock(&prober.last).answer = Some((prober.clock.now(), report.clone()));
            answer(permit, &report);
            report
        });
        asking.await.unwrap_or_else(|_| self.report(Duration::ZERO, Err("the runtime is shutting down".into())))
    }

    /// Asks. One that blocks its thread cannot be ended, and has that thread alone: it is not asked again meanwhile.
    async fn question(&self) -> ProbeReport {
        if lock(&self.last).asked.as_ref().is_some_and(|asked| !asked.is_finished()) {
            return self.report(self.probe.bound, Err("the probe blocks its thread: it must await".into()));
        }
        let began = self.clock.now();
        let ask = self.probe.ask.clone();
        // The closure may panic as well as what it returns, so both run in the task.
        let mut asked = tokio::spawn(async move { ask().await });
        let answer = match tokio::time::timeout(self.probe.bound, &mut asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the probe panicked".to_owned()),
            Err(_) => {
                asked.abort();
                lock(&self.last).asked = Some(asked);
                Err(format!("no answer within {:?}", self.probe.bound))
            }
        };
        self.report(Duration::from_nanos(self.clock.now().saturating_sub(began)), answer)
    }

    fn report(&self, took: Duration, answer: Result<(), String>) -> ProbeReport {
        ProbeReport {
            name: self.probe.name.clone(),
            ok: answer.is_ok(),
            latency: millis(took),
            error: answer.err(),
            optional: self.probe.optional,
        }
    }
}
