//! Binds, and serves until ctrl-c or SIGTERM; a second one ends the process at once.

use std::io::Write;

use fastness::Fastness;
use tokio::sync::oneshot;

use super::places::Places;
use super::signals::Signals;
use crate::config::Config;
use crate::log;
use crate::server::{self, Listeners, Stopped};

/// Serves as the settings say, until a signal ends it.
pub(super) async fn run(config: &Config) -> Result<(), String> {
    // First of all, so that a signal that comes early is not lost.
    let signals = Signals::new().map_err(|error| error.to_string())?;
    log::init(config).map_err(|error| format!("the log cannot be begun: {error}"))?;
    let cache = cache(config).await?;
    cache.install().map_err(|error| error.to_string())?;

    let listeners = Listeners::bind(config).await?;
    let places = Places::new(&listeners, config).map_err(|error| error.to_string())?;
    greet(&places);
    places.log();

    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(watch(signals, stop));
    match server::run(listeners, async { drop(stopped.await) }, config).await {
        Ok(Stopped::Drained) => Ok(()),
        Ok(Stopped::TimedOut) => Err(format!("requests were still open after {:?} and were dropped", config.drain)),
        Err(error) => Err(error.to_string()),
    }
}

/// The most values that each function stores: a tenth of a million products, which most readers ask for. The memory guard
/// takes back what is too much.
const CAPACITY: usize = 100_000;

/// The cache that the settings ask for.
///
/// # Errors
///
/// The settings make no sense together, or the name of a server cannot be resolved.
pub async fn cache(config: &Config) -> Result<Fastness, String> {
    let cache = Fastness::builder().capacity(CAPACITY);
    #[cfg(feature = "servers")]
    let cache = match config.redis.clone() {
        Some(redis) => cache.redis(redis.prefix(format!("demo:{}:", data(config).await?))),
        None => cache,
    };
    #[cfg(not(feature = "servers"))]
    let _ = config;
    cache.build().map_err(|error| error.to_string())
}

/// The name of the data. All servers on one database share what they cache of it; those on another must not.
#[cfg(feature = "servers")]
async fn data(config: &Config) -> Result<String, String> {
    let store = server::mongo_store(config).await.map_err(|error| error.to_string())?;
    Ok(match store {
        Some(store) => store.database().name().to_owned(),
        // The embedded store is this process's own, and so must be what is cached of it.
        None => format!("{:08x}", fastrand::u32(..)),
    })
}

/// Stops the server on the first signal, and exits at once on the second.
async fn watch(mut signals: Signals, stop: oneshot::Sender<()>) {
    signals.next().await;
    let _ = stop.send(());
    signals.next().await;
    tracing::warn!("a second signal: open requests are dropped");
    log::flush(log::PATIENCE);
    std::process::exit(130);
}

/// Prints the commands that a newcomer types next. A closed output is no error.
fn greet(places: &Places<'_>) {
    let address = places.public;
    let stats = places.control_curl("/api/cache/stats").map_or(String::new(), |curl| format!("{curl}\n  "));
    let greeting = format!(
        "demo-app listens on http://{address} (ctrl-c stops it). Try:\n  \
         curl -i http://{address}/api/users/1    # twice: the second is a hit, see `x-cache`\n  \
         {stats}curl http://{address}/                  # everything else\n"
    );
    let _ = std::io::stdout().write_all(greeting.as_bytes());
}
