//! Direct calls and functions with one key share entries in one process with a shared tier as they do without, and between two processes.

use fastness::{Fastness, cacheable, with_cache};
use fastness_tests::one_key;
use fastness_tests::servers::{prefix, shared_redis};

use crate::{MINUTE, node, stored};
use fastness_tests::names::named;

/// A process with a prefix of its own.
async fn alone() -> Fastness {
    node(&shared_redis().await.url(), &prefix()).await
}

#[tokio::test]
async fn what_functions_store_is_found() {
    one_key::what_functions_store_is_found(&alone().await).await;
}

#[tokio::test]
async fn functions_find_what_is_set() {
    one_key::functions_find_what_is_set(&alone().await).await;
}

#[tokio::test]
async fn each_replaces_what_the_other_has_stored() {
    one_key::each_replaces_what_the_other_has_stored(&alone().await).await;
}

#[tokio::test]
async fn invalidations_reach_both() {
    one_key::invalidations_reach_both(&alone().await).await;
}

#[tokio::test]
async fn refreshes_reach_both() {
    one_key::refreshes_reach_both(&alone().await).await;
}

#[tokio::test]
async fn absences_are_none_until_there_is_a_value() {
    one_key::absences_are_none_until_there_is_a_value(&alone().await).await;
}

#[tokio::test]
async fn batches_meet_direct_calls() {
    one_key::batches_meet_direct_calls(&alone().await).await;
}

#[tokio::test]
async fn batches_find_what_is_newer_than_an_absence() {
    one_key::batches_find_what_is_newer_than_an_absence(&alone().await).await;
}

#[tokio::test]
async fn handles_meet_direct_calls() {
    one_key::handles_meet_direct_calls(&alone().await).await;
}

#[tokio::test]
async fn keys_of_all_kinds_are_found() {
    one_key::keys_of_all_kinds_are_found(&alone().await).await;
}

#[tokio::test]
async fn several_functions_meet_one_direct_call() {
    one_key::several_functions_meet_one_direct_call(&alone().await).await;
}

#[tokio::test]
async fn functions_of_this_process_only_meet_direct_calls() {
    one_key::functions_of_this_process_only_meet_direct_calls(&alone().await).await;
}

#[tokio::test]
async fn the_newest_load_wins() {
    one_key::the_newest_load_wins(&alone().await).await;
}

#[tokio::test]
async fn what_is_set_while_a_function_loads_stays() {
    one_key::what_is_set_while_a_function_loads_stays(&alone().await).await;
}

#[tokio::test]
async fn tags_concern_what_functions_store() {
    one_key::tags_concern_what_functions_store(&alone().await).await;
}

#[tokio::test]
async fn what_is_apart_in_the_shared_tier_is_apart_here() {
    one_key::what_is_apart_in_the_shared_tier_is_apart_here(&alone().await, &alone().await).await;
}

#[tokio::test]
async fn functions_of_the_shared_tier_meet_direct_calls() {
    let fast = alone().await;
    one_key::functions_of_the_shared_tier_meet_direct_calls(&fast, async |count| stored(&fast, count).await).await;
}

#[cacheable(ttl = 60, key = "mark:{id}")]
async fn mark(id: u64) -> u64 {
    id
}

#[cacheable(ttl = 60, key = "mark:{id}", tier = local)]
async fn own_mark(id: u32) -> u64 {
    u64::from(id) + 10
}

#[tokio::test]
async fn between_processes_they_meet_through_the_shared_tier() {
    let (url, prefix) = (shared_redis().await.url(), prefix());
    let (one, two) = (node(&url, &prefix).await, node(&url, &prefix).await);
    assert_eq!(with_cache(&one, mark(1)).await, 1);
    stored(&one, 1).await;
    assert_eq!(two.cache().get::<u64>(&named("mark:1")).await, Some(1));
    one.cache().set(&named("mark:2"), 20_u64, MINUTE).await;
    stored(&one, 2).await;
    assert_eq!(with_cache(&two, own_mark(2)).await, 12, "a function of its process only does not ask it");
    assert_eq!(with_cache(&two, mark(2)).await, 20);
}
