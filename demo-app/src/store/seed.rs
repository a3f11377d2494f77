//! What a newcomer finds: 20 businesses, 200 products and 100 users, the same at every start.
//!
//! Everything follows from an item's number; no randomness and no clock, so that documentation and tests can name values.

use jiff::{SignedDuration, Timestamp};

use super::{Collection, Repository, Result};
use crate::domain::{
    Business, BusinessDraft, Id, Plan, ProductDraft, Subscription, SubscriptionStatus, User, UserDraft,
};

const BUSINESSES: u64 = 20;
const PRODUCTS: u64 = 200;
const USERS: u64 = 100;

/// 2024-01-01T00:00:00Z, in seconds.
const EPOCH: i64 = 1_704_067_200;

const TRADES: &[&str] = &["Orchard", "Harbour", "Meadow", "Foundry", "Lantern"];
const KINDS: &[&str] = &["Traders", "Goods", "Supply", "Market"];
const ADJECTIVES: &[&str] = &["Green", "Smoked", "Classic", "Golden", "Everyday", "Wild", "Fine"];
/// (what, where it stands)
const THINGS: &[(&str, &str)] = &[
    ("Tea", "drinks"),
    ("Coffee", "drinks"),
    ("Honey", "food"),
    ("Hammer", "tools"),
    ("Lamp", "home"),
    ("Blanket", "home"),
    ("Notebook", "office"),
    ("Saw", "tools"),
    ("Olives", "food"),
];
const FIRST_NAMES: &[&str] =
    &["Ada", "Grace", "Alan", "Barbara", "Edsger", "Frances", "Ken", "Margaret", "Niklaus", "Tony"];
const LAST_NAMES: &[&str] = &["Lovelace", "Hopper", "Turing", "Liskov", "Dijkstra", "Allen", "Thompson"];

/// Fills an empty store.
///
/// # Errors
///
/// The store's own; a store that is not empty may find emails taken.
pub async fn seed(store: &dyn Repository) -> Result<()> {
    for n in 0..BUSINESSES {
        let id = store.next_id(Collection::Businesses).await?;
        store.insert_business(business(n, id)).await?;
    }
    for n in 0..PRODUCTS {
        let id = store.next_id(Collection::Products).await?;
        store.insert_product(product(n).into_product(id, day(n))).await?;
    }
    for n in 0..USERS {
        let id = store.next_id(Collection::Users).await?;
        store.insert_user(user(n, id)).await?;
    }
    Ok(())
}

fn business(n: u64, id: Id) -> Business {
    let (trade, kind) = (pick(TRADES, n), pick(KINDS, n / 5));
    let plans = [Plan::Free, Plan::Basic, Plan::Pro, Plan::Enterprise];
    let draft = BusinessDraft {
        email: format!("hello@{}-{}.example", trade.to_lowercase(), kind.to_lowercase()),
        business_name: Some(format!("{trade} {kind}")),
        is_active: n % 10 != 9,
        subscription: Subscription {
            plan: pick(&plans, n),
            status: if n % 7 == 6 { SubscriptionStatus::PastDue } else { SubscriptionStatus::Active },
        },
    };
    draft.into_business(id, day(n))
}

fn product(n: u64) -> ProductDraft {
    let (adjective, (thing, category)) = (pick(ADJECTIVES, n), pick(THINGS, n));
    ProductDraft {
        business: 1 + n % BUSINESSES,
        name: format!("{adjective} {thing}"),
        description: format!("{thing} of batch {}, chosen by hand.", 1 + n / BUSINESSES),
        category: category.to_owned(),
        price: 199 + 350 * (n % 37),
    }
}

fn user(n: u64, id: Id) -> User {
    let (first, last) = (pick(FIRST_NAMES, n), pick(LAST_NAMES, n));
    let draft = UserDraft {
        business: 1 + n % BUSINESSES,
        name: format!("{first} {last}"),
        email: format!("{}.{}@example.com", first.to_lowercase(), last.to_lowercase()),
        is_active: n % 11 != 10,
    };
    User { total_votes: n * 7 % 53, last_login_at: (n % 4 != 3).then(|| day(100 + n)), ..draft.into_user(id, day(n)) }
}

fn pick<T: Copy>(list: &[T], n: u64) -> T {
    let len = list.len() as u64;
    list[usize::try_from(n % len).expect("an index below the list's length")]
}

fn day(n: u64) -> Timestamp {
    let days = i64::try_from(n).expect("a small number");
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(EPOCH + days * 86_400)
}
