//! Probes of the dependencies of the process, each with a time limit and at most once a second.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;

use super::rounding::millis;
use super::sources::{SlowQuery, SourceFn, catch_panic};
use crate::clock::{Clock, nanos};
use crate::flight::{Flights, Joined, LoadOutcome, LoadPermit, Terms};
use crate::key::{AnyKey, Hashed};
use crate::sync::{Mutex, lock};

#[cfg(test)]
mod tests;

/// Default time that a probe may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Time for which an answer is reused: however many health checks come in, each dependency is asked once a second.
pub(super) const FRESH: Duration = Duration::from_secs(1);

type Question = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Check of a dependency of this process. It fails if its future returns an error, panics, or takes longer than its
/// [`timeout`](Self::timeout) (1 s). An answer is reused for a second.
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
    ask: Arc<dyn Fn() -> Question + Send + Sync>,
    timeout: Duration,
    optional: bool,
    pool: Option<SourceFn<Pool>>,
    pub(super) slow_queries: Option<SourceFn<Vec<SlowQuery>>>,
}

/// Connections of a pool at one moment.
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
    /// Open connections, those in use included.
    pub connections: u64,
    /// Connections in use.
    pub in_use: u64,
    /// Largest number of connections; 0 if there is no bound, or it is not known.
    pub max: u64,
    /// Operations that wait for a connection.
    pub waiting: u64,
}

/// Answer of a [`Probe`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProbeAnswer {
    /// Name of the probe.
    pub name: Arc<str>,
    /// True if the probe succeeded.
    pub ok: bool,
    /// Time until the answer, or until the probe was given up, in milliseconds.
    pub latency: f64,
    /// Error, if the probe failed.
    pub error: Option<String>,
    /// True if the probe is [optional](Probe::optional).
    pub optional: bool,
}

impl Probe {
    /// Creates a probe that calls `ask` and awaits its future. Reports show the text of the error: it must not hold secrets.
    pub fn new<F, A, E>(name: impl Into<Arc<str>>, ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let ask = move || -> Question {
            let asked = ask();
            Box::pin(async move { asked.await.map_err(|error| error.to_string()) })
        };
        Self {
            name: name.into(),
            ask: Arc::new(ask),
            timeout: TIMEOUT,
            optional: false,
            pool: None,
            slow_queries: None,
        }
    }

    /// Sets how long the probe may take until it has failed. Default 1 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Marks the probe optional: a failure degrades, but readiness stays true.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Sets the source of the connection pool's figures. It is called for each report, so it should only read counters.
    #[must_use]
    pub fn pool(mut self, pool: impl Fn() -> Pool + Send + Sync + 'static) -> Self {
        self.pool = Some(Arc::new(pool));
        self
    }

    /// Sets the source of recent slow queries. It is used if this is the probe of the monitor's
    /// [`database`](super::MonitorBuilder::database), and the monitor has no source of
    /// [`slow_queries`](super::MonitorBuilder::slow_queries) itself.
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
            .field("timeout", &self.timeout)
            .field("optional", &self.optional)
            .finish_non_exhaustive()
    }
}

/// A probe with its last answer, and its question in flight.
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

/// Waiters have no patience limit here: their own timeout is shorter.
const TERMS: Terms = Terms { wait: true, patience: u64::MAX, note: 0 };

/// Gives the waiters an answer.
fn share(permit: Option<LoadPermit>, answer: &ProbeAnswer) {
    if let Some(permit) = permit {
        permit.end(|| LoadOutcome::shared(answer.clone()));
    }
}

#[derive(Default)]
struct Last {
    /// The last answer, and its time in nanoseconds of the clock.
    answer: Option<(u64, ProbeAnswer)>,
    /// The last question that timed out, which may still block its thread.
    timed_out: Option<JoinHandle<Result<(), String>>>,
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
        catch_panic(|| pool())
    }

    /// Returns an answer that is at most a second old. Waits for at most twice the probe's timeout.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the question goes on for other callers.
    pub(super) async fn answer(self: &Arc<Self>) -> ProbeAnswer {
        let permit = loop {
            if let Some(answer) = self.recent() {
                return answer;
            }
            // `in_flight` is of this probe alone, so all callers have the same key.
            let key: Hashed<AnyKey> = Hashed { hash: 0, args: () }.erased();
            let waiter = match self.in_flight.join(key, &[], TERMS) {
                Joined::Lead(permit) => break Some(permit),
                Joined::Wait(waiter) => waiter,
                Joined::Within | Joined::Taken(_) => break None,
            };
            // The leader has an answer within the timeout, unless its runtime does not run.
            let patience = self.probe.timeout.saturating_mul(2);
            match tokio::time::timeout(patience, waiter).await {
                Ok(Ok(LoadOutcome::Shared(answer))) => match answer.downcast() {
                    Ok(answer) => return *answer,
                    Err(_) => unreachable!("a probe shares answers only"),
                },
                Ok(Ok(LoadOutcome::Lead(permit))) => break Some(permit),
                // The question was given up: ask again.
                Ok(Ok(LoadOutcome::Alone | LoadOutcome::TimedOut) | Err(_)) => {}
                Err(_) => {
                    return self.answered(patience, Err("the runtime that asked it does not run its tasks".to_owned()));
                }
            }
        };
        self.lead(permit).await
    }

    /// Returns the last answer, if it is fresh.
    fn recent(&self) -> Option<ProbeAnswer> {
        let last = lock(&self.last);
        let (at, answer) = last.answer.as_ref()?;
        (self.clock.now().saturating_sub(*at) < nanos(FRESH)).then(|| answer.clone())
    }

    async fn lead(self: &Arc<Self>, permit: Option<LoadPermit>) -> ProbeAnswer {
        // Another question may have ended since this caller last checked.
        if let Some(answer) = self.recent() {
            share(permit, &answer);
            return answer;
        }
        // In a task, so that there is an answer even if this caller is dropped.
        let prober = self.clone();
        let asking = tokio::spawn(async move {
            let answer = prober.ask_once().await;
            lock(&prober.last).answer = Some((prober.clock.now(), answer.clone()));
            share(permit, &answer);
            answer
        });
        asking.await.unwrap_or_else(|_| self.answered(Duration::ZERO, Err("the runtime is shutting down".into())))
    }

    /// Asks once. A probe that blocks its thread cannot be cancelled; it is not asked again meanwhile, so it blocks one thread at most.
    async fn ask_once(&self) -> ProbeAnswer {
        if lock(&self.last).timed_out.as_ref().is_some_and(|asked| !asked.is_finished()) {
            return self.answered(self.probe.timeout, Err("the probe blocks its thread: it must await".into()));
        }
        let began = self.clock.now();
        let ask = self.probe.ask.clone();
        // Both the closure and its future may panic, so both run in the task.
        let mut asked = tokio::spawn(async move { ask().await });
        let result = match tokio::time::timeout(self.probe.timeout, &mut asked).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err("the probe panicked".to_owned()),
            Err(_) => {
                asked.abort();
                lock(&self.last).timed_out = Some(asked);
                Err(format!("no answer within {:?}", self.probe.timeout))
            }
        };
        self.answered(Duration::from_nanos(self.clock.now().saturating_sub(began)), result)
    }

    fn answered(&self, took: Duration, answer: Result<(), String>) -> ProbeAnswer {
        ProbeAnswer {
            name: self.probe.name.clone(),
            ok: answer.is_ok(),
            latency: millis(took),
            error: answer.err(),
            optional: self.probe.optional,
        }
    }
}
