//! A scope is written like the key of an annotated function.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use fastness::mongo::changes::ChangeWatcher;
use fastness::{Fastness, Indexed, cacheable, with_cache};
use fastness_tests::servers::{shared_mongo_set, until};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Plan {
    #[serde(rename = "PRO")]
    Professional,
}

/// The text of a key, which differs from the stored form.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("professional plan")
    }
}

#[derive(Serialize, Indexed)]
struct Owner {
    mail: String,
}

#[derive(Serialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(
    collection = "things",
    scopes(
        "id:{id}",
        "text:{some_text}",
        "number:{number}",
        "maybe:{maybe}",
        "plan:{plan}",
        "mail:{owner.mail:lower}",
        "hash:{number:hash}",
        "type:{r#type}:*"
    )
)]
struct Thing {
    #[serde(rename = "_id")]
    id: ObjectId,
    some_text: String,
    number: u64,
    maybe: Option<String>,
    plan: Plan,
    owner: Option<Owner>,
    r#type: char,
}

static LOADS: AtomicUsize = AtomicUsize::new(0);

macro_rules! cached {
    ($($name:ident($arg:ident: $type:ty) $key:literal;)*) => { $(
        #[cacheable(ttl = 3600, key = $key)]
        async fn $name($arg: $type) -> usize {
            LOADS.fetch_add(1, Ordering::SeqCst)
        }
    )* };
}
cached! {
    by_id(id: ObjectId) "id:{id}";
    by_hex(id: &str) "id:{id}";
    by_text(text: &str) "text:{text}";
    by_number(number: u64) "number:{number}";
    by_signed(number: i32) "number:{number}";
    by_hash(number: u64) "hash:{number:hash}";
    by_maybe(maybe: Option<&str>) "maybe:{maybe}";
    by_plan(plan: Plan) "plan:{plan}";
    by_mail(mail: &str) "mail:{mail:lower}";
    by_type(kind: char) "type:{kind}:list";
}

async fn all(id: ObjectId, text: &str, maybe: Option<&str>) -> Vec<usize> {
    vec![
        by_id(id).await,
        by_hex(&id.to_hex()).await,
        by_text(text).await,
        by_number(7).await,
        by_signed(7).await,
        by_hash(7).await,
        by_maybe(maybe).await,
        by_plan(Plan::Professional).await,
        by_mail("Ada@Example.org").await,
        by_type(':').await,
    ]
}

#[tokio::test]
async fn a_change_reaches_the_keys_of_the_same_values_and_no_others() {
    let db = shared_mongo_set().await.database().await;
    let fast = Fastness::builder().build().unwrap();
    let tail = ChangeWatcher::new(&db).model::<Thing>().start(&fast);
    super::running(&tail).await;
    let things = db.collection::<Document>("things");
    let cases: [(&str, Bson, Option<&str>); 4] = [
        ("1:orders*%\u{7}", Bson::Int64(7), Some("x:y")),
        ("", Bson::Int32(7), None),
        ("ü 水", Bson::Int64(7), Some("")),
        ("%~", Bson::Int32(7), Some("%~")),
    ];
    with_cache(&fast, async {
        for (text, number, maybe) in cases {
            let id = ObjectId::new();
            // The first announcement is that of the gap; waits for a change of this test.
            let seen = tail.snapshot().changes;
            things.insert_one(doc! { "_id": ObjectId::new() }).await.unwrap();
            until("the change is followed", async || tail.snapshot().changes > seen).await;

            let before = all(id, text, maybe).await;
            let others = (by_id(ObjectId::new()).await, by_text("another").await, by_number(8).await);
            assert_eq!(all(id, text, maybe).await, before, "all of it is cached");
            let (other_id, seen) = (others.0, tail.snapshot().changes);
            let thing = doc! {
                "_id": id, "someText": text, "number": number, "maybe": maybe, "plan": "PRO", "type": ":",
                "owner": { "mail": "ADA@example.org" },
            };
            things.insert_one(thing).await.unwrap();
            until("the change is followed", async || tail.snapshot().changes > seen).await;
            let after = all(id, text, maybe).await;
            for (at, (before, after)) in before.iter().zip(&after).enumerate() {
                assert!(after > before, "the key {at} of {text:?} was not reached");
            }
            assert_eq!((by_text("another").await, by_number(8).await), (others.1, others.2), "{other_id}");
        }
    })
    .await;
}
