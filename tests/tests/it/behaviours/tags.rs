//! The reach of invalidations by tags.

use fastness::{Fastness, cacheable, with_cache_sync};

use fastness::key::{KeyPart, KeyWriter};

use crate::fresh;
use crate::origin::Origin;
use fastness_tests::names::{reached, tagged};

#[cacheable(ttl = 60, key = "tagged:{id}", tags = ["group:{group}"], skip(origin, group))]
fn grouped(origin: &Origin, id: u32, group: &str) -> u32 {
    let _ = id;
    origin.count()
}

/// The number of runs of the function for these calls.
fn runs(fast: &Fastness, origin: &Origin, calls: impl Iterator<Item = (u32, &'static str)>) -> u32 {
    let before = origin.calls();
    with_cache_sync(fast, || {
        for (id, group) in calls {
            grouped(origin, id, group);
        }
    });
    origin.calls() - before
}

#[tokio::test]
async fn several_tags_reach_all_earlier_entries_with_one_of_them() {
    let (fast, origin) = (fresh(), Origin::default());
    let all = || (0..150).map(|id| (id, ["a", "b", "c"][id as usize % 3]));
    assert_eq!((runs(&fast, &origin, all()), runs(&fast, &origin, all())), (150, 0));
    let invalidate = async |tags: &[&str]| {
        fast.cache().invalidate_many(tags.iter().map(tagged)).await;
    };
    invalidate(&[]).await;
    invalidate(&["group:unknown", "tagged:1"]).await;
    assert_eq!(runs(&fast, &origin, all()), 0, "no tag, and tags that nothing has");
    invalidate(&["group:a", "group:b"]).await;
    assert_eq!((runs(&fast, &origin, all()), runs(&fast, &origin, all())), (100, 0));
    invalidate(&["group:c"]).await;
    assert_eq!(runs(&fast, &origin, [(500, "c")].into_iter()), 1);
    assert_eq!(runs(&fast, &origin, all().chain([(500, "c")])), 50, "the later entry is still there");
}

#[tokio::test]
async fn a_value_has_the_tags_of_its_own_load_only() {
    let (fast, origin) = (fresh(), Origin::default());
    runs(&fast, &origin, [(1, "old")].into_iter());
    fast.cache().invalidate(reached("tagged:1")).await;
    assert_eq!(runs(&fast, &origin, [(1, "new")].into_iter()), 1);
    fast.cache().invalidate(tagged("group:old")).await;
    assert_eq!(runs(&fast, &origin, [(1, "new")].into_iter()), 0);
    fast.cache().invalidate(tagged("group:new")).await;
    assert_eq!(runs(&fast, &origin, [(1, "new")].into_iter()), 1);
}

#[tokio::test]
async fn tags_take_every_argument_that_keys_take() {
    for text in ["!@#$^&()", "ünï", "a b", "a:b", "*", "", "%7E", "Группа"] {
        let (fast, origin) = (fresh(), Origin::default());
        let mut escaped = KeyWriter::new();
        text.write(&mut escaped);
        assert_eq!(runs(&fast, &origin, [(1, text), (1, text)].into_iter()), 1);
        fast.cache().invalidate(tagged("group:other")).await;
        assert_eq!(runs(&fast, &origin, [(1, text)].into_iter()), 0);
        fast.cache().invalidate(tagged(format!("group:{}", escaped.as_str()))).await;
        assert_eq!(runs(&fast, &origin, [(1, text)].into_iter()), 1, "{text:?}");
    }
}

#[cacheable(ttl = 60, key = "owned:{id}", tags = ["owner:{owner}"], skip(origin, owner))]
fn owned(origin: &Origin, id: u32, owner: Option<u32>) -> u32 {
    let _ = id;
    origin.count()
}

#[tokio::test]
async fn a_tag_of_none_reaches_entries_with_none() {
    let (fast, origin) = (fresh(), Origin::default());
    let both = || with_cache_sync(&fast, || (owned(&origin, 1, None), owned(&origin, 2, Some(0))));
    assert_eq!((both(), both()), ((1, 2), (1, 2)));
    fast.cache().invalidate(tagged("owner:%~")).await;
    assert_eq!(both(), (3, 2));
    fast.cache().invalidate(tagged("owner:0")).await;
    assert_eq!(both(), (3, 4));
}
