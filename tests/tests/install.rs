//! The process default, in a process of its own.

use fastness::{Fastness, cacheable};

#[cacheable(ttl = 60)]
async fn answer() -> u32 {
    42
}

#[tokio::test]
async fn one_handle_is_installed_and_only_before_its_first_use() {
    let first = Fastness::builder().capacity(5).build().unwrap();
    first.clone().install().unwrap();
    let second = Fastness::builder().build().unwrap().install().unwrap_err();
    assert!(second.is_already_installed(), "{second}");

    assert_eq!((answer().await, answer().await), (42, 42));
    assert_eq!((first.stats().total.hits, first.stats().total.loads), (1, 1));
    // The same entry is found inside a scope of the default.
    assert_eq!(fastness::with_cache(&first, answer()).await, 42);
    assert_eq!(first.stats().total.hits, 2);
    // A scope of another handle has entries of its own, and the default is as before when it ends.
    let other = Fastness::builder().build().unwrap();
    assert_eq!(fastness::with_cache(&other, answer()).await, 42);
    assert_eq!(answer().await, 42);
    assert_eq!((first.stats().total.hits, other.stats().total.loads), (3, 1));
}
