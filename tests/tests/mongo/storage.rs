//! Options of collections, created and changed by `apply`.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use fastness::Indexed;
use fastness::mongo::IndexManager;
use fastness::mongo::plan::{self, CollectionAction, StepOutcome};
use mongodb::Database;
use serde::{Deserialize, Serialize};

use fastness_tests::servers::Mongo;

use super::databases;

#[derive(Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(
    collection = "readings",
    time_series(time = measured_at, meta = sensor_id, granularity = minutes, expire_after = "30d")
)]
struct Reading {
    measured_at: DateTime,
    sensor_id: i64,
    #[index]
    value: f64,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "readings", time_series(time = at))]
struct OtherSeries {
    at: DateTime,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "log", capped(bytes = 1_000_000, documents = 1000))]
struct Line {
    #[index]
    text: String,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "log", capped(bytes = "2MiB", documents = 5))]
struct LongerLog {
    #[index]
    text: String,
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "clustered", clustered)]
struct Clustered {
    #[serde(rename = "_id")]
    id: i64,
    #[index]
    a: i64,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "checked", pre_images, validator)]
struct Checked {
    #[index]
    name: String,
    size: Option<f64>,
    tags: Vec<String>,
    owner: ObjectId,
    at: DateTime,
    inner: Inner,
}

#[derive(Serialize, Deserialize)]
struct Inner {
    a: u8,
}

/// Values that look unlike their fields at first sight.
#[derive(Serialize, Indexed)]
#[indexed(collection = "checked loosely", validator)]
struct Loose {
    outline: Vec<[f64; 2]>,
    names: Vec<Option<String>>,
    #[serde(skip_serializing_if = "is_short")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(clippy::option_option, reason = "the difference between `null` and a missing field")]
    answer: Option<Option<String>>,
    boxed: Box<Option<Vec<String>>>,
}

#[expect(clippy::ref_option, reason = "serde's form")]
fn is_short(note: &Option<String>) -> bool {
    note.as_ref().is_some_and(|note| note.len() < 3)
}

#[derive(Serialize, Indexed)]
#[serde(tag = "kind")]
#[indexed(collection = "checked variants", validator)]
enum Either {
    Counted {
        amount: i64,
        place: String,
    },
    Said {
        #[serde(rename = "amount")]
        words: String,
        place: String,
    },
}

#[derive(Serialize, Indexed)]
#[serde(tag = "kind")]
#[indexed(collection = "checked contents", validator)]
enum Content {
    Counted(Count),
    Said { amount: String },
}

#[derive(Serialize, Indexed)]
struct Count {
    amount: i64,
}

async fn options(db: &Database, collection: &str) -> Document {
    let found = db.run_command(doc! { "listCollections": 1, "filter": { "name": collection } }).await.unwrap();
    let batch = found.get_document("cursor").unwrap().get_array("firstBatch").unwrap().clone();
    batch[0].as_document().unwrap().get_document("options").unwrap().clone()
}

/// Applies a model twice, and returns the options of its collection.
async fn applied<M: Indexed>(db: &Database) -> Document {
    let indexes = IndexManager::new(db).model::<M>();
    assert!(!indexes.plan().await.unwrap().is_in_sync());
    let report = indexes.apply(&plan::Settings::default()).await.unwrap();
    assert!(report.is_complete() && report.has_changes(), "{report}");
    let plan = indexes.plan().await.unwrap();
    assert!(plan.is_in_sync(), "{plan}");
    assert!(!indexes.apply(&plan::Settings::default()).await.unwrap().has_changes());
    options(db, M::COLLECTION).await
}

#[tokio::test]
async fn collections_are_created_with_the_declared_options() {
    for db in databases().await {
        let series = applied::<Reading>(&db).await;
        let fields = series.get_document("timeseries").unwrap();
        assert_eq!(fields.get_str("timeField").unwrap(), "measuredAt");
        assert_eq!(fields.get_str("metaField").unwrap(), "sensorId");
        assert_eq!(series.get_i64("expireAfterSeconds").unwrap(), 2_592_000, "{series}");
        let log = applied::<Line>(&db).await;
        assert!(log.get_bool("capped").unwrap() && log.get_i32("size").unwrap() == 1_000_192, "{log}");
        assert!(applied::<Clustered>(&db).await.contains_key("clusteredIndex"));
    }
}

