//! Calls whose callers are dropped: the driver's futures go on in tasks of their own, and the server ends what has a time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bson::{Bson, Document, doc};
use fastness::Indexed;
use fastness::mongo::{self, Client, Collection};
use fastness_tests::servers::{Mongo, PATIENCE, database_name, shared_mongo, until};
use mongodb::options::{FindOneOptions, FindOptions};
use serde::{Deserialize, Serialize};

/// Time limit of the calls that are dropped.
const LIMIT: Duration = Duration::from_secs(1);

/// Number of documents that are read beside the dropped calls.
const NUMBERS: i32 = 50;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Indexed)]
#[indexed(collection = "c")]
struct Counted {
    #[index(unique)]
    number: i32,
    count: i64,
}

fn counted(number: i32) -> Counted {
    Counted { number, count: 0 }
}

/// A filter that matches all of the first documents or none, and takes the server so many milliseconds for each.
fn slow(documents: i32, millis: u32, answer: bool) -> Document {
    let body = format!("function() {{ sleep({millis}); return {answer}; }}");
    let script = doc! { "$function": { "body": body, "args": [], "lang": "js" } };
    doc! { "number": { "$lt": documents }, "$expr": script }
}

async fn limited(url: &str) -> Client {
    let settings = mongo::Settings::from_uri(url).await.unwrap();
    settings.operation_timeout(LIMIT).app_name("dropped").connect().unwrap()
}

/// Returns the names of the commands that the server runs for the clients of this file, without those that have a comment.
async fn running(observer: &Client) -> Vec<String> {
    let pipeline = [doc! { "$currentOp": {} }, doc! { "$match": { "appName": "dropped", "active": true } }];
    let command = doc! { "aggregate": 1, "pipeline": pipeline.to_vec(), "cursor": {} };
    let reply = observer.database("admin").run_command(command).await.unwrap();
    let listed = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let commands = listed.iter().filter_map(|listed| listed.as_document()?.get_document("command").ok());
    let commands = commands.filter(|command| command.get_str("comment").is_err());
    let names = commands.filter_map(|command| command.keys().next().cloned());
    // The driver's monitors wait for changes of the topology.
    names.filter(|name| name != "hello" && name != "isMaster").collect()
}

/// Returns whether an operation exceeded its time limit. A script that does so is interrupted, with a code of its own (11601).
fn is_over_time(error: &mongo::Error) -> bool {
    error.is_timeout() || error.code() == Some(11_601)
}

/// Makes one of all kinds of calls. One in 23 takes the server longer than the time limit.
async fn call(things: &Collection<Counted>, number: i32) -> Result<(), mongo::Error> {
    let (documents, millis) = if number % 23 == 0 { (100, 10) } else { (8, 1) };
    let (none, all) = (slow(documents, millis, false), slow(documents, millis, true));
    let (this, more) = (doc! { "number": number % 40 }, doc! { "$inc": { "count": 1_i64 } });
    let batches = FindOptions::builder().batch_size(2).build();
    match number % 10 {
        0 => things.find_one(none, None).await.map(drop),
        1 => things.find(all, batches).await?.all().await.map(drop),
        2 => things.count(all, None).await.map(drop),
        3 => things.distinct("count", all, None).await.map(drop),
        4 => things.find_one_and_update(none, more, None).await.map(drop),
        5 => things.find(doc! {}, batches).await?.all().await.map(drop),
        6 => things.find_one_and_update(this, more, None).await.map(drop),
        7 => things.update_one(this, more, None).await.map(drop),
        8 => things.insert_one(&counted(1_000 + number), None).await.map(drop),
        _ => things.update_many(none, more, None).await.map(drop),
    }
}

