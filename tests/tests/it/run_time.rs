//! Settings that change while the program runs: functions.

#![allow(clippy::needless_pass_by_value)] // `json!` borrows

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use fastness::{Fastness, bypass, cache_put, cacheable, with_cache, with_cache_sync};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::{JoinSet, yield_now};

use crate::origin::{Fault, MINUTE, Origin, SECOND, just_before};
use crate::{fresh, timed};

#[cacheable(ttl = 60, jitter = 0, early = off, skip(origin))]
async fn rt_plain(origin: &Origin, id: u32) -> u32 {
    let _ = id;
    origin.count()
}

#[cacheable(ttl = 60, jitter = 0, skip(origin))]
fn rt_sync(origin: &Origin, id: u32) -> u32 {
    let _ = id;
    origin.count()
}

#[cacheable(
    ttl = 60, jitter = 0, early = off, stale = "1m", stale_if_error = "1h", negative_ttl = 30, load_timeout = "1s",
    cache_err = |_| true, err_ttl = 30, idle = "50s", skip(origin)
)]
async fn rt_options(origin: &Origin, id: u32) -> Result<Option<u32>, Fault> {
    match id {
        0 => origin.next().map(|_| None),
        9 => pending().await,
        _ => origin.next().map(Some),
    }
}

#[cacheable(ttl = 60, jitter = 0, key = "rt:{ids}", batch(ids), skip(origin))]
async fn rt_batch(origin: &Origin, ids: &[u32]) -> HashMap<u32, u32> {
    let call = origin.count();
    ids.iter().map(|id| (*id, call)).collect()
}

#[cacheable(ttl = |secs: &u32| Duration::from_secs((*secs).into()), early = off, jitter = 0, skip(origin))]
async fn rt_stated(origin: &Origin, secs: u32) -> u32 {
    origin.count();
    secs
}

#[cacheable(ttl = 60, jitter = 0)]
async fn rt_generic<T: std::str::FromStr + Clone + Send + Sync + 'static>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[cacheable(ttl = 60, jitter = 0, capacity = 10_000)]
async fn rt_large(id: u32) -> u32 {
    id
}

#[cacheable(ttl = 60, jitter = 0)]
async fn rt_text(id: u32) -> String {
    format!("{id:01000}")
}

#[cache_put(key = "rt:put:{id}", ttl = 60, jitter = 0)]
async fn rt_put(id: u32) -> u32 {
    id
}

#[cacheable(key = "rt:put:{id}", ttl = 60, jitter = 0, early = off)]
async fn rt_read(id: u32) -> u32 {
    id + 100
}

#[derive(Default)]
struct RtRepo(Origin);

impl RtRepo {
    #[cacheable(ttl = 60, jitter = 0, early = off, key = "rt:repo:{id}", skip(self))]
    async fn rt_find(&self, id: u32) -> Result<u32, Fault> {
        let _ = id;
        self.0.next()
    }
}

#[derive(Default)]
struct RtUsers(Origin);

impl RtUsers {
    #[cacheable(
        ttl = 60, jitter = 0, early = off, stale_if_error = "1m", idle = "50s", key = "rt:users:{id}", skip(self)
    )]
    async fn rt_find(&self, id: u32) -> Result<u32, Fault> {
        let _ = id;
        self.0.next()
    }
}

fn function(name: &str, options: Value) -> Value {
    json!({ "functions": { name: options } })
}

fn apply(fast: &Fastness, name: &str, options: Value) {
    fast.apply_settings(&function(name, options)).unwrap();
}

/// Returns the faults as text.
fn faults(fast: &Fastness, settings: &impl Serialize) -> Vec<String> {
    fast.apply_settings(settings).unwrap_err().wrong_settings().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_ttl_holds_for_what_is_stored_from_then_on() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(rt_plain(&origin, 1).await, 1);
        apply(&fast, "rt_plain", json!({ "ttl": 10 }));
        assert_eq!(rt_plain(&origin, 2).await, 2);
        clock.advance(SECOND * 10);
        assert_eq!((rt_plain(&origin, 1).await, rt_plain(&origin, 2).await), (1, 3), "what was stored before stays");
        clock.advance(SECOND * 50);
        assert_eq!(rt_plain(&origin, 1).await, 4, "for the time that it was stored for");
        apply(&fast, "rt_plain", json!({ "ttl": "2m" }));
        assert_eq!(rt_plain(&origin, 3).await, 5);
        clock.advance(just_before(MINUTE * 2));
        assert_eq!(rt_plain(&origin, 3).await, 5);
    })
    .await;
}

