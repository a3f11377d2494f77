//! Answers that handlers put together on the spot, described.

use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::Id;
use crate::supplier::Mood;

/// Some documents by their ids.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Batch<T> {
    /// In the order asked for.
    items: Vec<T>,
    /// The ids that name none.
    missing: Vec<Id>,
}

/// What is served.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Index {
    name: String,
    endpoints: Vec<Endpoint>,
}

/// A path, and what can be done there.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Endpoint {
    /// `open`, `health` or `control`.
    access: String,
    methods: Vec<String>,
    path: String,
    about: String,
}

/// What was dropped.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Invalidated {
    invalidated: String,
    reach: Reach,
}

/// How far that got.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "a description")]
pub(super) enum Reach {
    /// Every server knows.
    Announced,
    /// This one alone: the others hear of it once the shared cache can be reached.
    LocalOnly,
}

/// Who knows the ratings.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "a description")]
pub(super) struct SupplierState {
    url: String,
    /// Null if the supplier is not this server's own.
    #[schema(required)]
    stand_in: Option<StandInState>,
}

/// A supplier that can be broken.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct StandInState {
    mood: Mood,
    /// How often it was asked.
    requests: u64,
}

/// A word.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct State {
    #[schema(example = "alive")]
    status: String,
}

/// An `OpenAPI` document.
#[derive(ToSchema)]
#[schema(as = OpenApi)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Document(Value);

/// Why it cannot serve.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Readiness {
    #[schema(example = "notReady")]
    status: String,
    reasons: Vec<String>,
}

/// How the server is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Health {
    #[schema(example = "healthy")]
    status: String,
    timestamp: String,
    /// Milliseconds since the start.
    uptime: u64,
    /// In bytes; all 0 where the system does not tell.
    memory: Memory,
    database: Database,
    cache: Cache,
    /// Requests that failed by the server's fault in the last minute.
    errors: Errors,
    /// Why it is not healthy.
    reasons: Vec<String>,
    probes: Vec<Probe>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Memory {
    used: u64,
    free: u64,
    total: u64,
    percentage: u64,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Database {
    connected: bool,
    /// Of the probe's query, in milliseconds; of an embedded store too, whose distance is simulated.
    latency: u64,
    /// 0 for an embedded store, which needs none.
    connections: u64,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "a description")]
pub(super) struct Cache {
    /// Whether the tier that processes share can be used; true where there is none.
    connected: bool,
    /// In milliseconds; 0 where the cache is part of this process.
    latency: u64,
    /// In percent.
    hit_rate: f64,
    /// Whether all processes agree on what is invalid; true for one alone.
    coherent: bool,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Errors {
    count: u64,
    /// In percent of all requests.
    rate: f64,
}

/// What was asked, and whether it answered.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Probe {
    name: String,
    ok: bool,
    /// In milliseconds.
    latency: f64,
    #[schema(required)]
    error: Option<String>,
    optional: bool,
}

/// Queries of one shape that took long.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct SlowQuery {
    collection: String,
    shape: String,
    count: u64,
    /// In milliseconds.
    slowest: f64,
    #[schema(required)]
    index: Option<String>,
}

/// The database: what kind it is, its indexes, its changes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Indexes {
    database: Value,
}

/// Figures by section.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Performance(Value);

/// Text.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Text(String);
