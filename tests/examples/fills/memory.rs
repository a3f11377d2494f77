//! Memory of a server, in a process of its own, while many bodies come, and while many clients read slowly.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use fastness::Fastness;
use fastness::http::CacheLayer;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::server::{connect, timed};

const CLIENTS: usize = 1_000;
const CHUNK: usize = 64 << 10;
/// Chunks of a body of 1 MiB.
const CHUNKS: usize = 16;

/// Serves the same bodies on two ports, without the cache and with it, and prints the ports.
pub(crate) async fn serve() {
    let app = || {
        let every = Duration::from_millis(1);
        let fill = async move |_: Path<usize>| timed(every, (CHUNK, CHUNKS), Duration::from_secs(8));
        let large = async move || timed(every, (CHUNK, 2_000), Duration::ZERO);
        Router::new().route("/fill/{n}", get(fill)).route("/large", get(large))
    };
    let fast = Fastness::builder().build().expect("a handle");
    for app in [app(), app().layer(CacheLayer::new().on(&fast))] {
        println!("{}", super::server::serve(app).await);
    }
    std::future::pending::<()>().await;
}

struct Server {
    process: Child,
    bare: SocketAddr,
    cached: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process =
            Command::new(program).arg("serve").stdout(Stdio::piped()).spawn().expect("this program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut address = || lines.next().and_then(Result::ok).and_then(|line| line.parse().ok()).expect("an address");
        let (bare, cached) = (address(), address());
        Self { process, bare, cached }
    }

    /// Returns the resident memory in MiB.
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("its state");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1_024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn read(stream: &mut TcpStream, bytes: usize) -> usize {
    let (mut part, mut came) = (vec![0; 16 << 10], 0);
    while came < bytes {
        match stream.read(&mut part).await {
            Ok(read @ 1..) => came += read,
            _ => break,
        }
    }
    came
}

/// Prints the memory.
pub(crate) async fn print() {
    println!("\nresident memory of the server, MiB                          before   meanwhile   after");
    for (name, cached) in [("without", false), ("with the cache", true)] {
        let server = Server::start();
        let (address, before) = (if cached { server.cached } else { server.bare }, server.resident());
        let clients = (0..CLIENTS).map(|n| {
            tokio::spawn(async move {
                let mut stream = connect(address, &format!("/fill/{n}"), "").await;
                let came = read(&mut stream, (CHUNKS - 1) * CHUNK).await;
                (stream, came)
            })
        });
        let mut streams = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            streams.push(client.await.expect("a client").0);
        }
        let meanwhile = server.resident();
        for mut stream in streams {
            read(&mut stream, usize::MAX).await;
        }
        println!(
            "{CLIENTS} bodies of 1 MiB at 15/16, {name:15} {before:>20.1} {meanwhile:>11.1} {:>7.1}",
            server.resident()
        );
    }
    for (name, cached) in [("without", false), ("with the cache", true)] {
        let server = Server::start();
        let (address, before) = (if cached { server.cached } else { server.bare }, server.resident());
        let mut streams = Vec::new();
        for _ in 0..CLIENTS {
            let mut stream = connect(address, "/large", "").await;
            read(&mut stream, 1).await;
            streams.push(stream);
        }
        #[expect(clippy::disallowed_methods, reason = "until the buffers of the kernel are full, and nothing moves")]
        tokio::time::sleep(Duration::from_secs(3)).await;
        let meanwhile = server.resident();
        let mut whole = 0;
        for mut stream in streams.drain(..) {
            let read = tokio::time::timeout(Duration::from_millis(1), read(&mut stream, usize::MAX)).await;
            whole += usize::from(read.is_err());
        }
        println!(
            "{CLIENTS} clients that read 128 MB slowly, {name:15} {before:>13.1} {meanwhile:>11.1} {:>7.1}   ({whole} not cut off)",
            server.resident()
        );
    }
}
