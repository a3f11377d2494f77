//! Retries of bodies that borrow mutably: one attempt after another has the loan.

use fastness::resilience::Rejected;
use fastness::resilience::retry::Again;
use fastness::{bulkhead, circuit_breaker, retry, timed};

use crate::functions::assert_send;
use crate::futures::BoxFuture;

#[derive(Debug, Default)]
struct Conn {
    queries: u64,
    works_from: u64,
}

impl Conn {
    fn failing(attempts: u64) -> Self {
        Self { queries: 0, works_from: attempts + 1 }
    }

    async fn query(&mut self) -> Result<u64, Down> {
        tokio::task::yield_now().await;
        self.query_now()
    }

    fn query_now(&mut self) -> Result<u64, Down> {
        self.queries += 1;
        if self.queries >= self.works_from { Ok(self.queries) } else { Err(Down) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Down;

impl From<Rejected> for Down {
    fn from(_: Rejected) -> Self {
        Self
    }
}

async fn given_on(conn: &mut Conn) -> Result<u64, Down> {
    conn.query().await
}

#[retry(wait = "1ms", budget = off)]
async fn waits(conn: &mut Conn, name: String, by: &str) -> Result<String, Down> {
    let found = given_on(conn).await?;
    conn.works_from = 0;
    // The attempt owns its clone.
    let name = std::convert::identity(name);
    Ok(format!("{name} {by} {found}"))
}

#[retry(wait = "1ms", budget = off, when = |error| *error == Down)]
fn blocks(mut conn: &mut Conn, names: &mut Vec<u64>, first: u64) -> Result<u64, Down> {
    names.push(first);
    let found = conn.query_now()?;
    conn = Box::leak(Box::default());
    Ok(found + conn.queries)
}

type Answer<T> = Result<T, Down>;

#[retry(wait = "1ms", budget = off)]
fn under_another_name(conn: &mut Conn, _unused: &mut Vec<u8>) -> Answer<u64> {
    conn.query_now()
}

#[retry(wait = "1ms", budget = off)]
fn returns_a_future<'a>(conn: &'a mut Conn, by: &'a str) -> impl Future<Output = Result<u64, Down>> + Send + 'a {
    async move { given_on(conn).await.map(|found| found + by.len() as u64) }
}

struct Repo {
    conn: Conn,
}

impl Repo {
    #[timed]
    #[circuit_breaker(name = "lent.save")]
    #[retry(wait = "1ms", budget = off, when = |_| Again::Yes)]
    #[bulkhead(max = 8)]
    async fn save(&mut self, other: &mut Conn) -> Result<u64, Down> {
        let own = given_on(&mut self.conn).await?;
        Ok(own + self.also(other).await?)
    }

    async fn also(&mut self, other: &mut Conn) -> Result<u64, Down> {
        self.conn.works_from = 0;
        other.query().await
    }

    #[retry(wait = "1ms", budget = off)]
    fn save_now(&mut self) -> Result<u64, Down> {
        self.conn.query_now()
    }
}

/// A trait as `#[async_trait]` writes it.
trait Saves {
    fn save_boxed<'a>(
        &'a mut self,
        other: &'a mut Conn,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<u64, Down>> + Send + 'a>>;
}

impl Saves for Repo {
    #[retry(wait = "1ms", budget = off)]
    fn save_boxed<'a>(
        &'a mut self,
        other: &'a mut Conn,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<u64, Down>> + Send + 'a>> {
        Box::pin(async move { Ok(given_on(&mut self.conn).await? + other.query().await?) })
    }
}

#[tokio::test]
async fn each_attempt_of_a_retry_may_change_its_loan() {
    let mut conn = Conn::failing(2);
    assert_eq!(waits(&mut conn, "a".to_owned(), "b").await.as_deref(), Ok("a b 3"));
    assert_eq!(conn.queries, 3);
    assert_eq!(waits(&mut Conn::failing(3), "a".to_owned(), "b").await, Err(Down), "three attempts in all");

    let mut names = vec![1];
    assert_eq!(blocks(&mut Conn::failing(1), &mut names, 7), Ok(2));
    assert_eq!(names, [1, 7, 7], "the change of a failed attempt stays");

    let mut conn = Conn::failing(2);
    assert_eq!((under_another_name(&mut conn, &mut Vec::new()), conn.queries), (Ok(3), 3));
    assert_eq!(returns_a_future(&mut Conn::failing(1), "four").await, Ok(6));
}

#[tokio::test]
async fn each_attempt_of_a_retry_may_change_self() {
    let mut repo = Repo { conn: Conn::failing(1) };
    let mut other = Conn::failing(1);
    // The first attempt fails by its own connection, the second by the other one.
    assert_eq!(repo.save(&mut other).await, Ok(3 + 2));
    let mut repo = Repo { conn: Conn::failing(2) };
    assert_eq!((repo.save_now(), repo.conn.queries), (Ok(3), 3));
    let mut repo = Repo { conn: Conn::failing(1) };
    assert_eq!(repo.save_boxed(&mut Conn::default()).await, Ok(2 + 1));
}

#[tokio::test]
async fn a_retry_that_lends_can_be_spawned() {
    let task = tokio::spawn(async {
        let mut repo = Repo { conn: Conn::failing(1) };
        let saved = assert_send(repo.save(&mut Conn::default())).await;
        (saved, waits(&mut Conn::default(), "a".to_owned(), "b").await)
    });
    assert_eq!(task.await.unwrap(), (Ok(3), Ok("a b 1".to_owned())));
}

fn boxed(conn: &mut Conn) -> BoxFuture<'_, Result<String, Down>> {
    Box::pin(waits(conn, "a".to_owned(), "b"))
}

#[tokio::test]
async fn a_retry_that_lends_can_be_boxed() {
    assert_eq!(boxed(&mut Conn::failing(1)).await.as_deref(), Ok("a b 2"));
}
