//! The text of keys: different arguments never make the same text, and no argument leaves its segment.

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::Duration;

use fastness::{cache_put, cacheable, with_cache, with_cache_sync};

use fastness::key::{KeyPart, KeyWriter};

use crate::fresh;
use crate::origin::{Fault, Origin};

/// Arguments that an attacker, or a careless user, might pass.
const NASTY: [&str; 38] = [
    "", " ", ":", "::", "*", ":*", "%", "%3A", "%253A", "%_", "%~", "%+", "%+%~", "%[", "%]", "%,", "%(", "%)", "a",
    "A", "a:b", "a:*", "a%3Ab", "a,b", "a%,b", "0", "00", "-0", "true", "None", "\0", "\n", "\r\n", "\u{7f}", "\u{85}",
    "é", "e\u{301}", "\u{202e}",
];

fn text(part: &(impl KeyPart + ?Sized)) -> String {
    let mut key = KeyWriter::new();
    part.write(&mut key);
    key.as_str().to_owned()
}

/// Asserts that different values of one type have different texts, none with a character that has a meaning in keys.
fn assert_injective<T: KeyPart + Debug>(parts: impl IntoIterator<Item = T>) {
    let mut seen: HashMap<String, T> = HashMap::new();
    for part in parts {
        let text = text(&part);
        assert!(!text.is_empty() && !text.contains([':', '*']) && !text.contains(char::is_control), "{text:?}");
        let owned = part.to_owned_part();
        assert!(part.same(&owned));
        if let Some(other) = seen.insert(text.clone(), part) {
            panic!("{other:?} and {:?} are both {text:?}", seen[&text]);
        }
        for (other_text, other) in &seen {
            assert_eq!(other.same(&owned), *other_text == text, "{other:?} and {text:?}");
        }
    }
}

#[test]
fn different_texts_options_lists_and_tuples_have_different_keys() {
    let texts = || NASTY.into_iter();
    let options = || texts().map(Some).chain([None]);
    assert_injective(texts());
    assert_injective(texts().map(String::from));
    assert_injective(options());
    assert_injective(options().map(Some).chain([None]));
    assert_injective(options().map(Some).chain([None]).map(Some).chain([None]));
    assert_injective(texts().flat_map(|a| texts().map(move |b| (a, b))));
    assert_injective(options().flat_map(|a| options().map(move |b| (a, b))).take(400));
    let lists = || [vec![]].into_iter().chain(texts().map(|a| vec![a])).chain(texts().map(|a| vec!["", a, ""]));
    assert_injective(lists());
    assert_injective(lists().map(Some).chain([None]));
    assert_injective(lists().map(|a| vec![a.clone(), a]).chain([vec![vec![]], vec![]]));
    assert_injective(texts().flat_map(|a| [vec![(a, 1)], vec![(a, 1), (a, 1)], vec![(a, 11)]]));
}

#[test]
fn different_numbers_and_similar_values_have_different_keys() {
    assert_injective([i128::MIN, -1, 0, 1, i128::MAX]);
    assert_injective([false, true]);
    assert_injective(['\0', ':', '*', '%', 'a', 'ä', '\u{10ffff}']);
    assert_injective(["::1", "1::", "::ffff:1.2.3.4"].map(|ip| ip.parse::<std::net::IpAddr>().unwrap()));
    assert_injective([0, 1, 999, 1_000_000_000, u64::MAX].map(std::time::Duration::from_nanos));
    assert_injective([[0_u8, 0], [0, 1], [1, 0]]);
}

#[cacheable(ttl = 60, key = "pair:{a}:x-{b}", handle = pair_entry)]
fn pair(a: &str, b: &str) -> String {
    format!("{a:?} {b:?}")
}

#[tokio::test]
async fn the_segments_of_a_key_are_those_of_its_template() {
    let mut seen = HashMap::new();
    with_cache_sync(&fresh(), || {
        for a in NASTY {
            for b in NASTY {
                let key = pair_entry(a, b).key();
                assert_eq!(key.as_str().split(':').count(), 3, "{key}");
                assert_eq!(seen.insert(key, (a, b)), None);
                assert_eq!(pair(a, b), format!("{a:?} {b:?}"));
            }
        }
        for a in NASTY {
            assert_eq!(pair(a, ":"), format!("{a:?} \":\""), "a second time, from the cache");
        }
    });
    assert_eq!(pair_entry("a", "b").key().as_str(), "pair:a:x-b");
    assert_eq!(pair_entry("a:*", "50%\n").key().as_str(), "pair:a%3A%2A:x-50%25%0A");
}

#[tokio::test]
async fn different_long_keys_share_nothing() {
    let long = |n: usize| "a".repeat(n);
    let fast = fresh();
    with_cache_sync(&fast, || {
        for (n, m) in [(500, 1), (501, 0), (600, 0), (599, 1), (5_000, 0), (5_000, 1)] {
            assert_eq!(pair(&long(n), &long(m)), format!("{:?} {:?}", long(n), long(m)));
            assert_eq!(pair(&long(n), &long(m)), format!("{:?} {:?}", long(n), long(m)));
        }
    });
    assert_eq!((fast.stats().total.loads, fast.stats().total.hits), (6, 6));
    with_cache_sync(&fast, || {
        pair(&long(600), "b");
        assert_eq!(fast.stats().total.loads, 7);
    });
    with_cache(&fast, pair_entry(&long(600), "b").invalidate()).await;
    with_cache_sync(&fast, || pair(&long(600), "b"));
    assert_eq!(fast.stats().total.loads, 8, "a long key is invalidated like any other");
}

#[cacheable(ttl = 60, key = "file:{path}", skip(origin), handle = files_entry)]
async fn file(origin: &Origin, path: &str) -> Result<u32, Fault> {
    let _ = path;
    origin.next()
}

#[cache_put(key = "file:{path}", ttl = 60)]
async fn save_file(path: &str, outcome: Result<u32, Fault>) -> Result<u32, Fault> {
    let _ = path;
    outcome
}

/// Checks keys that are too long to be stored whole.
#[tokio::test]
async fn writes_reach_long_keys_too() {
    let (fast, origin) = (fresh(), Origin::default());
    let path = "deep/".repeat(200);
    let (read, cache) = (|| file(&origin, &path), fast.cache());
    with_cache(&fast, async {
        assert_eq!(read().await, Ok(1));
        save_file(&path, Err(Fault::Down)).await.unwrap_err();
        assert_eq!(read().await, Ok(2), "a failed put may have written");
        save_file(&path, Ok(50)).await.unwrap();
        assert_eq!(read().await, Ok(50));
        cache.invalidate(files_entry(&path).key()).await;
        assert_eq!(read().await, Ok(3), "a handle names what an invalidation takes");
        cache.set(&files_entry(&path).key(), "of another type".to_owned(), Duration::from_secs(60)).await;
        assert_eq!(read().await, Ok(4), "a set value replaces the former one");
    })
    .await;
}
