//! Documents that `seed` fills a database with. Everything follows from a document's number: no randomness and no clock, so that a second
//! run writes the very same documents.

use bson::{Bson, DateTime, Document, doc};

use demo_app::store::words::{ADJECTIVES, FIRST_NAMES, KINDS, LAST_NAMES, THINGS, TRADES, pick};

/// The number of documents of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) products: u64,
    pub(super) businesses: u64,
    users: u64,
    manufacturers: u64,
    votes: u64,
    events: u64,
}

impl Sizes {
    /// All others in proportion to the products: a business sells 20 of them, and has two users, a maker, and four votes and
    /// events.
    pub(super) fn from_products(products: u64, businesses: Option<u64>) -> Self {
        let part = |one_of: u64| (products / one_of).max(1);
        Self {
            products,
            businesses: businesses.unwrap_or(part(20)),
            users: part(10),
            manufacturers: part(20),
            votes: part(5),
            events: part(5),
        }
    }

    /// The tables to fill, those first that others refer to.
    pub(super) fn tables(self) -> [Table; 6] {
        let table = |name, count, make| Table { name, count, make };
        [
            table("businesses", self.businesses, business),
            table("manufacturers", self.manufacturers, manufacturer),
            table("users", self.users, user),
            table("products", self.products, product),
            table("votingrecords", self.votes, vote),
            table("supplychainevents", self.events, event),
        ]
    }

    pub(super) fn total(self) -> u64 {
        self.tables().iter().map(|table| table.count).sum()
    }

    /// A document that tells one filling from another.
    pub(super) fn document(self) -> Document {
        self.tables().iter().map(|table| (table.name.to_owned(), Bson::Int64(signed(table.count)))).collect()
    }
}

/// One collection: its name, how many documents it gets, and how each is made of its number, counted from 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) count: u64,
    pub(super) make: fn(Sizes, u64) -> Document,
}

/// 2024-01-01T00:00:00Z, in seconds.
const EPOCH: u64 = 1_704_067_200;

const PLANS: &[&str] = &["free", "basic", "pro", "enterprise"];
const INDUSTRIES: &[&str] =
    &["ceramics", "textiles", "food", "tools", "paper", "glass", "timber", "metals", "leather", "electronics"];
const EVENTS: &[&str] = &["produced", "inspected", "packed", "shipped", "received", "recalled"];
/// (country, city, longitude, latitude)
const CITIES: &[(&str, &str, f64, f64)] = &[
    ("PT", "Porto", -8.61, 41.15),
    ("ES", "Valencia", -0.38, 39.47),
    ("FR", "Lyon", 4.84, 45.76),
    ("IT", "Turin", 7.69, 45.07),
    ("DE", "Leipzig", 12.37, 51.34),
    ("PL", "Gdansk", 18.65, 54.35),
    ("SE", "Malmo", 13.0, 55.6),
    ("GB", "Leeds", -1.55, 53.8),
    ("IN", "Kochi", 76.27, 9.93),
    ("VN", "Da Nang", 108.22, 16.05),
];
/// Districts of each city.
const DISTRICTS: u64 = 50;

fn business(_: Sizes, n: u64) -> Document {
    let name = format!("{} {} {}", pick(TRADES, n), pick(KINDS, mix(n, 1)), n + 1);
    let status = if n % 1_000 == 999 {
        "cancelled"
    } else if n % 7 == 6 {
        "pastDue"
    } else {
        "active"
    };
    doc! {
        "_id": signed(n + 1),
        "email": format!("hello@shop{}.example", n + 1),
        "businessName": name,
        "createdAt": moment(n * 601),
        "isActive": n % 10 != 9,
        "subscription": { "plan": pick(PLANS, n), "status": status },
    }
}

fn manufacturer(_: Sizes, n: u64) -> Document {
    doc! {
        "_id": signed(n + 1),
        "email": format!("works@maker{}.example", n + 1),
        "name": format!("{} Works {}", pick(TRADES, mix(n, 1)), n + 1),
        "industry": pick(INDUSTRIES, mix(n, 2)),
        "isVerified": mix(n, 3).is_multiple_of(50),
        "isActive": n % 12 != 11,
        "lastLoginAt": moment(mix(n, 4) % 30_000_000),
        "location": location(n),
    }
}

