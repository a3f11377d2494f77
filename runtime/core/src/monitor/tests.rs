//! The monitor as a whole, over its own counters and a clock that the test moves.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use super::sampler::timestamp;
use super::*;
use crate::Clock;
use crate::timed::{CallOutcome, Timing};

const PERIOD: Duration = Duration::from_secs(5);

fn cache() -> Fastness {
    Fastness::builder().clock(Clock::manual()).build().unwrap()
}

async fn next(monitor: &Monitor) {
    monitor.cache().clock().advance(PERIOD);
    monitor.sample().await;
}

fn route_source(timing: Timing) -> impl Fn() -> Vec<RouteTotals> {
    move || {
        let stats = timing.snapshot();
        vec![RouteTotals { route: "GET /x".into(), errors: stats.error.count(), latency: stats.returned() }]
    }
}

#[tokio::test]
async fn rates_and_percentiles_are_of_the_window() {
    let route = Timing::new("monitor.tests.window");
    (0..500).for_each(|_| route.record(Duration::from_secs(3), CallOutcome::Error));
    let monitor = Monitor::builder().cache(&cache()).routes(route_source(route)).build().unwrap();
    monitor.sample().await;
    (0..100).for_each(|_| route.record(Duration::from_millis(10), CallOutcome::Ok));
    next(&monitor).await;
    let seen = monitor.performance().unwrap();
    assert_eq!((seen.requests.count, seen.requests.per_second, seen.requests.error_rate), (100, 20.0, 0.0));
    assert!((9.8..10.2).contains(&seen.requests.p95), "{}", seen.requests.p95);
    assert_eq!((seen.routes.len(), seen.routes[0].name.as_str(), seen.history.len()), (1, "GET /x", 1));
    for _ in 0..13 {
        next(&monitor).await;
    }
    let seen = monitor.performance().unwrap();
    assert_eq!((seen.requests.count, seen.routes.len(), seen.history.len()), (0, 0, 14));
}

