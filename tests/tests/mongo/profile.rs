//! The server's profiler, also without the required role.

use std::time::Duration;

use bson::{Document, doc};
use fastness::mongo::slow::{self, Operation, QuerySource};
use fastness::mongo::{self, Client, IndexManager};
use fastness_tests::servers::{Mongo, database_name, shared_mongo_set};
use mongodb::Database;

#[derive(serde::Serialize, serde::Deserialize, fastness::Indexed)]
#[indexed(collection = "c")]
struct Thing {
    a: i32,
}

/// The threshold applies to the whole server, so each test has its own server.
async fn connect(url: &str) -> (Client, Database) {
    let options = mongo::Settings::from_uri(url).await.unwrap().slow_query(Duration::ZERO);
    let client = options.connect().unwrap();
    let db = client.database(&database_name());
    (client, db)
}

#[tokio::test]
async fn the_profiler_is_switched_on_read_and_switched_off() {
    let server = Mongo::start().await;
    for url in [server.url(), shared_mongo_set().await.url()] {
        let (client, db) = connect(&url).await;
        let profiler = client.profiler(&db);
        assert_eq!(profiler.status().await.unwrap().level, 0);
        let everything = slow::Settings::default().slow(Duration::ZERO);
        assert_eq!(profiler.enable(&everything).await.unwrap().level, 0, "the level from before");
        let status = profiler.status().await.unwrap();
        assert_eq!((status.level, status.slow, status.sample_rate, status.filtered), (1, Duration::ZERO, 1.0, false));

        use_all(&db).await;
        let read = profiler.read().await.unwrap();
        let found = client.slow_queries();
        let expected = [
            (Operation::Aggregate, r#"[{$match: {a: "?"}}, {$group: "?"}]"#),
            // The driver counts by an aggregation.
            (Operation::Aggregate, r#"[{$match: {b: "?"}}, {$group: "?"}]"#),
            (Operation::Distinct, r#"b of {a: "?"}"#),
            (Operation::Find, r#"{a: {$gt: "?"}} sort {b: -1}"#),
            (Operation::Remove, r#"{a: "?"}"#),
            (Operation::Update, r#"{a: "?"}"#),
            (Operation::Count, r#"{a: "?"}"#),
        ];
        for (operation, shape) in expected {
            let seen = found.shapes.iter().filter(|seen| seen.operation == operation && seen.shape == shape);
            assert_eq!(seen.map(|seen| seen.count).sum::<u64>(), 1, "{operation} {shape}\n{found}");
        }
        assert!(
            found.shapes.iter().all(|seen| seen.source == QuerySource::Profiler && seen.collection == "c"),
            "{found}"
        );
        assert_eq!((found.shapes.len(), read), (expected.len(), expected.len()), "{found}");
        let shown = format!("{found}{found:?}{}", serde_json::to_string(&found).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");

        // Records are counted once; our own reads, also those of the profile, do not count.
        IndexManager::new(&db).collection("c", &[]).advise(&[]).await.unwrap();
        assert_eq!(profiler.read().await.unwrap(), 0, "{}", client.slow_queries());

        assert_eq!(profiler.disable().await.unwrap().level, 1);
        db.collection::<Document>("c").find_one(doc! { "z": 1 }).await.unwrap();
        assert_eq!(profiler.read().await.unwrap(), 0);
        // The threshold applies to the server, which other tests share here.
        profiler.enable(&slow::Settings::default()).await.unwrap();
        profiler.disable().await.unwrap();
    }
}

async fn use_all(db: &Database) {
    let c = db.collection::<Document>("c");
    c.insert_many((0..300).map(|number| doc! { "a": number, "b": "hunter2" })).await.unwrap();
    let mut all = c.find(doc! { "a": { "$gt": -1 } }).sort(doc! { "b": -1 }).await.unwrap();
    while all.advance().await.unwrap() {}
    let mut sum = c.aggregate([doc! { "$match": { "a": 1 } }, doc! { "$group": { "_id": "$b" } }]).await.unwrap();
    while sum.advance().await.unwrap() {}
    c.count_documents(doc! { "b": "hunter2" }).await.unwrap();
    c.distinct("b", doc! { "a": 7 }).await.unwrap();
    c.update_one(doc! { "a": 1 }, doc! { "$set": { "b": "hunter2" } }).await.unwrap();
    c.delete_one(doc! { "a": 2 }).await.unwrap();
    db.run_command(doc! { "count": "c", "query": { "a": 3 } }).await.unwrap();
}

#[tokio::test]
async fn two_concurrent_readers_count_each_query_once() {
    let server = Mongo::start().await;
    let (client, db) = connect(&server.url()).await;
    let profiler = client.profiler(&db);
    profiler.enable(&slow::Settings::default().slow(Duration::ZERO)).await.unwrap();
    for _ in 0..20 {
        db.collection::<Document>("c").find_one(doc! { "a": 1 }).await.unwrap();
    }
    let (one, other, third) = tokio::join!(profiler.read(), profiler.read(), profiler.read());
    assert_eq!(one.unwrap() + other.unwrap() + third.unwrap(), 20);
    assert_eq!(client.slow_queries().shapes[0].count, 20);
}

#[tokio::test]
async fn invalid_settings_are_refused_before_the_server_is_asked() {
    let client = mongo::Settings::from_uri("mongodb://127.0.0.1:1").await.unwrap().connect().unwrap();
    let profiler = client.profiler(&client.database("d"));
    let error = profiler.enable(&slow::Settings::default().level(2)).await.unwrap_err();
    assert!(error.to_string().contains("leave it at 1"), "{error}");
    let error = profiler.enable(&slow::Settings::default().sample_rate(2.0)).await.unwrap_err();
    assert!(error.to_string().contains("give a number from 0 to 1"), "{error}");
}

#[tokio::test]
async fn an_error_names_the_missing_role() {
    let server = Mongo::with(&["--auth"]).await;
    let admin = server.client().await.database("admin");
    let root = doc! { "createUser": "root", "pwd": "secret", "roles": ["root"] };
    // The first user may be created without a login.
    admin.run_command(root).await.unwrap();
    let url = |user: &str| {
        format!("mongodb://{user}:secret@127.0.0.1:{}/?directConnection=true&authSource=admin", server.port())
    };
    let (client, db) = connect(&url("root")).await;
    for (user, role) in [("reader", "readWrite"), ("keeper", "dbAdmin")] {
        let role = doc! { "role": role, "db": db.name() };
        let user = doc! { "createUser": user, "pwd": "secret", "roles": [role] };
        client.database("admin").run_command(user).await.unwrap();
    }
    let (reader, _) = connect(&url("reader")).await;
    let profiler = reader.profiler(&reader.database(db.name()));
    for error in [
        profiler.enable(&slow::Settings::default()).await.unwrap_err(),
        profiler.disable().await.unwrap_err(),
        profiler.status().await.unwrap_err(),
        profiler.read().await.unwrap_err(),
    ] {
        assert!(error.is_unauthorized() && error.to_string().contains("`dbAdmin`"), "{error}");
    }
    let (keeper, _) = connect(&url("keeper")).await;
    let profiler = keeper.profiler(&keeper.database(db.name()));
    profiler.enable(&slow::Settings::default()).await.unwrap();
    assert_eq!(profiler.status().await.unwrap().level, 1);
    profiler.read().await.unwrap();
    // Timing the program's own calls requires no further role.
    let things = reader.collection::<Thing>(&reader.database(db.name()));
    things.insert_one(Thing { a: 1 }, None).await.unwrap();
    assert_eq!(reader.slow_queries().shapes[0].operation, Operation::Insert);
}
