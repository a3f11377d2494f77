//! Transactions of the server, and the invalidations that wait for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use bson::{Document, doc};
use fastness::mongo::{TransactionError, transaction};
use fastness::{Fastness, Scope, cacheable, with_cache};
use fastness_tests::servers::{database_name, shared_mongo_set, until};
use mongodb::error::{Error, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::ClientOptions;
use mongodb::{Client, ClientSession, Collection};

/// A collection with one document, behind a cache. The server takes failures for this client alone, by its name.
struct Stock {
    client: Client,
    name: String,
    left: Collection<Document>,
    fast: Fastness,
}

#[cacheable(ttl = 600, key = "stock:{id}", skip(left))]
async fn left(left: &Collection<Document>, id: i32) -> Result<i32, Error> {
    let found = left.find_one(doc! { "_id": id }).await?;
    Ok(found.map_or(-1, |found| found.get_i32("left").unwrap()))
}

impl Stock {
    async fn new() -> Self {
        let name = database_name();
        let mut options = ClientOptions::parse(shared_mongo_set().await.url()).await.unwrap();
        options.app_name = Some(name.clone());
        let client = Client::with_options(options).unwrap();
        let left = client.database(&name).collection("stock");
        left.insert_one(doc! { "_id": 1, "left": 5 }).await.unwrap();
        Self { client, name, left, fast: Fastness::builder().build().unwrap() }
    }

    async fn take(&self, session: &mut ClientSession) -> Result<(), Error> {
        self.left.update_one(doc! { "_id": 1 }, doc! { "$inc": { "left": -1 } }).session(session).await?;
        self.fast.cache().invalidate(scope("stock:1")).await;
        Ok(())
    }

    async fn cached(&self) -> i32 {
        with_cache(&self.fast, left(&self.left, 1)).await.unwrap()
    }

    async fn session(&self) -> ClientSession {
        self.client.start_session().await.unwrap()
    }

    fn invalidations(&self) -> u64 {
        self.fast.stats().invalidations
    }

    /// Lets the next `times` of this client's commands of this name fail.
    async fn fail(&self, command: &str, times: i32, mut how: Document) {
        how.extend(doc! { "failCommands": [command], "appName": &self.name });
        let command = doc! { "configureFailPoint": "failCommand", "mode": { "times": times }, "data": how };
        shared_mongo_set().await.primary().await.admin(command).await;
    }
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_commit_invalidates_and_a_reader_before_it_gets_the_old_value() {
    let stock = Stock::new().await;
    assert_eq!(stock.cached().await, 5);
    let mut session = stock.session().await;
    transaction(&mut session, async |session| {
        stock.take(session).await?;
        assert_eq!(
            (stock.invalidations(), stock.cached().await),
            (0, 5),
            "a transaction is not asked for others' reads"
        );
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!((stock.cached().await, stock.invalidations()), (4, 1));
}

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("sold out")]
    SoldOut,
    #[error(transparent)]
    Mongo(#[from] Error),
}

impl TransactionError for OrderError {
    fn driver_error(&self) -> Option<&Error> {
        if let Self::Mongo(error) = self { Some(error) } else { None }
    }
}

#[tokio::test]
async fn an_error_of_the_body_rolls_back_and_invalidates_nothing() {
    let stock = Stock::new().await;
    assert_eq!(stock.cached().await, 5);
    let mut session = stock.session().await;
    let ended = transaction(&mut session, async |session| {
        stock.take(session).await?;
        Err::<(), _>(OrderError::SoldOut)
    });
    assert!(matches!(ended.await, Err(OrderError::SoldOut)));
    assert_eq!((stock.cached().await, stock.invalidations()), (5, 0));
    let left = stock.left.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(left.get_i32("left").unwrap(), 5);
}

#[tokio::test]
async fn a_transient_error_runs_the_body_again_and_drops_what_the_first_attempt_collected() {
    let (stock, attempts) = (Stock::new().await, AtomicU32::new(0));
    stock.fail("update", 1, doc! { "errorCode": 112, "errorLabels": ["TransientTransactionError"] }).await;
    let mut session = stock.session().await;
    transaction(&mut session, async |session| {
        attempts.fetch_add(1, SeqCst);
        stock.fast.cache().refresh(scope("rate:*")).await;
        stock.take(session).await.map_err(OrderError::from)
    })
    .await
    .unwrap();
    assert_eq!((attempts.load(SeqCst), stock.cached().await), (2, 4));
    assert_eq!(stock.invalidations(), 2, "a refresh and an invalidation, both of the second attempt");
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_sent_again_and_counts_once() {
    let stock = Stock::new().await;
    // The driver itself sends a commit twice.
    stock.fail("commitTransaction", 3, doc! { "closeConnection": true }).await;
    let mut session = stock.session().await;
    transaction(&mut session, async |session| stock.take(session).await).await.unwrap();
    assert_eq!((stock.cached().await, stock.invalidations()), (4, 1));
}

#[tokio::test]
async fn a_commit_that_fails_as_transient_runs_the_body_again() {
    let (stock, attempts) = (Stock::new().await, AtomicU32::new(0));
    let how = doc! { "errorCode": 251, "errorLabels": ["TransientTransactionError"] };
    stock.fail("commitTransaction", 1, how).await;
    let mut session = stock.session().await;
    transaction(&mut session, async |session| {
        attempts.fetch_add(1, SeqCst);
        stock.take(session).await
    })
    .await
    .unwrap();
    assert_eq!((attempts.load(SeqCst), stock.cached().await, stock.invalidations()), (2, 4, 1));
}

#[tokio::test]
async fn an_unknown_outcome_invalidates_and_is_told() {
    let stock = Stock::new().await;
    stock.cached().await;
    stock.fail("commitTransaction", 1, doc! { "errorCode": 50 }).await;
    let mut session = stock.session().await;
    let error = transaction(&mut session, async |session| stock.take(session).await).await.unwrap_err();
    assert!(error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT), "{error}");
    assert_eq!(stock.invalidations(), 1);
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_what_it_collected_is_invalidated() {
    let stock = Stock::new().await;
    let mut session = stock.session().await;
    let (began, begins) = tokio::sync::oneshot::channel();
    let mut began = Some(began);
    tokio::select! {
        _ = transaction(&mut session, async |session| {
            stock.take(session).await?;
            let _ = began.take().unwrap().send(());
            std::future::pending::<Result<(), Error>>().await
        }) => unreachable!("the body waits for ever"),
        _ = begins => {}
    }
    assert_eq!(stock.invalidations(), 1);
    drop(session);
    until("the server has rolled back", async || {
        stock.left.update_one(doc! { "_id": 1 }, doc! { "$inc": { "left": 1 } }).await.is_ok()
    })
    .await;
    assert_eq!(stock.cached().await, 6);
}

#[tokio::test]
async fn a_transaction_may_run_in_a_task() {
    let stock = Arc::new(Stock::new().await);
    let ordered = stock.clone();
    let task = tokio::spawn(async move {
        let (mut session, ordered) = (ordered.session().await, ordered);
        transaction(&mut session, async move |session| ordered.take(session).await).await
    });
    task.await.unwrap().unwrap();
    assert_eq!(stock.cached().await, 4);
}
