//! A TCP proxy that can delay, cut and silence a link, as networks do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The treatment of bytes that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Delivers everything this much later, in order.
    Slow(Duration),
    /// Connections end, and new ones end at once.
    Cut,
    /// Connections stay open, and lose all data in both directions.
    Silent,
    /// Ends connections after this many bytes of the server's.
    CutAfter(usize),
    /// Holds the server's bytes back.
    Held,
}

/// A proxy before a server on 127.0.0.1.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    /// Each change ends the open connections.
    ends: watch::Sender<u64>,
    /// The server's port.
    port: Arc<AtomicU16>,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Starts a proxy before this port.
    pub async fn start(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (weather, seen) = watch::channel(Weather::Fair);
        let (ends, end) = watch::channel(0);
        let (connections, port) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU16::new(port)));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, port.clone(), seen, end, connections.clone()));
        Self { address, weather, ends, port, connections, _tasks: tasks }
    }

    /// The address to connect to instead of the server's.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Delays everything from now on by this much, in each direction.
    pub fn delay(&self, by: Duration) {
        self.weather.send_replace(Weather::Slow(by));
    }

    /// Ends all connections, and new ones as they are made.
    pub fn cut(&self) {
        self.weather.send_replace(Weather::Cut);
        self.ends.send_modify(|count| *count += 1);
    }

    /// Leads to another server from now on; connections to the former one end.
    pub fn redirect(&self, port: u16) {
        self.port.store(port, Ordering::Relaxed);
        self.ends.send_modify(|count| *count += 1);
    }

    /// Loses all data that is sent from now on; connections stay open.
    pub fn silence(&self) {
        self.weather.send_replace(Weather::Silent);
    }

    /// Ends each connection after this many more bytes from the server.
    pub fn cut_after(&self, bytes: usize) {
        self.weather.send_replace(Weather::CutAfter(bytes));
    }

    /// Holds back whatever the server sends from now on, until [`restore`](Self::restore).
    pub fn hold_replies(&self) {
        self.weather.send_replace(Weather::Held);
    }

    /// Passes everything on again. Lost data stay lost, so silenced connections are ended.
    pub fn restore(&self) {
        if self.weather.send_replace(Weather::Fair) == Weather::Silent {
            self.ends.send_modify(|count| *count += 1);
        }
    }
}

async fn accept(
    listener: TcpListener,
    port: Arc<AtomicU16>,
    weather: watch::Receiver<Weather>,
    mut end: watch::Receiver<u64>,
    open: Arc<AtomicUsize>,
) {
    let mut links = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if *weather.borrow() == Weather::Cut {
            continue;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", port.load(Ordering::Relaxed))).await else { continue };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        end.mark_unchanged();
        links.spawn(link(client, server, weather.clone(), end.clone(), open.clone()));
    }
}

async fn link(
    client: TcpStream,
    server: TcpStream,
    weather: watch::Receiver<Weather>,
    mut end: watch::Receiver<u64>,
    open: Arc<AtomicUsize>,
) {
    open.fetch_add(1, Ordering::Relaxed);
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // Both directions end when one of them ends, or at a cut.
    tokio::select! {
        () = pump(from_client, to_server, weather.clone(), false) => {}
        () = pump(from_server, to_client, weather.clone(), true) => {}
        // An error means that the proxy is gone, and its links with it.
        _ = end.changed() => {}
    }
    open.fetch_sub(1, Ordering::Relaxed);
}

/// Carries bytes one way until an end closes. Bytes pass through a queue, so reading never waits for a delay.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, weather: watch::Receiver<Weather>, server: bool) {
    let (sender, mut queue) = tokio::sync::mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let mut held = weather.clone();
    let write = async {
        while let Some((at, bytes)) = queue.recv().await {
            tokio::time::sleep_until(at).await;
            if server && held.wait_for(|weather| *weather != Weather::Held).await.is_err() {
                break;
            }
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    let read = async {
        let mut buffer = vec![0; 1 << 16];
        let mut passed = 0;
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let (mut keep, mut at) = (length, Instant::now());
            match *weather.borrow() {
                Weather::Silent => continue,
                Weather::Slow(by) => at += by,
                Weather::CutAfter(limit) if server => keep = length.min(limit.saturating_sub(passed)),
                _ => passed = 0,
            }
            passed += keep;
            if sender.send((at, buffer[..keep].to_vec())).is_err() || keep < length {
                break;
            }
        }
        drop(sender);
    };
    tokio::join!(read, write);
}
