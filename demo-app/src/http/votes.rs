//! `/api/votes`: list, cast and read; the tally of a proposal.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::body::Body;
use super::cache_control;
use super::problem::Problem;
use super::queries::{List, NoParams};
use super::query::{PathText, Query, number};
use super::responses;
use crate::domain::{Id, PROPOSAL, Vote, VoteDraft, is_proposal};
use crate::service::{BusinessService, VoteService};

pub(super) fn routes(votes: VoteService, businesses: BusinessService) -> Router {
    let tallies = Router::new()
        .route("/api/businesses/{id}/proposals/{proposal}/tally", get(tally))
        .with_state((votes.clone(), businesses));
    Router::new()
        .route("/api/votes", get(list).post(cast))
        .route("/api/votes/{vote}", get(read))
        .with_state(votes)
        .merge(tallies)
}

async fn list(
    State(votes): State<VoteService>,
    Query(List(listing, _)): Query<List<Vote>>,
) -> Result<Response, Problem> {
    Ok(cache_control::page("votes", listing.page, &*votes.list_votes(&listing).await?))
}

async fn read(State(votes): State<VoteService>, PathText(id): PathText) -> Result<Response, Problem> {
    // A vote never changes, so its own key is not needed, which would have to be escaped.
    let found = responses::found("vote", &*id, votes.get_vote(&id).await?);
    Ok(cache_control::allow(cache_control::FOR_GOOD, ["vote:http"], found))
}

async fn cast(State(votes): State<VoteService>, Body(draft): Body<VoteDraft>) -> Result<Response, Problem> {
    let vote = votes.cast(draft).await?;
    Ok(responses::created(format!("/api/votes/{}", path_segment(&vote.id)), &*vote))
}

/// An unknown business is a 404; a proposal without votes has an empty tally.
async fn tally(
    State((votes, businesses)): State<(VoteService, BusinessService)>,
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
    if businesses.get_business(id).await?.is_none() {
        return Ok(responses::found::<()>("business", id, None));
    }
    let tags = [format!("tally:{id}:{proposal}"), format!("business:{id}")];
    Ok(cache_control::allow(cache_control::TALLY, tags, Json(&*votes.tally(id, &proposal).await?).into_response()))
}

/// The id as it stands in an address: all but plain characters percent-encoded.
fn path_segment(id: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:@".contains(byte);
    id.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
