//! Filters of lists: names and values. The store's indexes say which of them go together.

use jiff::Timestamp;

use crate::domain::{Business, EventType, Manufacturer, Product, Scalar, SupplyChainEvent, User, Vote};
use crate::store::Collection;

/// A model whose lists can be filtered.
pub(super) trait Listed {
    const COLLECTION: Collection;
    const FILTERS: &'static [Filter];
}

/// A parameter that filters by equality.
#[derive(Debug)]
pub(super) struct Filter {
    /// The stored, dotted name.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// The kind of a filter's values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Flag,
    Number,
    /// Text as it is written.
    Text,
    /// Text in any case; stored in lower case.
    Lower,
    Moment,
    Choice(&'static [&'static str]),
}

/// The longest text that any field holds.
const MAX_TEXT: usize = 254;

impl Kind {
    /// The value that `text` spells.
    pub(super) fn read(self, text: &str) -> Option<Scalar> {
        let short = (1..=MAX_TEXT).contains(&text.chars().count());
        match self {
            Self::Flag => text.parse().ok().map(Scalar::Flag),
            Self::Number => {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| digits).map(Scalar::Number)
            }
            Self::Text => short.then(|| Scalar::from(text)),
            Self::Lower => short.then(|| Scalar::Text(text.to_lowercase())),
            Self::Moment => text.parse().ok().map(|moment: Timestamp| Scalar::Moment(moment)),
            Self::Choice(names) => names.contains(&text).then(|| Scalar::from(text)),
        }
    }

    /// The text to write instead.
    pub(super) fn expected(self) -> String {
        match self {
            Self::Flag => "must be true or false".to_owned(),
            Self::Number => "must be a whole number".to_owned(),
            Self::Text | Self::Lower => format!("must be text of 1 to {MAX_TEXT} characters"),
            Self::Moment => "must be a moment such as 2030-01-02T03:04:05Z".to_owned(),
            Self::Choice(names) => format!("must be one of {}", names.join(", ")),
        }
    }
}

const fn by(name: &'static str, kind: Kind) -> Filter {
    Filter { name, kind }
}

impl Listed for Business {
    const COLLECTION: Collection = Collection::Businesses;
    const FILTERS: &'static [Filter] = &[
        by("email", Kind::Lower),
        by("businessName", Kind::Text),
        by("createdAt", Kind::Moment),
        by("subscription.plan", Kind::Choice(&["free", "basic", "pro", "enterprise"])),
        by("subscription.status", Kind::Choice(&["active", "trialing", "pastDue", "cancelled"])),
        by("isActive", Kind::Flag),
    ];
}

impl Listed for Manufacturer {
    const COLLECTION: Collection = Collection::Manufacturers;
    const FILTERS: &'static [Filter] = &[
        by("email", Kind::Lower),
        by("industry", Kind::Lower),
        by("isVerified", Kind::Flag),
        by("location.country", Kind::Text),
        by("location.city", Kind::Text),
        by("isActive", Kind::Flag),
        by("lastLoginAt", Kind::Moment),
    ];
}

impl Listed for User {
    const COLLECTION: Collection = Collection::Users;
    const FILTERS: &'static [Filter] = &[
        by("business", Kind::Number),
        by("totalVotes", Kind::Number),
        by("isActive", Kind::Flag),
        by("createdAt", Kind::Moment),
        by("lastLoginAt", Kind::Moment),
    ];
}

impl Listed for Product {
    const COLLECTION: Collection = Collection::Products;
    const FILTERS: &'static [Filter] =
        &[by("business", Kind::Number), by("category", Kind::Lower), by("createdAt", Kind::Moment)];
}

impl Listed for Vote {
    const COLLECTION: Collection = Collection::Votes;
    const FILTERS: &'static [Filter] = &[
        by("business", Kind::Number),
        by("proposalId", Kind::Text),
        by("voterAddress", Kind::Lower),
        by("selectedProductId", Kind::Number),
        by("timestamp", Kind::Moment),
    ];
}

impl Listed for SupplyChainEvent {
    const COLLECTION: Collection = Collection::Events;
    const FILTERS: &'static [Filter] = &[
        by("manufacturer", Kind::Number),
        by("productId", Kind::Number),
        by("eventType", Kind::Choice(EVENTS)),
        by("timestamp", Kind::Moment),
    ];
}

/// Kinds of events as [`EventType::ALL`] spells them.
const EVENTS: &[&str] = &[
    EventType::Produced.as_str(),
    EventType::Inspected.as_str(),
    EventType::Packed.as_str(),
    EventType::Shipped.as_str(),
    EventType::Received.as_str(),
    EventType::Recalled.as_str(),
];
