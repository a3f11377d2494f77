//! Puts the parts together: a repository below, the services on it, the HTTP surface on top, and a monitor beside them.
//!
//! May use: everything but `server` and `cli`.

use std::sync::Arc;

use axum::Router;
use fastness::http::Timings;
use fastness::monitor::{MemoryGuard, MemoryGuardBuilder, Monitor, MonitorBuilder, Probe};
use fastness::{Error, Fastness};

use crate::clock::Clock;
use crate::config::Config;
use crate::http::{self, Parts, Surface};
use crate::peers::Peers;
use crate::service::Market;
use crate::store::Repository;
use crate::supplier::Supplier;

/// The parts that an application is built on.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// The database.
    pub repository: Arc<dyn Repository>,
    /// The source of ratings.
    pub supplier: Supplier,
    /// The date.
    pub clock: Clock,
    /// The cache in front of both.
    pub cache: Fastness,
    /// The timings of requests.
    pub timings: Timings,
    /// Open connections, where there are sockets.
    pub peers: Option<Peers>,
}

/// An application, ready to be served, or called in a test.
#[derive(Clone, Debug)]
pub struct App {
    /// Routes of the public listener.
    pub router: Router,
    /// Routes of the private listener, if there is one.
    pub private: Router,
    /// Watches it. It samples once it is [started](Monitor::start).
    pub monitor: Monitor,
}

/// The application on `dependencies`, as `config` says. Its limits and breakers stay registered, so make one application for each server.
///
/// # Errors
///
/// The settings of the monitor make no sense.
pub fn app(dependencies: Dependencies, config: &Config) -> Result<App, Error> {
    let guard = MemoryGuard::builder().cache(&dependencies.cache);
    let restart_after = Some(config.memory_restart_after).filter(|time| !time.is_zero());
    let guard = restart_after.into_iter().fold(guard, MemoryGuardBuilder::restart_after);
    let guard = config.memory_limit.into_iter().fold(guard, MemoryGuardBuilder::limit).build()?;
    let monitor = monitor(&dependencies, &guard, config)?;
    let Dependencies { repository, supplier, clock, cache, timings, .. } = dependencies;
    let market = Market { repository, supplier: supplier.client.clone(), clock };
    let parts = Parts { market, supplier, cache, monitor: monitor.clone(), guard, timings };
    let Surface { public, private } = http::surface(&parts, config);
    Ok(App { router: public, private, monitor })
}

/// The monitor, with a source for each figure that the application has.
fn monitor(dependencies: &Dependencies, guard: &MemoryGuard, config: &Config) -> Result<Monitor, Error> {
    let repository = || Arc::clone(&dependencies.repository);
    let (asked, pool, slow, report) = (repository(), repository(), repository(), repository());
    let database = Probe::new("database", move || {
        let repository = Arc::clone(&asked);
        async move { repository.ping().await }
    });
    let timings = dependencies.timings.clone();
    // Not those of health: a 503 is what they are asked for, and no error.
    let routes = move || {
        let watched = timings.snapshots().into_iter().filter(|route| !route.route.starts_with("/health"));
        watched.collect::<Vec<_>>()
    };
    let monitor = Monitor::builder()
        .cache(&dependencies.cache)
        .database(database.pool(move || pool.pool()))
        .probe(Probe::new("log", async || crate::log::trouble().map_or(Ok(()), Err)).optional())
        .memory_guard(guard)
        .routes(routes)
        .slow_queries(move || slow.slow_queries())
        .section("database", move || report.report());
    let monitor = dependencies
        .peers
        .clone()
        .into_iter()
        .fold(monitor, |monitor, peers| monitor.section("connections", move || peers.snapshot()));
    config.memory_limit.into_iter().fold(monitor, MonitorBuilder::memory_limit).build()
}
