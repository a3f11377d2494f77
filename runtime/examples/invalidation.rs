//! Invalidation by key, prefix and tag, and the race that cannot happen: `cargo run -p fastness --example invalidation`.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use fastness::{cache_invalidate, cacheable};
use tokio::sync::Notify;

/// Stands for a table in which all prices are the same.
static PRICE: AtomicU64 = AtomicU64::new(100);
static HAS_READ: Notify = Notify::const_new();
static MAY_END: Notify = Notify::const_new();

#[cacheable(ttl = 300, key = "price:{product}", tags = ["shop:{shop}"], skip(shop))]
async fn price(product: u64, shop: u64) -> u64 {
    PRICE.load(SeqCst)
}

/// Reads the price, and is held up before it returns it.
#[cacheable(ttl = 300, key = "price:slow:{product}")]
async fn slow_price(product: u64) -> u64 {
    let price = PRICE.load(SeqCst);
    HAS_READ.notify_one();
    MAY_END.notified().await;
    price
}

#[cache_invalidate("price:{product}")]
async fn set_price(product: u64, price: u64) {
    PRICE.store(price, SeqCst);
}

#[cache_invalidate("price:*")]
async fn set_all_prices(price: u64) {
    PRICE.store(price, SeqCst);
}

#[cache_invalidate(tags = ["shop:{shop}"])]
async fn set_prices_of_shop(shop: u64, price: u64) {
    PRICE.store(price, SeqCst);
}

#[tokio::main]
async fn main() {
    println!("{} {}", price(1, 9).await, price(2, 9).await); // 100 100
    set_price(1, 110).await;
    println!("{} {}: only product 1 is loaded again", price(1, 9).await, price(2, 9).await); // 110 100
    set_prices_of_shop(9, 120).await;
    println!("{} {}: everything of shop 9 is", price(1, 9).await, price(2, 9).await); // 120 120
    set_all_prices(130).await;
    println!("{} {}: everything below `price:` is", price(1, 9).await, price(2, 9).await); // 130 130

    // A load that has read the old price is still under way while the price changes. Its value is not served to later callers.
    let overtaken = tokio::spawn(slow_price(3));
    HAS_READ.notified().await;
    set_all_prices(140).await;
    MAY_END.notify_one();
    println!("the load that began before got {}", overtaken.await.expect("a price")); // 130
    MAY_END.notify_one();
    println!("a call after the change gets {}", slow_price(3).await); // 140
}
