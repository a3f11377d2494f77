//! Votes: list, cast and read; the tally of a proposal.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use super::body::Body;
use super::cache_control::{self, FOR_GOOD, TALLY};
use super::json;
use super::problem::Problem;
use super::queries::{List, NoParams};
use super::query::{PathText, Query, number};
use super::responses;
use crate::domain::{Business, Id, Model, PROPOSAL, Vote, is_proposal};
use crate::service::{Market, Resource, votes};

pub(super) async fn list(
    State(market): State<Market>,
    Query(List(listing, _)): Query<List<Vote>>,
) -> Result<Response, Problem> {
    Ok(cache_control::page(Vote::MANY, listing.page, &*votes::list_votes(&market, &listing).await?))
}

pub(super) async fn read(State(market): State<Market>, PathText(id): PathText) -> Result<Response, Problem> {
    let vote = responses::found(&*id, votes::get_vote(&market, &id).await?)?;
    // A vote never changes, so its own key is not needed, which would have to be escaped.
    Ok(cache_control::allow(FOR_GOOD, ["vote:http"], responses::tagged(&*vote)))
}

pub(super) async fn cast(State(market): State<Market>, Body(draft): Body<Vote>) -> Result<Response, Problem> {
    let vote = votes::cast(&market, draft).await?;
    Ok(responses::created(&path_segment(&vote.id), &*vote))
}

/// The votes on a proposal, counted. An unknown business is a 404; a proposal without votes has an empty tally.
pub(super) async fn tally(
    State(market): State<Market>,
    path: Result<Path<(String, String)>, PathRejection>,
    Query(NoParams): Query<NoParams>,
) -> Result<Response, Problem> {
    let read = |Path((id, proposal)): Path<(String, String)>| {
        Some((number(&id, 1..=Id::MAX)?, is_proposal(&proposal).then_some(proposal)?))
    };
    let Some((id, proposal)) = path.ok().and_then(read) else {
        let detail = format!("the id in the path must be a whole number from 1, and the proposal {PROPOSAL}");
        return Err(Problem::bad_request(detail, Vec::new()));
    };
    responses::found(id, Business::get(&market, id).await?)?;
    let tags = [format!("tally:{id}:{proposal}"), format!("business:{id}")];
    Ok(cache_control::allow(TALLY, tags, json::answer(&*votes::tally(&market, id, &proposal).await?)))
}

/// The id as it stands in an address: all but plain characters percent-encoded.
fn path_segment(id: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:@".contains(byte);
    id.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
