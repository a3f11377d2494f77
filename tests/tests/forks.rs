//! The cache in a forked child process.

use std::process::Command;

use fastness_tests::servers::{Redis, prefix};

fn forks(args: &[&str]) -> bool {
    Command::new(env!("CARGO_BIN_EXE_forks")).args(args).status().expect("a program").success()
}

/// Checks each way to notice the fork. Each child takes 100 ms, because the ttl has to pass.
#[test]
fn time_passes_in_a_child_once_it_knows_of_the_fork() {
    for how in ["told", "miss", "invalidation"] {
        assert!(forks(&[how]), "{how}");
    }
}

#[test]
fn events_do_not_stop_a_child_that_was_forked_while_other_threads_sent_some() {
    assert!(forks(&["events"]));
}

#[test]
fn memory_is_freed_in_a_child_and_in_its_parent() {
    assert!(forks(&["swept"]));
}

#[tokio::test]
async fn a_child_uses_none_of_its_parents_connections() {
    let (server, prefix) = (Redis::start().await, prefix());
    let url = server.url();
    assert!(tokio::task::spawn_blocking(move || forks(&["shared", &url, &prefix])).await.unwrap());
}
