//! `seed`: what it writes, and what happens if it is stopped or finds something.

use std::io::{BufRead, BufReader};

use bson::{Document, doc};
use demo_app::domain::{Business, Listing, PageRequest, Product, Scalar, User};
use demo_app::store::{Collection, MongoRepository};
use fastness::mongo;
use fastness_tests::servers::shared_mongo;
use mongodb::Database;

use crate::program::{command, database, run};

async fn open(name: &str) -> Database {
    shared_mongo().await.client().await.database(name)
}

async fn counts(db: &Database) -> [u64; 6] {
    let mut counts = [0; 6];
    let names = ["products", "businesses", "users", "manufacturers", "votingrecords", "supplychainevents"];
    for (count, name) in counts.iter_mut().zip(names) {
        *count = db.collection::<Document>(name).count_documents(doc! {}).await.unwrap();
    }
    counts
}

#[tokio::test]
async fn all_collections_are_filled_with_documents_that_the_store_reads() {
    let (uri, name) = database().await;
    let variables = [("MONGODB_URI", uri.as_str())];
    let seeded = run(&["seed", "--products", "5000"], &variables).await;
    assert_eq!(seeded.code, Some(0), "{seeded:?}");
    assert!(seeded.out.contains("8 000 documents") && seeded.out.contains("a second"), "{seeded:?}");
    assert!(seeded.err.contains("products: "), "progress is told line by line: {seeded:?}");
    assert_eq!(counts(&open(&name).await).await, [5_000, 250, 500, 250, 1_000, 1_000]);
    assert_eq!(run(&["indexes", "plan"], &variables).await.code, Some(0), "the indexes are there");

    let store = MongoRepository::new(mongo::Settings::from_uri(&uri).await.unwrap().connect().unwrap());
    let last: Product = store.find(&5_000).await.unwrap().unwrap();
    assert_eq!(last.business, 250);
    let business: Business = store.find(&250).await.unwrap().unwrap();
    assert_eq!(business.email, "hello@shop250.example");
    let user: User = store.find(&1).await.unwrap().unwrap();
    assert_eq!(user.name.split(' ').next(), Some("Ada"));
    let filter = [("business".to_owned(), Scalar::Number(1))].into();
    let of_the_first = Listing::new::<Product>(filter, &[], PageRequest::DEFAULT).expect("an index serves it");
    assert_eq!(Collection::<Product>::list(&store, &of_the_first).await.unwrap().total, 20);
    let next = Collection::<Product>::next_id(&store).await.unwrap();
    assert_eq!(next, 5_001, "new documents come behind");
}

#[tokio::test]
async fn a_second_run_finds_all_there_and_other_sizes_are_refused() {
    let (uri, name) = database().await;
    let variables = [("MONGODB_URI", uri.as_str())];
    assert_eq!(run(&["seed", "--products", "200"], &variables).await.code, Some(0));
    let again = run(&["seed", "--products", "200"], &variables).await;
    assert!(again.code == Some(0) && again.out.contains("are there already"), "{again:?}");
    let other = run(&["seed", "--products", "300"], &variables).await;
    assert!(other.code == Some(1) && other.err.contains("--drop"), "{other:?}");
    let anew = run(&["seed", "--products", "300", "--businesses", "7", "--drop"], &variables).await;
    assert_eq!(anew.code, Some(0), "{anew:?}");
    assert_eq!(counts(&open(&name).await).await[..2], [300, 7]);
}

#[tokio::test]
async fn documents_of_another_program_are_left_alone() {
    let (uri, name) = database().await;
    let users = open(&name).await.collection::<Document>("users");
    users.insert_one(doc! { "_id": 1_i64, "name": "Ada" }).await.unwrap();
    let refused = run(&["seed", "--products", "200"], &[("MONGODB_URI", uri.as_str())]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("users has documents that `seed` did not write"), "{refused:?}");
    assert_eq!(counts(&open(&name).await).await, [0, 0, 1, 0, 0, 0]);
}

#[tokio::test]
async fn an_interrupted_run_is_completed_by_a_second_one() {
    let (uri, name) = database().await;
    let variables = [("MONGODB_URI", uri.as_str())];
    let arguments = ["seed", "--products", "60000"];
    let mut child = command(&arguments, &variables).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let stopped = tokio::task::spawn_blocking(move || {
        // A tenth is written: it is in the middle of it.
        let line = lines.next().expect("progress").expect("text");
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
        let rest: Vec<_> = lines.map(|line| line.expect("text")).collect();
        (line, rest, child.wait().expect("it ends").code())
    });
    let (line, rest, code) = stopped.await.expect("no panic");
    assert!(line.contains("documents in all"), "{line}");
    assert_eq!(code, Some(130), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("the same command goes on")), "{rest:?}");
    let written: u64 = counts(&open(&name).await).await.iter().sum();
    assert!(written > 0, "something was written");

    let other = run(&["seed", "--products", "50000"], &variables).await;
    assert!(other.code == Some(1) && other.err.contains("half filled"), "{other:?}");
    let completed = run(&arguments, &variables).await;
    assert_eq!(completed.code, Some(0), "{completed:?}");
    assert!(completed.out.contains("the others were there already"), "{completed:?}");
    assert_eq!(counts(&open(&name).await).await, [60_000, 3_000, 6_000, 3_000, 12_000, 12_000]);
}
