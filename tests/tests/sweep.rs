//! The thread that frees memory, in a process of its own because threads are counted.
#![cfg(target_os = "linux")]

use std::time::Duration;

use fastness::Fastness;
use fastness_tests::names::named;

/// The number of threads of this process that sweep.
fn sweeping() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "fastness-sweep").count()
}

fn wait_until_sweeping(threads: usize) {
    while sweeping() != threads {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn one_thread_sweeps_while_something_is_stored() {
    let handles = [Fastness::builder().build().unwrap(), Fastness::builder().build().unwrap()];
    let store = async |fast: &Fastness| fast.cache().set(&named("n:1"), 1, Duration::from_secs(600)).await;
    assert_eq!(handles[0].cache().get::<i32>(&named("n:1")).await, None);
    assert_eq!(sweeping(), 0, "nothing is stored");
    for _ in 0..2 {
        store(&handles[0]).await;
        store(&handles[1]).await;
        wait_until_sweeping(1);
        handles[0].clear();
        store(&handles[0]).await;
        handles[1].clear();
        assert_eq!(sweeping(), 1, "for all of them, while one has an entry");
        handles[0].clear();
        wait_until_sweeping(0);
    }
    store(&handles[0]).await;
    wait_until_sweeping(1);
    drop(handles);
    wait_until_sweeping(0);
}