#[tokio::test]
async fn a_former_setting_ends_with_the_next_settings() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        apply(&fast, "rt_plain", json!({ "ttl": 10, "enabled": false }));
        rt_plain(&origin, 1).await;
        assert_eq!(rt_plain(&origin, 1).await, 2, "it is off");
        apply(&fast, "rt_sync", json!({ "ttl": 5 }));
        assert_eq!((rt_plain(&origin, 1).await, rt_plain(&origin, 1).await), (3, 3), "it is on again");
        clock.advance(just_before(MINUTE));
        assert_eq!(rt_plain(&origin, 1).await, 3, "and has its own ttl");
    })
    .await;
    with_cache_sync(&fast, || {
        assert_eq!((rt_sync(&origin, 1), rt_sync(&origin, 1)), (4, 4));
        clock.advance(SECOND * 5);
        assert_eq!(rt_sync(&origin, 1), 5, "a plain function too");
    });
    fast.apply_settings(&json!({})).unwrap();
    assert_eq!(fast.settings().to_string(), "{}");
}

#[tokio::test]
async fn options_of_serving_hold_for_stored_entries_too() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(rt_options(&origin, 1).await, Ok(Some(1)));
        assert_eq!(rt_options(&origin, 0).await, Ok(None));
        origin.set_down(true);
        assert_eq!(rt_options(&origin, 2).await, Err(Fault::Down));
        apply(
            &fast,
            "rt_options",
            json!({ "negative_ttl": 5, "err_ttl": "off", "stale": "off", "stale_if_error": "off" }),
        );
        assert_eq!(rt_options(&origin, 0).await, Ok(None));
        clock.advance(SECOND * 5);
        let calls = origin.calls();
        assert_eq!((rt_options(&origin, 0).await, rt_options(&origin, 2).await), (Err(Fault::Down), Err(Fault::Down)));
        assert_eq!(rt_options(&origin, 2).await, Err(Fault::Down));
        assert_eq!(origin.calls(), calls + 3, "no error is served, and no absence of more than five seconds");
        clock.advance(SECOND * 45 + MINUTE);
        assert_eq!(rt_options(&origin, 1).await, Err(Fault::Down), "an expired value is not served");
        fast.apply_settings(&json!({})).unwrap();
        assert_eq!(rt_options(&origin, 1).await, Err(Fault::Down), "a refused value is gone");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_load_timeout_holds_for_calls_that_begin_after_it() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        apply(&fast, "rt_options", json!({ "load_timeout": "50ms" }));
        let began = tokio::time::Instant::now();
        assert_eq!(rt_options(&origin, 9).await, Err(Fault::Timeout));
        assert_eq!(began.elapsed(), Duration::from_millis(50));
        apply(&fast, "rt_options", json!({ "load_timeout": "off", "err_ttl": "off" }));
        let hours = Duration::from_secs(36_000);
        assert!(tokio::time::timeout(hours, rt_options(&origin, 9)).await.is_err(), "there is no bound");
    })
    .await;
}

#[tokio::test]
async fn an_idle_time_holds_for_new_entries() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        apply(&fast, "rt_options", json!({ "idle": "8s", "stale_if_error": "off", "stale": "off" }));
        rt_options(&origin, 1).await.unwrap();
        clock.advance(SECOND * 8);
        assert_eq!(rt_options(&origin, 1).await, Ok(Some(2)));
    })
    .await;
}

#[tokio::test]
async fn a_batch_and_a_put_have_their_settings() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        fast.apply_settings(&json!({ "functions": { "rt_batch": { "ttl": 5 }, "rt_put": { "ttl": 7 } } })).unwrap();
        rt_batch(&origin, &[1, 2]).await;
        rt_put(1).await;
        clock.advance(SECOND * 5);
        assert_eq!(rt_batch(&origin, &[1]).await[&1], 2);
        assert_eq!(rt_read(1).await, 1);
        clock.advance(SECOND * 2);
        assert_eq!(rt_read(1).await, 101);
    })
    .await;
}

