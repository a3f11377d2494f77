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
async fn direct_calls_find_the_values_of_functions() {
    one_key::direct_calls_find_the_values_of_functions(&alone().await).await;
}

#[tokio::test]
async fn functions_find_the_values_of_direct_calls() {
    one_key::functions_find_the_values_of_direct_calls(&alone().await).await;
}

#[tokio::test]
async fn functions_and_direct_calls_replace_each_others_values() {
    one_key::functions_and_direct_calls_replace_each_others_values(&alone().await).await;
}

#[tokio::test]
async fn invalidations_reach_functions_and_direct_calls() {
    one_key::invalidations_reach_functions_and_direct_calls(&alone().await).await;
}

#[tokio::test]
async fn refreshes_reach_functions_and_direct_calls() {
    one_key::refreshes_reach_functions_and_direct_calls(&alone().await).await;
}

#[tokio::test]
async fn a_value_replaces_an_absence_that_direct_calls_do_not_find() {
    one_key::a_value_replaces_an_absence_that_direct_calls_do_not_find(&alone().await).await;
}

#[tokio::test]
async fn batches_share_entries_with_direct_calls() {
    one_key::batches_share_entries_with_direct_calls(&alone().await).await;
}

#[tokio::test]
async fn batches_find_a_direct_value_that_is_newer_than_an_absence() {
    one_key::batches_find_a_direct_value_that_is_newer_than_an_absence(&alone().await).await;
}

#[tokio::test]
async fn handles_share_entries_with_direct_calls() {
    one_key::handles_share_entries_with_direct_calls(&alone().await).await;
}

#[tokio::test]
async fn keys_of_all_kinds_are_found_by_their_text() {
    one_key::keys_of_all_kinds_are_found_by_their_text(&alone().await).await;
}

#[tokio::test]
async fn several_functions_share_an_entry_with_one_direct_call() {
    one_key::several_functions_share_an_entry_with_one_direct_call(&alone().await).await;
}

#[tokio::test]
async fn functions_of_the_local_tier_share_entries_with_direct_calls() {
    one_key::functions_of_the_local_tier_share_entries_with_direct_calls(&alone().await).await;
}

#[tokio::test]
async fn the_newest_load_wins() {
    one_key::the_newest_load_wins(&alone().await).await;
}

#[tokio::test]
async fn a_value_that_is_set_while_a_function_loads_stays() {
    one_key::a_value_that_is_set_while_a_function_loads_stays(&alone().await).await;
}

#[tokio::test]
async fn tags_concern_the_values_of_functions() {
    one_key::tags_concern_the_values_of_functions(&alone().await).await;
}

#[tokio::test]
async fn entries_that_differ_in_the_shared_tier_differ_in_the_process() {
    one_key::entries_that_differ_in_the_shared_tier_differ_in_the_process(&alone().await, &alone().await).await;
}

#[tokio::test]
async fn functions_of_the_shared_tier_share_entries_with_direct_calls() {
    let fast = alone().await;
    one_key::functions_of_the_shared_tier_share_entries_with_direct_calls(&fast, async |count| {
        stored(&fast, count).await;
    })
    .await;
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
async fn functions_and_direct_calls_share_entries_between_processes() {
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
