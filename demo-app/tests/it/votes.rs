//! Votes over HTTP: one for each voter and proposal, and the tally.

use serde_json::{Value, json};

use crate::api::{Api, NOW};

fn ballot(voter: &str, product: u64) -> Value {
    json!({ "business": 1, "proposalId": "autumn-2030", "voterAddress": voter, "selectedProductId": product })
}

#[tokio::test]
async fn a_vote_is_cast_once_and_counts_for_its_user() {
    let api = Api::seeded().await;
    let before = api.get("/api/users/1").await.ok(200)["totalVotes"].as_u64().unwrap();
    let cast = api.post("/api/votes", &ballot("ADA.lovelace@example.com", 21)).await;
    assert_eq!(cast.header("location"), Some("/api/votes/1:autumn-2030:ada.lovelace@example.com"));
    let vote = cast.ok(201);
    assert_eq!((&vote["voterAddress"], &vote["timestamp"]), (&json!("ada.lovelace@example.com"), &json!(NOW)));
    assert_eq!(api.get("/api/votes/1:autumn-2030:ada.lovelace@example.com").await.ok(200), vote);
    assert_eq!(api.get("/api/users/1").await.ok(200)["totalVotes"], before + 1);

    let again = api.post("/api/votes", &ballot("ada.lovelace@example.com", 41)).await;
    assert_eq!(again.problem(409), "this voter has voted on this proposal");
    assert_eq!(api.get("/api/users/1").await.ok(200)["totalVotes"], before + 1);
    api.get("/api/votes/1:autumn-2030:unknown").await.problem(404);
}

#[tokio::test]
async fn a_tally_has_the_most_wanted_first() {
    let api = Api::seeded().await;
    for (voter, product) in [("tally-a", 21), ("tally-b", 41), ("tally-c", 41)] {
        api.post("/api/votes", &ballot(voter, product)).await.ok(201);
    }
    let tally = api.get("/api/businesses/1/proposals/autumn-2030/tally").await.ok(200);
    let results = json!([{ "product": 41, "votes": 2 }, { "product": 21, "votes": 1 }]);
    let expected = json!({ "business": 1, "proposalId": "autumn-2030", "totalVotes": 3, "results": results });
    assert_eq!(tally, expected);
    assert_eq!(api.get("/api/businesses/1/proposals/none/tally").await.ok(200)["results"], json!([]));
    api.get("/api/businesses/999/proposals/none/tally").await.problem(404);
}

#[tokio::test]
async fn a_voter_who_tries_too_often_is_told_when_to_come_back() {
    let api = Api::seeded().await;
    for at in 0..30 {
        let mut vote = ballot("eager@example.com", 21);
        vote["proposalId"] = format!("p-{at}").into();
        api.post("/api/votes", &vote).await.ok(201);
    }
    let reply = api.post("/api/votes", &ballot("eager@example.com", 21)).await;
    assert!(reply.problem(429).starts_with("too many ask for this; try again in "), "{}", reply.body);
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=120).contains(&wait), "{wait}");
    api.post("/api/votes", &ballot("calm@example.com", 21)).await.ok(201);
}

#[tokio::test]
async fn users_come_by_their_votes() {
    let api = Api::seeded().await;
    let users = api.get("/api/users?sort=-totalVotes&limit=100").await.ok(200);
    let votes: Vec<_> = users["items"].as_array().unwrap().iter().map(|user| user["totalVotes"].as_u64()).collect();
    assert!(votes.is_sorted_by(|one, other| one >= other) && votes[0] > Some(0), "{votes:?}");
    let votes = api.get("/api/votes?business=2&sort=-timestamp").await.ok(200);
    assert!(votes["items"].as_array().unwrap().iter().all(|vote| vote["business"] == 2));
}
