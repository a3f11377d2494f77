//! A server in this process, on a free port.

use std::io;

use fastness::Fastness;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use demo_app::config::Config;
use demo_app::server::{Stopped, run};

#[derive(Debug)]
pub(super) struct Served {
    pub(super) url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<Stopped>>,
}

impl Served {
    /// Starts a server with this cache, and all else as the settings say.
    pub(super) async fn start(cache: Fastness, config: &Config) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (stop, stopped) = oneshot::channel::<()>();
        let config = Config {
            shutdown_delay: std::time::Duration::ZERO,
            // The load generator is one peer, and may be.
            max_connections_per_peer: config.max_connections,
            ..config.clone()
        };
        let task = tokio::spawn(async move {
            let shutdown = async { drop(stopped.await) };
            fastness::with_cache(&cache, run(listener, shutdown, &config)).await
        });
        Ok(Self { url: format!("http://{address}"), stop, task })
    }

    pub(super) async fn stop(self) -> Result<(), String> {
        let _ = self.stop.send(());
        let ended = self.task.await.map_err(|error| error.to_string())?;
        ended.map(drop).map_err(|error| error.to_string())
    }
}
