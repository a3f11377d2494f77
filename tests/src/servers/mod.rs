//! Real servers for the tests, on free ports.
//!
//! A binary is looked for in `REDIS_SERVER_BIN` (`REDIS_CLI_BIN`, `MONGOD_BIN`), then in `.services/bin`, where `scripts/services` puts it,
//! then on the `PATH`. A server dies with the guard that started it, and also when the test process is killed.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

mod cluster;
mod mongo;
mod process;
mod proxy;
mod redis;
mod sentinel;

pub use self::cluster::Cluster;
pub use self::mongo::{Mongo, MongoSet, database_name, shared_mongo, shared_mongo_set};
pub use self::proxy::Proxy;
pub use self::redis::{Redis, shared_redis};
pub use self::sentinel::Sentinel;

/// The longest that a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A prefix of keys that no other test has.
pub fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("t{}-{}:", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Waits until this condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            #[expect(clippy::disallowed_methods, reason = "the awaited event may happen in another process")]
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "waited {PATIENCE:?} in vain for this: {what}");
}

/// The path of a program.
fn binary(name: &str) -> PathBuf {
    let variable = format!("{}_BIN", name.to_uppercase().replace('-', "_"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::var_os(variable)
        .map(PathBuf::from)
        .into_iter()
        .chain([root.join(".services/bin").join(name)])
        .chain(std::env::split_paths(&path).map(|folder| folder.join(name)))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: run scripts/services"))
}

/// A port that is free now, like the one 10 000 above it, which a node of a cluster takes as well.
///
/// Both are below the ports that systems give to outgoing connections: such a connection could take the port of a server that restarts, and
/// a connection to that port could even be connected to itself.
fn free_port() -> u16 {
    const PORTS: Range<u16> = 11_000..21_000;
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(fastrand::u16(..)));
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    std::iter::repeat_with(|| PORTS.start + NEXT.fetch_add(1, Ordering::Relaxed) % (PORTS.end - PORTS.start))
        .find(|port| free(*port) && free(port + 10_000))
        .unwrap_or_else(|| unreachable!("the search does not end"))
}
