//! Serves the application until told to stop, then lets open requests finish for a bounded time.
//!
//! The stop: `/health/ready` says 503 at once, while requests are still accepted, so that a load balancer turns away first
//! ([`Config::shutdown_delay`]); then no connection is accepted, those that are idle are closed, and what is open may finish
//! ([`Config::drain`]).
//!
//! Beside the public listener there may be a private one ([`Listeners`]), which answers when the public one is exhausted.
//!
//! The sockets and the signal are arguments: a test binds free ports and stops the server with a channel. The cache is the
//! one in force where [`run`] is called: the process's, or that of a `fastness::scope` around it.
//!
//! May use: `app`, `clock`, `config`, `peers`, `store`, `supplier`.

mod connections;
mod files;
mod private;
mod seldom;
mod stopped;

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
use fastness::http::Timings;
use serde_json::json;

pub use self::private::Listeners;
use self::private::Private;
pub use self::stopped::Stopped;
use crate::app::{App, Dependencies, app};
use crate::clock::Clock;
use crate::config::Config;
use crate::peers::{Bounds, Peers};
use crate::store::{MemoryRepository, Repository, StoreError, seed};
use crate::supplier::Supplier;

/// Serves on `listeners` until `shutdown` completes, and then as long as the module's documentation says.
///
/// # Errors
///
/// The store cannot be filled, no port is free for the supplier, or a listener fails.
pub async fn run(
    listeners: impl Into<Listeners>,
    shutdown: impl Future<Output = ()> + Send + 'static,
    config: &Config,
) -> io::Result<Stopped> {
    let cache = Fastness::current();
    let repository = repository(config).await?;
    repository.start_watch(&cache, config.enable_profiling.then_some(config.slow_query_threshold));
    let supplier = match &config.supplier_url {
        Some(url) => Supplier::at(url.clone()),
        None => Supplier::stand_in().await?,
    };
    let peers = Peers::new(bounds(config));
    let dependencies = Dependencies {
        repository: Arc::clone(&repository),
        supplier,
        clock: Clock::system(),
        cache,
        timings: Timings::process(),
        peers: Some(peers.clone()),
    };
    let App { router, private, monitor } = app(dependencies, config).map_err(io::Error::other)?;
    let Listeners { public, private: listener } = listeners.into();
    let leaving = Arc::new(AtomicBool::new(false));
    let not_ready = from_fn_with_state(Arc::clone(&leaving), no_longer_ready);
    let private = match listener {
        Some(listener) => Some(Private::start(listener, private.layer(not_ready.clone()), monitor, config)?),
        None => {
            monitor.start().map_err(io::Error::other)?;
            None
        }
    };
    let stop = async move {
        shutdown.await;
        leaving.store(true, Ordering::Relaxed);
        linger(config.shutdown_delay).await;
    };
    let stopped = connections::serve(public, router.layer(not_ready), &peers, stop, config).await;
    if tokio::time::timeout(config.drain, repository.end_watch()).await.is_err() {
        tracing::warn!("changes of the database are not followed until the lease of this process has run out");
    }
    // Last of all: health is told to the end.
    if let Some(private) = private {
        private.stop().await?;
    }
    stopped
}

/// Returns the bounds on connections: as many as the settings say, if the process may open so many files.
fn bounds(config: &Config) -> Bounds {
    let asked = Bounds { all: config.max_connections, per_peer: config.max_connections_per_peer };
    let files = files::raise_file_limit((asked.all.saturating_add(Bounds::RESERVE)) as u64);
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

/// The store that the settings name.
async fn repository(config: &Config) -> io::Result<Arc<dyn Repository>> {
    #[cfg(feature = "servers")]
    if let Some(store) = mongo_store(config).await.map_err(io::Error::other)? {
        return Ok(Arc::new(store));
    }
    Ok(Arc::new(embedded_store(config).await.map_err(io::Error::other)?))
}

/// The store on MongoDB, if there is to be one. Nothing is asked of the server yet, so this server starts whether that one
/// runs or not.
///
/// # Errors
///
/// The URI makes no sense, or its name cannot be resolved.
#[cfg(feature = "servers")]
pub async fn mongo_store(config: &Config) -> Result<Option<crate::store::MongoRepository>, fastness::mongo::Error> {
    let Some(uri) = &config.mongodb else { return Ok(None) };
    let options = fastness::mongo::Settings::from_uri(uri.expose()).await?;
    let options = options.slow_query(config.slow_query_threshold).app_name("fastness-demo");
    Ok(Some(crate::store::MongoRepository::new(options.connect()?)))
}

async fn embedded_store(config: &Config) -> Result<MemoryRepository, StoreError> {
    let near = MemoryRepository::new(Duration::ZERO);
    if config.seed {
        seed(&near).await?;
    }
    Ok(near.with_latency(config.store_latency))
}
