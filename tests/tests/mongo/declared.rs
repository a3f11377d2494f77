//! Declarations that real projects have, applied to a server and listed by it.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use fastness::Indexed;
use fastness::mongo::IndexManager;
use fastness::mongo::plan::{self, UnmanagedIndexes};
use fastness_tests::servers::shared_mongo;
use serde::{Deserialize, Serialize};

use super::databases;

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "typed")]
struct Typed {
    #[index(unique, partial(type(email) = "string"))]
    email: Option<String>,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "skipped")]
struct Skipping {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[index(unique, partial(exists(email)))]
    email: Option<String>,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "several types")]
struct SeveralTypes {
    #[index(partial(type(size) in ["int", "double"]))]
    size: f64,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "soft")]
struct SoftDeleted {
    #[index(unique, partial(deleted_at = null))]
    email: String,
    deleted_at: Option<DateTime>,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "either")]
struct Either {
    #[index(unique, partial(outcome = "queued" || outcome = "running" && urgent = true))]
    job: i64,
    outcome: String,
    urgent: bool,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "dated")]
struct Dated {
    #[index(partial(at > "2024-01-01T00:00:00Z", owner = "65a1b2c3d4e5f60718293a4b"))]
    a: i64,
    at: DateTime,
    owner: ObjectId,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "unknown")]
struct Unknown {
    #[index(partial(any["at"] > date("2024-01-01"), any["by"] = object_id("65a1b2c3d4e5f60718293a4b")))]
    a: i64,
    any: Document,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "position")]
#[index(keys(tags.0 = 1, tags.1 = -1))]
#[index(keys(lines.1.kind = -1, lines.0.kind = 1))]
struct Position {
    tags: Vec<String>,
    lines: Vec<Line>,
}

#[derive(Serialize, Deserialize, Indexed)]
struct Line {
    kind: String,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "projected")]
#[index(keys("**"), wildcard_projection(a = 1, b["c"] = 1))]
struct Projected {
    a: Document,
    b: Document,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "left out")]
#[index(keys("**"), wildcard_projection(a = 0))]
struct LeftOut {
    a: Document,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "words")]
#[index(keys("**" = text))]
struct AllWords {
    a: String,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "heavy words")]
#[index(keys(a = text(weight = 5), "**" = text))]
struct HeavyWords {
    a: String,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "collated")]
struct EachPart {
    #[index(collation(
        locale = "fr", strength = 2, case_level = true, case_first = upper, numeric_ordering = true, alternate = shifted,
        max_variable = space, normalization = true, backwards = true
    ))]
    a: String,
}

#[derive(Serialize, Deserialize, Indexed)]
struct Reference {
    #[serde(rename = "$ref")]
    collection: String,
    #[serde(rename = "$id")]
    id: ObjectId,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "referring")]
#[index(keys(author.id = 1))]
struct Referring {
    author: Reference,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "events", scopes("user:{user}:events"))]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
#[index(keys(kind = 1, logged_at = -1))]
enum Event {
    Login { user: i64, logged_at: DateTime },
    Logout { user: i64, logged_at: DateTime },
    Order(Ordered),
    Idle,
}

#[derive(Serialize, Deserialize, Indexed)]
struct Ordered {
    total: f64,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "descending id")]
#[index(keys(id = -1, a = 1))]
struct DescendingId {
    #[serde(rename = "_id")]
    id: i64,
    a: i64,
}

/// Applies a model's index, compares the server's list with the expected one, and applies it again.
async fn holds<M: Indexed>(db: &mongodb::Database, expected: &Document) {
    let (indexes, collection) = (IndexManager::new(db).model::<M>(), M::COLLECTION);
    let report = indexes.apply(&plan::Settings::default()).await.unwrap();
    assert!(report.is_complete() && report.has_changes(), "{collection}: {report}");
    let plan = indexes.plan().await.unwrap();
    assert!(plan.is_in_sync(), "{collection}: {plan}");
    let reply = db.run_command(doc! { "listIndexes": collection }).await.unwrap();
    let listed = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let index = listed[1].as_document().unwrap();
    for (option, value) in expected {
        assert_eq!(index.get(option), Some(value), "{collection}: {index}");
    }
    assert!(!indexes.apply(&plan::Settings::default()).await.unwrap().has_changes(), "{collection}");
}