#[tokio::test]
async fn a_ttl_bounds_what_values_state() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        apply(&fast, "rt_stated", json!({ "ttl": 10 }));
        for secs in [0, 5, 100] {
            rt_stated(&origin, secs).await;
        }
        rt_stated(&origin, 0).await;
        assert_eq!(origin.calls(), 4, "a lifetime of zero still stores nothing");
        clock.advance(SECOND * 5);
        rt_stated(&origin, 5).await;
        rt_stated(&origin, 100).await;
        assert_eq!(origin.calls(), 5);
        clock.advance(SECOND * 5);
        rt_stated(&origin, 100).await;
        assert_eq!(origin.calls(), 6);
    })
    .await;
}

#[tokio::test]
async fn capacity_evicts_at_once_and_returns() {
    let fast = fresh();
    with_cache(&fast, async {
        for id in 0..200 {
            rt_large(id).await;
        }
        let entries = || fast.stats().entries;
        assert_eq!(entries(), 200);
        apply(&fast, "rt_large", json!({ "capacity": 50 }));
        assert_eq!(entries(), 50);
        apply(&fast, "rt_large", json!({ "capacity": 3 }));
        assert_eq!(entries(), 3);
        for id in 200..400 {
            rt_large(id).await;
            assert_eq!(rt_large(id).await, id);
        }
        let hits = fast.stats().total.hits;
        assert_eq!(hits, 200, "a new entry has room, however small the capacity is");
        assert_eq!(entries(), 3);
        fast.apply_settings(&json!({})).unwrap();
        for id in 0..400 {
            rt_large(id).await;
        }
        assert_eq!(entries(), 400);
    })
    .await;
}

#[tokio::test]
async fn bytes_bound_the_entries_too_where_no_capacity_does() {
    let fast = fresh();
    with_cache(&fast, async {
        apply(&fast, "rt_text", json!({ "max_bytes": "20KiB" }));
        for id in 0..100 {
            rt_text(id).await;
        }
        assert!((5..20).contains(&fast.stats().entries) && fast.stats().bytes <= 20 << 10);
        apply(&fast, "rt_text", json!({ "max_bytes": 5_000 }));
        assert!((1..5).contains(&fast.stats().entries) && fast.stats().bytes <= 5_000);
        apply(&fast, "rt_text", json!({}));
        for id in 0..100 {
            rt_text(id).await;
        }
        assert_eq!(fast.stats().entries, 100);
    })
    .await;
}

#[tokio::test]
async fn a_function_has_its_settings_from_its_first_call_on_and_in_all_instantiations() {
    let (fast, clock) = timed();
    apply(&fast, "run_time::rt_generic", json!({ "ttl": 5, "capacity": 2 }));
    with_cache(&fast, async {
        for number in ["1", "2", "3", "4"] {
            rt_generic::<u8>(number).await;
            rt_generic::<u16>(number).await;
        }
        assert_eq!(fast.stats().entries, 4);
        clock.advance(SECOND * 5);
        rt_generic::<u8>("4").await;
        rt_generic::<u16>("4").await;
        assert_eq!((fast.stats().total.hits, fast.stats().total.loads), (0, 10));
        apply(&fast, "rt_generic", json!({ "enabled": false }));
        rt_generic::<u8>("4").await;
        rt_generic::<u32>("4").await;
        assert_eq!(fast.stats().total.bypassed, 2);
    })
    .await;
    assert!(fast.settings().to_string().contains(r#"run_time.rt_generic":{"enabled":false}"#));
}

#[tokio::test]
async fn a_function_is_off_while_settings_or_an_operator_say_so() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        rt_plain(&origin, 1).await;
        let function = fast.function("rt_plain").unwrap();
        function.set_enabled(false);
        apply(&fast, "rt_plain", json!({ "enabled": true }));
        assert!(!function.is_enabled(), "settings do not end what an operator began");
        function.set_enabled(true);
        assert!(function.is_enabled());
        apply(&fast, "rt_plain", json!({ "enabled": false }));
        function.set_enabled(true);
        assert!(!function.is_enabled() && fast.stats().sites[0].disabled);
        assert_eq!(rt_plain(&origin, 1).await, 2);
        fast.apply_settings(&json!({ "functions": { "rt_plain": null } })).unwrap();
        assert_eq!(rt_plain(&origin, 1).await, 1, "its entry has stayed");
    })
    .await;
}

