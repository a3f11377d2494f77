//! Responses that are made of what is refreshed.

use super::*;
use crate::tests::reached;

/// A server whose responses are made of `product:7`, and whose handler fails while the flag says so.
fn made_of_a_product(cache_control: &'static str, is_down: Arc<AtomicUsize>) -> Server {
    server(
        |layer| layer,
        move |_, call| {
            if is_down.load(SeqCst) == 1 {
                return Err("down");
            }
            let mut response = out(&[("cache-control", cache_control)], call.to_string());
            response.extensions_mut().insert(CacheTags::new(["product:7"]));
            Ok(response)
        },
    )
}

impl Server {
    async fn refresh(&self, pattern: &str) {
        self.fast.cache().refresh(reached(pattern)).await;
    }
}

#[tokio::test]
async fn the_handler_is_asked_again_after_a_refresh_of_its_data() {
    let server = made_of_a_product("max-age=60", Arc::default());
    for pattern in ["product:7", "product:*"] {
        let before = server.get("/a").await.body;
        assert_eq!(server.get("/a").await.body, before);
        server.refresh("product:8").await;
        assert_eq!(server.get("/a").await.body, before, "the response is made of another product");
        server.refresh(pattern).await;
        let after = server.get("/a").await;
        assert_ne!(after.body, before, "{pattern}");
        assert_eq!(after.cache(), "fastness; fwd=stale; stored");
        assert!(server.get("/a").await.cache().contains("hit"));
    }
    assert_eq!(server.calls(), 3);
}

#[tokio::test]
async fn the_old_response_is_served_while_one_request_revalidates() {
    let server = made_of_a_product("max-age=60, stale-while-revalidate=20", Arc::default());
    server.get("/a").await;
    server.refresh("product:7").await;
    assert_eq!(server.get("/a").await.body, "0");
    while server.get("/a").await.body == "0" {
        tokio::task::yield_now().await;
    }
    assert_eq!((server.get("/a").await.body.as_str(), server.calls()), ("1", 2));
    assert_eq!(server.fast.stats().total.hits, server.fast.stats().total.stale_served + 2);
}

#[tokio::test]
async fn the_old_response_replaces_a_failed_one_until_its_own_bound() {
    for (said, is_excused) in [("max-age=60, stale-if-error=60", true), ("max-age=60", false)] {
        let is_down = Arc::<AtomicUsize>::default();
        let server = made_of_a_product(said, is_down.clone());
        server.get("/a").await;
        server.wait(30);
        server.refresh("product:7").await;
        is_down.store(1, SeqCst);
        let get = || server.try_send(Request::get("/a").body(String::new()).unwrap());
        assert_eq!(get().await.is_ok_and(|seen| seen.body == "0"), is_excused, "{said}");
        server.wait(80);
        assert_eq!(get().await.is_ok_and(|seen| seen.body == "0"), is_excused, "{said}");
        server.wait(10);
        assert!(get().await.is_err(), "{said}");
    }
}

/// The names in `Vary` are refreshed with their resource, and stored again with the next response.
#[tokio::test]
async fn a_response_that_varies_is_a_hit_again() {
    let server = server(|layer| layer, |_, call| Ok(out(&[MINUTE, ("vary", "accept")], call.to_string())));
    server.get("/a").await;
    server.refresh("http:*").await;
    let asked = server.get("/a").await;
    assert_eq!((asked.body.as_str(), server.calls()), ("1", 2));
    assert!(server.get("/a").await.cache().contains("hit"));
    assert_eq!(server.calls(), 2);
}
