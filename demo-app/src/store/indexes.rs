//! Indexes that the lists go by. MongoDB has each of them, as the models in `mongo` declare (a test compares the two); the embedded
//! store answers the same lists and refuses the others, so that a client sees no difference.

use super::Collection;

/// An index, by its fields.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) fields: &'static [Field],
    /// Documents without a value are not in it.
    pub(super) sparse: bool,
}

/// A field of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The stored, dotted name.
    pub(super) name: &'static str,
    /// Largest first.
    pub(super) descending: bool,
}

const fn index(fields: &'static [Field]) -> Index {
    Index { fields, sparse: false }
}

const fn sparse(fields: &'static [Field]) -> Index {
    Index { fields, sparse: true }
}

/// Ascending.
const fn up(name: &'static str) -> Field {
    Field { name, descending: false }
}

/// Descending.
const fn down(name: &'static str) -> Field {
    Field { name, descending: true }
}

const BUSINESSES: &[Index] = &[
    index(&[up("email")]),
    sparse(&[up("businessName")]),
    index(&[down("createdAt")]),
    index(&[up("subscription.plan"), up("subscription.status")]),
    index(&[up("isActive"), down("createdAt")]),
];

const EVENTS: &[Index] = &[
    index(&[up("manufacturer"), down("timestamp")]),
    index(&[up("productId"), down("timestamp")]),
    index(&[up("eventType"), down("timestamp")]),
];

const MANUFACTURERS: &[Index] = &[
    index(&[up("email")]),
    index(&[up("industry"), up("isVerified")]),
    index(&[up("location.country"), up("location.city")]),
    index(&[up("isActive"), down("lastLoginAt")]),
];

const PRODUCTS: &[Index] = &[index(&[up("business"), down("createdAt")]), index(&[up("business"), up("category")])];

const USERS: &[Index] = &[
    index(&[up("business"), down("createdAt")]),
    index(&[down("totalVotes"), down("createdAt")]),
    index(&[up("isActive"), down("lastLoginAt")]),
];

const VOTES: &[Index] = &[
    index(&[up("business"), down("timestamp")]),
    index(&[up("business"), up("proposalId")]),
    index(&[up("voterAddress"), up("business")]),
    index(&[up("selectedProductId"), up("business")]),
];

impl Collection {
    /// The indexes of this collection that can filter and sort; those of text and of places are searched otherwise.
    pub(super) fn indexes(self) -> &'static [Index] {
        match self {
            Self::Businesses => BUSINESSES,
            Self::Events => EVENTS,
            Self::Manufacturers => MANUFACTURERS,
            Self::Products => PRODUCTS,
            Self::Users => USERS,
            Self::Votes => VOTES,
        }
    }
}
