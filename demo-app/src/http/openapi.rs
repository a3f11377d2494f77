//! `GET /openapi.json`, the surface as an `OpenAPI` document, and `GET /`, its endpoints for people who come without documentation.
//!
//! A test walks through every operation and holds the answers against the document, and the document against the routes.

use std::sync::LazyLock;

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

/// The clients that may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Every client, on the public listener.
    Open,
    /// Every client, on both listeners. The details behind the status are for clients that control endpoints accept.
    Health,
    /// Clients that [`Control`](crate::config::Control) accepts: the endpoint shows the inside of the server, or changes it.
    Control,
}

/// A path, and the methods there.
#[derive(Clone, Debug, Serialize)]
pub struct Endpoint {
    /// The clients that may call it.
    pub access: Access,
    /// The methods that it takes, beside HEAD.
    pub methods: Vec<String>,
    /// The path, with the names of parameters in braces.
    pub path: String,
    /// The purpose of each method.
    pub about: String,
}

impl Endpoint {
    fn new(path: &str, operations: &Value) -> Self {
        let operations: Vec<_> = operations.as_object().into_iter().flatten().collect();
        let asks_for_token = operations.iter().any(|(_, operation)| operation["security"].is_array());
        let access = match path {
            _ if asks_for_token => Access::Control,
            health if health.starts_with("/health") => Access::Health,
            _ => Access::Open,
        };
        let about: Vec<_> = operations.iter().filter_map(|(_, operation)| operation["summary"].as_str()).collect();
        let methods = operations.iter().map(|(method, _)| method.to_uppercase()).collect();
        Self { access, methods, path: path.to_owned(), about: about.join("; ") }
    }
}

/// Every endpoint of the document.
pub fn endpoints() -> &'static [Endpoint] {
    static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
        let document: Value = serde_json::from_str(DOCUMENT).expect("the document is JSON");
        let paths = document["paths"].as_object().into_iter().flatten();
        paths.map(|(path, operations)| Endpoint::new(path, operations)).collect()
    });
    &ENDPOINTS
}

pub(super) async fn index() -> Json<Value> {
    Json(json!({ "name": "fastness demo-app", "endpoints": endpoints() }))
}