#[tokio::test]
async fn an_alert_fires_degrades_health_and_is_over() {
    let route = Timing::new("monitor.tests.alert");
    let monitor = Monitor::builder()
        .cache(&cache())
        .window(Duration::from_secs(10))
        .threshold(AlertKind::Memory, Threshold::above(1e9, 1e9))
        .routes(route_source(route))
        .build()
        .unwrap();
    let mut events = monitor.subscribe();
    monitor.sample().await;
    for sample in 0..3 {
        assert!(monitor.alerts().is_empty(), "sample {sample}");
        (0..100).for_each(|_| route.record(Duration::from_millis(1), CallOutcome::Error));
        next(&monitor).await;
    }
    let alert = events.next().await.unwrap();
    assert_eq!((alert.kind, alert.firing, alert.value), (AlertKind::Errors, true, 100.0));
    let health = monitor.health().await;
    assert_eq!((health.status, health.reasons.as_slice()), (Status::Degraded, [alert.message].as_slice()));
    assert_eq!((health.errors, health.error_rate), (200, 100.0));
    for _ in 0..5 {
        next(&monitor).await;
    }
    assert!(!events.next().await.unwrap().firing);
    assert_eq!(monitor.health().await.status, Status::Healthy);
    assert_eq!(monitor.recent_alerts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn sampling_ends_with_the_last_clone() {
    let (sampled, inbox) = tokio::sync::mpsc::unbounded_channel();
    let monitor =
        Monitor::builder().cache(&cache()).section("samples", move || sampled.send(()).is_ok()).build().unwrap();
    monitor.start().unwrap();
    monitor.start().unwrap();
    let (clone, mut inbox) = (monitor.clone(), inbox);
    inbox.recv().await.unwrap();
    drop(monitor);
    inbox.recv().await.unwrap();
    drop(clone);
    while inbox.recv().await.is_some() {}
}

#[test]
fn a_monitor_does_not_start_without_a_runtime() {
    let monitor = Monitor::builder().build().unwrap();
    assert!(monitor.start().unwrap_err().to_string().contains("tokio runtime"));
}

#[tokio::test]
async fn sources_that_panic_harm_only_their_own_figures() {
    let monitor = Monitor::builder()
        .cache(&cache())
        .routes(|| -> Vec<RouteTotals> { panic!("routes") })
        .slow_queries(|| panic!("queries"))
        .section("bad", || -> u32 { panic!("section") })
        .section("good", || 7)
        .build()
        .unwrap();
    monitor.sample().await;
    next(&monitor).await;
    let seen = monitor.performance().unwrap();
    assert_eq!(serde_json::to_value(&seen.sections).unwrap(), serde_json::json!({ "bad": null, "good": 7 }));
    assert_eq!((seen.routes.len(), seen.slow_queries.len()), (0, 0));
}

#[tokio::test]
async fn a_sample_that_was_given_up_is_finished_before_the_next() {
    let route = Timing::new("monitor.tests.given_up");
    (0..100).for_each(|_| route.record(Duration::from_millis(1), CallOutcome::Error));
    let (hangs, free) = std::sync::mpsc::channel::<()>();
    let (began, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let (free, read) = (std::sync::Mutex::new(free), route_source(route));
    let routes = move || {
        let figures = read();
        began.send(()).unwrap();
        let _ = free.lock().unwrap().recv();
        figures
    };
    let monitor = Monitor::builder().cache(&cache()).routes(routes).build().unwrap();
    hangs.send(()).unwrap();
    monitor.sample().await;
    begins.recv().await.unwrap();
    let sample = |monitor: &Monitor| {
        let monitor = monitor.clone();
        tokio::spawn(async move { next(&monitor).await })
    };
    let given_up = sample(&monitor);
    begins.recv().await.unwrap();
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    (0..10).for_each(|_| route.record(Duration::from_millis(1), CallOutcome::Ok));
    let waits = sample(&monitor);
    tokio::task::yield_now().await;
    assert!(begins.try_recv().is_err(), "it waits for the sample that still runs");
    drop(hangs);
    waits.await.unwrap();
    let seen = monitor.performance().unwrap();
    assert_eq!((seen.requests.count, seen.requests.errors), (10, 0), "calls before the first sample are never counted");
}

#[tokio::test]
async fn a_share_of_memory_just_above_the_bound_fires() {
    let any = Threshold::above(0.0, 0.0).samples(1);
    let builder = Monitor::builder().cache(&cache()).memory_limit(1 << 50);
    let monitor = builder.threshold(AlertKind::Memory, any).build().unwrap();
    monitor.sample().await;
    let memory = monitor.performance().unwrap().memory;
    assert!(memory.is_none_or(|memory| memory.percentage() == 0), "in whole percent: {memory:?}");
    assert!(monitor.alerts().iter().all(|alert| alert.kind == AlertKind::Memory));
    assert_eq!(monitor.alerts().len(), usize::from(cfg!(target_os = "linux")));
}

#[tokio::test]
async fn a_source_that_hangs_leaves_health_alone_and_is_noticed() {
    let (hangs, free) = std::sync::mpsc::channel::<()>();
    let free = std::sync::Mutex::new(free);
    let fast = cache();
    let monitor =
        Monitor::builder().cache(&fast).section("hangs", move || free.lock().unwrap().recv().is_ok()).build().unwrap();
    let sampling = tokio::spawn({
        let monitor = monitor.clone();
        async move { monitor.sample().await }
    });
    assert_eq!(monitor.health().await.status, Status::Healthy);
    hangs.send(()).unwrap();
    sampling.await.unwrap();
    let again = tokio::spawn({
        let monitor = monitor.clone();
        async move { monitor.sample().await }
    });
    fast.clock().advance(Duration::from_secs(60));
    let health = monitor.health().await;
    assert!(
        health.status == Status::Degraded && health.reasons[0].contains("nothing was sampled for 60 s"),
        "{health:?}"
    );
    drop(hangs);
    again.await.unwrap();
}

#[tokio::test]
async fn readiness_needs_required_probes_only() {
    let up = Arc::new(AtomicBool::new(true));
    let probe = |up: &Arc<AtomicBool>| {
        let up = up.clone();
        Probe::new("db", move || {
            let up = up.load(SeqCst);
            async move { if up { Ok(()) } else { Err("down") } }
        })
    };
    let fast = cache();
    let required = Monitor::builder().cache(&fast).database(probe(&up)).build().unwrap();
    let optional = Monitor::builder().cache(&fast).database(probe(&up).optional()).build().unwrap();
    assert_eq!((required.ready().await, optional.ready().await), (Ok(()), Ok(())));
    up.store(false, SeqCst);
    assert_eq!(required.ready().await, Ok(()), "an answer is reused for a second");
    fast.clock().advance(Duration::from_secs(1));
    assert_eq!(required.ready().await, Err(vec!["db: down".to_owned()]));
    assert_eq!(optional.ready().await, Ok(()));
    let (health, other) = (required.health().await, optional.health().await);
    assert_eq!((health.status, health.database.unwrap().ok), (Status::Unhealthy, false));
    assert_eq!(other.status, Status::Degraded);
}

#[tokio::test]
async fn invalid_settings_are_refused() {
    let refused = |builder: MonitorBuilder| builder.build().unwrap_err().to_string();
    assert!(refused(Monitor::builder().every(Duration::ZERO)).contains("below 100ms"));
    assert!(refused(Monitor::builder().window(Duration::from_secs(1))).contains("shorter"));
    let crossed = Threshold::below(70.0, 60.0);
    assert!(refused(Monitor::builder().threshold(AlertKind::HitRate, crossed)).contains("good side"));
}

#[test]
fn timestamps_have_the_documented_form() {
    assert_eq!(timestamp(std::time::UNIX_EPOCH + Duration::from_secs(1_704_067_200)), "2024-01-01T00:00:00.000Z");
    // A clock that is set wrong leaves the field empty.
    assert_eq!(timestamp(std::time::UNIX_EPOCH - Duration::from_secs(1)), "");
    assert_eq!(timestamp(std::time::UNIX_EPOCH + Duration::from_secs(253_402_300_799)), "9999-12-31T23:59:59.000Z");
    assert_eq!(timestamp(std::time::UNIX_EPOCH + Duration::from_secs(253_402_300_800)), "");
}
