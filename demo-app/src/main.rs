//! Reads the environment, binds, and serves until ctrl-c or SIGTERM. All else is in the library.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;

use demo_app::config::Config;
use demo_app::server::{Stopped, run};
use fastness::Fastness;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("demo-app cannot run:\n{message}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), String> {
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let config = Config::from_vars(variable).map_err(|error| error.to_string())?;
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&config.log))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let cache = match config.redis.clone() {
        // The embedded store is this process's own, and so must be what is cached of it.
        Some(redis) => Fastness::builder().redis(redis.prefix(format!("demo:{:08x}:", fastrand::u32(..)))),
        None => Fastness::builder(),
    };
    let cache = cache.build().await.map_err(|error| error.to_string())?;
    cache.install().map_err(|error| error.to_string())?;

    let listener = TcpListener::bind(config.listen).await;
    let listener =
        listener.map_err(|error| format!("{} is not to be had: {error}; set HOST or PORT", config.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    greet(address);

    match run(listener, stop_signal(), &config).await {
        Ok(Stopped::Drained) => Ok(()),
        Ok(Stopped::TimedOut) => Err(format!("requests were still open after {:?} and were dropped", config.drain)),
        Err(error) => Err(error.to_string()),
    }
}

/// What a newcomer types next.
fn greet(address: SocketAddr) {
    println!(
        "demo-app listens on http://{address} (ctrl-c stops it). Try:\n  \
         curl -i http://{address}/api/users/1    # twice: the second is a hit, see `x-cache`\n  \
         curl http://{address}/api/cache/stats\n  \
         curl http://{address}/                  # everything else"
    );
}

/// Completes at ctrl-c or, where there is one, SIGTERM.
async fn stop_signal() {
    let interrupt = async {
        // Without the handler the default applies: the process ends at once, which is a stop too.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate() => {}
    }
}

#[cfg(unix)]
async fn terminate() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending().await
}
