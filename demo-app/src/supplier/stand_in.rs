//! A supplier in this process, whose mood can be changed while it runs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::Rating;

/// The time that a slow answer takes.
const SLOW: Duration = Duration::from_secs(2);
/// Products that have a rating: those up to this id.
const KNOWN: u64 = 1_000_000;

/// The behaviour of a stand-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mood {
    /// Answers.
    #[default]
    Up,
    /// Answers after two seconds.
    Slow,
    /// Every other answer is an error, at random.
    Flaky,
    /// Answers with errors.
    Failing,
    /// Does not listen at its address.
    Dead,
}

/// A supplier on a port of this computer, whose mood can be changed while it runs. It ends when its last clone is dropped.
#[derive(Clone, Debug)]
pub struct StandIn {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    address: SocketAddr,
    desk: Arc<Desk>,
    /// The listener, unless it is dead.
    serving: Mutex<Option<AbortHandle>>,
    /// The runtime that serves it, whichever one changes its mood: the private listener has a runtime for its own work alone.
    runtime: Handle,
}

/// The state that answers depend on.
#[derive(Debug, Default)]
struct Desk {
    mood: Mutex<Mood>,
    requests: AtomicU64,
}

impl StandIn {
    /// One that is up, at a free port.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk::default());
        let runtime = Handle::current();
        let serving = Mutex::new(Some(serve(listener, desk.clone(), &runtime)));
        Ok(Self { inner: Arc::new(Inner { address, desk, serving, runtime }) })
    }

    /// The address on which it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.address)
    }

    /// The present mood.
    pub fn mood(&self) -> Mood {
        *lock(&self.inner.desk.mood)
    }

    /// The number of requests that it has had.
    pub fn requests(&self) -> u64 {
        self.inner.desk.requests.load(Relaxed)
    }

    /// Changes how it behaves from the next request on.
    ///
    /// # Errors
    ///
    /// Another process took the port of a dead stand-in: it stays dead.
    pub async fn turn(&self, mood: Mood) -> io::Result<()> {
        if mood == Mood::Dead {
            if let Some(serving) = lock(&self.inner.serving).take() {
                serving.abort();
            }
        } else if lock(&self.inner.serving).is_none() {
            let (address, runtime) = (self.inner.address, &self.inner.runtime);
            let bound = runtime.spawn(TcpListener::bind(address)).await;
            let serving = serve(bound.map_err(io::Error::other)??, self.inner.desk.clone(), runtime);
            let previous = lock(&self.inner.serving).replace(serving);
            if let Some(previous) = previous {
                previous.abort();
            }
        }
        *lock(&self.inner.desk.mood) = mood;
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(serving) = lock(&self.serving).take() {
            serving.abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: TcpListener, desk: Arc<Desk>, runtime: &Handle) -> AbortHandle {
    let app = Router::new().route("/ratings/{product}", get(rating)).with_state(desk);
    runtime.spawn(axum::serve(listener, app).into_future()).abort_handle()
}

async fn rating(State(desk): State<Arc<Desk>>, Path(product): Path<u64>) -> Response {
    desk.requests.fetch_add(1, Relaxed);
    let mood = *lock(&desk.mood);
    if mood == Mood::Slow {
        // Being slow is what it is for.
        #[expect(clippy::disallowed_methods)]
        tokio::time::sleep(SLOW).await;
    }
    let answer = match mood {
        Mood::Failing | Mood::Dead => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Flaky if fastrand::bool() => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ if product > KNOWN => StatusCode::NOT_FOUND.into_response(),
        _ => Json(rating_of(product)).into_response(),
    };
    // A connection that stayed open would outlive a death.
    ([(header::CONNECTION, "close")], answer).into_response()
}

/// The same at each request.
#[expect(clippy::cast_precision_loss, reason = "it is below 51")]
fn rating_of(product: u64) -> Rating {
    Rating {
        stars: Some((10 + product * 7 % 41) as f32 / 10.0),
        reviews: u32::try_from(product * 13 % 500).unwrap_or(0),
    }
}
