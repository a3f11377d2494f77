//! Every operation.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::HttpMethod::{Delete, Get, Post, Put};
use utoipa::openapi::schema::OneOfBuilder;

use super::operation::Operation;
use crate::domain::{
    Business, BusinessDraft, EventDraft, Manufacturer, ManufacturerDraft, Page, Product, ProductDraft,
    SupplyChainEvent, Tally, User, UserDraft, Vote, VoteDraft,
};
use crate::http::lists::Listed;
use crate::http::responses::Batch;
use crate::http::{cache, events, figures, index, ratings, resilience, supplier};

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![
        Operation::new(Get, "/", "What is served").answers::<index::Index>(200, "Every endpoint."),
        Operation::new(Get, "/openapi.json", "This document").answers_named(200, "OpenApi", "OpenAPI."),
    ];
    all.extend(collection::<User, UserDraft>("user", "/api/users", "/api/users/{id}", user()));
    all.extend(collection::<Business, BusinessDraft>(
        "business",
        "/api/businesses",
        "/api/businesses/{id}",
        business(),
    ));
    all.extend(collection::<Product, ProductDraft>("product", "/api/products", "/api/products/{id}", product()));
    let (many, one) = ("/api/manufacturers", "/api/manufacturers/{id}");
    all.extend(collection::<Manufacturer, ManufacturerDraft>("manufacturer", many, one, manufacturer()));
    all.extend(products());
    all.extend(votes());
    all.extend(supply_chain());
    all.extend(hands());
    all.extend(looks());
    all
}

/// List, batch, create, read, update, delete.
fn collection<M: Listed + ToSchema, D: ToSchema>(
    what: &str,
    many: &'static str,
    one: &'static str,
    example: Value,
) -> [Operation; 5]
where
    Page<M>: ToSchema,
    Batch<M>: ToSchema,
{
    let mut list = Operation::new(Get, many, "A page, or some by id").ids().listed::<M>();
    let (page, batch) = (list.knows::<Page<M>>(), list.knows::<Batch<M>>());
    let create = Operation::new(Post, many, "Adds one").body::<D>(example.clone()).stored();
    let update = Operation::new(Put, one, "Writes over it").body::<D>(example).named(what).stored();
    [
        list.answers_either(OneOfBuilder::new().item(page).item(batch), "A page; with `ids`, a batch."),
        create.answers::<M>(201, "It, and in `location` where it is.").error(409, "Another one has the same email."),
        Operation::new(Get, one, "One").answers::<M>(200, "It.").named(what).stored(),
        update.answers::<M>(200, "What it is now.").error(409, "Another one has the same email.").depends(),
        Operation::new(Delete, one, "Removes it").answers_nothing("It is gone.").named(what).stored().depends(),
    ]
}

fn products() -> [Operation; 3] {
    let (catalog, search) = ("/api/businesses/{id}/products", "/api/products/search");
    [
        Operation::new(Get, catalog, "What a business sells")
            .paged()
            .sorted()
            .text("category", "The one shelf to look at.")
            .answers::<Page<Product>>(200, "A page, the newest first.")
            .named("business")
            .stored(),
        Operation::new(Get, search, "Products by words")
            .must("q", "Words that name or description must have, all of them.")
            .text("category", "The one shelf to look at.")
            .paged()
            .answers::<Page<Product>>(200, "A page, in no order of note.")
            .refuses()
            .stored(),
        Operation::new(Get, "/api/products/{id}/rating", "What others think of a product")
            .answers::<ratings::Answer>(200, "The rating; no stars if the supplier could not be asked.")
            .named("product")
            .error(502, "The supplier cannot be asked."),
    ]
}

fn votes() -> [Operation; 4] {
    let tally = "/api/businesses/{id}/proposals/{proposal}/tally";
    [
        Operation::new(Get, "/api/votes", "A page of votes").listed::<Vote>().answers::<Page<Vote>>(200, "A page."),
        Operation::new(Post, "/api/votes", "Casts a vote, one per voter and proposal")
            .body::<VoteDraft>(vote())
            .answers::<Vote>(201, "It, and in `location` where it is.")
            .error(409, "This voter has voted on this proposal.")
            .error(429, "This voter has tried too often; `retry-after` says when to come back.")
            .stored(),
        Operation::new(Get, "/api/votes/{vote}", "One vote").answers::<Vote>(200, "It.").named("vote").stored(),
        Operation::new(Get, tally, "How a proposal stands")
            .answers::<Tally>(200, "Votes per product, the most wanted first.")
            .named("business")
            .stored(),
    ]
}

