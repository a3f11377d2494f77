//! `GET /openapi.json`: the surface as an `OpenAPI` document.
//!
//! Schemas come from the types that are served and read; parameters from the tables that the extractors go by. A test walks
//! through every operation and holds the answers against the document, and the document against the routes.

mod answers;
mod operation;
mod paths;

use std::sync::LazyLock;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder};

use self::operation::Operation;

pub(super) fn routes() -> Router {
    Router::new().route("/openapi.json", get(document))
}

async fn document() -> Json<&'static OpenApi> {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(build);
    Json(&DOCUMENT)
}

fn build() -> OpenApi {
    let (mut paths, mut components) = (PathsBuilder::new(), ComponentsBuilder::new());
    for Operation { method, path, built, schemas, .. } in paths::operations() {
        paths = paths.path(path, PathItem::new(method, built));
        components = components.schemas_from_iter(schemas);
    }
    let info = InfoBuilder::new().title("fastness demo-app").version(env!("CARGO_PKG_VERSION")).description(Some(
        "A marketplace: the reference server of fastness. Where there is GET, there is HEAD. A read says in `x-cache` whether it came \
         out of the cache. Lists are filtered and sorted by what an index serves; anything else is a 400 that says by what.",
    ));
    OpenApiBuilder::new().info(info.build()).paths(paths).components(Some(components.build())).build()
}