#[tokio::test]
async fn all_faults_are_told_at_once_and_nothing_is_applied() {
    let (fast, origin) = (fresh(), Origin::default());
    apply(&fast, "rt_sync", json!({ "ttl": 5 }));
    let before = fast.settings();
    with_cache(&fast, rt_plain(&origin, 1)).await;
    let faults = faults(
        &fast,
        &json!({
            "functoins": {},
            "functions": {
                "rt_plain": { "enabled": false, "ttl": "5", "stale": "1m", "capacity": 0, "max_bytes": "64MB" },
                "rt_plian": { "ttl": [1] },
                "rt_options": { "ttl": "forever", "stale": "off", "sttl": 1, "load_timeout": 0.5 },
                "http": { "ttl": 1 },
                "fastness::cache": { "ttl": 1, "capacity": 5 },
                "run_time::rt_sync": 7,
            },
        }),
    );
    let expected = [
        "functoins: `functoins` is no part of the settings, but `functions` is one: write one of `functions`, `policies`",
        "functions.fastness::cache: no cached function is called `fastness::cache`: the nearest are",
        "functions.http: no cached function is called `http`: the nearest are",
        "functions.rt_options.load_timeout: 0.5 is no number of whole seconds: write a text with a unit, as `\"250ms\"`, or `\"off\"`",
        "functions.rt_options.sttl: `sttl` is no setting of a function, but `ttl` is one: write one of `enabled`, `ttl`, ",
        "functions.rt_options: `stale_if_error` counts from the end of the ttl, and `ttl = \"forever\"` has none: write",
        "functions.rt_plain.capacity: 0 is no count: write a whole number from 1",
        "functions.rt_plain.max_bytes: `\"64MB\"` is no number of bytes in B, KiB, MiB or GiB: write `\"64MiB\"`, or",
        "functions.rt_plain.stale: the attribute of this function has no `stale`, which settings can only change: add it there, \
         or write one of `enabled`, `ttl`, `capacity`, `max_bytes`",
        "functions.rt_plain.ttl: `\"5\"` has no unit: write `\"5s\"`, or `5` for seconds, or `\"forever\"`",
        "functions.rt_plian: no cached function is called `rt_plian`: the nearest are `it.run_time.rt_plain`",
        "functions.rt_plian.ttl: this is a list: write a duration, as `\"5m\"`, or `300` for seconds",
        "functions.run_time::rt_sync: this is a number: write a table of settings",
    ];
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}\n{expected}");
    }
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    assert_eq!(fast.settings(), before);
    assert_eq!(with_cache(&fast, rt_plain(&origin, 1)).await, 1, "it is not off");
    let error = fast.apply_settings(&json!([])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no setting was applied, because of these faults:\n- this is a list: write a table of settings"
    );
    assert!(!error.is_unknown_function());
}

#[tokio::test]
async fn direct_calls_have_bounds_and_no_ttl() {
    let fast = fresh();
    let cache = fast.cache();
    cache.set(&fastness_tests::names::named("rt:1"), 1_u32, MINUTE).await;
    let wrong = faults(&fast, &function("fastness::cache", json!({ "ttl": 1 })));
    assert!(wrong[0].contains("has no `ttl`") && wrong[0].ends_with("write one of `enabled`, `capacity`, `max_bytes`"));
    apply(&fast, "fastness::cache", json!({ "capacity": 1 }));
    cache.set(&fastness_tests::names::named("rt:2"), 2_u32, MINUTE).await;
    assert_eq!(fast.stats().entries, 1);
}

