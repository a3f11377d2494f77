//! The supplier fails in every way that it can, and clients of the demo get answers.
//!
//! A circuit breaker belongs to a process, so these tests share one: each holds a lock for as long as it runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use demo_app::app::{Dependencies, app};
use demo_app::clock::Clock;
use demo_app::config::Config;
use demo_app::store::MemoryRepository;
use demo_app::supplier::{Mood, StandIn, Supplier};
use fastness::Fastness;
use fastness::events::Filter;
use fastness::http::Timings;
use fastness::resilience::breaker::{Breaker, State};
use fastness::resilience::{self, PolicyEvent, PolicyEventKind};
use fastness_tests::servers::until;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A server with a supplier, both behind sockets.
struct World {
    address: SocketAddr,
    supplier: StandIn,
    http: reqwest::Client,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    async fn start() -> Self {
        static ALONE: Mutex<()> = Mutex::const_new(());
        let alone = ALONE.lock().await;
        Breaker::named("supplier").force_closed();
        Breaker::named("supplier").automatic();
        let supplier = Supplier::stand_in().await.expect("a free port");
        let stand_in = supplier.stand_in.clone().expect("its own");
        let cache = Fastness::builder().build().expect("the defaults make sense");
        let repository = Arc::new(MemoryRepository::new(Duration::ZERO));
        let dependencies =
            Dependencies { repository, supplier, clock: Clock::system(), cache, timings: Timings::new(), peers: None };
        let app = app(dependencies, &Config::default()).expect("settings that make sense").router;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(axum::serve(listener, app).into_future());
        Self { address, supplier: stand_in, http: reqwest::Client::new(), _alone: alone }
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let response = self.http.get(format!("http://{}{path}", self.address)).send().await.expect("it answers");
        (response.status(), response.json().await.expect("JSON"))
    }

    async fn put(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.http.put(format!("http://{}{path}", self.address)).json(&body);
        let response = request.send().await.expect("it answers");
        (response.status(), response.json().await.expect("JSON"))
    }

    /// The answer for a product.
    async fn rating(&self, product: u64) -> Value {
        let (status, body) = self.get(&format!("/api/products/{product}/rating")).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn turn(&self, mood: &str) {
        assert_eq!(self.put("/api/supplier", json!({ "mood": mood })).await.0, 200);
    }

    async fn until(&self, state: &str) {
        until(state, async || self.get("/api/breakers/supplier").await.1["state"] == state).await;
    }
}

#[tokio::test]
async fn a_rating_is_asked_for_once_and_a_product_without_one_is_no_fault() {
    let world = World::start().await;
    let first = world.rating(7).await;
    assert!(first["product"] == 7 && first["stars"].is_number(), "{first}");
    assert_eq!(world.rating(7).await, first);
    assert_eq!(world.supplier.requests(), 1);
    for _ in 0..10 {
        assert_eq!(world.get("/api/products/2000000/rating").await.0, 404);
    }
    assert_eq!(Breaker::named("supplier").state(), State::Closed, "that was an answer");
}

#[tokio::test]
async fn whatever_the_supplier_does_clients_get_an_answer_and_known_ratings_stay() {
    let world = World::start().await;
    let known = world.rating(1).await;
    let mut product = 100;
    for mood in ["slow", "failing", "dead", "flaky"] {
        world.turn(mood).await;
        let mut unknown = 0;
        for _ in 0..8 {
            product += 1;
            unknown += u32::from(world.rating(product).await["stars"].is_null());
        }
        assert!(unknown > 4 || mood == "flaky", "{mood}: {unknown}");
        assert_eq!(world.rating(1).await, known, "{mood}");
        Breaker::named("supplier").force_closed();
        Breaker::named("supplier").automatic();
    }
    world.turn("up").await;
    assert!(world.rating(product + 1).await["stars"].is_number());
}

#[tokio::test]
async fn the_breaker_is_shown_and_can_be_forced() {
    let world = World::start().await;
    world.rating(1).await;
    let (status, forced) = world.put("/api/breakers/supplier", json!({ "state": "open" })).await;
    assert_eq!((status, &forced["state"]), (StatusCode::OK, &json!("forced_open")));
    assert!(forced["changes"].as_array().unwrap().last().unwrap()["why"] == "it was forced");
    assert!(world.rating(2).await["stars"].is_null());
    assert_eq!(world.supplier.requests(), 1);
    let (_, all) = world.get("/api/resilience").await;
    let policies: Vec<_> = all.as_array().unwrap().iter().map(|one| one["policy"].as_str().unwrap()).collect();
    for policy in ["breaker", "retry", "timeout", "bulkhead", "fallback"] {
        assert!(policies.contains(&policy), "{policies:?}");
    }
    world.put("/api/breakers/supplier", json!({ "state": "automatic" })).await;
    assert!(world.rating(3).await["stars"].is_number());
}

#[tokio::test]
async fn bad_wishes_are_told_what_to_wish_for() {
    let world = World::start().await;
    for (path, body, expected) in [
        ("/api/breakers/supplier", json!({ "state": "ajar" }), "`automatic`, `open`, `closed`, `disabled`"),
        ("/api/breakers/supplier", json!({}), "is missing"),
        ("/api/supplier", json!({ "mood": "sad" }), "`up`, `slow`, `flaky`, `failing`, `dead`"),
    ] {
        let (status, answer) = world.put(path, body).await;
        assert!(status == 422 && answer.to_string().contains(expected), "{answer}");
    }
    let (status, answer) = world.put("/api/breakers/unknown", json!({ "state": "open" })).await;
    assert!(status == 404 && answer.to_string().contains("/api/resilience"), "{answer}");
}

/// 200 requests a second while the supplier dies and comes back. `--nocapture` shows the figures.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_under_load_costs_no_client_an_answer() {
    const RATE: u32 = 200;
    let world = Arc::new(World::start().await);
    let (mut requests, started) = (JoinSet::new(), Instant::now());
    let (stop, mut stopped) = oneshot::channel::<()>();
    let load = {
        let world = world.clone();
        tokio::spawn(async move {
            let mut beat = tokio::time::interval(Duration::from_secs(1) / RATE);
            for product in 1.. {
                tokio::select! {
                    _ = beat.tick() => {}
                    _ = &mut stopped => break,
                }
                let world = world.clone();
                // Every fourth asks again for a product that was asked for before.
                let product = if product % 4 == 0 { product / 4 } else { product };
                requests.spawn(async move {
                    let sent = Instant::now();
                    let (status, answer) = world.get(&format!("/api/products/{product}/rating")).await;
                    (status, answer["stars"].is_number(), sent.elapsed())
                });
            }
            requests.join_all().await
        })
    };
    until("half a second of load", async || started.elapsed() > Duration::from_millis(500)).await;

