//! The typed collection while its servers change: results and waits of callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bson::doc;
use fastness::Indexed;
use fastness::mongo::{self, Client, Error};
use fastness_tests::servers::{MongoSet, database_name, until};
use serde::{Deserialize, Serialize};

const WORKERS: u64 = 8;

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "counters")]
struct Counter {
    #[serde(rename = "_id")]
    id: i64,
    value: i64,
}

#[derive(Default)]
struct Seen {
    done: AtomicU64,
    errors: AtomicU64,
    /// Errors of any other kind than an unreachable server, a timeout or a change of the primary.
    strange: std::sync::Mutex<Vec<Error>>,
    ended: AtomicBool,
}

/// Writes and reads a document of its own, and continues after errors.
async fn work(client: Client, db: String, id: i64, seen: Arc<Seen>) -> (i64, i64, Duration) {
    let counters = client.collection::<Counter>(&client.database(&db));
    let (mut acknowledged, mut tried, mut longest, mut last) = (0, 0, Duration::ZERO, began());
    while !seen.ended.load(Ordering::SeqCst) {
        tried += 1;
        let change = doc! { "$inc": { "value": 1_i64 } };
        let outcome = match counters.update_one(doc! { "_id": id }, change, None).await {
            Ok(_) => {
                acknowledged += 1;
                counters.find_one(doc! { "_id": id }, None).await.map(drop)
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                seen.done.fetch_add(1, Ordering::SeqCst);
                longest = longest.max(last.elapsed());
                last = began();
            }
            Err(error) => {
                seen.errors.fetch_add(1, Ordering::SeqCst);
                let left = [91, 189, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436];
                if !(error.is_unreachable()
                    || error.is_timeout()
                    || error.code().is_some_and(|code| left.contains(&code)))
                {
                    seen.strange.lock().unwrap().push(error);
                }
            }
        }
    }
    (acknowledged, tried, longest)
}

#[allow(clippy::disallowed_methods)]
fn began() -> Instant {
    Instant::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_killed_under_load_costs_a_pause_and_no_acknowledged_write() {
    let mut set = MongoSet::start().await;
    let options = mongo::Settings::from_uri(&set.url()).await.unwrap().operation_timeout(Duration::from_secs(15));
    let majority = mongodb::options::WriteConcern::majority();
    let client = options.driver(|driver| driver.write_concern = Some(majority)).connect().unwrap();
    let (db, seen) = (database_name(), Arc::new(Seen::default()));
    let counters = client.collection::<Counter>(&client.database(&db));
    let workers = 0..i64::try_from(WORKERS).unwrap();
    counters.insert_many(workers.clone().map(|id| Counter { id, value: 0 }), None).await.unwrap();
    let tasks: Vec<_> = workers.map(|id| tokio::spawn(work(client.clone(), db.clone(), id, seen.clone()))).collect();
    let more = async |count: u64| {
        let before = seen.done.load(Ordering::SeqCst);
        until("calls are answered", async || seen.done.load(Ordering::SeqCst) >= before + count).await;
    };
    more(200).await;
    set.kill_primary().await;
    more(200).await;
    seen.ended.store(true, Ordering::SeqCst);
    let mut longest = Duration::ZERO;
    for (id, task) in tasks.into_iter().enumerate() {
        let (acknowledged, tried, pause) = task.await.unwrap();
        longest = longest.max(pause);
        let stored = counters.find_one(doc! { "_id": i64::try_from(id).unwrap() }, None).await.unwrap().unwrap().value;
        // The driver retries a write under the same number, so no write is done twice; a failed write may have been done.
        assert!((acknowledged..=tried).contains(&stored), "{acknowledged} <= {stored} <= {tried}");
    }
    let (done, errors) = (seen.done.load(Ordering::SeqCst), seen.errors.load(Ordering::SeqCst));
    println!("the primary was killed under load: {done} calls done, {errors} errors, the longest pause {longest:?}");
    let strange = seen.strange.lock().unwrap();
    assert!(strange.is_empty(), "{strange:?}");
}
