//! Variants of one address: their number, normal forms, and cookies that are ignored.

use super::*;

const BY_LANGUAGE: Lines = &[MINUTE, ("vary", "accept-language")];

#[tokio::test]
async fn a_further_variant_replaces_the_oldest() {
    let head = [MINUTE, ("vary", "accept")];
    let server = server(|layer| layer.max_variants(3), move |_, call| Ok(out(&head, call.to_string())));
    let ask = async |kind: usize| server.send(Method::GET, "/a", &[("accept", &kind.to_string())]).await;
    for kind in 0..4 {
        assert!(ask(kind).await.cache().ends_with("; stored"), "{kind}");
    }
    for kind in 1..4 {
        assert_eq!(ask(kind).await.body, kind.to_string(), "the three newest are stored");
    }
    assert_eq!(ask(0).await.cache(), "fastness; fwd=vary-miss; stored", "the oldest made room");
    assert_eq!((ask(1).await.body.as_str(), server.calls()), ("5", 6), "and the next oldest after it");
    let keys = server.fast.function("http").unwrap().keys(100);
    assert_eq!(keys.keys.len(), 4, "three variants, and the names of the fields");
}

#[tokio::test]
async fn variants_that_have_expired_make_room_before_the_oldest() {
    let server = server(
        |layer| layer.max_variants(2),
        |request, call| {
            let short = request.headers()["accept"] == "short";
            let control = if short { "max-age=1, must-revalidate" } else { "max-age=600" };
            Ok(out(&[("cache-control", control), ("vary", "accept")], call.to_string()))
        },
    );
    let ask = async |kind: &str| server.send(Method::GET, "/a", &[("accept", kind)]).await.body;
    assert_eq!((ask("old").await.as_str(), ask("short").await.as_str()), ("0", "1"));
    server.wait(2);
    assert_eq!((ask("new").await.as_str(), ask("old").await.as_str()), ("2", "0"));
}

#[tokio::test]
async fn made_up_values_do_not_switch_an_address_off() {
    let server = server(|layer| layer.capacity(100), |_, call| Ok(out(BY_LANGUAGE, call.to_string())));
    let ask = async |language: &str| server.send(Method::GET, "/a", &[("accept-language", language)]).await;
    for number in 0..16_000 {
        ask(&format!("x-{number}")).await;
    }
    let first = ask("en").await;
    assert_eq!(first.cache(), "fastness; fwd=vary-miss; stored");
    assert_eq!(ask("en").await.body, first.body);
    assert!(server.fast.function("http").unwrap().keys(1_000).keys.len() <= 17, "and take no more room");
}

#[tokio::test]
async fn without_variants_no_response_that_varies_is_stored() {
    let server = server(|layer| layer.max_variants(0), |_, _| Ok(out(BY_LANGUAGE, "")));
    for _ in 0..2 {
        assert_eq!(server.get("/a").await.cache(), "fastness; fwd=uri-miss; detail=variant");
    }
}

#[tokio::test]
async fn a_variant_that_makes_room_may_be_loaded_at_the_same_time() {
    let server = server(
        |layer| layer.max_variants(1),
        |request, _| Ok(out(&[MINUTE, ("vary", "accept")], request.headers()["accept"].to_str().unwrap().to_owned())),
    );
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (service, kind) = (server.service.clone(), (number % 3).to_string());
        asked.spawn(async move {
            let request = Request::get("/a").header("accept", &kind).body(String::new()).unwrap();
            let body = service.oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, kind);
        });
    }
    while let Some(one) = asked.join_next().await {
        one.unwrap();
    }
}

#[tokio::test]
async fn rfc9111_4_1_clients_with_the_same_order_of_languages_share_a_response() {
    let server = server(|layer| layer, |_, call| Ok(out(BY_LANGUAGE, call.to_string())));
    let ask = async |language: &str| server.send(Method::GET, "/a", &[("accept-language", language)]).await.body;
    assert_eq!(ask("en-GB, en;q=0.9, de;q=0.5").await, "0");
    assert_eq!(ask("de;q=0.1,EN-gb,en;q=0.2").await, "0");
    assert_eq!(ask("de, en-GB;q=0.5, en;q=0.4").await, "1");
    assert_eq!(ask("en-GB, en;q=0.9").await, "2");
}

#[tokio::test]
async fn requests_whose_cookies_are_all_ignored_are_cached() {
    let answer = |request: &Request<String>, call: usize| {
        let control = if request.uri().path() == "/public" { "public, max-age=60" } else { "max-age=60" };
        Ok(out(&[("cache-control", control), ("vary", "cookie")], call.to_string()))
    };
    let ignoring = |layer: CacheLayer| layer.ignored_cookies(["_ga*", "theme"]);
    let server = server(ignoring, answer);
    let ask = async |cookie: &str| server.send(Method::GET, "/a", &[("cookie", cookie)]).await;
    let first = server.get("/a").await;
    assert_eq!(ask("_ga=1; _ga_ABC=2").await.body, first.body);
    assert_eq!(ask("theme=dark").await.body, first.body);
    assert_eq!(ask("theme=dark; session=1").await.cache(), "fastness; fwd=bypass");
    let both = server.send(Method::GET, "/a", &[("cookie", "_ga=1"), ("authorization", "ada")]).await;
    assert_eq!(both.cache(), "fastness; fwd=bypass");

    let public = self::server(move |layer| ignoring(layer).public_with_credentials(), answer);
    let ask = async |cookie: &str| public.send(Method::GET, "/public", &[("cookie", cookie)]).await.body;
    let first = ask("plan=a; _ga=1").await;
    assert_eq!(ask("_ga=2; plan=a").await, first);
    assert_ne!(ask("_ga=2; plan=b").await, first, "other cookies count");
}