    world.supplier.turn(Mood::Dead).await.unwrap();
    let died = Instant::now();
    world.until("open").await;
    let opened = died.elapsed();
    // Calls that were under way when it opened make the rest of their attempts, which takes 60 ms at most.
    until("those have ended", async || died.elapsed() > Duration::from_secs(1)).await;
    // It comes back, but in a bad mood that lets the test count who reaches it: only probes may.
    world.supplier.turn(Mood::Failing).await.unwrap();
    let (before, rejected) = (world.supplier.requests(), Breaker::named("supplier").snapshot().calls.rejected);
    let filter = Filter::kinds([PolicyEventKind::StateChanged]).named("supplier");
    let mut changes = resilience::subscribe(filter);
    let (mut rounds, mut reached) = (0, 0);
    // On a busy machine probes may run out of time before they have reached it.
    while reached == 0 {
        for state in [State::HalfOpen, State::Open] {
            let is = |event| matches!(event, Some(PolicyEvent::StateChanged(change)) if change.to == state);
            while !is(changes.next().await) {}
        }
        (rounds, reached) = (rounds + 1, world.supplier.requests() - before);
    }
    let rejected = Breaker::named("supplier").snapshot().calls.rejected - rejected;
    world.supplier.turn(Mood::Up).await.unwrap();
    let returned = Instant::now();
    world.until("closed").await;
    let closed = returned.elapsed();

    stop.send(()).unwrap();
    let answers = load.await.unwrap();
    let known = answers.iter().filter(|(_, known, _)| *known).count();
    let slowest = answers.iter().map(|(_, _, took)| *took).max().unwrap();
    println!(
        "{} requests at {RATE}/s: open after {opened:?}, closed {closed:?} after its return; while open {rejected} rejected and \
         {reached} reached it (probes); {known} ratings, {} unknown, slowest answer {slowest:?}",
        answers.len(),
        answers.len() - known,
    );
    assert!(answers.iter().all(|(status, ..)| *status == 200), "a client got an error");
    // Three probes of three attempts each, at most.
    assert!(reached <= 9 * rounds, "{reached} calls reached a supplier behind an open breaker in {rounds} rounds");
    assert!(rejected > 100, "{rejected}");
}