#[test]
fn settings_are_any_value_of_serde() {
    #[derive(Serialize)]
    struct Config {
        functions: HashMap<&'static str, Function>,
    }
    #[derive(Serialize)]
    struct Function {
        ttl: Option<&'static str>,
        enabled: Option<bool>,
    }
    let fast = fresh();
    let function = Function { ttl: Some("5m"), enabled: None };
    fast.apply_settings(&Config { functions: HashMap::from([("rt_plain", function)]) }).unwrap();
    assert_eq!(fast.settings().to_string(), r#"{"functions":{"it.run_time.rt_plain":{"ttl":"5m"}}}"#);
    fast.apply_settings(&fast.settings()).unwrap();
    let twice = json!({ "functions": { "rt_plain": {}, "run_time::rt_plain": {} } });
    assert_eq!(
        faults(&fast, &twice),
        ["functions.run_time::rt_plain: `it.run_time.rt_plain` is named twice: write its settings under one name"]
    );
    let unwritable = HashMap::from([((1, 2), 3)]);
    assert!(faults(&fast, &unwritable)[0].starts_with("serde cannot write the settings: "));
}

async fn find_both(fast: &Fastness, repo: &RtRepo, users: &RtUsers) {
    with_cache(fast, async {
        repo.rt_find(1).await.unwrap();
        users.rt_find(1).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn settings_of_methods_stay_valid_after_their_first_calls() {
    let (repo, users) = (RtRepo::default(), RtUsers::default());
    for name in ["it.run_time.rt_find", "run_time::rt_find", "rt_find"] {
        let fast = fresh();
        // `RtUsers` has an `idle`: the calls of the other do not make it an unknown option.
        let options = json!({ "ttl": 5, "idle": 3 });
        apply(&fast, name, options.clone());
        let applied = fast.settings();
        assert_eq!(applied.to_string(), r#"{"functions":{"it.run_time.rt_find":{"idle":3,"ttl":5}}}"#);
        with_cache(&fast, async {
            repo.rt_find(1).await.unwrap();
            apply(&fast, name, options.clone());
            fast.apply_settings(&applied).unwrap();
            users.rt_find(1).await.unwrap();
            apply(&fast, name, options);
            fast.apply_settings(&fast.settings()).unwrap();
        })
        .await;
        assert_eq!(fast.settings(), applied);
        let function = fast.function(name).unwrap();
        assert_eq!((function.name(), function.keys(10).keys.len()), ("it.run_time.rt_find", 2));
        apply(&fast, "RtUsers::rt_find", json!({ "ttl": 5, "idle": 3 }));
        assert_eq!(fast.settings(), applied, "they are set together, and shown so");
    }
}

#[tokio::test]
async fn a_name_of_several_methods_sets_all_of_them_whenever_they_are_called() {
    let (repo, users) = (RtRepo::default(), RtUsers::default());
    let (fast, clock) = timed();
    with_cache(&fast, async {
        repo.rt_find(1).await.unwrap();
        apply(&fast, "rt_find", json!({ "ttl": 5 }));
        assert_eq!((repo.rt_find(2).await, users.rt_find(2).await), (Ok(2), Ok(1)));
        clock.advance(SECOND * 5);
        assert_eq!((repo.rt_find(2).await, users.rt_find(2).await), (Ok(3), Ok(2)));
    })
    .await;
    let (fast, clock) = timed();
    with_cache(&fast, async {
        repo.rt_find(1).await.unwrap();
        users.rt_find(1).await.unwrap();
        apply(&fast, "RtRepo::rt_find", json!({ "ttl": 5 }));
        assert_eq!(fast.settings().to_string(), r#"{"functions":{"it.run_time.RtRepo.rt_find":{"ttl":5}}}"#);
        fast.apply_settings(&fast.settings()).unwrap();
        assert_eq!((repo.rt_find(2).await, users.rt_find(2).await), (Ok(5), Ok(4)));
        clock.advance(SECOND * 5);
        assert_eq!((repo.rt_find(2).await, users.rt_find(2).await), (Ok(6), Ok(4)), "a type names one of them");
    })
    .await;
}

#[tokio::test]
async fn names_of_methods_that_are_set_together_are_a_fault_that_says_what_to_write() {
    let (repo, users) = (RtRepo::default(), RtUsers::default());
    let fast = fresh();
    find_both(&fast, &repo, &users).await;
    let wide = json!({ "functions": { "RtRepo::rt_find": { "ttl": 5 }, "rt_find": { "ttl": 6 } } });
    assert_eq!(
        faults(&fast, &wide),
        [
            "functions.rt_find: `RtRepo::rt_find` and `rt_find` are set together: write their settings once, as `it.run_time.rt_find`"
        ]
    );
    let each = json!({ "functions": { "RtRepo::rt_find": { "ttl": 5 }, "RtUsers::rt_find": { "ttl": 6 } } });
    fast.apply_settings(&each).unwrap();
    let fast = fresh();
    apply(&fast, "rt_find", json!({ "ttl": 7 }));
    find_both(&fast, &repo, &users).await;
    assert_eq!(
        faults(&fast, &each),
        [
            "functions.RtUsers::rt_find: `RtRepo::rt_find` and `RtUsers::rt_find` are set together: write their settings once, as `it.run_time.rt_find`"
        ]
    );
    apply(&fast, "it.run_time.rt_find", json!({ "ttl": 5 }));
}

#[tokio::test]
async fn methods_that_are_set_together_have_only_the_options_of_their_own_attributes() {
    let (repo, users) = (RtRepo::default(), RtUsers::default());
    let (fast, clock) = timed();
    apply(&fast, "rt_find", json!({ "idle": 5, "stale_if_error": "off" }));
    with_cache(&fast, async {
        assert_eq!((repo.rt_find(1).await, users.rt_find(1).await), (Ok(1), Ok(1)));
        clock.advance(SECOND * 5);
        assert_eq!((repo.rt_find(1).await, users.rt_find(1).await), (Ok(1), Ok(2)), "`RtRepo` has no `idle`");
        apply(&fast, "rt_find", json!({ "ttl": 10, "stale_if_error": "1h", "idle": "off" }));
        assert_eq!((repo.rt_find(2).await, users.rt_find(2).await), (Ok(2), Ok(3)));
        clock.advance(SECOND * 10);
        repo.0.set_down(true);
        users.0.set_down(true);
        assert_eq!(
            (repo.rt_find(2).await, users.rt_find(2).await),
            (Err(Fault::Down), Ok(3)),
            "`RtRepo` has no `stale_if_error`, but a ttl like all"
        );
    })
    .await;
}

#[test]
fn of_two_settings_at_a_time_one_is_in_force_as_a_whole() {
    let fast = fresh();
    let options = |ttl: u32| json!({ "functions": { "rt_plain": { "ttl": ttl }, "rt_sync": { "ttl": ttl }, "rt_large": { "ttl": ttl, "capacity": ttl } } });
    for _ in 0..50 {
        std::thread::scope(|scope| {
            for ttl in 1..=4 {
                let fast = &fast;
                scope.spawn(move || fast.apply_settings(&options(ttl)).unwrap());
            }
        });
        let applied: Value = serde_json::to_value(fast.settings()).unwrap();
        let functions = applied["functions"].as_object().unwrap();
        assert_eq!(functions.len(), 3);
        let ttls: Vec<_> = functions.values().map(|options| &options["ttl"]).collect();
        assert!(ttls.iter().all(|ttl| *ttl == ttls[0]), "{applied}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn settings_change_under_load_without_an_error_or_a_lost_count() {
    let (fast, origin, done) = (fresh(), Origin::default(), Arc::new(AtomicBool::new(false)));
    let (began, first) = tokio::sync::oneshot::channel();
    let changing = tokio::task::spawn_blocking({
        let (fast, done) = (fast.clone(), done.clone());
        move || {
            let (mut changes, mut began) = (0_u32, Some(began));
            while !done.load(SeqCst) {
                let settings = match changes % 4 {
                    0 => json!({ "functions": { "rt_large": { "capacity": 20 }, "rt_plain": { "enabled": false } } }),
                    1 => json!({ "functions": { "rt_large": { "enabled": false, "ttl": "1ms" } } }),
                    2 => {
                        json!({ "functions": { "rt_large": { "max_bytes": "4KiB" }, "rt_plain": { "ttl": "forever" } } })
                    }
                    _ => json!({}),
                };
                fast.apply_settings(&settings).unwrap();
                changes += 1;
                let _ = began.take().map(|began| began.send(()));
            }
            fast.apply_settings(&json!({ "functions": { "rt_large": { "capacity": 20 } } })).unwrap();
        }
    });
    first.await.unwrap();
    let (tasks, calls) = (8, 400);
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let (fast, origin) = (fast.clone(), origin.clone());
        running.spawn(async move {
            with_cache(&fast, async {
                for call in 0..calls {
                    let id = (call * 7 + task) % 100;
                    assert_eq!(rt_large(id).await, id);
                    rt_plain(&origin, id).await;
                    if call % 50 == 0 {
                        yield_now().await;
                    }
                }
            })
            .await;
        });
    }
    running.join_all().await;
    done.store(true, SeqCst);
    changing.await.unwrap();
    let stats = fast.stats();
    let total = stats.total;
    let counted = total.hits + total.misses + total.coalesced + total.bypassed;
    assert_eq!(counted, u64::from(2 * tasks * calls), "{total:?}");
    let of_large = with_cache(&fast, async {
        for id in 0..100 {
            bypass(rt_large(id)).await;
        }
        fast.function("rt_large").unwrap().keys(1_000).keys.len()
    });
    assert!(of_large.await <= 20, "the capacity holds");
}
