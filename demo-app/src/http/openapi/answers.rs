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
    methods: Vec<String>,
    path: String,
    about: String,
}

/// What was dropped.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
pub(super) struct Invalidated {
    invalidated: String,
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
