//! Prints what bodies that come slowly cost behind the HTTP cache: the time to their first byte, beside the same handler without the cache;
//! the time of the next client after one that left; a range of a stored response beside the whole; and the memory of a thousand bodies that
//! come at the same time, and of a thousand clients that read one slowly.
//!
//! `cargo run --release -p fastness-tests --example fills`. Linux only: it reads `/proc`.

mod first_byte;
mod memory;
mod ranges;
mod server;

#[tokio::main]
async fn main() -> Result<(), fastness::Error> {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        memory::serve().await;
        return Ok(());
    }
    first_byte::print().await?;
    first_byte::print_after_leaving().await?;
    ranges::print().await?;
    memory::print().await;
    Ok(())
}