fn supply_chain() -> [Operation; 5] {
    let events_near = Operation::new(Get, "/api/events/near", "What happened near a place, the nearest first");
    [
        Operation::new(Get, "/api/events", "A page of events")
            .listed::<SupplyChainEvent>()
            .answers::<Page<SupplyChainEvent>>(200, "A page."),
        Operation::new(Post, "/api/events", "Adds what happened to a product")
            .body::<EventDraft>(event())
            .answers::<SupplyChainEvent>(201, "It, and in `location` where it is.")
            .stored(),
        events_near
            .decimal("lng", 180.0, -180.0, "Longitude in degrees.")
            .decimal("lat", 90.0, -90.0, "Latitude in degrees.")
            .decimal("within_km", f64::from(crate::domain::Near::MAX_KM), 0.0, "How far away at most, in kilometres.")
            .limit()
            .answers::<events::Nearby<'_>>(200, "Events and their distances.")
            .refuses()
            .stored(),
        Operation::new(Get, "/api/events/{id}", "One event")
            .answers::<SupplyChainEvent>(200, "It.")
            .named("event")
            .stored(),
        Operation::new(Get, "/api/products/{id}/trace", "What happened to a product, in the order of time")
            .paged()
            .answers::<Page<SupplyChainEvent>>(200, "A page.")
            .named("product")
            .stored(),
    ]
}

/// The cache, the policies, the supplier.
fn hands() -> Vec<Operation> {
    let breaker = "/api/breakers/{name}";
    let wish = Operation::new(Put, breaker, "Forces a circuit breaker");
    vec![
        Operation::new(Get, "/api/cache/stats", "What the cache did")
            .answers::<cache::Report>(200, "In total and per function."),
        Operation::new(Get, "/api/cache/registry", "What is cached")
            .answers_all::<cache::Listed>("Every annotated function."),
        Operation::new(Post, "/api/cache/invalidate", "Drops a key or a prefix")
            .body::<cache::Invalidation>(json!({ "pattern": "user:*" }))
            .answers::<cache::Invalidated>(200, "What was dropped."),
        Operation::new(Get, "/api/resilience", "What the policies did")
            .answers_all::<resilience::Policy>("Every policy."),
        Operation::new(Get, breaker, "A circuit breaker")
            .answers::<resilience::Detail>(200, "It, and its last changes.")
            .error(404, "No circuit breaker has this name.")
            .refuses(),
        wish.body::<resilience::Force>(json!({ "state": "automatic" }))
            .answers::<resilience::Detail>(200, "What it is now.")
            .error(404, "No circuit breaker has this name."),
        Operation::new(Get, "/api/supplier", "Who knows the ratings").answers::<supplier::SupplierState>(200, "It."),
        Operation::new(Put, "/api/supplier", "Breaks the supplier, or mends it")
            .body::<supplier::Change>(json!({ "mood": "up" }))
            .answers::<supplier::SupplierState>(200, "What it is now.")
            .error(409, "The supplier is not this server's own, or its port is taken."),
    ]
}

/// Operations that show the state of the server, of its monitor and of the database.
fn looks() -> [Operation; 8] {
    [
        Operation::new(Get, "/api/slow-queries", "Queries that took long")
            .answers_all_named("SlowQuery", "By shape; none of the embedded store."),
        Operation::new(Get, "/api/indexes", "The database and its indexes")
            .answers::<figures::Indexes>(200, "As of the last look."),
        Operation::new(Get, "/api/performance", "Figures of everything")
            .answers_named(200, "Performance", "As of the last sample.")
            .answers_named(503, "Readiness", "There was none yet."),
        Operation::new(Get, "/metrics", "Figures for Prometheus")
            .shows("text/plain; version=0.0.4; charset=utf-8", "Its text format."),
        Operation::new(Get, "/dashboard", "Figures for people").shows("text/html; charset=utf-8", "A page."),
        Operation::new(Get, "/health", "State and figures")
            .answers_named(
                200,
                "Health",
                "It serves. Where control endpoints refuse who asks, the answer has `status` alone.",
            )
            .answers_named(503, "Health", "It cannot serve what the database has."),
        Operation::new(Get, "/health/live", "Whether the server runs").answers_named(200, "State", "It does."),
        Operation::new(Get, "/health/ready", "Whether it can serve")
            .answers_named(200, "State", "It can.")
            .answers_named(503, "Readiness", "It cannot, and why; or it is about to stop."),
    ]
}

fn user() -> Value {
    json!({ "business": 1, "name": "Grace Hopper", "email": "grace@example.com" })
}

fn business() -> Value {
    let subscription = json!({ "plan": "pro", "status": "trialing" });
    json!({ "email": "hello@bakery.example", "businessName": "Bakery", "subscription": subscription })
}

fn product() -> Value {
    json!({ "business": 1, "name": "Copper Kettle", "description": "Sings.", "category": "home", "price": 4_900 })
}

fn manufacturer() -> Value {
    let location = json!({ "country": "PT", "city": "Porto", "coordinates": [-8.61, 41.15] });
    json!({ "email": "works@kiln.example", "name": "Kiln", "industry": "ceramics", "isVerified": true, "location": location })
}

fn vote() -> Value {
    json!({ "business": 1, "proposalId": "autumn-2030", "voterAddress": "ada@example.com", "selectedProductId": 21 })
}

fn event() -> Value {
    let location = json!({ "country": "DE", "city": "Hamburg", "coordinates": [9.99, 53.55] });
    let timestamp = "2030-01-02T03:04:05Z";
    json!({ "manufacturer": 1, "productId": 1, "eventType": "shipped", "timestamp": timestamp, "location": location })
}
