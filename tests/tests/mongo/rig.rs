//! Checks of the servers that the tests start, and of the faults that tests cause in them.

use std::future::IntoFuture;
use std::time::Duration;

use bson::{Document, doc};
use fastness_tests::servers::{Mongo, MongoSet};

#[tokio::test]
async fn a_server_hangs_goes_on_and_keeps_what_it_stored_when_it_is_killed() {
    let mut server = Mongo::start().await;
    let things = server.database().await.collection::<Document>("things");
    things.insert_one(doc! { "_id": 1 }).await.unwrap();
    server.pause();
    let mut asked = Box::pin(things.count_documents(doc! {}).into_future());
    let early = tokio::time::timeout(Duration::from_millis(100), &mut asked).await;
    assert!(early.is_err(), "a server that is stopped does not answer");
    server.resume();
    assert_eq!(asked.await.unwrap(), 1);
    server.flush().await;
    server.kill();
    server.restart().await;
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn a_set_elects_another_primary_when_the_primary_steps_down_or_is_killed() {
    let mut set = MongoSet::start().await;
    let things = set.database().await.collection::<Document>("things");
    things.insert_one(doc! { "_id": 1 }).await.unwrap();
    set.step_down().await;
    things.insert_one(doc! { "_id": 2 }).await.unwrap();
    set.kill_primary().await;
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 2);
}
