//! Seed data: 20 businesses, 200 products, 100 users with their votes, 30 manufacturers and 600 events, the same at every start.
//!
//! Everything follows from an item's number; no randomness and no clock, so that documentation and tests can name values.

use jiff::{SignedDuration, Timestamp};

use super::words::{ADJECTIVES, FIRST_NAMES, KINDS, LAST_NAMES, THINGS, TRADES, pick};
use super::{Collection, Repository, Result};
use crate::domain::{
    Business, BusinessDraft, EventDraft, EventType, Id, Location, Manufacturer, ManufacturerDraft, Plan, ProductDraft,
    Subscription, SubscriptionStatus, User, UserDraft, VoteDraft,
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
        for vote in votes(n) {
            store.insert_vote(vote.into_vote(day(200 + n))).await?;
        }
        store.recount_votes(id).await?;
    }
    for n in 0..MANUFACTURERS {
        let id = store.next_id(Collection::Manufacturers).await?;
        store.insert_manufacturer(manufacturer(n, id)).await?;
    }
    for n in 0..PRODUCTS * STEPS {
        let id = store.next_id(Collection::Events).await?;
        store.insert_event(event(n).into_event(id, day(n))).await?;
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
    User { last_login_at: (n % 4 != 3).then(|| day(100 + n)), ..draft.into_user(id, day(n)) }
}

/// None to four votes of the user `n`, each for one of the ten products of the user's business.
fn votes(n: u64) -> impl Iterator<Item = VoteDraft> {
    let voter = user(n, 0);
    (0..n * 7 % 5).map(move |round| VoteDraft {
        business: voter.business,
        proposal_id: pick(PROPOSALS, round).to_owned(),
        voter_address: voter.email.clone(),
        selected_product_id: voter.business + BUSINESSES * ((n / BUSINESSES + round) % 3),
    })
}

fn manufacturer(n: u64, id: Id) -> Manufacturer {
    let location = place(n);
    let draft = ManufacturerDraft {
        email: format!("works-{n}@{}.example", location.city.to_lowercase()),
        name: format!("{} Works {}", location.city, 1 + n / 7),
        industry: pick(INDUSTRIES, n).to_owned(),
        is_verified: n % 3 != 2,
        is_active: n % 8 != 7,
        location,
    };
    Manufacturer { last_login_at: (n % 4 != 3).then(|| day(300 + n)), ..draft.into_manufacturer(id) }
}

/// The step `n` of all: the products' first ones come first.
fn event(n: u64) -> EventDraft {
    let (product, step) = (n % PRODUCTS, n / PRODUCTS);
    EventDraft {
        manufacturer: 1 + product % MANUFACTURERS,
        product_id: 1 + product,
        event_type: pick(&[EventType::Produced, EventType::Inspected, EventType::Shipped], step),
        timestamp: Some(day(product + 2 * step)),
        location: place(product + step),
    }
}

fn place(n: u64) -> Location {
    let (country, city, longitude, latitude) = pick(PLACES, n);
    Location { country: country.to_owned(), city: city.to_owned(), coordinates: [longitude, latitude] }
}

fn day(n: u64) -> Timestamp {
    let days = i64::try_from(n).expect("a small number");
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(EPOCH + days * 86_400)
}
