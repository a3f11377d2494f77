//! Votes on proposals, and their tally.

// Clippy takes what stands in `keys(..)` for attributes of their own.
#![allow(clippy::duplicated_attributes)]

use serde::{Deserialize, Serialize};

use super::{Draft, Field, Fields, Id, Kind, Model, Moment, Reference, Target};

/// A vote on what a business proposes: which of its products it should be. One per voter and proposal, for good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "servers",
    derive(fastness::Indexed),
    indexed(
        collection = "votingrecords",
        scopes("vote:{id}", "vote:http", "votes:*", "tally:{business}:{proposal_id}")
    ),
    index(keys(business = 1, timestamp = -1)),
    index(keys(business = 1, proposal_id = 1)),
    index(keys(voter_address = 1, business = 1)),
    index(keys(selected_product_id = 1, business = 1))
)]
#[serde(rename_all = "camelCase")]
pub struct Vote {
    /// Business, proposal and voter, with colons between: so two votes of one voter on one proposal cannot both be there, however many
    /// clients write at a time.
    #[serde(rename = "_id")]
    pub id: String,
    /// The business that made the proposal.
    pub business: Id,
    /// The time at which it was cast.
    pub timestamp: Moment,
    /// The business's name for it: letters, digits, `-`, `_` and `.`.
    pub proposal_id: String,
    /// The voter's address, in lower case. The vote counts for the users of the business who have it as their email.
    pub voter_address: String,
    /// The product that they want; one of the business's products when the vote was cast.
    pub selected_product_id: Id,
}

impl Draft for Vote {
    const READ_ONLY: &'static [&'static str] = &["id", "timestamp"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            business: fields.id("business"),
            proposal_id: fields.name("proposalId", is_proposal, PROPOSAL),
            voter_address: fields.name("voterAddress", is_address, ADDRESS).to_lowercase(),
            selected_product_id: fields.id("selectedProductId"),
            ..Self::default()
        }
    }
}

impl Model for Vote {
    type Id = String;

    const ONE: &'static str = "vote";
    const MANY: &'static str = "votes";
    const FIELDS: &'static [Field<Self>] = &[
        Field::new("business", Kind::Number, |vote| vote.business.into()),
        Field::new("proposalId", Kind::Text, |vote| (&*vote.proposal_id).into()),
        Field::new("voterAddress", Kind::Lower, |vote| (&*vote.voter_address).into()),
        Field::new("selectedProductId", Kind::Number, |vote| vote.selected_product_id.into()),
        Field::new("timestamp", Kind::Moment, |vote| vote.timestamp.into()),
    ];
    const LISTS: &'static [&'static str] =
        &["business,-timestamp", "business,proposalId", "voterAddress,business", "selectedProductId,business"];

    fn id(&self) -> String {
        self.id.clone()
    }

    fn created(self, _: Id, now: Moment) -> Self {
        // Neither a number nor a proposal's name has a colon, so no two triples are spelled alike.
        let id = format!("{}:{}:{}", self.business, self.proposal_id, self.voter_address);
        Self { id, timestamp: now, ..self }
    }

    fn over(self, old: &Self) -> Self {
        Self { id: old.id.clone(), timestamp: old.timestamp, ..self }
    }

    fn references(&self) -> Vec<Reference> {
        let product = Target::ProductsOf(self.business);
        vec![
            Reference { field: "business", id: self.business, to: Target::Businesses },
            Reference { field: "selectedProductId", id: self.selected_product_id, to: product },
        ]
    }
}

/// The form of a proposal's name.
pub const PROPOSAL: &str = "must be 1 to 64 letters, digits, `-`, `_` or `.`";

/// True if `text` has the form of [`PROPOSAL`].
pub fn is_proposal(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

const ADDRESS: &str = "must be an address of 1 to 254 characters without spaces";

fn is_address(text: &str) -> bool {
    (1..=254).contains(&text.chars().count()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// The votes on a proposal, counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// The business that made the proposal.
    pub business: Id,
    /// The name of the proposal.
    pub proposal_id: String,
    /// All its votes.
    pub total_votes: u64,
    /// One count per product with votes, most wanted first, then by id.
    pub results: Vec<Count>,
}

/// The number of votes for a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the whole story")]
pub struct Count {
    pub product: Id,
    pub votes: u64,
}

impl Tally {
    /// The tally over `results`, in any order.
    pub fn new(business: Id, proposal_id: &str, mut results: Vec<Count>) -> Self {
        results.sort_by_key(|count| (std::cmp::Reverse(count.votes), count.product));
        let total_votes = results.iter().map(|count| count.votes).sum();
        Self { business, proposal_id: proposal_id.to_owned(), total_votes, results }
    }
}
