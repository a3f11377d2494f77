//! The common part of the two versions of one program that `tests/deploy.rs` runs side by side.

use std::io::{BufRead, Write};

use fastness::{Fastness, Redis};

use crate::names::reached;
use crate::servers::{PATIENCE, until};

/// Joins the tier that the arguments name (address, prefix) and obeys the commands on its standard input, one a line: `get ID` prints the
/// result of `get`, and `invalidate PATTERN` prints the invalidation's reach.
pub async fn serve(get: impl AsyncFn(u64) -> String) {
    let mut arguments = std::env::args().skip(1);
    let (url, prefix) = (arguments.next().expect("an address"), arguments.next().expect("a prefix"));
    let redis = Redis::single(&url).expect("an address").prefix(prefix).command_timeout(PATIENCE);
    let fast = Fastness::builder().redis(redis).build().expect("a cache");
    fast.clone().install().expect("the first");
    until("the process is connected", async || fast.shared().is_some_and(|shared| shared.connected)).await;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("text");
        let answer = match line.split_once(' ') {
            Some(("get", id)) => {
                let before = fast.shared().map_or(0, |shared| shared.stores);
                let answer = get(id.parse().expect("a number")).await;
                // The answer is printed once the loaded value is in the tier.
                let loads = fast.stats().total.loads;
                until("it is stored", async || fast.shared().is_some_and(|shared| shared.stores >= before.max(loads)))
                    .await;
                answer
            }
            Some(("invalidate", pattern)) => {
                format!("{:?}", fast.cache().invalidate(reached(pattern)).await)
            }
            _ => panic!("`{line}` is no command"),
        };
        println!("{answer}");
        std::io::stdout().flush().expect("a reader");
    }
}
