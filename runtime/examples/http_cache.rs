//! An HTTP cache that functions invalidate: `cargo run -p fastness --features http --example http_cache`.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Router};
use fastness::cache_invalidate;
use fastness::http::{CacheLayer, CacheTags};
use tower::ServiceExt;

async fn product(Path(id): Path<u64>) -> impl IntoResponse {
    println!("  the handler runs for product {id}");
    let made_of = CacheTags::new([format!("product:{id}")]);
    ([(header::CACHE_CONTROL, "max-age=60")], Extension(made_of), format!("product {id}"))
}

/// A write that knows nothing of HTTP.
#[cache_invalidate("product:{id}")]
async fn rename(id: u64) {
    println!("product {id} is renamed");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new().route("/products/{id}", get(product)).layer(CacheLayer::new());
    let ask = async |path: &str| {
        println!("GET {path}");
        let response = app.clone().oneshot(Request::get(path).body(Body::empty())?).await?;
        println!("  cache-status: {}", response.headers()["cache-status"].to_str()?);
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    ask("/products/7").await?;
    ask("/products/7").await?;
    ask("/products/8").await?;
    rename(7).await;
    ask("/products/7").await?;
    ask("/products/8").await?;
    Ok(())
}
