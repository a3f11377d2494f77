//! Calls through the typed collection: slow ones are recorded by shape, and only those.

use std::time::Duration;

use bson::{Document, doc};
use fastness::mongo::plan;
use fastness::mongo::slow::{Operation, QueryShape, QuerySource};
use fastness::mongo::{self, Client, Collection};
use fastness::{Clock, Indexed, monitor};
use fastness_tests::logged::Logged;
use fastness_tests::servers::{Mongo, PATIENCE, database_name, shared_mongo, shared_mongo_set, until};
use mongodb::options::{FindOneAndUpdateOptions, FindOptions, ReturnDocument};
use serde::{Deserialize, Serialize};
use tracing::Level;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Indexed)]
#[indexed(collection = "c")]
struct Thing {
    #[index(unique)]
    number: i32,
    name: String,
}

fn thing(number: i32) -> Thing {
    Thing { number, name: format!("name{number}") }
}

/// A client whose clock stands still, so that a query is slow only if a test makes it so.
async fn still(url: &str) -> (Client, Clock) {
    let clock = Clock::manual();
    let options = mongo::Settings::from_uri(url).await.unwrap().clock(clock.clone());
    (options.slow_query(Duration::from_millis(100)).connect().unwrap(), clock)
}

/// A client for which every query is slow.
async fn eager(url: &str) -> Client {
    mongo::Settings::from_uri(url).await.unwrap().slow_query(Duration::ZERO).connect().unwrap()
}

fn things(client: &Client) -> Collection<Thing> {
    client.collection(&client.database(&database_name()))
}

fn shapes(client: &Client) -> Vec<QueryShape> {
    client.slow_queries().shapes
}

#[tokio::test]
async fn every_operation_works_and_quick_calls_leave_no_trace() {
    for url in [shared_mongo().await.url(), shared_mongo_set().await.url()] {
        let (client, _clock) = still(&url).await;
        let things = things(&client);
        things.insert_one(thing(0), None).await.unwrap();
        things.insert_many((1..300).map(thing), None).await.unwrap();
        assert_eq!(things.find_one(doc! { "number": 7 }, None).await.unwrap(), Some(thing(7)));
        let newest = FindOptions::builder().sort(doc! { "number": -1 }).limit(250).build();
        let found = things.find(doc! { "number": { "$gt": 3 } }, newest).await.unwrap().all().await.unwrap();
        assert_eq!((found.len(), found[0].number, found[249].number), (250, 299, 50));
        assert_eq!(things.count(doc! { "number": { "$lt": 5 } }, None).await.unwrap(), 5);
        assert_eq!(things.distinct("name", doc! { "number": 2 }, None).await.unwrap(), ["name2".into()]);
        let stages = [doc! { "$match": { "number": { "$lt": 2 } } }, doc! { "$project": { "_id": 0, "number": 1 } }];
        let out = things.aggregate::<Document>(stages, None).await.unwrap().all().await.unwrap();
        assert_eq!(out, [doc! { "number": 0 }, doc! { "number": 1 }]);
        let name = |name: &str| doc! { "$set": { "name": name } };
        assert_eq!(things.update_one(doc! { "number": 1 }, name("x"), None).await.unwrap().modified_count, 1);
        let many = things.update_many(doc! { "number": { "$lt": 9 } }, name("y"), None).await.unwrap();
        assert_eq!(many.modified_count, 9);
        assert_eq!(things.replace_one(doc! { "number": 2 }, thing(2), None).await.unwrap().modified_count, 1);
        let after = FindOneAndUpdateOptions::builder().return_document(ReturnDocument::After).build();
        let changed = things.find_one_and_update(doc! { "number": 3 }, name("z"), after).await.unwrap().unwrap();
        assert_eq!(changed.name, "z");
        assert_eq!(things.find_one_and_delete(doc! { "number": 3 }, None).await.unwrap(), Some(changed));
        assert_eq!(things.delete_one(doc! { "number": 4 }, None).await.unwrap().deleted_count, 1);
        assert_eq!(things.delete_many(doc! { "number": { "$lt": 7 } }, None).await.unwrap().deleted_count, 5);
        assert_eq!(things.driver().count_documents(doc! {}).await.unwrap(), 293);

        assert!(shapes(&client).is_empty(), "{}", client.slow_queries());
        assert_eq!(client.slow_queries().to_string(), "No query took 100ms or longer.\n");
        let metrics = client.snapshot();
        assert!(metrics.operations >= 15 && metrics.failures == 0, "{metrics:?}");
    }
}

