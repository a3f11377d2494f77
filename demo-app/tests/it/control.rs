//! Every endpoint, in the settings of the container and in others: open, for those with a token, or private, by intention.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use axum::http::Method;
use demo_app::config::Config;
use demo_app::http::{Access, Endpoint, endpoints};
use fastness::Fastness;
use serde_json::json;

use crate::api::{Api, Reply, request, seeded_store};

/// Endpoints for every client.
const OPEN: [&str; 20] = [
    "/",
    "/openapi.json",
    "/api/users",
    "/api/users/{id}",
    "/api/businesses",
    "/api/businesses/{id}",
    "/api/businesses/{id}/products",
    "/api/businesses/{id}/proposals/{proposal}/tally",
    "/api/manufacturers",
    "/api/manufacturers/{id}",
    "/api/products",
    "/api/products/search",
    "/api/products/{id}",
    "/api/products/{id}/trace",
    "/api/products/{id}/rating",
    "/api/votes",
    "/api/votes/{vote}",
    "/api/events",
    "/api/events/near",
    "/api/events/{id}",
];
/// A status for everybody, all else for those whom control endpoints let in.
const HEALTH: [&str; 3] = ["/health", "/health/live", "/health/ready"];
/// Endpoints behind the gate.
const CONTROL: [&str; 12] = [
    "/api/cache/stats",
    "/api/cache/registry",
    "/api/cache/invalidate",
    "/api/resilience",
    "/api/breakers/{name}",
    "/api/settings",
    "/api/supplier",
    "/api/slow-queries",
    "/api/indexes",
    "/api/performance",
    "/metrics",
    "/dashboard",
];

const TOKEN: &str = "0123456789abcdef";

/// The reaction of one listener to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Served,
    AskedForToken,
    Refused,
    NotThere,
}

fn seen(reply: &Reply, path: &str) -> Seen {
    match reply.status.as_u16() {
        401 => {
            assert!(reply.header("www-authenticate").is_some_and(|how| how.starts_with("Bearer ")), "{path}");
            reply.problem(401);
            Seen::AskedForToken
        }
        403 => {
            assert!(reply.problem(403).contains("ADMIN_ADDR"), "{path}: it says what to set");
            Seen::Refused
        }
        404 if reply.problem(404).starts_with("nothing is served at") => Seen::NotThere,
        _ => Seen::Served,
    }
}

/// Asks with every method that the endpoint takes; they must all meet the same.
async fn ask(api: &Api, methods: &[String], path: &str, token: Option<&str>) -> Seen {
    let path = path.replace("{id}", "1").replace("{proposal}", "spring-2025").replace("{name}", "supplier");
    let path = path.replace("{vote}", "2:spring-2025:grace.hopper@example.com");
    let mut all = Vec::new();
    for method in methods {
        let mut request = request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        // Neither a document nor an order: what gets to a handler does nothing.
        let request = request.header("content-type", "application/json").body("[".into());
        all.push(seen(&api.send(request).await, &path));
    }
    assert!(all.iter().all(|one| *one == all[0]), "{path}: {all:?}");
    all[0]
}

/// The settings in the image.
fn container(more: &[(&str, &str)]) -> Config {
    let file = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Dockerfile")).expect("the image's recipe");
    let line = file.lines().find_map(|line| line.strip_prefix("ENV ")).expect("settings");
    let image: Vec<_> = line.split(' ').map(|pair| pair.split_once('=').expect("a name and a value")).collect();
    Config::from_vars(|name| {
        let all = more.iter().rev().chain(image.iter().rev());
        all.copied().find(|(given, _)| *given == name).map(|(_, value)| value.to_owned())
    })
    .expect("settings that make sense")
}

async fn listeners(config: &Config) -> [Api; 2] {
    let cache = Fastness::builder().build().expect("the defaults make sense");
    Api::listeners(Arc::new(seeded_store().await), cache, config)
}

