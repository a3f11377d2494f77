//! Collections whose changes MongoDB does not report.

use bson::doc;
use fastness::Indexed;
use fastness::mongo::changes::{ChangeWatcher, WatcherState};
use fastness_tests::servers::until;
use serde::Serialize;

use super::{Shop, running};

#[derive(Serialize, Indexed)]
#[indexed(collection = "readings", scopes("reading:{sensor}"))]
struct Reading {
    sensor: i64,
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "cheap", scopes("product:{id}"))]
struct Cheap {
    #[serde(rename = "_id")]
    id: i64,
}

async fn shop() -> Shop {
    let shop = Shop::new().await;
    let series = doc! { "create": "readings", "timeseries": { "timeField": "t", "metaField": "sensor" } };
    shop.db.run_command(series).await.unwrap();
    shop.db.run_command(doc! { "create": "cheap", "viewOn": "products", "pipeline": [] }).await.unwrap();
    shop
}

#[tokio::test]
async fn a_watcher_of_nothing_that_can_be_followed_is_off_and_says_why() {
    let shop = shop().await;
    for changes in [
        ChangeWatcher::new(&shop.db).model::<Reading>(),
        ChangeWatcher::new(&shop.db).model::<Reading>().model::<Reading>().model::<Cheap>(),
    ] {
        let tail = changes.start(&shop.fast);
        until("the watcher is off", async || tail.snapshot().state == WatcherState::Off).await;
        let why = tail.snapshot().why.unwrap();
        assert!(why.contains("`readings` is a time-series collection, and MongoDB reports no changes of it"), "{why}");
        tail.stop().await;
    }
}

#[tokio::test]
async fn the_other_collections_are_followed() {
    let shop = shop().await;
    let tail = shop.changes().model::<Reading>().model::<Cheap>().start(&shop.fast);
    running(&tail).await;
    let mut reasons = tail.snapshot().not_followed;
    reasons.sort();
    assert!(reasons.len() == 2 && reasons[0].starts_with("`cheap` is a view"), "{reasons:?}");
    assert_eq!(shop.price(1).await, None);
    shop.insert(1, 7, 10).await;
    shop.sees(1, Some(10)).await;
    tail.stop().await;
}
