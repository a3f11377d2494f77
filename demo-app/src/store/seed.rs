//! Seed data: 20 businesses, 200 products, 100 users with their votes, 30 manufacturers and 600 events, the same at every start.
//!
//! Everything follows from an item's number; no randomness and no clock, so that documentation and tests can name values.

use super::words::{ADJECTIVES, FIRST_NAMES, KINDS, LAST_NAMES, THINGS, TRADES, pick};
use super::{Collection, Repository, Result};
use crate::domain::{
    Business, EventType, Location, Manufacturer, Model, Moment, Plan, Product, Subscription, SubscriptionStatus,
    SupplyChainEvent, User, Vote,
};

const BUSINESSES: u64 = 20;
const PRODUCTS: u64 = 200;
const USERS: u64 = 100;
const MANUFACTURERS: u64 = 30;
/// Events of each product: it is made, looked at, and sent.
const STEPS: u64 = 3;

/// 2024-01-01T00:00:00Z, in seconds.
const EPOCH: i64 = 1_704_067_200;

const INDUSTRIES: &[&str] = &["food", "ceramics", "textiles", "metalware", "paper"];
/// (country, city, longitude, latitude)
const PLACES: &[(&str, &str, f64, f64)] = &[
    ("PT", "Porto", -8.61, 41.15),
    ("DE", "Hamburg", 9.99, 53.55),
    ("IN", "Kochi", 76.27, 9.93),
    ("JP", "Osaka", 135.5, 34.69),
    ("PT", "Lisbon", -9.14, 38.72),
    ("BR", "Santos", -46.33, -23.96),
    ("FJ", "Suva", 178.44, -18.14),
];
const PROPOSALS: &[&str] = &["spring-2025", "autumn-2025", "spring-2026", "autumn-2026"];

/// Fills an empty store.
///
/// # Errors
///
/// The store's own; a store that is not empty may find emails taken.
pub async fn seed(store: &dyn Repository) -> Result<()> {
    add_all::<Business>(store, BUSINESSES, business).await?;
    add_all::<Product>(store, PRODUCTS, product).await?;
    for n in 0..USERS {
        let id = Collection::<User>::next_id(store).await?;
        store.insert(user(n).created(id, day(n))).await?;
        for vote in votes(n) {
            store.insert(vote.created(0, day(200 + n))).await?;
        }
        store.recount_votes(id).await?;
    }
    add_all::<Manufacturer>(store, MANUFACTURERS, manufacturer).await?;
    add_all::<SupplyChainEvent>(store, PRODUCTS * STEPS, event).await
}

async fn add_all<M: Model>(store: &dyn Collection<M>, count: u64, make: fn(u64) -> M) -> Result<()> {
    for n in 0..count {
        store.insert(make(n).created(store.next_id().await?, day(n))).await?;
    }
    Ok(())
}

fn business(n: u64) -> Business {
    let (trade, kind) = (pick(TRADES, n), pick(KINDS, n / 5));
    Business {
        email: format!("hello@{}-{}.example", trade.to_lowercase(), kind.to_lowercase()),
        business_name: Some(format!("{trade} {kind}")),
        is_active: n % 10 != 9,
        subscription: Subscription {
            plan: pick(&[Plan::Free, Plan::Basic, Plan::Pro, Plan::Enterprise], n),
            status: if n % 7 == 6 { SubscriptionStatus::PastDue } else { SubscriptionStatus::Active },
        },
        ..Business::default()
    }
}

fn product(n: u64) -> Product {
    let (adjective, (thing, category)) = (pick(ADJECTIVES, n), pick(THINGS, n));
    Product {
        business: 1 + n % BUSINESSES,
        name: format!("{adjective} {thing}"),
        description: format!("{thing} of batch {}, chosen by hand.", 1 + n / BUSINESSES),
        category: category.to_owned(),
        price: 199 + 350 * (n % 37),
        ..Product::default()
    }
}

fn user(n: u64) -> User {
    let (first, last) = (pick(FIRST_NAMES, n), pick(LAST_NAMES, n));
    User {
        business: 1 + n % BUSINESSES,
        name: format!("{first} {last}"),
        email: format!("{}.{}@example.com", first.to_lowercase(), last.to_lowercase()),
        is_active: n % 11 != 10,
        last_login_at: (n % 4 != 3).then(|| day(100 + n)),
        ..User::default()
    }
}

/// None to four votes of the user `n`, each for one of the ten products of the user's business.
fn votes(n: u64) -> impl Iterator<Item = Vote> {
    let voter = user(n);
    (0..n * 7 % 5).map(move |round| Vote {
        business: voter.business,
        proposal_id: pick(PROPOSALS, round).to_owned(),
        voter_address: voter.email.clone(),
        selected_product_id: voter.business + BUSINESSES * ((n / BUSINESSES + round) % 3),
        ..Vote::default()
    })
}

fn manufacturer(n: u64) -> Manufacturer {
    let location = place(n);
    Manufacturer {
        email: format!("works-{n}@{}.example", location.city.to_lowercase()),
        name: format!("{} Works {}", location.city, 1 + n / 7),
        industry: pick(INDUSTRIES, n).to_owned(),
        is_verified: n % 3 != 2,
        is_active: n % 8 != 7,
        last_login_at: (n % 4 != 3).then(|| day(300 + n)),
        location,
        ..Manufacturer::default()
    }
}

/// The step `n` of all: the products' first ones come first.
fn event(n: u64) -> SupplyChainEvent {
    let (product, step) = (n % PRODUCTS, n / PRODUCTS);
    SupplyChainEvent {
        manufacturer: 1 + product % MANUFACTURERS,
        product_id: 1 + product,
        event_type: pick(&[EventType::Produced, EventType::Inspected, EventType::Shipped], step),
        timestamp: day(product + 2 * step),
        location: place(product + step),
        ..SupplyChainEvent::default()
    }
}

fn place(n: u64) -> Location {
    let (country, city, longitude, latitude) = pick(PLACES, n);
    Location { country: country.to_owned(), city: city.to_owned(), coordinates: [longitude, latitude] }
}

fn day(n: u64) -> Moment {
    let days = i64::try_from(n).expect("a small number");
    Moment::from_millis((EPOCH + days * 86_400) * 1_000)
}