#[tokio::test]
async fn filters_with_types_choices_dates_and_ids_are_applied() {
    let date = DateTime::parse_rfc3339_str("2024-01-01T00:00:00Z").unwrap();
    let id = ObjectId::parse_str("65a1b2c3d4e5f60718293a4b").unwrap();
    for db in databases().await {
        let filter = |filter: Document| doc! { "partialFilterExpression": filter };
        holds::<Typed>(&db, &filter(doc! { "email": { "$type": "string" } })).await;
        holds::<Skipping>(&db, &filter(doc! { "email": { "$exists": true } })).await;
        holds::<SeveralTypes>(&db, &filter(doc! { "size": { "$type": ["double", "int"] } })).await;
        holds::<SoftDeleted>(&db, &filter(doc! { "deleted_at": { "$eq": null } })).await;
        let either = [
            doc! { "outcome": { "$eq": "queued" } },
            doc! { "outcome": { "$eq": "running" }, "urgent": { "$eq": true } },
        ];
        holds::<Either>(&db, &filter(doc! { "$or": either.to_vec() })).await;
        holds::<Dated>(&db, &filter(doc! { "at": { "$gt": date }, "owner": { "$eq": id } })).await;
        holds::<Unknown>(&db, &filter(doc! { "any.at": { "$gt": date }, "any.by": { "$eq": id } })).await;
    }
}

#[tokio::test]
async fn paths_projections_and_collations_are_applied() {
    for db in databases().await {
        holds::<Position>(&db, &doc! { "key": { "tags.0": 1, "tags.1": -1 } }).await;
        let line = |kind: &str| Line { kind: kind.to_owned() };
        let tags = vec!["a".to_owned(), "b".to_owned()];
        let position = Position { tags, lines: vec![line("c"), line("d")] };
        db.collection::<Position>(Position::COLLECTION).insert_one(position).await.unwrap();
        holds::<Projected>(&db, &doc! { "wildcardProjection": { "a": 1, "b.c": 1 } }).await;
        holds::<LeftOut>(&db, &doc! { "wildcardProjection": { "a": 0 } }).await;
        holds::<AllWords>(&db, &doc! { "name": "$**_text", "weights": { "$**": 1 } }).await;
        holds::<HeavyWords>(&db, &doc! { "weights": { "$**": 1, "a": 5 } }).await;
        let collation = doc! {
            "locale": "fr", "caseLevel": true, "caseFirst": "upper", "strength": 2, "numericOrdering": true, "alternate": "shifted",
            "maxVariable": "space", "normalization": true, "backwards": true, "version": "57.1",
        };
        holds::<EachPart>(&db, &doc! { "collation": collation }).await;
        holds::<Referring>(&db, &doc! { "key": { "author.$id": 1 } }).await;
        holds::<Event>(&db, &doc! { "key": { "kind": 1, "loggedAt": -1 } }).await;
        holds::<DescendingId>(&db, &doc! { "key": { "_id": -1, "a": 1 } }).await;
    }
    assert_eq!(Event::fields().order.total.name(), "total");
    let _ = [Event::Idle, Event::Order(Ordered { total: 1.0 })];
}

/// The index admits documents without a value, as many as there are, and refuses a second one with the same value.
#[tokio::test]
async fn optional_unique_fields_may_be_missing_or_null() {
    for db in databases().await {
        let indexes = IndexManager::new(&db).model::<Typed>().model::<Skipping>();
        assert!(indexes.apply(&plan::Settings::default()).await.unwrap().is_complete());
        let (typed, skipping) = (db.collection::<Typed>("typed"), db.collection::<Skipping>("skipped"));
        for (email, second) in [(None, true), (Some("ada@example.org"), false)] {
            let email = || email.map(str::to_owned);
            typed.insert_one(Typed { email: email() }).await.unwrap();
            assert_eq!(typed.insert_one(Typed { email: email() }).await.is_ok(), second);
            skipping.insert_one(Skipping { email: email() }).await.unwrap();
            assert_eq!(skipping.insert_one(Skipping { email: email() }).await.is_ok(), second);
        }
    }
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "compound wildcard")]
#[index(keys(tenant = 1, "data.**"))]
struct CompoundWildcard {
    tenant: i64,
    data: Document,
    #[index]
    other: i64,
}

/// The derive refuses these keys, as the server refuses documents with the arrays.
#[tokio::test]
async fn a_position_in_a_list_counts_as_the_list() {
    let keys = [
        doc! { "tags.0": 1, "lines.1.kind": -1 },
        doc! { "lines.0.words.0": 1, "lines.1.words.0": 1 },
        doc! { "tags.0": "hashed" },
        doc! { "a": "hashed", "tags.0": 1 },
        doc! { "a": "hashed", "tags": 1 },
    ];
    let words = [doc! { "words": ["c", "d"] }, doc! { "words": ["e", "f"] }];
    let document = doc! { "a": 1, "tags": ["a", "b"], "lines": words.to_vec() };
    for db in databases().await {
        for (number, key) in keys.iter().enumerate() {
            let (collection, index) = (format!("lists {number}"), doc! { "key": key.clone(), "name": "lists" });
            db.run_command(doc! { "createIndexes": &collection, "indexes": [index] }).await.unwrap();
            assert!(db.collection(&collection).insert_one(document.clone()).await.is_err(), "{key}");
        }
    }
}