#[tokio::test]
async fn what_can_be_changed_is_changed_and_the_rest_is_said() {
    for db in databases().await {
        applied::<Line>(&db).await;
        let log = applied::<LongerLog>(&db).await;
        assert_eq!((log.get_i32("size").unwrap(), log.get_i32("max").unwrap()), (2_097_152, 5), "{log}");

        db.create_collection("clustered").await.unwrap();
        applied::<Reading>(&db).await;
        let indexes = IndexManager::new(&db).model::<Clustered>().model::<OtherSeries>();
        let plan = indexes.plan().await.unwrap();
        let fixed = |step: &plan::CollectionStep| matches!(step.action, CollectionAction::Fixed { .. });
        assert!(plan.collections.len() == 2 && plan.collections.iter().all(fixed), "{plan}");
        let report = indexes.apply(&plan::Settings::default()).await.unwrap();
        let text = report.to_string();
        assert!(!report.is_complete() && text.contains("the collection cannot be changed"), "{text}");
        assert!(text.contains("a_1"), "its index is built: {text}");
    }
}

/// Makes the next `create` of this server fail, or lets it wait.
async fn disturb(server: &Mongo, data: Document) -> i64 {
    let mut disturbed = doc! { "failCommands": ["create"] };
    disturbed.extend(data);
    let set = doc! { "configureFailPoint": "failCommand", "mode": { "times": 1 }, "data": disturbed };
    i64::from(server.admin(set).await.get_i32("count").unwrap())
}

/// The command for an index would make an ordinary collection.
#[tokio::test]
async fn a_collection_that_cannot_be_created_gets_no_indexes() {
    let server = Mongo::start().await;
    let db = server.database().await;
    let indexes = IndexManager::new(&db).model::<Line>();
    disturb(&server, doc! { "errorCode": 96 }).await;
    let report = indexes.apply(&plan::Settings::default()).await.unwrap();
    assert!(!report.is_complete() && report.to_string().contains("its collection could not be created"), "{report}");
    assert!(!db.list_collection_names().await.unwrap().contains(&"log".to_owned()), "{report}");
    assert!(applied::<Line>(&db).await.get_bool("capped").unwrap());
}

#[tokio::test]
async fn a_collection_is_created_again_after_a_change_of_the_primary() {
    let server = Mongo::start().await;
    disturb(&server, doc! { "errorCode": 91 }).await;
    assert!(applied::<Line>(&server.database().await).await.get_bool("capped").unwrap());
}

/// Another program may write between the plan and the command, which makes an ordinary collection.
#[tokio::test]
async fn a_collection_that_a_write_makes_first_is_compared() {
    let server = Mongo::start().await;
    let db = server.database().await;
    let entered = disturb(&server, doc! { "blockConnection": true, "blockTimeMS": 3_000 }).await;
    let indexes = IndexManager::new(&db).model::<Line>();
    let applied = tokio::spawn(async move { indexes.apply(&plan::Settings::default()).await });
    let wait = doc! { "waitForFailPoint": "failCommand", "timesEntered": entered + 1, "maxTimeMS": 60_000 };
    server.admin(wait).await;
    db.collection("log").insert_one(doc! { "text": "a" }).await.unwrap();
    let report = applied.await.unwrap().unwrap();
    let outcome = &report.collections[0].outcome;
    assert!(matches!(outcome, StepOutcome::NeedsRebuild { .. }) && !report.is_complete(), "{report}");
    assert_eq!(report.entries.len(), 1, "{report}");
    assert!(matches!(report.entries[0].outcome, StepOutcome::Created), "{report}");
}

