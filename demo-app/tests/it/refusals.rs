//! Refusals of the lists, votes and events, and their messages.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::api::{Api, Reply, max_body, request};

#[track_caller]
fn says(reply: &Reply, status: u16, expected: &str) {
    reply.problem(status);
    let errors = reply.errors();
    assert!(errors.iter().any(|error| error.starts_with(expected)), "{expected}: {errors:?}");
}

#[tokio::test]
async fn only_what_an_index_serves_sorts_and_filters() {
    let api = Api::seeded().await;
    for (path, expected) in [
        (
            "/api/products?sort=price",
            "sort: no index serves this order; use one of `id`, `business,-createdAt`, `business,category`",
        ),
        ("/api/products?sort=", "sort: no index serves this order"),
        ("/api/products?sort=-", "sort: no index"),
        ("/api/users?sort=-totalVotes,createdAt", "sort: no index serves this order"),
        ("/api/users?sort=-totalVotes,-totalVotes", "sort: no index serves this order"),
        ("/api/users?business=1&sort=id", "sort: no index serves this order; use one of `-createdAt`"),
        ("/api/manufacturers?isVerified=true", "isVerified: no index serves this filter; filter by `email`"),
        ("/api/manufacturers?industry=food&location.country=PT", "industry: no index serves this filter"),
        ("/api/votes?proposalId=x", "proposalId: no index serves this filter"),
        ("/api/users?isActive=yes", "isActive: must be true or false"),
        ("/api/users?business=-1", "business: must be a whole number"),
        ("/api/users?business=99999999999999999999", "business: must be a whole number"),
        ("/api/events?eventType=lost", "eventType: must be one of produced, inspected"),
        ("/api/events?timestamp=today", "timestamp: must be a moment such as 2030-01-02T03:04:05Z"),
        ("/api/users?page=0", "page: must be a whole number from 1"),
        ("/api/users?limit=1000", "limit: must be a whole number from 1 to 100"),
        ("/api/users?page=101&limit=100", "page: is too deep: pages show the first 10000 items"),
        ("/api/users?page=4294967295", "page: is too deep"),
        ("/api/users?page=4294967296", "page: must be a whole number"),
        ("/api/users?business=1&business=2", "business: is given twice"),
        ("/api/users?sort=createdAt&sort=createdAt", "sort: is given twice"),
        ("/api/users?ids=1&sort=id", "sort: cannot be combined with ids"),
        ("/api/votes?ids=1", "ids: is not a parameter here"),
        (
            "/api/businesses/1/products?business=2",
            "business: is not a parameter here; allowed are page, limit, sort, category",
        ),
        ("/api/businesses/1/products?sort=price", "sort: no index"),
        ("/api/businesses/1/proposals/p/tally?page=1", "page: is not a parameter here; none is"),
        ("/api/products/1/trace?sort=timestamp", "sort: is not a parameter here"),
    ] {
        says(&api.get(path).await, 400, expected);
    }
    let long = "x".repeat(255);
    says(&api.get(&format!("/api/manufacturers?industry={long}")).await, 400, "industry: must be text of 1 to 254");
    for path in ["/api/users?page=100&limit=100", "/api/users?sort=-id", "/api/businesses?sort=createdAt"] {
        api.get(path).await.ok(200);
    }
}

#[tokio::test]
async fn a_place_must_be_on_the_globe() {
    let api = Api::seeded().await;
    for (query, expected) in [
        ("lat=1&within_km=1", "lng: must be a number from -180 to 180"),
        ("lng=181&lat=1&within_km=1", "lng: must be a number from -180 to 180"),
        ("lng=1&lat=-90.5&within_km=1", "lat: must be a number from -90 to 90"),
        ("lng=NaN&lat=1&within_km=1", "lng: must be"),
        ("lng=inf&lat=1&within_km=1", "lng: must be"),
        ("lng=1e999&lat=1&within_km=1", "lng: must be"),
        ("lng=1&lat=1&within_km=-1", "within_km: must be a number from 0 to 20037"),
        ("lng=1&lat=1&within_km=20038", "within_km: must be"),
        ("lng=1&lat=1&within_km=1&limit=0", "limit: must be"),
        ("lng=1&lat=1&within_km=1&lng=2", "lng: is given twice"),
        ("lng=1&lat=1&within_km=1&page=2", "page: is not a parameter here; allowed are lng, lat, within_km, limit"),
    ] {
        says(&api.get(&format!("/api/events/near?{query}")).await, 400, expected);
    }
    for query in ["lng=180&lat=90&within_km=20037", "lng=-180&lat=-90&within_km=0"] {
        api.get(&format!("/api/events/near?{query}")).await.ok(200);
    }
}

