//! The guard over this process's own memory, under a limit that is configured.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use fastness::Fastness;
use fastness::http::MemoryGuardLayer;
use fastness::monitor::{Memory, MemoryGuard, Monitor, Pressure, Status};
use fastness_tests::names::named;
use tower::ServiceExt as _;

const LIMIT: u64 = 512 << 20;
const ENTRIES: u32 = 5_000;

/// Allocates memory until the guard reports this pressure.
fn fill(ballast: &mut Vec<Vec<u8>>, guard: &MemoryGuard, until: Pressure) {
    while guard.pressure() < until {
        ballast.push(vec![1; 4 << 20]);
        assert!(ballast.len() < 256, "a gibibyte is used, and the guard does not see it");
    }
}

async fn status(app: &Router, path: &str) -> u16 {
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn real_memory_pressure_shrinks_the_tier_rejects_requests_and_passes() {
    let fast = Fastness::builder().build().unwrap();
    let cache = fast.cache();
    let fill_cache = async || {
        for n in 0..ENTRIES {
            cache.set(&named(format!("n:{n}")), n, Duration::from_secs(600)).await;
        }
        fast.stats().entries
    };
    let guard = MemoryGuard::builder().cache(&fast).limit(LIMIT).every(Duration::ZERO).build().unwrap();
    let monitor = Monitor::builder().cache(&fast).memory_limit(LIMIT).memory_guard(&guard).build().unwrap();
    let app = Router::new()
        .route("/", get(async || "hello"))
        .merge(fastness::routes::monitor(&monitor))
        .layer(MemoryGuardLayer::new(&guard));
    assert_eq!(fill_cache().await, ENTRIES as usize);
    assert_eq!((guard.pressure(), status(&app, "/").await), (Pressure::None, 200));

    let mut ballast = Vec::new();
    fill(&mut ballast, &guard, Pressure::Shrink);
    assert!(fast.stats().entries < ENTRIES as usize, "the tier gives up entries");
    assert!(guard.may_cache() && status(&app, "/").await == 200);
    fill(&mut ballast, &guard, Pressure::NoBodies);
    assert!(!guard.may_cache());
    fill(&mut ballast, &guard, Pressure::Shed);
    assert_eq!(status(&app, "/").await, 503);
    assert_eq!((status(&app, "/health").await, status(&app, "/health/live").await), (200, 200));
    assert_eq!(status(&app, "/health/ready").await, 503);
    let health = monitor.health().await;
    assert!(health.status == Status::Degraded && health.memory.unwrap().percentage() >= 92, "{health:?}");
    assert_eq!(health.memory.unwrap().total(), LIMIT);

    drop(ballast);
    assert_eq!((guard.pressure(), status(&app, "/").await), (Pressure::None, 200));
    // The tier grows back with the next readings.
    while fill_cache().await < ENTRIES as usize {
        assert_eq!(guard.pressure(), Pressure::None);
    }
    assert_eq!(monitor.health().await.status, Status::Healthy);
}

/// The variable that marks the separate process that measures memory.
const CHILD: &str = "FASTNESS_TESTS_LARGE_VALUES";

#[test]
fn few_large_values_stay_within_the_limit() {
    let name = "memory::few_large_values_stay_within_the_limit";
    if std::env::var_os(CHILD).is_none() {
        // The memory of other tests would count.
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let output = child.args(["--exact", name]).env(CHILD, "1").env("MALLOC_ARENA_MAX", "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let fast = Fastness::builder().build().unwrap();
        let guard = MemoryGuard::builder().cache(&fast).limit(LIMIT).every(Duration::ZERO).build().unwrap();
        let mut most = 0;
        for n in 0..1_000 {
            fast.cache().set(&named(format!("n:{n}")), vec![1_u8; 1 << 20], Duration::from_secs(600)).await;
            guard.pressure();
            most = most.max(guard.snapshot().percentage);
        }
        let seen = guard.snapshot();
        assert!(most < 125 && seen.entries < 500, "{most} % of the limit; {seen:?}");
    });
}

#[test]
fn an_exceeded_limit_counts_as_more_than_full() {
    assert_eq!(Memory::new(3 << 30, 2 << 30).percentage(), 150);
}