/// Checks the reaction of the public and the private listener to control endpoints, without the token and with it.
async fn walk(config: &Config, public: [Seen; 2], private: [Seen; 2]) {
    let [open, inner] = listeners(config).await;
    for Endpoint { access, methods, path, .. } in endpoints() {
        for (listener, is_public, control) in [(&open, true, public), (&inner, false, private)] {
            let found = [ask(listener, methods, path, None).await, ask(listener, methods, path, Some(TOKEN)).await];
            let expected = match access {
                Access::Open if is_public || *path == "/" => [Seen::Served; 2],
                Access::Open => [Seen::NotThere; 2],
                Access::Health => [Seen::Served; 2],
                Access::Control => control,
            };
            assert_eq!(found, expected, "{path}, public: {is_public}, without the token and with it");
            assert_eq!(ask(listener, methods, path, Some("fedcba9876543210")).await, found[0], "{path}, a wrong token");
        }
    }
}

#[tokio::test]
async fn every_endpoint_is_in_one_list() {
    let intended: Vec<_> = [(Access::Open, &OPEN[..]), (Access::Health, &HEALTH[..]), (Access::Control, &CONTROL[..])]
        .into_iter()
        .flat_map(|(access, paths)| paths.iter().map(move |path| (*path, access)))
        .collect();
    let listed: Vec<_> = endpoints().iter().map(|endpoint| (&*endpoint.path, endpoint.access)).collect();
    let paths = |pairs: &[(&'static str, Access)]| {
        pairs.iter().map(|(path, access)| (*path, format!("{access:?}"))).collect::<BTreeSet<_>>()
    };
    assert_eq!(
        paths(&listed),
        paths(&intended),
        "a new endpoint is put where it belongs, here and in the list of operations"
    );
    assert_eq!(listed.len(), intended.len(), "each once");

    // The document is compared with the routes elsewhere.
    let document = Api::seeded().await.get("/openapi.json").await.ok(200);
    for (path, item) in document["paths"].as_object().expect("paths") {
        let control = intended.contains(&(path.as_str(), Access::Control));
        for operation in item.as_object().expect("operations").values() {
            let described = [&operation["security"], &operation["responses"]["401"], &operation["responses"]["403"]];
            assert!(described.iter().all(|said| said.is_null() != control), "{path}: {operation}");
        }
    }
}

#[tokio::test]
async fn in_the_container_no_control_endpoint_is_open() {
    walk(&container(&[]), [Seen::Refused; 2], [Seen::Served; 2]).await;
}

#[tokio::test]
async fn the_containers_private_listener_asks_for_the_token_once_others_reach_it() {
    let config = container(&[("ADMIN_ADDR", "0.0.0.0:3001"), ("ADMIN_TOKEN", TOKEN)]);
    walk(&config, [Seen::Refused; 2], [Seen::AskedForToken, Seen::Served]).await;
}

#[tokio::test]
async fn without_a_private_listener_the_public_one_asks_for_the_token_or_has_no_control_endpoints() {
    let token = container(&[("ADMIN_ADDR", ""), ("ADMIN_TOKEN", TOKEN)]);
    walk(&token, [Seen::AskedForToken, Seen::Served], [Seen::Refused; 2]).await;
    walk(&container(&[("ADMIN_ADDR", "")]), [Seen::Refused; 2], [Seen::Refused; 2]).await;
}

#[tokio::test]
async fn for_this_computer_alone_everything_is_open() {
    walk(&Config::default(), [Seen::Served; 2], [Seen::Refused; 2]).await;
}

#[tokio::test]
async fn health_tells_the_public_no_more_than_a_status() {
    let [public, private] = listeners(&container(&[])).await;
    for path in HEALTH {
        let short = public.get(path).await.ok(200);
        assert_eq!(short.as_object().map(serde_json::Map::len), Some(1), "{path}: {short}");
        assert_eq!(short["status"], private.get(path).await.ok(200)["status"], "{path}");
    }
    assert!(private.get("/health").await.ok(200)["memory"].is_object());
}

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let api = Api::supplied("http://me:s3cret@127.0.0.1:9").await;
    assert_eq!(api.get("/api/supplier").await.ok(200), json!({ "url": "http://***@127.0.0.1:9", "standIn": null }));
    api.get("/api/products/1/rating").await.ok(200);
    api.monitor.sample().await;
    for Endpoint { methods, path, .. } in endpoints() {
        for method in methods {
            let path = path.replace("{id}", "1").replace("{name}", "supplier").replace("{proposal}", "p");
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let reply = api.send(request(method, &path).body("{}".into())).await;
            assert!(!format!("{:?} {}", reply.headers, reply.body).contains("s3cret"), "{path}");
        }
    }
}