/// Reads beside the dropped calls until told to stop, and checks each answer.
async fn read_beside(things: Collection<Counted>, stop: Arc<AtomicBool>, answers: Arc<AtomicU64>) {
    for round in 0.. {
        if stop.load(Relaxed) {
            return;
        }
        let number = 100 + round % NUMBERS;
        let beside = FindOneOptions::builder().comment(Bson::from("beside")).build();
        match things.find_one(doc! { "number": number }, beside).await {
            Ok(found) => assert_eq!(found, Some(counted(number))),
            // Slow calls that were dropped occupy the connections for their whole time limit.
            Err(error) => assert!(is_over_time(&error), "{error}"),
        }
        answers.fetch_add(1, Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_dropped_calls_leave_a_whole_pool_and_no_reads_on_the_server() {
    let server = Mongo::start().await;
    let (client, observer) = (limited(&server.url()).await, unlimited(&server).await);
    let things = client.collection::<Counted>(&client.database("d"));
    things.insert_many((0..100 + NUMBERS).map(counted), None).await.unwrap();

    let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let beside: Vec<_> =
        (0..4).map(|_| tokio::spawn(read_beside(things.clone(), stop.clone(), answers.clone()))).collect();
    let ended = drop_a_thousand(&things).await;
    let (seen, began) = (client.snapshot(), tokio::time::Instant::now());
    let writes = until_only_writes_run(&observer).await;
    println!(
        "{ended} ended, {} answers beside, {} abandoned at the end; reads are gone after {:?}, then {writes} writes run",
        answers.load(Relaxed),
        seen.abandoned,
        began.elapsed()
    );
    stop.store(true, Relaxed);
    for reader in beside {
        reader.await.unwrap();
    }
    until("all tasks have ended", async || {
        let seen = client.snapshot();
        (seen.in_use, seen.waiting, seen.abandoned) == (0, 0, 0)
    })
    .await;
    let seen = client.snapshot();
    assert_eq!(
        (seen.closed, seen.cleared),
        (seen.aborted, 0),
        "a connection is closed by an aborted task only: {seen:?}"
    );
    for number in 0..100 {
        assert_eq!(things.find_one(doc! { "number": number }, None).await.unwrap().unwrap().number, number);
    }
    let all = things.find(doc! {}, FindOptions::builder().batch_size(7).build()).await.unwrap().all().await.unwrap();
    assert_eq!(all.len() as u64, things.count(doc! {}, None).await.unwrap());
}

/// Drops a thousand calls after up to 150 ms, 50 at a time; returns how many had ended by then.
async fn drop_a_thousand(things: &Collection<Counted>) -> u64 {
    let ended = Arc::new(AtomicU64::new(0));
    let mut calls = Vec::new();
    for number in 0..1_000 {
        let (things, ended) = (things.clone(), ended.clone());
        let wait = Duration::from_micros(fastrand::u64(..150_000));
        calls.push(tokio::spawn(async move {
            if let Ok(outcome) = tokio::time::timeout(wait, call(&things, number)).await {
                outcome.unwrap();
                ended.fetch_add(1, Relaxed);
            }
        }));
        if calls.len() == 50 {
            for call in calls.drain(..) {
                call.await.unwrap();
            }
        }
    }
    ended.load(Relaxed)
}

async fn unlimited(server: &Mongo) -> Client {
    mongo::Settings::from_uri(&server.url()).await.unwrap().connect().unwrap()
}

/// Waits until the server runs no read and no `findAndModify`; returns the number of other writes that it runs then.
async fn until_only_writes_run(observer: &Client) -> usize {
    let writes = AtomicU64::new(0);
    until("the server runs no read", async || {
        let running = running(observer).await;
        let (writing, reading): (Vec<_>, Vec<_>) =
            running.iter().partition(|name| ["insert", "update", "delete", "q"].contains(&name.as_str()));
        writes.store(writing.len() as u64, Relaxed);
        reading.is_empty()
    })
    .await;
    usize::try_from(writes.load(Relaxed)).unwrap()
}

#[tokio::test]
async fn the_server_ends_reads_and_find_and_modify_at_the_time_limit_and_connections_stay() {
    let server = Mongo::start().await;
    let (client, observer) = (limited(&server.url()).await, unlimited(&server).await);
    let things = client.collection::<Counted>(&client.database("d"));
    things.insert_many((0..10_000).map(counted), None).await.unwrap();
    let (endless, more) = (slow(10_000, 5, false), doc! { "$inc": { "count": 1_i64 } });
    let (read, changed) =
        tokio::join!(things.count(endless.clone(), None), things.find_one_and_update(endless.clone(), more, None));
    assert!(is_over_time(&read.unwrap_err()) && is_over_time(&changed.unwrap_err()));
    until("the server has ended them", async || running(&observer).await.is_empty()).await;
    until("their tasks have ended", async || client.snapshot().abandoned == 0).await;
    let seen = client.snapshot();
    assert_eq!((seen.closed, seen.aborted, seen.in_use), (0, 0, 0), "{seen:?}");
}

/// The server looks after closed connections for reads only.
#[tokio::test]
async fn a_dropped_read_ends_long_before_its_time_limit_and_a_write_does_not() {
    let server = Mongo::start().await;
    let (client, observer) = (mongo::Settings::from_uri(&server.url()).await.unwrap(), unlimited(&server).await);
    let client = client.app_name("dropped").connect().unwrap();
    let things = client.collection::<Counted>(&client.database("d"));
    things.insert_many((0..10_000).map(counted), None).await.unwrap();
    let (endless, more) = (slow(10_000, 20, false), doc! { "$inc": { "count": 1_i64 } });
    {
        let all = async {
            tokio::join!(
                things.find_one(endless.clone(), None),
                things.count(endless.clone(), None),
                things.distinct("count", endless.clone(), None),
                things.find_one_and_update(endless.clone(), more.clone(), None),
                things.update_many(endless.clone(), more.clone(), None),
            )
        };
        let mut all = std::pin::pin!(all);
        until("the server runs all of them", async || {
            assert!(tokio::time::timeout(Duration::from_millis(10), &mut all).await.is_err());
            running(&observer).await.len() == 5
        })
        .await;
    }
    assert_eq!(client.snapshot().abandoned, 5);
    until("the server has ended the reads", async || running(&observer).await.len() == 2).await;
    // The entry of an update is its filter: the operation within the command.
    let left = running(&observer).await;
    assert!(left.iter().all(|name| ["findAndModify", "update", "q"].contains(&name.as_str())), "{left:?}");
    until("their tasks have ended", async || client.snapshot().abandoned == 2).await;
    let seen = client.snapshot();
    assert_eq!((seen.closed, seen.aborted, seen.in_use, seen.timeouts), (3, 3, 2, 0), "{seen:?}");
    assert!(things.find_one(doc! { "number": 3 }, None).await.unwrap().is_some());
}

#[tokio::test]
async fn a_shorter_limit_of_the_options_holds() {
    let client = mongo::Settings::from_uri(&shared_mongo().await.url()).await.unwrap();
    let client = client.operation_timeout(PATIENCE).connect().unwrap();
    let things = client.collection::<Counted>(&client.database(&database_name()));
    things.insert_many((0..10_000).map(counted), None).await.unwrap();
    let short = FindOneOptions::builder().max_time(Duration::from_millis(30)).build();
    let error = things.find_one(slow(10_000, 5, false), short).await.unwrap_err();
    assert!(is_over_time(&error), "{error}");
    let batches = FindOptions::builder().max_time(Duration::from_millis(30)).batch_size(1).build();
    let error = things.find(slow(10_000, 5, false), batches).await.unwrap_err();
    assert!(is_over_time(&error), "{error}");
    // Zero is no limit of its own.
    let none = FindOneOptions::builder().max_time(Duration::ZERO).build();
    assert!(things.find_one(doc! { "number": 3 }, none).await.unwrap().is_some());
}

#[tokio::test]
async fn panics_of_the_callers_code_reach_the_caller_and_leave_nothing_behind() {
    let client = limited(&shared_mongo().await.url()).await;
    let panicking = client.clone();
    let call = async move { panicking.bounded("panic", async { panic!("on purpose") }).await };
    let call = tokio::spawn(async move {
        let outcome: Result<(), mongo::Error> = call.await;
        outcome
    });
    assert!(call.await.unwrap_err().is_panic());
    let seen = client.snapshot();
    assert_eq!((seen.abandoned, seen.waiting), (0, 0));
    client.ping().await.unwrap();
}
