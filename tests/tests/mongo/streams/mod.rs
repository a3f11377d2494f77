//! Changes by other programs, observed by cached reads.

mod cases;
mod faults;
mod fleet;
mod keys;
mod unfollowed;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bson::{Document, doc};
use fastness::mongo::changes::{ChangeWatcher, WatcherState, WatcherTask};
use fastness::{Cache, Fastness, Indexed, Key};
use fastness_tests::servers::{Mongo, shared_mongo_set, until};
use mongodb::{Collection, Database};
use serde::Serialize;

const TTL: Duration = Duration::from_secs(3_600);

#[derive(Serialize, Indexed)]
#[indexed(collection = "products", scopes("product:{id}", "products:*", "business:{business}:products:*"))]
struct Product {
    #[serde(rename = "_id")]
    id: i64,
    #[serde(rename = "businessId")]
    business: i64,
}

/// A cache over a collection that another client writes to.
struct Shop {
    /// The collection as the caching program sees it.
    db: Database,
    /// The collection as another program sees it.
    other: Collection<Document>,
    fast: Fastness,
    cache: Cache,
    loads: AtomicUsize,
}

impl Shop {
    /// Creates a database of its own on the shared replica set, with a cache in this process.
    async fn new() -> Self {
        let db = shared_mongo_set().await.database().await;
        let other = shared_mongo_set().await.client().await.database(db.name());
        Self::over(db, &other, Fastness::builder().build().unwrap())
    }

    fn over(db: Database, other: &Database, fast: Fastness) -> Self {
        let cache = fast.cache();
        Self { db, other: other.collection("products"), fast, cache, loads: AtomicUsize::new(0) }
    }

    fn changes(&self) -> ChangeWatcher {
        ChangeWatcher::new(&self.db).model::<Product>()
    }

    async fn start(&self) -> WatcherTask {
        let tail = self.changes().start(&self.fast);
        running(&tail).await;
        tail
    }

    async fn insert(&self, id: i64, business: i64, price: i64) {
        self.other.insert_one(doc! { "_id": id, "businessId": business, "price": price }).await.unwrap();
    }

    async fn set(&self, id: i64, change: Document) {
        let updated = self.other.update_one(doc! { "_id": id }, doc! { "$set": change }).await.unwrap();
        assert_eq!(updated.matched_count, 1);
    }

    /// Returns the price of a product, cached; `None` if the product does not exist.
    async fn price(&self, id: i64) -> Option<i64> {
        let load = async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            let found = self.db.collection::<Document>("products").find_one(doc! { "_id": id }).await?;
            Ok::<_, mongodb::error::Error>(found.map(|product| product.get_i64("price").unwrap()))
        };
        self.cache.get_or_load(&Key::from_static("product").join(id), TTL, load).await.unwrap_or(Some(-1))
    }

    /// Returns the number of products of a business, cached.
    async fn count(&self, business: i64) -> i64 {
        let load = async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            let products = self.db.collection::<Document>("products");
            products.count_documents(doc! { "businessId": business }).await
        };
        let count = self
            .cache
            .get_or_load(&Key::from_static("business").join(business).join("products").join("count"), TTL, load)
            .await;
        count.map_or(-1, |count| i64::try_from(count).unwrap())
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// Waits until a cached read returns this value.
    async fn sees(&self, id: i64, price: Option<i64>) {
        until("the cached price is the new one", async || self.price(id).await == price).await;
    }

    async fn counts(&self, business: i64, count: i64) {
        until("the cached count is the new one", async || self.count(business).await == count).await;
    }
}

async fn running(tail: &WatcherTask) {
    until("changes are followed", async || tail.snapshot().state == WatcherState::Running).await;
}

/// Starts a replica set of one server.
async fn set_of_one(arguments: &[&str]) -> Mongo {
    let arguments = [&["--replSet", "one"], arguments].concat();
    let server = Mongo::with(&arguments).await;
    let member = doc! { "_id": 0, "host": format!("127.0.0.1:{}", server.port()) };
    server.admin(doc! { "replSetInitiate": { "_id": "one", "members": [member] } }).await;
    primary(&server).await;
    server
}

async fn primary(server: &Mongo) {
    until("the server takes writes", async || {
        let hello = server.client().await.database("admin").run_command(doc! { "hello": 1 }).await;
        hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").is_ok_and(|primary| primary))
    })
    .await;
}
