#!/usr/bin/env bash
# The crate tokio 1.54.1, and 1.44.2 beside it
#
# A future of `Semaphore::acquire` that answers "pending" may hold its permit already: once the task has used up its budget of operations
# for this poll, it takes the permit, and only then yields. So whoever keeps such a future without polling it, as one branch of several
# does while it works on another, keeps the permit from all others. `RwLock` and the channels are built on the same semaphore. In
# earlier versions the same poll left the permit alone.
#
# Output:
#   1.44.2: pending, and 1 permit is free
#   1.54.1: pending, and 0 permits are free
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
mkdir "$FOLDER/src"
cat >"$FOLDER/src/main.rs" <<'RUST'
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::sync::Semaphore;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::spawn(async {
        let (wanted, other) = (Semaphore::new(1), Semaphore::new(1));
        let mut acquire = pin!(wanted.acquire());
        poll_fn(|cx| {
            // Uses up the budget of this poll.
            while pin!(other.acquire()).poll(cx).is_ready() {}
            assert!(acquire.as_mut().poll(cx).is_pending());
            let free = wanted.available_permits();
            println!("pending, and {free} permit{} free", if free == 1 { " is" } else { "s are" });
            Poll::Ready(())
        })
        .await;
    })
    .await
    .unwrap();
}
RUST
for version in 1.44.2 1.54.1; do
    cat >"$FOLDER/Cargo.toml" <<TOML
[package]
name = "finding"
version = "0.0.0"
edition = "2024"
[dependencies]
tokio = { version = "=$version", features = ["macros", "rt", "sync"] }
TOML
    rm -f "$FOLDER/Cargo.lock"
    printf '%s: ' "$version" >>"$FOLDER/seen"
    cargo run --quiet --manifest-path "$FOLDER/Cargo.toml" --target-dir "$FOLDER/target" >>"$FOLDER/seen"
done
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
