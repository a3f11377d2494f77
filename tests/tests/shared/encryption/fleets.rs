//! Fleets in which not every process has the same secret keys, as during a deploy.

use fastness::{Fastness, cache_invalidate, with_cache};
use fastness_tests::logged::Logged;
use fastness_tests::names::named;
use fastness_tests::servers::{Redis, prefix, shared_redis, until};
use tracing::Level;

use super::{get, process, values};
use crate::{Origin, stored};

#[cache_invalidate("patient:{name}")]
async fn change(name: &str, origin: &Origin) {
    origin.change();
}

/// Waits until this process has stored one value more than it had.
async fn one_more(process: &Fastness, before: u64) {
    stored(process, before + 1).await;
}

fn stores(process: &Fastness) -> u64 {
    process.shared().unwrap().stores
}

#[tokio::test]
async fn processes_with_and_without_a_keyring_share_invalidations_and_no_values() {
    let (server, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (plain, encrypted) = (process(server, &prefix, "").await, process(server, &prefix, "a").await);
    for process in [&plain, &encrypted] {
        get(process, &origin, "ada").await;
        stored(process, 1).await;
    }
    assert_eq!(origin.loads(), 2, "each has its own");
    for process in [&plain, &encrypted] {
        get(process, &origin, "ada").await;
    }
    assert_eq!((origin.loads(), values(server, &prefix).await.len()), (2, 2));
    for (writer, reader) in [(&plain, &encrypted), (&encrypted, &plain)] {
        with_cache(writer, change("ada", &origin)).await;
        let newest = format!(" {}", get(writer, &origin, "ada").await.rsplit(' ').next().unwrap());
        until("the other hears of it", async || get(reader, &origin, "ada").await.ends_with(&newest)).await;
    }
    for process in [&plain, &encrypted] {
        let stats = process.shared().unwrap();
        assert_eq!((stats.unreadable, stats.unknown_secret, stats.forged), (0, 0, 0));
    }
}

/// Turning it on: process by process, and the old values stay where they are until their ttl ends.
#[tokio::test]
async fn encryption_is_turned_on_while_the_fleet_runs() {
    let (server, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let old = [process(server, &prefix, "").await, process(server, &prefix, "").await];
    get(&old[0], &origin, "ada").await;
    stored(&old[0], 1).await;
    let [first, second] = old;
    drop(first);
    let first = process(server, &prefix, "a").await;
    get(&first, &origin, "ada").await;
    stored(&first, 1).await;
    get(&second, &origin, "ada").await;
    assert_eq!(origin.loads(), 2, "one load for each kind of name");
    drop(second);
    let second = process(server, &prefix, "a").await;
    get(&second, &origin, "ada").await;
    assert_eq!(origin.loads(), 2);
}

/// Checks that both processes find what the other stored under this name.
async fn share(origin: &Origin, name: &str, processes: [&Fastness; 2]) {
    let [one, two] = processes;
    for (at, (writer, reader)) in [(one, two), (two, one)].into_iter().enumerate() {
        let (name, loads, before) = (format!("{name} {at}"), origin.loads(), stores(writer));
        let value = get(writer, origin, &name).await;
        one_more(writer, before).await;
        assert_eq!(get(reader, origin, &name).await, value);
        assert_eq!(origin.loads(), loads + 1, "{name}");
    }
    let stats = processes.map(|process| process.shared().unwrap());
    assert!(stats.iter().all(|stats| stats.unknown_secret + stats.forged + stats.unreadable == 0));
}

/// Each step is a rolling deploy, in which processes of the former step and of the next one run beside each other.
#[tokio::test]
async fn a_rotation_in_two_steps_costs_no_load() {
    let (server, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let before = [process(server, &prefix, "a").await, process(server, &prefix, "a").await];
    share(&origin, "before", [&before[0], &before[1]]).await;
    // The new secret key is there to decrypt; it does not encrypt yet.
    let prepared = [process(server, &prefix, "ab").await, process(server, &prefix, "ab").await];
    share(&origin, "while it is added", [&before[1], &prepared[0]]).await;
    // It encrypts.
    let rotated = [process(server, &prefix, "ba").await, process(server, &prefix, "ba").await];
    share(&origin, "while it becomes current", [&prepared[1], &rotated[0]]).await;
    share(&origin, "afterwards", [&rotated[0], &rotated[1]]).await;
    // Everything is still found, of whichever step, under the same names.
    let loads = origin.loads();
    for step in ["before", "while it is added", "while it becomes current", "afterwards"] {
        for name in [format!("{step} 0"), format!("{step} 1")] {
            get(&rotated[1], &origin, &name).await;
        }
    }
    assert_eq!(origin.loads(), loads);
    assert_eq!(values(server, &prefix).await.len(), 8);
}

/// The old secret key is removed too early, or the new one is made current before all have it.
#[tokio::test]
async fn a_value_of_an_unknown_secret_key_is_missing_and_stays() {
    let (server, prefix, origin) = (Redis::start().await, prefix(), Origin::default());
    let (logged, _guard) = Logged::listen(Level::WARN);
    let (one, two) = (process(&server, &prefix, "b").await, process(&server, &prefix, "a").await);
    for name in ["ada", "bob"] {
        get(&one, &origin, name).await;
    }
    stored(&one, 2).await;
    let names = values(&server, &prefix).await;
    let bytes: Vec<Vec<u8>> = server.command(&["MGET", &names[0], &names[1]]).await;
    // Reads that load nothing.
    for name in ["patient:ada", "patient:bob", "patient:ada"] {
        assert_eq!(two.cache().get::<String>(&named(name)).await, None);
    }
    assert_eq!(two.shared().unwrap().unknown_secret, 3);
    assert_eq!(server.command::<Vec<Vec<u8>>>(&["MGET", &names[0], &names[1]]).await, bytes, "it is not removed");
    let loads = origin.loads();
    get(&one, &origin, "ada").await;
    assert_eq!(origin.loads(), loads);
    // A caller gets its value, and the process that lacks the secret key stores one of its own, which the other cannot read either.
    for (process, expected) in [(&two, loads + 1), (&two, loads + 1), (&one, loads + 2)] {
        get(process, &origin, "ada").await;
        stored(&two, 1).await;
        assert_eq!(origin.loads(), expected);
    }
    let (one, two) = (one.shared().unwrap(), two.shared().unwrap());
    assert!(one.unknown_secret == 1 && two.unknown_secret == 4, "{one:?} {two:?}");
    assert_eq!((one.errors, two.errors, one.forged, two.forged), (0, 0, 0, 0));
    let lines = logged.with("a secret key that the keyring lacks");
    assert_eq!(lines.len(), 2, "one for each process and secret key: {lines:?}");
    assert!(lines[0].contains("secret=\"b\"") && lines[1].contains("secret=\"a\""), "{lines:?}");
}
