//! One process of a version.

use std::io::Write;
use std::time::Duration;

use fastness::{Fastness, Reach, Redis, cacheable};
use fastness_tests::names::reached;
use fastness_tests::servers::until;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::sleep;

/// Writes a line that a kill of this process cannot tear.
fn say(word: &str, id: u64) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{word} {id}\n").as_bytes());
    let _ = out.flush();
}

async fn body(id: u64) {
    say("began", id);
    #[expect(clippy::disallowed_methods, reason = "the load takes a while")]
    sleep(Duration::from_millis(fastrand::u64(0..40))).await;
}

#[cacheable(ttl = 600, key = "person:{id}", erase, tier = shared)]
async fn person_v1(id: u64) -> String {
    body(id).await;
    format!("a person with the number {id}")
}

#[cacheable(ttl = 600, key = "person:{id}", erase, tier = shared)]
async fn person_v2(id: u64) -> (String, u64) {
    body(id).await;
    (format!("a person with the number {id}"), id)
}

/// Obeys the lines of its standard input: `load ID` and `forget ID`, all at the same time.
pub(crate) async fn run(version: &str, settings: Redis) {
    let fast = Fastness::builder().redis(settings).build().expect("a cache");
    fast.clone().install().expect("the first");
    until("it is connected", async || fast.shared().is_some_and(|shared| shared.connected)).await;
    say("ready", 0);
    let is_old = version == "v1";
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let (word, id) = line.split_once(' ').expect("a word and a number");
        let (loads, id, fast) = (word == "load", id.parse().expect("a number"), fast.clone());
        tokio::spawn(async move {
            if loads {
                if is_old {
                    person_v1(id).await;
                } else {
                    person_v2(id).await;
                }
                say("loaded", id);
            } else {
                while fast.cache().invalidate(reached(format!("person:{id}"))).await != Reach::Announced {
                    #[expect(clippy::disallowed_methods, reason = "an attempt without a connection ends at once")]
                    sleep(Duration::from_millis(20)).await;
                }
                say("forgot", id);
            }
        });
    }
}
