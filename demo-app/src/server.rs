//! Serves the application until told to stop, then lets open requests finish for a bounded time.
//!
//! The stop: `/health/ready` says 503 at once, while requests are still accepted, so that a load balancer turns away first
//! ([`Config::shutdown_delay`]); then no connection is accepted, those that are idle are closed, and what is open may finish
//! ([`Config::drain`]).
//!
//! The socket and the signal are arguments: a test binds a free port and stops the server with a channel. The cache is the
//! one in force where [`run`] is called: the process's, or that of a `fastness::scope` around it.
//!
//! May use: `app`, `clock`, `config`, `http`, `store`, `supplier`.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use fastness::Fastness;
use fastness::index::{self, ApplyOptions, ClientOptions};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::app::app;
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::http::Problem;
use crate::store::{MemoryRepository, MongoRepository, Repository, StoreError, seed};
use crate::supplier::Supplier;

/// Between attempts to look at the indexes of a database that does not answer.
const INDEX_RETRY: std::time::Duration = std::time::Duration::from_secs(5);

/// How a server that was told to stop came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every open request was answered.
    Drained,
    /// Some were still open after [`Config::drain`] and were dropped.
    TimedOut,
}

/// Serves on `listener` until `shutdown` completes, and then as long as the module's documentation says.
///
/// # Errors
///
/// The store cannot be filled, no port is free for the supplier, or the listener fails.
pub async fn run(
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
    config: &Config,
) -> io::Result<Stopped> {
    let repository: Arc<dyn Repository> = match &config.mongodb {
        Some(uri) => {
            let store = mongo_store(uri).await.map_err(io::Error::other)?;
            tokio::spawn(keep_indexed(store.clone()));
            Arc::new(store)
        }
        None => Arc::new(embedded_store(config).await.map_err(io::Error::other)?),
    };
    let supplier = match &config.supplier_url {
        Some(url) => Supplier::at(url),
        None => Supplier::stand_in().await?,
    };
    let leaving = Arc::new(AtomicBool::new(false));
    let app = app(repository, supplier, Clock::system(), Fastness::current());
    let app = app.layer(from_fn_with_state(Arc::clone(&leaving), no_longer_ready));

    let (begun, stopping) = oneshot::channel();
    let delay = config.shutdown_delay;
    let serve = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        leaving.store(true, Ordering::Relaxed);
        if !delay.is_zero() {
            tracing::info!("stopping: not ready any more; requests are accepted for another {delay:?}");
            #[expect(clippy::disallowed_methods, reason = "what is waited for is a load balancer")]
            tokio::time::sleep(delay).await;
        }
        let _ = begun.send(());
    });
    let mut serve = pin!(serve.into_future());
    tokio::select! {
        ended = &mut serve => return ended.map(|()| Stopped::Drained),
        _ = stopping => tracing::info!("stopping: open requests have {:?} to finish", config.drain),
    }
    match tokio::time::timeout(config.drain, serve).await {
        Ok(ended) => ended.map(|()| Stopped::Drained),
        Err(_) => Ok(Stopped::TimedOut),
    }
}

/// The answer to the question for readiness, once the server was told to stop.
async fn no_longer_ready(State(leaving): State<Arc<AtomicBool>>, request: Request, next: Next) -> Response {
    if leaving.load(Ordering::Relaxed) && request.uri().path() == "/health/ready" {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is about to stop").into_response();
    }
    next.run(request).await
}

/// The store on MongoDB. Nothing is asked of the server yet, so this server starts whether that one runs or not.
///
/// # Errors
///
/// The URI makes no sense, or its name cannot be resolved.
pub async fn mongo_store(uri: &Secret) -> Result<MongoRepository, index::Error> {
    let options = ClientOptions::from_uri(&uri.0).await?;
    Ok(MongoRepository::new(options.app_name("fastness-demo").connect()?))
}

/// Brings the indexes in line with what the models declare, as soon as the database lets it.
async fn keep_indexed(store: MongoRepository) {
    loop {
        match store.indexes().apply(&ApplyOptions::default()).await {
            Ok(report) => return tracing::info!("indexes:\n{report}"),
            Err(error) => tracing::warn!(%error, "the indexes cannot be looked at yet"),
        }
        #[expect(clippy::disallowed_methods, reason = "what is waited for is another server")]
        tokio::time::sleep(INDEX_RETRY).await;
    }
}

async fn embedded_store(config: &Config) -> Result<MemoryRepository, StoreError> {
    let near = MemoryRepository::new(std::time::Duration::ZERO);
    if config.seed {
        seed(&near).await?;
    }
    Ok(near.with_latency(config.store_latency))
}
