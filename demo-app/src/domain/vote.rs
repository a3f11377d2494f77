//! Votes on proposals, and their tally.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Draft, Fields, Id};

/// A vote on what a business proposes: which of its products it should be. One per voter and proposal, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Vote {
    /// Business, proposal and voter, with colons between: so two votes of one voter on one proposal cannot both be there.
    #[schema(example = "1:autumn-2030:ada@example.com")]
    pub id: String,
    /// The business that made the proposal.
    pub business: Id,
    /// The business's name for it: letters, digits, `-`, `_` and `.`.
    #[schema(example = "autumn-2030")]
    pub proposal_id: String,
    /// The voter's address, in lower case. The vote counts for the users of the business who have it as their email.
    #[schema(example = "ada@example.com")]
    pub voter_address: String,
    /// The product that they want; one of the business's products when the vote was cast.
    pub selected_product_id: Id,
    /// The time at which it was cast.
    pub timestamp: Timestamp,
}

/// A vote as a client may write it.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(missing_docs, reason = "see the fields of `Vote`")]
pub struct VoteDraft {
    #[schema(minimum = 1, example = 1)]
    pub business: Id,
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$", example = "autumn-2030")]
    pub proposal_id: String,
    #[schema(min_length = 1, max_length = 254, example = "ada@example.com")]
    pub voter_address: String,
    #[schema(minimum = 1, example = 1)]
    pub selected_product_id: Id,
}

impl VoteDraft {
    /// The document that this draft founds.
    pub fn into_vote(self, timestamp: Timestamp) -> Vote {
        let Self { business, proposal_id, voter_address, selected_product_id } = self;
        // Neither a number nor a proposal's name has a colon, so no two triples are spelled alike.
        let id = format!("{business}:{proposal_id}:{voter_address}");
        Vote { id, business, proposal_id, voter_address, selected_product_id, timestamp }
    }
}

impl Draft for VoteDraft {
    const KEPT: &'static [&'static str] = &["id", "timestamp"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            business: fields.id("business"),
            proposal_id: fields.name("proposalId", is_proposal, PROPOSAL),
            voter_address: fields.name("voterAddress", is_address, ADDRESS).to_lowercase(),
            selected_product_id: fields.id("selectedProductId"),
        }
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