#[tokio::test]
async fn a_validator_follows_from_the_types_of_the_struct() {
    for db in databases().await {
        db.create_collection("checked").await.unwrap();
        let found = applied::<Checked>(&db).await;
        assert!(found.get_document("changeStreamPreAndPostImages").unwrap().get_bool("enabled").unwrap());
        let right = || Checked {
            name: "a".to_owned(),
            size: None,
            tags: vec!["b".to_owned()],
            owner: ObjectId::new(),
            at: DateTime::now(),
            inner: Inner { a: 1 },
        };
        let all = db.collection::<Document>("checked");
        let document = |change: Document| {
            let mut document = bson::serialize_to_document(&right()).unwrap();
            document.extend(change);
            document
        };
        for fine in [doc! {}, doc! { "size": 1 }, doc! { "size": 1.5, "more": true }, doc! { "inner": "any" }] {
            all.insert_one(document(fine)).await.unwrap();
        }
        for wrong in [
            doc! { "name": 1 },
            doc! { "name": null },
            doc! { "size": "1" },
            doc! { "tags": "b" },
            doc! { "tags": [1] },
            doc! { "owner": "b" },
            doc! { "at": 5_i64 },
        ] {
            assert!(all.insert_one(document(wrong.clone())).await.is_err(), "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_validator_admits_every_value_of_the_struct() {
    for db in databases().await {
        applied::<Loose>(&db).await;
        let value = |note: Option<&str>, answer| Loose {
            outline: vec![[1.0, 2.0]],
            names: vec![Some("a".to_owned()), None],
            note: note.map(str::to_owned),
            answer,
            boxed: Box::new(None),
        };
        let all = db.collection::<Loose>(Loose::COLLECTION);
        for (note, answer) in [(None, None), (Some("a"), Some(None)), (Some("long"), Some(Some("b".to_owned())))] {
            all.insert_one(value(note, answer)).await.unwrap();
        }
        let all = all.clone_with_type::<Document>();
        for wrong in [doc! { "outline": 1 }, doc! { "names": "a" }, doc! { "note": 1 }, doc! { "boxed": [1] }] {
            assert!(all.insert_one(wrong.clone()).await.is_err(), "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_validator_admits_every_variant_of_an_enum() {
    for db in databases().await {
        applied::<Either>(&db).await;
        let all = db.collection::<Either>(Either::COLLECTION);
        let place = || "a".to_owned();
        all.insert_one(Either::Counted { amount: 1, place: place() }).await.unwrap();
        all.insert_one(Either::Said { words: "b".to_owned(), place: place() }).await.unwrap();
        let wrong = doc! { "kind": "Counted", "amount": 1, "place": 1 };
        assert!(all.clone_with_type::<Document>().insert_one(wrong).await.is_err());

        applied::<Content>(&db).await;
        let all = db.collection::<Content>(Content::COLLECTION);
        all.insert_one(Content::Counted(Count { amount: 1 })).await.unwrap();
        all.insert_one(Content::Said { amount: "b".to_owned() }).await.unwrap();
        assert!(all.clone_with_type::<Document>().insert_one(doc! { "kind": 1 }).await.is_err());
    }
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "log", pre_images)]
struct WatchedLog {
    #[index]
    at: i64,
}

/// Several models may be stored in one collection.
#[tokio::test]
async fn options_of_several_models_of_a_collection_are_joined() {
    for db in databases().await {
        let indexes = IndexManager::new(&db).model::<Line>().model::<WatchedLog>().model::<Line>();
        assert!(indexes.apply(&plan::Settings::default()).await.unwrap().is_complete());
        let found = options(&db, "log").await;
        assert!(found.get_bool("capped").unwrap() && found.contains_key("changeStreamPreAndPostImages"), "{found}");
        assert!(indexes.plan().await.unwrap().is_in_sync());
    }
}

#[tokio::test]
async fn options_that_differ_between_models_are_a_conflict() {
    for db in databases().await {
        let indexes = IndexManager::new(&db).model::<Line>().model::<LongerLog>();
        let report = indexes.apply(&plan::Settings::default()).await.unwrap();
        assert!(!report.is_complete() && !report.has_changes() && report.to_string().contains("`capped`"), "{report}");
        assert!(db.list_collection_names().await.unwrap().is_empty(), "an index would create it without the options");

        applied::<Line>(&db).await;
        let plan = indexes.plan().await.unwrap();
        let text = plan.to_string();
        assert!(plan.has_conflicts() && !plan.is_in_sync() && text.contains("`capped`"), "{text}");
        let report = indexes.apply(&plan::Settings::default()).await.unwrap();
        let text = report.to_string();
        assert!(!report.is_complete() && !report.has_changes() && text.contains("`capped`"), "{text}");
        assert_eq!(options(&db, "log").await.get_i32("size").unwrap(), 1_000_192);
    }
}
