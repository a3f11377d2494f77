//! Private listener: a thread, a runtime and connections of its own.
//!
//! Neither 10 000 connections on the public listener nor busy workers keep its clients waiting: its only thread has nothing
//! else to do, and the system gives it a processor before those that never rest.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use axum::Router;
use fastness::monitor::Monitor;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::connections;
use super::stopped::Stopped;
use crate::config::Config;
use crate::peers::{Bounds, Peers};

/// Connections at a time: its clients are few.
const PLACES: usize = 64;
/// Most that open requests have in the end. Its answers are short, and the public listener has been waited for by then.
const DRAIN: Duration = Duration::from_secs(1);

/// Private listener that serves. It stops when this is dropped.
#[derive(Debug)]
pub(super) struct Private {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<io::Result<Stopped>>,
}

impl Private {
    /// Serves `router` on `listener`, on a thread of its own, until [`stop`](Self::stop). `monitor` takes its samples there, too:
    /// its reports do not wait for the workers of the public listener.
    ///
    /// # Errors
    ///
    /// The system gives no thread, or the listener cannot move to it.
    pub(super) fn start(listener: TcpListener, router: Router, monitor: Monitor, config: &Config) -> io::Result<Self> {
        let config = Config { drain: config.drain.min(DRAIN), ..config.clone() };
        let listener = listener.into_std()?;
        let ((stop, stopped), (report, ended)) = (oneshot::channel(), oneshot::channel());
        let run = move || {
            let served = serve(listener, router, &monitor, stopped, &config);
            if let Err(error) = &served {
                tracing::error!(%error, "nothing is served at ADMIN_ADDR");
            }
            // The server may be gone already, with the task that waited for this.
            let _ = report.send(served);
        };
        thread::Builder::new().name("private".to_owned()).spawn(run)?;
        Ok(Self { stop, ended })
    }

    /// Accepts no more, and waits until open requests are answered, for a second at most.
    ///
    /// # Errors
    ///
    /// The listener failed.
    pub(super) async fn stop(self) -> io::Result<Stopped> {
        drop(self.stop);
        self.ended.await.unwrap_or_else(|_| Err(io::Error::other("the private listener panicked")))
    }
}

fn serve(
    listener: std::net::TcpListener,
    router: Router,
    monitor: &Monitor,
    stop: oneshot::Receiver<()>,
    config: &Config,
) -> io::Result<Stopped> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        monitor.start().map_err(io::Error::other)?;
        let listener = TcpListener::from_std(listener)?;
        let peers = Peers::new(Bounds { all: PLACES, per_peer: PLACES });
        connections::serve(listener, router, &peers, async { drop(stop.await) }, config).await
    })
}

/// Sockets of a server, bound.
#[derive(Debug)]
pub struct Listeners {
    /// The listener for every client.
    pub public: TcpListener,
    /// The listener of health and control endpoints, if they have one of their own.
    pub private: Option<TcpListener>,
}

impl Listeners {
    /// Binds the addresses in `config`.
    ///
    /// # Errors
    ///
    /// An address is taken, or none of this computer's. The text says which, and which variable to set.
    pub async fn bind(config: &Config) -> Result<Self, String> {
        let public = bound(config.listen, "HOST or PORT").await?;
        let private = match config.admin_addr {
            Some(address) => Some(bound(address, "ADMIN_ADDR").await?),
            None => None,
        };
        Ok(Self { public, private })
    }
}

impl From<TcpListener> for Listeners {
    fn from(public: TcpListener) -> Self {
        Self { public, private: None }
    }
}

async fn bound(address: SocketAddr, variables: &str) -> Result<TcpListener, String> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| format!("{address} is not to be had: {error}; set {variables}"))
}