/// A wildcard beside other keys needs MongoDB 7.0.
#[tokio::test]
async fn an_older_server_refuses_a_wildcard_beside_other_keys_with_a_clear_word() {
    let db = shared_mongo().await.database().await;
    let version = db.run_command(doc! { "buildInfo": 1 }).await.unwrap();
    let newer = version.get_array("versionArray").unwrap()[0].as_i32().unwrap() >= 7;
    let report = IndexManager::new(&db).model::<CompoundWildcard>().apply(&plan::Settings::default()).await.unwrap();
    let text = report.to_string();
    assert!(report.is_complete() == newer, "{text}");
    assert!(newer || text.contains("a wildcard beside other keys needs MongoDB 7.0"), "{text}");
    assert!(text.contains("created") && text.contains("other_1"), "the other index is built: {text}");
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "as it is")]
struct AsItIs {
    #[index(as_is("storageEngine"))]
    a: i64,
}

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "as it is")]
struct NotAsItIs {
    #[index]
    a: i64,
}

#[tokio::test]
async fn an_option_that_cannot_be_declared_may_be_left_as_it_is() {
    for db in databases().await {
        let made = doc! { "key": { "a": 1 }, "name": "a_1", "storageEngine": { "wiredTiger": {} } };
        db.run_command(doc! { "createIndexes": "as it is", "indexes": [made] }).await.unwrap();
        let refused = IndexManager::new(&db).model::<NotAsItIs>().plan().await.unwrap();
        assert!(!refused.is_in_sync() && refused.to_string().contains("write `as_is(\"storageEngine\")`"), "{refused}");
        let indexes = IndexManager::new(&db).model::<AsItIs>();
        assert!(indexes.plan().await.unwrap().is_in_sync());
        assert!(!indexes.apply(&plan::Settings::default().rebuild(true)).await.unwrap().has_changes());
    }
}

/// The server, or a driver for encrypted fields, makes these indexes by itself.
#[tokio::test]
async fn indexes_of_the_server_itself_are_never_dropped() {
    for db in databases().await {
        let series = doc! { "create": "series", "timeseries": { "timeField": "t", "metaField": "m" } };
        db.run_command(series).await.unwrap();
        for (collection, key, name) in [
            ("series", doc! { "m": 1, "t": 1 }, "m_1_t_1"),
            ("encrypted", doc! { "__safeContent__": 1 }, "__safeContent___1"),
        ] {
            let made = doc! { "key": key, "name": name };
            db.run_command(doc! { "createIndexes": collection, "indexes": [made] }).await.unwrap();
            let indexes = IndexManager::new(&db).collection(collection, &[]);
            let report = indexes.apply(&plan::Settings::default().unmanaged(UnmanagedIndexes::Drop)).await.unwrap();
            assert!(!report.has_changes() && report.entries.is_empty(), "{report}");
            let names = db.collection::<Document>(collection).list_index_names().await.unwrap();
            assert!(names.iter().any(|listed| listed == name), "{names:?}");
        }
    }
}

/// A person sets it while duplicates are removed.
#[tokio::test]
async fn an_index_that_a_person_prepares_to_be_unique_is_left() {
    for db in databases().await {
        let prepared = doc! { "key": { "a": 1 }, "name": "a_1", "prepareUnique": true };
        db.run_command(doc! { "createIndexes": "c", "indexes": [prepared] }).await.unwrap();
        let report = super::indexes(&db, &[super::A]).apply(&plan::Settings::default()).await.unwrap();
        assert!(report.is_complete() && !report.has_changes(), "{report}");
        assert!(super::listed(&db).await[0].get_bool("prepareUnique").unwrap());

        let expiring = fastness::mongo::model::DeclaredIndex { sparse: true, name: Some("a_1"), ..super::A };
        let report = super::indexes(&db, &[expiring]).apply(&plan::Settings::default().rebuild(true)).await.unwrap();
        assert!(report.is_complete() && report.has_changes(), "{report}");
        let [index] = &super::listed(&db).await[..] else { panic!("one index") };
        assert!(index.get_bool("sparse").unwrap() && index.get_bool("prepareUnique").unwrap(), "{index}");

        let unique = fastness::mongo::model::DeclaredIndex { unique: true, ..expiring };
        assert!(super::indexes(&db, &[unique]).apply(&plan::Settings::default()).await.unwrap().is_complete());
        assert!(super::listed(&db).await[0].get_bool("unique").unwrap());
    }
}
