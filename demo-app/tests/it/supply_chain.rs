//! Manufacturers and events over HTTP: traces, and a search by place.

use serde_json::{Value, json};

use crate::api::{Api, NOW};

fn maker() -> Value {
    let location = json!({ "country": "PT", "city": "Porto", "coordinates": [-8.61, 41.15] });
    json!({ "email": "Works@kiln.example", "name": "Kiln", "industry": "Ceramics", "location": location })
}

fn shipped() -> Value {
    let location = json!({ "country": "DE", "city": "Hamburg", "coordinates": [9.99, 53.55] });
    json!({ "manufacturer": 1, "productId": 1, "eventType": "shipped", "location": location })
}

#[tokio::test]
async fn a_manufacturer_lives_from_post_to_delete() {
    let api = Api::seeded().await;
    let created = api.post("/api/manufacturers", &maker()).await;
    assert_eq!(created.header("location"), Some("/api/manufacturers/31"));
    let mut made = created.ok(201);
    assert_eq!((&made["email"], &made["industry"]), (&json!("works@kiln.example"), &json!("ceramics")));
    assert_eq!((&made["isVerified"], &made["lastLoginAt"]), (&json!(false), &Value::Null));
    api.post("/api/manufacturers", &maker()).await.problem(409);

    made["isVerified"] = true.into();
    assert_eq!(api.put("/api/manufacturers/31", &made).await.ok(200), made);
    assert_eq!(api.get("/api/manufacturers/31").await.ok(200), made);
    let verified = api.get("/api/manufacturers?industry=ceramics&isVerified=true").await.ok(200);
    assert!(verified["items"].as_array().unwrap().contains(&made));
    api.delete("/api/manufacturers/31").await.ok(204);
    assert_eq!(api.get("/api/manufacturers/31").await.problem(404), "no manufacturer has the id 31");
    api.put("/api/manufacturers/31", &maker()).await.problem(404);
}

#[tokio::test]
async fn manufacturers_are_found_by_place() {
    let api = Api::seeded().await;
    let found = api.get("/api/manufacturers?location.country=PT&location.city=Porto").await.ok(200);
    assert_eq!(found["total"], 5);
    assert!(api.get("/api/manufacturers?location.country=PT").await.ok(200)["total"].as_u64() > Some(5));
}

#[tokio::test]
async fn a_trace_is_in_the_order_of_time() {
    let api = Api::seeded().await;
    let trace = api.get("/api/products/1/trace").await.ok(200);
    let types = |trace: &Value| {
        let events =
            trace["items"].as_array().unwrap().iter().map(|event| event["eventType"].as_str().unwrap().to_owned());
        events.collect::<Vec<_>>()
    };
    assert_eq!(types(&trace), ["produced", "inspected", "shipped"]);
    // What is reported late has its place by when it happened.
    let mut late = shipped();
    late["timestamp"] = "2024-01-02T00:00:00Z".into();
    late["eventType"] = "packed".into();
    let event = api.post("/api/events", &late).await.ok(201);
    api.post("/api/events", &shipped()).await.ok(201);
    let trace = api.get("/api/products/1/trace").await.ok(200);
    assert_eq!(types(&trace), ["produced", "packed", "inspected", "shipped", "shipped"]);
    assert_eq!(trace["items"][1], event);
    assert_eq!(trace["items"][4]["timestamp"], NOW);
    assert_eq!(api.get("/api/products/999/trace").await.problem(404), "no product has the id 999");
    let id = event["id"].as_u64().unwrap();
    assert_eq!(api.get(&format!("/api/events/{id}")).await.ok(200), event);
}

#[tokio::test]
async fn the_nearest_event_is_first() {
    let api = Api::seeded().await;
    let near = api.get("/api/events/near?lng=-8.7&lat=41.2&within_km=400&limit=100").await.ok(200);
    let near = near["items"].as_array().unwrap();
    let away: Vec<_> = near.iter().map(|near| near["distanceKm"].as_f64().unwrap()).collect();
    assert!(away.is_sorted() && away[0] < 10.0 && away[away.len() - 1] > 200.0, "{away:?}");
    assert_eq!(near[0]["event"]["location"]["city"], "Porto");
    assert_eq!(api.get("/api/events/near?lng=0&lat=0&within_km=1").await.ok(200), json!({ "items": [] }));
}

#[tokio::test]
async fn events_are_found_by_type_and_maker() {
    let api = Api::seeded().await;
    let shipped = api.get("/api/events?eventType=shipped&sort=-timestamp&limit=5").await.ok(200);
    assert_eq!(shipped["total"], 200);
    let times: Vec<_> = shipped["items"].as_array().unwrap().iter().map(|event| event["timestamp"].as_str()).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "{times:?}");
    let made = api.get("/api/events?manufacturer=3").await.ok(200);
    assert!(made["items"].as_array().unwrap().iter().all(|event| event["manufacturer"] == 3));
}