#[tokio::test]
async fn a_query_that_is_no_text_is_refused() {
    let api = Api::seeded().await;
    for path in [
        "/api/products/search?q=%FF",
        "/api/votes?voterAddress=%C3%28",
        "/api/users?%FF=1",
        "/api/events?eventType=%ED%A0%80",
    ] {
        assert_eq!(api.get(path).await.problem(400), "the query string is malformed", "{path}");
    }
    for path in [
        "/api/votes/%FF",
        "/api/breakers/%FF",
        "/api/businesses/1/proposals/%FF/tally",
        "/api/businesses/x/proposals/p/tally",
        "/api/businesses/1/proposals/a%20b/tally",
    ] {
        api.get(path).await.problem(400);
    }
    api.get("/api/products/search?q=caf%C3%A9%").await.ok(200);
}

#[tokio::test]
async fn bodies_of_votes_and_events_and_makers_are_read_strictly() {
    let api = Api::seeded().await;
    let place = json!({ "country": "PT", "city": "Porto", "coordinates": [-8.61, 41.15] });
    let with = |mut body: Value, name: &str, value: Value| {
        body[name] = value;
        body
    };
    let vote = json!({ "business": 1, "proposalId": "p", "voterAddress": "refused", "selectedProductId": 21 });
    let event = json!({ "manufacturer": 1, "productId": 1, "eventType": "packed", "location": place });
    let maker = json!({ "email": "a@b.c", "name": "A", "industry": "food", "location": place });
    let at = |coordinates: Value| with(event.clone(), "location", with(place.clone(), "coordinates", coordinates));
    for (path, body, expected) in [
        (
            "/api/votes",
            with(vote.clone(), "selectedProductId", 22.into()),
            "selectedProductId: names a document that does not exist",
        ),
        ("/api/votes", with(vote.clone(), "business", 999.into()), "business: names a document that does not exist"),
        (
            "/api/votes",
            with(vote.clone(), "proposalId", "a:b".into()),
            "proposalId: must be 1 to 64 letters, digits, `-`, `_` or `.`",
        ),
        ("/api/votes", with(vote.clone(), "voterAddress", "a b".into()), "voterAddress: must be an address"),
        ("/api/votes", with(vote.clone(), "voterAddress", "x".repeat(255).into()), "voterAddress: must be an address"),
        ("/api/votes", with(vote.clone(), "weight", 2.into()), "weight: is not a field here"),
        (
            "/api/events",
            with(event.clone(), "manufacturer", 999.into()),
            "manufacturer: names a document that does not exist",
        ),
        (
            "/api/events",
            with(event.clone(), "productId", 999.into()),
            "productId: names a document that does not exist",
        ),
        ("/api/events", with(event.clone(), "eventType", "lost".into()), "eventType: unknown variant `lost`"),
        ("/api/events", with(event.clone(), "timestamp", "soon".into()), "timestamp: must be a moment such as"),
        (
            "/api/events",
            with(event.clone(), "timestamp", "-009000-01-01T00:00:00Z".into()),
            "timestamp: must be a moment such as",
        ),
        ("/api/events", at(json!([181, 0])), "location.coordinates: must be a longitude"),
        ("/api/events", at(json!([0, 91])), "location.coordinates: must be a longitude"),
        ("/api/events", at(json!([0])), "location.coordinates: must be a longitude"),
        ("/api/events", at(json!(["0", "0"])), "location.coordinates: must be a longitude"),
        ("/api/events", at(json!([null, 0])), "location.coordinates: must be a longitude"),
        (
            "/api/events",
            with(event.clone(), "location", json!({ "city": "Porto", "x": 1 })),
            "location.x: is not a field here",
        ),
        ("/api/manufacturers", with(maker.clone(), "name", "x".repeat(101).into()), "name: must be text of 1 to 100"),
        ("/api/manufacturers", with(maker.clone(), "isVerified", 1.into()), "isVerified: must be true or false"),
        ("/api/manufacturers", with(maker.clone(), "adress", 1.into()), "adress: is not a field here"),
    ] {
        says(&api.post(path, &body).await, 422, expected);
    }
    let reply = api.json(Method::POST, "/api/events", event.to_string().replace("41.15", "1e999")).await;
    assert!(reply.problem(400).starts_with("the body is not JSON"), "a number that is not finite is no JSON");
    for path in ["/api/votes", "/api/events", "/api/manufacturers"] {
        says(&api.post(path, &json!([])).await, 422, ": must be a JSON object");
        for body in [b"{".to_vec(), vec![0xFF, 0xFE], "[".repeat(100_000).into_bytes(), b"{\"a\":1}{}".to_vec()] {
            api.json(Method::POST, path, body).await.problem(400);
        }
        api.send(request(Method::POST, path).body(Body::from("{}"))).await.problem(415);
        api.json(Method::POST, path, " ".repeat(max_body() + 1)).await.problem(413);
    }
}
