//! Two processes that share one cache in Redis: `REDIS_URL=redis://127.0.0.1:6379 cargo run -p fastness --features redis --example redis`.
//!
//! The program starts itself a second time. Both read the same key; then the first one writes, and the second one sees it.

use std::process::Command;
use std::time::Duration;

use fastness::{Fastness, Redis, cache_invalidate, cacheable};

#[cacheable(ttl = 60, key = "motto")]
async fn motto() -> String {
    println!("  [{}] runs the function", std::process::id());
    std::fs::read_to_string(file()).unwrap_or_default()
}

#[cache_invalidate("motto")]
async fn set_motto(text: &str) -> std::io::Result<()> {
    std::fs::write(file(), text)
}

/// Stands for a database that both processes use.
fn file() -> std::path::PathBuf {
    std::env::temp_dir().join("fastness-example-motto")
}

async fn pause(time: u64) {
    #[allow(clippy::disallowed_methods)]
    tokio::time::sleep(Duration::from_millis(time)).await;
}

/// Waits for the connection, so that the example shows the same each time. A service does not wait: without Redis it runs its functions.
async fn is_connected() {
    for _ in 0..100 {
        if Fastness::current().shared().is_some_and(|shared| shared.connected) {
            return;
        }
        pause(20).await;
    }
    println!("Redis does not answer, so each process caches alone");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Ok(url) = std::env::var("REDIS_URL") else {
        println!("set REDIS_URL to the address of a Redis server, such as redis://127.0.0.1:6379");
        return Ok(());
    };
    let redis = Redis::single(&url)?.prefix("fastness-example:");
    Fastness::builder().redis(redis).build()?.install()?;
    is_connected().await;
    let me = std::process::id();

    if std::env::args().any(|argument| argument == "second") {
        println!("  [{me}] reads {:?}, which the first process has loaded", motto().await);
        pause(1_000).await;
        println!("  [{me}] reads {:?}", motto().await);
        return Ok(());
    }

    set_motto("the first motto").await?;
    println!("  [{me}] reads {:?}", motto().await);
    pause(100).await; // values go to Redis in the background
    let mut second = Command::new(std::env::current_exe()?).arg("second").spawn()?;
    pause(500).await;
    set_motto("the second motto").await?;
    println!("  [{me}] has written");
    second.wait()?;
    std::fs::remove_file(file())?;
    Ok(())
}
