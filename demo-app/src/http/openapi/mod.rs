//! `GET /openapi.json`: the surface as an `OpenAPI` document.
//!
//! Schemas come from the types that are served and read, those of the runtime's own answers from `foreign.json`; parameters from the tables
//! that the extractors go by. A test walks
//! through every operation and holds the answers against the document, and the document against the routes.

mod operation;
mod paths;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, RefOr, Schema};

use self::operation::Operation;
use super::index::{Access, ENDPOINTS};

pub(super) fn routes() -> Router {
    Router::new().route("/openapi.json", get(document))
}

async fn document() -> Json<&'static OpenApi> {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(build);
    Json(&DOCUMENT)
}

fn build() -> OpenApi {
    let (mut paths, mut components) = (PathsBuilder::new(), ComponentsBuilder::new());
    for operation in paths::operations() {
        let Operation { method, path, built, schemas } = gated(operation);
        paths = paths.path(path, PathItem::new(method, built));
        components = components.schemas_from_iter(schemas);
    }
    components = components.schemas_from_iter(foreign());
    let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    components = components.security_scheme(TOKEN, token);
    let info = InfoBuilder::new().title("fastness demo-app").version(env!("CARGO_PKG_VERSION")).description(Some(
        "A marketplace: the reference server of fastness. Where there is GET, there is HEAD. A read says in `x-cache` whether it came \
         out of the cache. Lists are filtered and sorted by what an index serves; anything else is a 400 that says by what.",
    ));
    OpenApiBuilder::new().info(info.build()).paths(paths).components(Some(components.build())).build()
}

/// Schemas of answers whose types are the runtime's or another crate's, as plain data.
fn foreign() -> BTreeMap<String, RefOr<Schema>> {
    serde_json::from_str(include_str!("foreign.json")).expect("schemas")
}

/// The name of the token among what an operation may ask for.
const TOKEN: &str = "adminToken";

/// The operation, with what it asks for if it is one of control.
fn gated(operation: Operation) -> Operation {
    if !ENDPOINTS.iter().any(|(access, _, path, _)| *access == Access::Control && *path == operation.path) {
        return operation;
    }
    let mut operation = operation
        .error(401, "It needs the server's ADMIN_TOKEN: `Authorization: Bearer ..`.")
        .error(403, "It stands on the private listener, or is closed; `detail` says which.");
    // Not where this computer alone can reach the server.
    let either = [SecurityRequirement::new(TOKEN, Vec::<String>::new()), SecurityRequirement::default()];
    operation.built = operation.built.securities(Some(either));
    operation
}
