//! Time to the first byte.

use std::time::Duration;

use fastness::Fastness;
use fastness::http::{CacheLayer, CoalesceLayer};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::server::{BODIES, ask, bodies, connect, serve};

/// Prints the times of each body without the cache, with `CacheLayer`, and with `CoalesceLayer`.
pub(crate) async fn print() -> Result<(), fastness::Error> {
    let fast = Fastness::builder().build()?;
    let servers = [
        ("bare", serve(bodies()).await),
        ("cache", serve(bodies().layer(CacheLayer::new().on(&fast))).await),
        ("coalesce", serve(bodies().layer(CoalesceLayer::new().on(&fast))).await),
    ];
    println!("body            clients  layer     first byte, mean   end, mean");
    for (path, ..) in BODIES {
        for clients in [1_u32, 50] {
            for (name, address) in servers {
                // An address of its own for each measurement.
                let asked = (0..clients).map(|_| tokio::spawn(ask(address, format!("{path}?{clients}"))));
                let (mut first, mut end) = (Duration::ZERO, Duration::ZERO);
                for client in asked.collect::<Vec<_>>() {
                    let (one, other) = client.await.expect("a client");
                    (first, end) = (first.saturating_add(one), end.saturating_add(other));
                }
                let (first, end) = (first / clients, end / clients);
                println!("{path:15} {clients:7}  {name:8} {first:>14.2?} {end:>14.2?}");
            }
        }
    }
    Ok(())
}

/// Prints the times of a client that comes when another one has left at a tenth of the body, and of one that comes at its end.
pub(crate) async fn print_after_leaving() -> Result<(), fastness::Error> {
    let fast = Fastness::builder().build()?;
    println!("\nslow body (20 chunks in 0.38 s), whose client left at a tenth   first byte            end");
    for (name, app) in [("bare", bodies()), ("cache", bodies().layer(CacheLayer::new().on(&fast)))] {
        let address = serve(app).await;
        let mut leaves = connect(address, "/slow", "").await;
        let (mut part, mut came) = (vec![0; 4 << 10], 0);
        while came < 2_000 {
            came += leaves.read(&mut part).await.expect("a part of the body");
        }
        drop(leaves);
        let began = Instant::now();
        let (first, end) = ask(address, "/slow".to_owned()).await;
        println!("{name:8} at once {first:>53.2?} {end:>14.2?}");
        tokio::time::sleep_until(began + Duration::from_millis(500)).await;
        let (first, end) = ask(address, "/slow".to_owned()).await;
        println!("{name:8} after half a second {first:>41.2?} {end:>14.2?}");
    }
    Ok(())
}
