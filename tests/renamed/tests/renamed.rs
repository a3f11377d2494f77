//! The attributes work under another name of the crate.

use fastness_tests_renamed::{Size, forget, number, numbers, store, timed_number};

#[tokio::test]
async fn attributes_work_under_another_name_of_the_crate() {
    assert_eq!(number(1).await, 1);
    assert_eq!(store(1, 7).await, 7);
    assert_eq!(number(1).await, 7);
    assert_eq!(numbers(&[1, 2]).await.get(&1), Some(&7));
    forget(1);
    assert_eq!(number(1).await, 1);

    assert_eq!((timed_number(Size::Small, 3), timed_number(Size::Small, 3)), (3, 3));
    let stats = renamed::timing::snapshots().into_iter().find(|stats| stats.name == "renamed.size").unwrap();
    assert_eq!((stats.labels.as_slice(), stats.ok.count()), (&[("size", "small")][..], 2));
}