fn user(sizes: Sizes, n: u64) -> Document {
    let (first, last) = (pick(FIRST_NAMES, n), pick(LAST_NAMES, mix(n, 1)));
    let last_login = (n % 4 != 3).then(|| moment(mix(n, 2) % 30_000_000));
    doc! {
        "_id": signed(n + 1),
        "business": signed(1 + n % sizes.businesses),
        "name": format!("{first} {last}"),
        "email": format!("{}.{}{}@example.com", first.to_lowercase(), last.to_lowercase(), n + 1),
        "totalVotes": signed(mix(n, 3) % 1_000),
        "isActive": n % 11 != 10,
        "createdAt": moment(n * 307),
        "lastLoginAt": last_login,
    }
}

/// Some two hundred products are of one lot.
fn product(sizes: Sizes, n: u64) -> Document {
    let (adjective, (thing, category)) = (pick(ADJECTIVES, mix(n, 1)), pick(THINGS, mix(n, 2)));
    let lot = mix(n, 3) % (sizes.products / 200).max(1);
    doc! {
        "_id": signed(n + 1),
        "business": signed(1 + n % sizes.businesses),
        "name": format!("{adjective} {thing}"),
        "description": format!("{thing} of lot{lot}, chosen by hand."),
        "category": category,
        "price": signed(199 + 350 * (mix(n, 4) % 37)),
        "createdAt": moment(n * 31),
    }
}

/// One vote on each proposal for each half of a business's rounds.
fn vote(sizes: Sizes, n: u64) -> Document {
    let (business, round) = (1 + n % sizes.businesses, n / sizes.businesses);
    let proposal = format!("proposal-{}", round / 2);
    let voter = format!("voter{}.{}@example.com", n % sizes.users, round % 2);
    doc! {
        "_id": format!("{business}:{proposal}:{voter}"),
        "business": signed(business),
        "timestamp": moment(n * 151),
        "proposalId": proposal,
        "voterAddress": voter,
        "selectedProductId": signed(1 + (business - 1 + sizes.businesses * (round % 50)) % sizes.products),
    }
}

fn event(sizes: Sizes, n: u64) -> Document {
    doc! {
        "_id": signed(n + 1),
        "manufacturer": signed(1 + mix(n, 1) % sizes.manufacturers),
        "productId": signed(1 + n % (sizes.events / 5).clamp(1, sizes.products)),
        "eventType": pick(EVENTS, mix(n, 2)),
        "timestamp": moment(n * 149),
        "location": location(n),
    }
}

/// Somewhere within half a degree of a city.
fn location(n: u64) -> Document {
    let (country, city, longitude, latitude) = pick(CITIES, mix(n, 5));
    let offset = |salt| f64::from(u32::try_from(mix(n, salt) % 10_000).unwrap_or(0)) / 10_000.0 - 0.5;
    doc! {
        "country": country,
        "city": format!("{city} {:02}", 1 + mix(n, 6) % DISTRICTS),
        "coordinates": [longitude + offset(7), latitude + offset(8)],
    }
}

/// Numbers that look unlike each other, made of one (the finaliser of splitmix64).
fn mix(n: u64, salt: u64) -> u64 {
    let mut z = n.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn moment(seconds: u64) -> DateTime {
    DateTime::from_millis(signed((EPOCH + seconds) * 1_000))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_documents_of_a_collection_share_what_is_unique() {
        for sizes in [
            Sizes::from_products(5_000, None),
            Sizes::from_products(1_000, Some(100)),
            Sizes::from_products(1, None),
            Sizes::from_products(100, Some(3)),
        ] {
            for Table { name, count, make } in sizes.tables() {
                let documents: Vec<_> = (0..count).map(|n| make(sizes, n)).collect();
                let unique = |field: &str| {
                    let values = documents.iter().filter_map(|document| document.get(field));
                    values.map(ToString::to_string).collect::<HashSet<_>>().len()
                };
                assert_eq!(unique("_id") as u64, count, "{name} of {sizes:?}");
                if ["businesses", "manufacturers"].contains(&name) {
                    assert_eq!(unique("email") as u64, count, "{name} of {sizes:?}");
                }
            }
        }
    }

    #[test]
    fn a_document_refers_to_those_that_exist() {
        let sizes = Sizes::from_products(1_000, Some(7));
        let within = |document: &Document, field: &str, most: u64| {
            document.get_i64(field).is_ok_and(|id| (1..=signed(most)).contains(&id))
        };
        for n in 0..sizes.votes {
            let vote = vote(sizes, n);
            assert!(within(&vote, "business", 7) && within(&vote, "selectedProductId", 1_000), "{vote}");
            let product = product(sizes, n);
            assert!(within(&product, "business", 7), "{product}");
            let event = event(sizes, n);
            assert!(
                within(&event, "productId", 1_000) && within(&event, "manufacturer", sizes.manufacturers),
                "{event}"
            );
        }
    }
}
