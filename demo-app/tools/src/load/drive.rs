//! Sends requests on several connections, and notes what became of each.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use reqwest::{Client, Response};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::mix::Endpoint;
use super::world::{self, World};

/// The course of a run.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) world: Arc<World>,
    pub(super) connections: u64,
    /// Requests a second on all connections together; else as many as are answered.
    pub(super) rate: Option<u64>,
    pub(super) length: Duration,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) endpoint: Endpoint,
    pub(super) took: Duration,
    pub(super) failed: bool,
    /// The server's word whether its cache had the answer, if it gave one.
    pub(super) hit: Option<bool>,
}

/// All requests.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) samples: Vec<Sample>,
    pub(super) took: Duration,
    /// The first fault.
    pub(super) fault: Option<String>,
}

impl Drive {
    pub(super) async fn run(&self) -> Result<Outcome, String> {
        let began = Instant::now();
        let mut workers = JoinSet::new();
        for index in 0..self.connections {
            workers.spawn(Worker::new(self, index, began)?.run());
        }
        let mut outcome = Outcome::default();
        while let Some(worker) = workers.join_next().await {
            let worker = worker.map_err(|panic| panic.to_string())?;
            outcome.samples.extend(worker.samples);
            outcome.fault = outcome.fault.or(worker.fault);
        }
        outcome.took = began.elapsed();
        Ok(outcome)
    }
}

/// One connection.
struct Worker {
    world: Arc<World>,
    client: Client,
    rng: Rng,
    /// The moment at which the next request is due, and the time from each to the next.
    schedule: Option<(Instant, Duration)>,
    end: Instant,
    outcome: Outcome,
}

impl Worker {
    fn new(drive: &Drive, index: u64, began: Instant) -> Result<Self, String> {
        let schedule = drive.rate.map(|rate| {
            let gap = |requests: u64| Duration::from_nanos(requests.saturating_mul(1_000_000_000) / rate);
            (began + gap(index), gap(drive.connections))
        });
        Ok(Self {
            world: Arc::clone(&drive.world),
            client: world::client()?,
            rng: Rng::with_seed(index),
            schedule,
            end: began + drive.length,
            outcome: Outcome::default(),
        })
    }

    async fn run(mut self) -> Outcome {
        loop {
            let due = match &mut self.schedule {
                Some((next, gap)) => {
                    let due = *next;
                    *next += *gap;
                    sleep_until(due.min(self.end)).await;
                    due
                }
                None => Instant::now(),
            };
            // What was due before the end is sent, however late.
            if due >= self.end {
                return self.outcome;
            }
            let endpoint = Endpoint::draw(&mut self.rng);
            let url = format!("{}{}", self.world.url, endpoint.path(&self.world, &mut self.rng));
            let (sent, answer) = if endpoint.is_write() {
                write(&self.client, &url).await
            } else {
                (due, self.client.get(&url).send().await)
            };
            let hit = answer.as_ref().ok().and_then(is_hit);
            let drained = finish(answer).await;
            let took = sent.max(due).elapsed();
            self.note(Sample { endpoint, took, failed: drained.is_err(), hit }, drained.err());
        }
    }

    fn note(&mut self, sample: Sample, fault: Option<String>) {
        self.outcome.samples.push(sample);
        if self.outcome.fault.is_none() {
            self.outcome.fault = fault;
        }
    }
}

/// Reads a document and writes it back. Only the latter is timed, from when it is sent.
async fn write(client: &Client, url: &str) -> (Instant, reqwest::Result<Response>) {
    let document = match client.get(url).send().await.and_then(Response::error_for_status) {
        Ok(answer) => answer.bytes().await,
        Err(error) => Err(error),
    };
    let sent = Instant::now();
    match document {
        Ok(body) => (sent, client.put(url).header("content-type", "application/json").body(body).send().await),
        Err(error) => (sent, Err(error)),
    }
}

/// Reads the answer to its end and forgets it. Any but a good one is a failure.
async fn finish(answer: reqwest::Result<Response>) -> Result<(), String> {
    let mut answer = answer.and_then(Response::error_for_status).map_err(|error| error.to_string())?;
    while answer.chunk().await.map_err(|error| error.to_string())?.is_some() {}
    Ok(())
}

/// The server's statement whether its cache had the answer, if it makes one.
fn is_hit(answer: &Response) -> Option<bool> {
    Some(answer.headers().get("x-cache")?.as_bytes() == b"hit")
}
