//! Serves the application until told to stop, then lets open requests finish for a bounded time.
//!
//! The stop: `/health/ready` says 503 at once, while requests are still accepted, so that a load balancer turns away first
//! ([`Config::shutdown_delay`]); then no connection is accepted, those that are idle are closed, and what is open may finish
//! ([`Config::drain`]).
//!
//! The socket and the signal are arguments: a test binds a free port and stops the server with a channel. The cache is the
//! one in force where [`run`] is called: the process's, or that of a `fastness::scope` around it.
//!
//! May use: `app`, `clock`, `config`, `peers`, `store`, `supplier`.

mod connections;
mod files;
mod seldom;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use fastness::Fastness;
use fastness::http::HttpStats;
use fastness::index::{self, ClientOptions};
use serde_json::json;
use tokio::net::TcpListener;

use crate::app::{Ground, app};
use crate::clock::Clock;
use crate::config::Config;
use crate::peers::{Bounds, Peers};
use crate::store::{MemoryRepository, MongoRepository, Repository, StoreError, seed};
use crate::supplier::Supplier;

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
    let cache = Fastness::current();
    let mongo = mongo_store(config).await.map_err(io::Error::other)?;
    let repository: Arc<dyn Repository> = match &mongo {
        Some(store) => {
            store.keep_watch(&cache, config.enable_profiling.then_some(config.slow_query_threshold));
            Arc::new(store.clone())
        }
        None => Arc::new(embedded_store(config).await.map_err(io::Error::other)?),
    };
    let supplier = match &config.supplier_url {
        Some(url) => Supplier::at(url),
        None => Supplier::stand_in().await?,
    };
    let peers = Peers::new(bounds(config));
    let ground = Ground {
        repository,
        supplier,
        clock: Clock::system(),
        cache,
        stats: HttpStats::process(),
        peers: Some(peers.clone()),
    };
    let app = app(ground, config).map_err(io::Error::other)?;
    app.monitor.start().map_err(io::Error::other)?;

    let leaving = Arc::new(AtomicBool::new(false));
    let router = app.router.layer(from_fn_with_state(Arc::clone(&leaving), no_longer_ready));
    let stop = async move {
        shutdown.await;
        leaving.store(true, Ordering::Relaxed);
        linger(config.shutdown_delay).await;
    };
    let stopped = connections::serve(listener, router, &peers, stop, config).await;
    if let Some(store) = mongo
        && tokio::time::timeout(config.drain, store.end_watch()).await.is_err()
    {
        tracing::warn!("changes of the database are followed by nobody until the lease of this process has run out");
    }
    stopped
}

/// How many connections there may be: as many as the settings say, if the process may open so many files.
fn bounds(config: &Config) -> Bounds {
    let asked = Bounds { all: config.max_connections, per_peer: config.max_connections_per_peer };
    let files = files::raise_file_limit(asked.files());
    let bounds = asked.within(files);
    if bounds.all < asked.all {
        let (asked, bound) = (asked.all, bounds.all);
        tracing::warn!(
            asked,
            bound,
            files,
            "fewer connections than MAX_CONNECTIONS: raise the limit of open files (ulimit -n)"
        );
    }
    tracing::info!(all = bounds.all, per_peer = bounds.per_peer, "connections are bounded");
    bounds
}

/// Lets load balancers see that this server is not ready any more.
async fn linger(delay: Duration) {
    if !delay.is_zero() {
        tracing::info!("stopping: not ready any more; requests are accepted for another {delay:?}");
        #[expect(clippy::disallowed_methods, reason = "what is waited for is a load balancer")]
        tokio::time::sleep(delay).await;
    }
}

/// The answer to the question for readiness, once the server was told to stop.
async fn no_longer_ready(State(leaving): State<Arc<AtomicBool>>, request: Request, next: Next) -> Response {
    if leaving.load(Ordering::Relaxed) && request.uri().path() == "/health/ready" {
        let body = Json(json!({ "status": "notReady", "reasons": ["the server is about to stop"] }));
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::CACHE_CONTROL, "no-store")], body).into_response();
    }
    next.run(request).await
}

/// The store on MongoDB, if there is to be one. Nothing is asked of the server yet, so this server starts whether that one
/// runs or not.
///
/// # Errors
///
/// The URI makes no sense, or its name cannot be resolved.
pub async fn mongo_store(config: &Config) -> Result<Option<MongoRepository>, index::Error> {
    let Some(uri) = &config.mongodb else { return Ok(None) };
    let options = ClientOptions::from_uri(&uri.0).await?.slow_query(config.slow_query_threshold);
    Ok(Some(MongoRepository::new(options.app_name("fastness-demo").connect()?)))
}

async fn embedded_store(config: &Config) -> Result<MemoryRepository, StoreError> {
    let near = MemoryRepository::new(Duration::ZERO);
    if config.seed {
        seed(&near).await?;
    }
    Ok(near.with_latency(config.store_latency))
}