#[tokio::test]
async fn slow_calls_are_counted_by_shape_with_the_slowest_as_example() {
    for url in [shared_mongo().await.url(), shared_mongo_set().await.url()] {
        let (client, clock) = still(&url).await;
        let things = things(&client);
        things.insert_many((0..10).map(thing), None).await.unwrap();
        for (number, millis) in [(1, 99), (2, 150), (3, 400), (4, 120)] {
            slowly(&clock, millis, things.find_one(doc! { "number": number }, None)).await.unwrap();
        }
        slowly(&clock, 200, things.count(doc! { "name": "hunter2" }, None)).await.unwrap();
        let found = shapes(&client);
        let [first, second] = &found[..] else { panic!("{}", client.slow_queries()) };
        assert_eq!((first.count, first.operation, first.source), (3, Operation::Find, QuerySource::Client));
        assert_eq!((first.max, first.total), (Duration::from_millis(400), Duration::from_millis(670)));
        assert_eq!((first.shape.as_str(), first.collection.as_str()), (r#"{number: "?"}"#, "c"));
        assert_eq!((second.count, second.operation), (1, Operation::Count));
        let watched = monitor::SlowQuery::from(first.clone());
        assert_eq!((watched.collection.as_str(), watched.shape.as_str()), ("c", r#"find {number: "?"}"#));
        assert_eq!((watched.count, watched.slowest, watched.index), (3, Duration::from_millis(400), None));
        let examples = client.slow_queries().examples(&first.database);
        assert_eq!(examples[0].query.to_string(), r#"c.find {number: "?"}"#);
    }
}

/// Advances the clock while an operation is in progress.
async fn slowly<T>(clock: &Clock, millis: u64, operation: impl Future<Output = T>) -> T {
    let passes = async {
        // The operation is polled first, so it has started.
        clock.advance(Duration::from_millis(millis));
    };
    tokio::join!(operation, passes).0
}

#[tokio::test]
async fn values_are_neither_printed_nor_serialised_nor_logged() {
    let client = eager(&shared_mongo().await.url()).await;
    let (logged, _guard) = Logged::listen(Level::INFO);
    let things = things(&client);
    let secret = || doc! { "name": "hunter2", "$or": [{ "number": 31_337 }, { "name": { "$in": ["hunter2"] } }] };
    for _ in 0..3 {
        things.find(secret(), None).await.unwrap().all().await.unwrap();
    }
    let stages = [doc! { "$match": secret() }, doc! { "$addFields": { "a": "hunter2" } }];
    things.aggregate::<Document>(stages, None).await.unwrap().all().await.unwrap();
    things.update_one(secret(), doc! { "$set": { "name": "hunter2" } }, None).await.unwrap();
    things.insert_one(Thing { number: 31_337, name: "hunter2".to_owned() }, None).await.unwrap();
    let found = client.slow_queries();
    let shown = format!("{found} {found:?} {} {client:?} {things:?}", serde_json::to_string_pretty(&found).unwrap());
    for text in [&shown, &logged.text()] {
        assert!(!text.contains("hunter2") && !text.contains("31337"), "{text}");
        assert!(text.contains(r#"$in: ["?"]"#) || text.contains(r#"$in: [\"?\"]"#), "{text}");
    }
    let lines = logged.with("a slow query");
    assert!(lines.iter().all(|line| line.contains("WARN")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("operation=insert")), "{lines:#?}");
    assert_eq!(found.examples(&found.shapes[0].database).len(), 3, "but they are kept, to be explained: {found}");
}

/// The client's clock stands still, so a second between two lines passes only if the test advances it.
#[tokio::test]
async fn a_shape_is_logged_once_a_second() {
    let (client, clock) = still(&shared_mongo().await.url()).await;
    let things = things(&client);
    let (logged, _guard) = Logged::listen(Level::INFO);
    for millis in [100, 100, 100, 1_000] {
        slowly(&clock, millis, things.find_one(doc! { "number": 1 }, None)).await.unwrap();
    }
    slowly(&clock, 100, things.find_one(doc! { "name": "x" }, None)).await.unwrap();
    let lines = logged.with("a slow query");
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].contains("left_out=0") && lines[1].contains("left_out=2"), "{lines:#?}");
    assert!(lines[2].contains(r#"shape={name: "?"}"#) && lines[2].contains("outcome=\"ok\""), "{lines:#?}");
}

#[tokio::test]
async fn errors_timeouts_and_drops_are_counted() {
    let server = Mongo::start().await;
    let options = mongo::Settings::from_uri(&server.url()).await.unwrap().operation_timeout(Duration::from_millis(300));
    let patient = options.clone().operation_timeout(PATIENCE).slow_query(Duration::ZERO).connect().unwrap();
    patient.collection::<Thing>(&patient.database("d")).insert_one(thing(1), None).await.unwrap();
    // Longer than the time limit: a timeout is slow whatever the threshold.
    let client = options.slow_query(Duration::from_secs(3_600)).connect().unwrap();
    let things = client.collection::<Thing>(&client.database("d"));
    until("there is a connection", async || things.count(doc! {}, None).await.is_ok()).await;
    server.pause();
    let find = things.find_one(doc! { "number": 1 }, None);
    let error = tokio::time::timeout(PATIENCE, find).await.expect("an end").unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.to_string(), "cannot find in `d.c`: it timed out after 300ms");
    server.resume();
    let found = shapes(&client);
    let finds: Vec<_> = found.iter().filter(|shape| shape.operation == Operation::Find).collect();
    assert!(finds.len() == 1 && (finds[0].count, finds[0].timeouts) == (1, 1), "{}", client.slow_queries());

    let client = patient;
    let things = client.collection::<Thing>(&client.database("d"));
    let error = things.find_one(doc! { "number": { "$foo": "hunter2" } }, None).await.unwrap_err();
    assert!(error.code() == Some(2) && !error.to_string().contains("hunter2"), "{error}");
    // The server is busy until long after the drop.
    let busy = things.distinct("name", doc! { "$where": "sleep(60000) || true" }, None);
    assert!(tokio::time::timeout(Duration::from_millis(50), busy).await.is_err());
    let found = shapes(&client);
    let of = |operation| found.iter().find(|shape| shape.operation == operation).unwrap();
    assert_eq!((of(Operation::Find).count, of(Operation::Find).errors), (1, 1));
    assert_eq!((of(Operation::Distinct).count, of(Operation::Distinct).cancelled), (1, 1));
    assert!(of(Operation::Distinct).max >= Duration::from_millis(50));
    until("no connection is held", async || client.snapshot().in_use == 0).await;
}

#[tokio::test]
async fn the_waits_of_a_cursor_count_and_the_time_between_does_not() {
    let (client, clock) = still(&shared_mongo().await.url()).await;
    let things = things(&client);
    things.insert_many((0..30).map(thing), None).await.unwrap();
    let batches = || FindOptions::builder().batch_size(10).build();

    let mut cursor = things.find(doc! {}, batches()).await.unwrap();
    while cursor.next().await.unwrap().is_some() {
        clock.advance(Duration::from_secs(1));
    }
    drop(cursor);
    assert!(shapes(&client).is_empty(), "the caller was slow, not the query");

    let mut cursor = things.find(doc! {}, batches()).await.unwrap();
    for _ in 0..10 {
        cursor.next().await.unwrap();
    }
    // Each of two further batches takes its time; the query ends where the caller stops reading.
    for _ in 0..20 {
        slowly(&clock, 60, cursor.next()).await.unwrap();
    }
    assert!(shapes(&client).is_empty(), "it has not ended");
    drop(cursor);
    let found = shapes(&client);
    assert_eq!(found.len(), 1, "{}", client.slow_queries());
    assert_eq!((found[0].count, found[0].cancelled, found[0].errors), (1, 0, 0));
    assert_eq!(found[0].max, Duration::from_millis(120), "only where it waited");
}

#[tokio::test]
async fn a_cursor_that_was_dropped_while_it_waited_says_so() {
    let client = eager(&shared_mongo().await.url()).await;
    let things = things(&client);
    things.insert_many((0..20).map(thing), None).await.unwrap();
    let slow = FindOptions::builder().batch_size(2).build();
    let filter = doc! { "$where": "this.number < 2 || sleep(60000) || true" };
    let mut cursor = things.find(filter, slow).await.unwrap();
    assert!(cursor.next().await.unwrap().is_some() && cursor.next().await.unwrap().is_some());
    assert!(tokio::time::timeout(Duration::from_millis(50), cursor.next()).await.is_err());
    let error = cursor.next().await.unwrap_err();
    assert!(error.to_string().contains("an earlier wait was dropped"), "{error}");
    drop(cursor);
    let found = shapes(&client);
    let find = found.iter().find(|shape| shape.operation == Operation::Find).unwrap();
    assert_eq!((find.count, find.cancelled), (1, 1), "{}", client.slow_queries());
}

/// Documents on their way are lost, so a later result must not look complete.
#[tokio::test]
async fn a_cursor_that_took_too_long_says_so_each_time() {
    let options = mongo::Settings::from_uri(&shared_mongo().await.url()).await.unwrap();
    // A server on a busy machine takes up to half a second to run its first script.
    let client = options.operation_timeout(Duration::from_secs(2)).connect().unwrap();
    let things = things(&client);
    things.insert_many((0..20).map(thing), None).await.unwrap();
    let two = FindOptions::builder().batch_size(2).build();
    let filter = doc! { "$where": "this.number != 2 || sleep(6000) || true" };
    let mut cursor = things.find(filter, two).await.unwrap();
    assert!(cursor.next().await.unwrap().is_some() && cursor.next().await.unwrap().is_some());
    let error = cursor.next().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    for _ in 0..2 {
        let error = cursor.next().await.unwrap_err();
        assert!(error.to_string().contains("run the query again"), "{error}");
    }
}

#[tokio::test]
async fn a_duplicate_among_many_is_reported_without_its_values() {
    let client = eager(&shared_mongo().await.url()).await;
    let db = client.database(&database_name());
    fastness::mongo::IndexManager::new(&db).model::<Thing>().apply(&plan::Settings::default()).await.unwrap();
    let things = client.collection::<Thing>(&db);
    let error = things.insert_many([thing(4_711), thing(4_711)], None).await.unwrap_err();
    assert!(error.is_duplicate() && !error.to_string().contains("4711"), "{error}");
}

/// The server quotes the value that it could not convert.
#[tokio::test]
async fn a_value_that_cannot_be_converted_is_not_quoted() {
    let client = eager(&shared_mongo().await.url()).await;
    let things = things(&client);
    things.insert_one(Thing { number: 1, name: "hunter2".to_owned() }, None).await.unwrap();
    for conversion in [doc! { "$toInt": "$name" }, doc! { "$toDate": "$name" }, doc! { "$toObjectId": "$name" }] {
        let stage = doc! { "$set": { "number": conversion.clone() } };
        let error = match things.aggregate::<Document>([stage], None).await {
            Ok(cursor) => cursor.all().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.code().is_some() && !error.to_string().contains("hunter2"), "{conversion}: {error}");
    }
}

#[tokio::test]
async fn a_document_of_another_type_is_an_error_without_its_values() {
    let client = eager(&shared_mongo().await.url()).await;
    let things = things(&client);
    let raw = things.driver().clone_with_type::<Document>();
    raw.insert_one(doc! { "number": "hunter2" }).await.unwrap();
    let error = things.find(doc! {}, None).await.unwrap().next().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    let error = things.find_one(doc! {}, None).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[tokio::test]
async fn the_number_of_shapes_is_bounded() {
    let client = eager(&shared_mongo().await.url()).await;
    let things = things(&client);
    for number in 0..230 {
        things.find_one(doc! { format!("field{number}"): 1 }, None).await.unwrap();
    }
    let found = client.slow_queries();
    assert_eq!((found.shapes.len(), found.forgotten_shapes, found.forgotten), (200, 30, 30));
    assert!(!found.to_string().contains("field29 ") && found.to_string().contains("field229"), "{found}");
}

/// The driver consumes the filter, so a copy is made for a possible report. A fast call allocates nothing else beside the driver's call
/// in a task of its own, as the driver wants it for a call with a time limit.
#[test]
fn a_quick_call_allocates_no_more_than_the_drivers_in_a_task_and_one_copy_of_its_filter() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, _clock) = runtime.block_on(async { still(&shared_mongo().await.url()).await });
    let things = things(&client);
    let filter = || doc! { "number": 7, "name": { "$gt": "a", "$lt": "b" } };
    let fewest = |call: &dyn Fn()| (0..50).map(|_| allocation_counter::measure(call).count_total).min().unwrap();
    let copy = {
        let filter = filter();
        fewest(&|| drop(filter.clone()))
    };
    let bound = Duration::from_secs(45);
    // The runtime boxes large futures, so both are boxed.
    let drivers = fewest(&|| {
        let driver = things.driver().clone();
        let find = async move { driver.find_one(filter()).max_time(bound).await };
        let find = async { tokio::time::timeout(bound, tokio::spawn(Box::pin(find))).await };
        let found = runtime.block_on(Box::pin(find));
        assert!(found.unwrap().unwrap().unwrap().is_none());
    });
    let ours = fewest(&|| {
        let found = runtime.block_on(Box::pin(things.find_one(filter(), None)));
        assert!(found.unwrap().is_none());
    });
    assert!(copy > 0 && ours <= drivers + copy, "{ours} <= {drivers} + {copy}");
}
