//! The recipes of the guide for one value under two keys: the second key leads to the first, or both functions have the value and a tag.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use fastness::{Key, cache_invalidate, cacheable, with_cache};
use tokio::sync::Notify;

use crate::{fresh, poll_once};

const ACCOUNT: Key = Key::from_static("account");

#[derive(Clone, Debug, PartialEq)]
struct Account {
    id: u64,
    email: String,
    name: String,
}

/// A table of accounts that counts its queries: for a row by id, for an id, and for a row by address.
#[derive(Default)]
struct Table {
    rows: Mutex<Vec<Account>>,
    by_id: AtomicU32,
    ids: AtomicU32,
    by_email: AtomicU32,
    gate: Option<Notify>,
}

impl Table {
    fn new() -> Self {
        let row = |id, name: &str| Account { id, email: format!("{name}@here"), name: name.to_owned() };
        Self { rows: Mutex::new(vec![row(1, "ada"), row(2, "bob")]), ..Self::default() }
    }

    fn find(&self, is: impl Fn(&Account) -> bool) -> Option<Arc<Account>> {
        self.rows.lock().unwrap().iter().find(|row| is(row)).cloned().map(Arc::new)
    }

    fn update(&self, id: u64, change: impl FnOnce(&mut Account)) {
        change(self.rows.lock().unwrap().iter_mut().find(|row| row.id == id).unwrap());
    }

    /// The numbers of the three queries since the last question.
    fn queries(&self) -> [u32; 3] {
        [&self.by_id, &self.ids, &self.by_email].map(|count| count.swap(0, SeqCst))
    }
}

#[cacheable(ttl = 300, key = "account:{id}", skip(table))]
async fn account(table: &Table, id: u64) -> Option<Arc<Account>> {
    table.by_id.fetch_add(1, SeqCst);
    if let Some(gate) = &table.gate {
        gate.notified().await;
    }
    table.find(|row| row.id == id)
}

#[cacheable(ttl = 300, negative_ttl = 300, key = "account_id:{email}", tags = |id| [ACCOUNT.join(id)], tag_patterns = ["account:{id}"], skip(table))]
async fn account_id(table: &Table, email: &str) -> Option<u64> {
    table.ids.fetch_add(1, SeqCst);
    Some(table.find(|row| row.email == email)?.id)
}

async fn account_by_email(table: &Table, email: &str) -> Option<Arc<Account>> {
    let id = account_id(table, email).await?;
    account(table, id).await.filter(|account| account.email == email)
}

/// The second recipe: a copy of the value, with the tag of the first key.
#[cacheable(ttl = 300, key = "account_of:{email}", tags = |account| [ACCOUNT.join(account.id)], tag_patterns = ["account:{id}"], skip(table))]
async fn account_of(table: &Table, email: &str) -> Option<Arc<Account>> {
    table.by_email.fetch_add(1, SeqCst);
    table.find(|row| row.email == email)
}

#[cache_invalidate("account:{id}", tags = ["account:{id}"])]
async fn rename(table: &Table, id: u64, name: &str) {
    table.update(id, |row| name.clone_into(&mut row.name));
}

#[cache_invalidate("account:{id}", "account_id:{email}", tags = ["account:{id}"])]
async fn change_email(table: &Table, id: u64, email: &str) {
    table.update(id, |row| email.clone_into(&mut row.email));
}

fn name(found: Option<Arc<Account>>) -> String {
    found.map_or_else(String::new, |account| account.name.clone())
}

#[tokio::test]
async fn after_a_load_by_either_key_the_other_finds_the_value() {
    let (fast, table) = (fresh(), Table::new());
    with_cache(&fast, async {
        assert_eq!(name(account(&table, 1).await), "ada");
        assert_eq!(name(account_by_email(&table, "ada@here").await), "ada");
        assert_eq!(table.queries(), [1, 1, 0], "the value once, and its id");
        assert_eq!(name(account_by_email(&table, "bob@here").await), "bob");
        assert_eq!(name(account(&table, 2).await), "bob");
        assert_eq!(table.queries(), [1, 1, 0]);
        let [by_id, by_email] = [account(&table, 2).await, account_by_email(&table, "bob@here").await];
        assert!(Arc::ptr_eq(&by_id.unwrap(), &by_email.unwrap()), "there is one copy");
        assert_eq!(table.queries(), [0; 3]);
    })
    .await;
}

#[tokio::test]
async fn an_invalidation_reaches_the_value_by_both_keys_and_no_other_value() {
    let (fast, table) = (fresh(), Table::new());
    let read = async || [name(account(&table, 1).await), name(account_by_email(&table, "ada@here").await)];
    with_cache(&fast, async {
        assert_eq!(read().await, ["ada", "ada"]);
        account_by_email(&table, "bob@here").await;
        rename(&table, 1, "grace").await;
        table.queries();
        assert_eq!(read().await, ["grace", "grace"]);
        assert_eq!(table.queries(), [1, 1, 0]);
        account_by_email(&table, "bob@here").await;
        assert_eq!(table.queries(), [0; 3]);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_moves_leads_to_its_new_account_and_nowhere_from_the_old_one() {
    let (fast, table) = (fresh(), Table::new());
    with_cache(&fast, async {
        assert_eq!(account_by_email(&table, "new@here").await, None);
        assert_eq!(name(account_by_email(&table, "ada@here").await), "ada");
        change_email(&table, 1, "new@here").await;
        assert_eq!(name(account_by_email(&table, "new@here").await), "ada", "it was known as not found");
        assert_eq!(account_by_email(&table, "ada@here").await, None);
        change_email(&table, 2, "ada@here").await;
        assert_eq!(name(account_by_email(&table, "ada@here").await), "bob");
    })
    .await;
}

/// The address moves between the two reads of one call, which began with the old way.
#[tokio::test]
async fn a_change_between_the_two_reads_gives_no_other_accounts_value() {
    let (fast, table) = (fresh(), Table { gate: Some(Notify::new()), ..Table::new() });
    with_cache(&fast, async {
        let mut read = pin!(account_by_email(&table, "ada@here"));
        assert!(poll_once(read.as_mut()).await.is_none(), "it has the id, and waits for the value");
        // The row has another address by the time at which it is read.
        change_email(&table, 1, "new@here").await;
        table.gate.as_ref().unwrap().notify_one();
        assert_eq!(read.await, None);
    })
    .await;
}

#[tokio::test]
async fn with_two_copies_and_a_tag_an_invalidation_reaches_both_and_each_key_loads() {
    let (fast, table) = (fresh(), Table::new());
    let read = async || [name(account(&table, 1).await), name(account_of(&table, "ada@here").await)];
    with_cache(&fast, async {
        assert_eq!(
            (read().await, read().await),
            (["ada", "ada"].map(str::to_owned), ["ada", "ada"].map(str::to_owned))
        );
        assert_eq!(table.queries(), [1, 0, 1], "a load for each key");
        rename(&table, 1, "grace").await;
        assert_eq!(read().await, ["grace", "grace"]);
        assert_eq!(table.queries(), [1, 0, 1]);
    })
    .await;
}

#[test]
fn the_audit_knows_that_the_invalidations_reach_both_keys() {
    let report = fastness::registry::audit();
    for function in ["rename", "change_email"] {
        let mine = format!("it::two_keys::{function}");
        assert!(!report.errors().iter().any(|error| error.contains(&mine)), "{report}");
    }
    let notes = report.notes().iter().filter(|note| note.contains("it::two_keys::")).count();
    assert_eq!(notes, 0, "{report}");
}
