//! The bytes in the tier: in the codec that an attribute asks for, or in one that can hold the value.

use std::collections::BTreeMap;

use fastness::{Fastness, Redis, cacheable, with_cache};
use fastness_tests::logged::Logged;
use fastness_tests::servers::{PATIENCE, prefix, shared_redis};
use serde::{Deserialize, Serialize};
use tracing::Level;

use crate::{Origin, node, node_with, stored};

const MESSAGEPACK: u8 = 1;
const JSON: u8 = 2;
const BINCODE: u8 = 3;

/// The codec that the envelope under this key names.
async fn codec_in_redis(prefix: &str, key: &str) -> u8 {
    envelope(prefix, key).await[4]
}

/// The bytes under this key, read without fastness.
async fn envelope(prefix: &str, key: &str) -> Vec<u8> {
    let redis = shared_redis().await;
    let keys: Vec<String> = redis.command(&["KEYS", &format!("{prefix}{key}#*")]).await;
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    let envelope: Vec<u8> = redis.command(&["GET", key]).await;
    assert_eq!(&envelope[..4], b"FST\x02");
    envelope
}

async fn two_nodes(prefix: &str) -> [Fastness; 2] {
    let url = shared_redis().await.url();
    [node(&url, prefix).await, node(&url, prefix).await]
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: f64,
    y: f64,
    label: Option<String>,
}

impl Point {
    fn load(origin: &Origin) -> Self {
        Self { x: 1.109_999_999_999_999_9, y: f64::MIN_POSITIVE, label: Some(format!("load {}", origin.load())) }
    }
}

// Three functions of one key and type, which therefore share their values.

#[cacheable(ttl = 60, key = "point:{id}", tier = shared, codec = messagepack, skip(origin))]
async fn packed(origin: &Origin, id: u64) -> Point {
    Point::load(origin)
}

#[cacheable(ttl = 60, key = "point:{id}", tier = shared, codec = json, skip(origin))]
async fn readable(origin: &Origin, id: u64) -> Point {
    Point::load(origin)
}

#[cacheable(ttl = 60, key = "point:{id}", tier = shared, codec = bincode, skip(origin))]
async fn small(origin: &Origin, id: u64) -> Point {
    Point::load(origin)
}

#[tokio::test]
async fn values_are_in_the_codec_that_was_asked_for_and_every_reader_reads_them() {
    let (prefix, origin) = (prefix(), Origin::default());
    let [one, two] = two_nodes(&prefix).await;
    let written = [
        with_cache(&one, packed(&origin, 1)).await,
        with_cache(&one, readable(&origin, 2)).await,
        with_cache(&one, small(&origin, 3)).await,
    ];
    stored(&one, 3).await;
    for (key, codec) in [("point:1", MESSAGEPACK), ("point:2", JSON), ("point:3", BINCODE)] {
        assert_eq!(codec_in_redis(&prefix, key).await, codec, "{key}");
    }
    // A reader reads every codec, whichever it would write: a codec can be changed while both versions run.
    for (id, written) in (1..).zip(&written) {
        assert_eq!(&with_cache(&two, packed(&origin, id)).await, written);
        assert_eq!(&with_cache(&two, readable(&origin, id)).await, written);
        assert_eq!(&with_cache(&two, small(&origin, id)).await, written);
    }
    assert_eq!((origin.loads(), two.stats().total.shared_hits), (3, 9));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Setting {
    Number(i64),
    Text(String),
}

#[cacheable(ttl = 60, key = "setting:{id}", tier = shared, codec = bincode, skip(origin))]
async fn setting(origin: &Origin, id: u64) -> Setting {
    origin.load();
    if id.is_multiple_of(2) { Setting::Number(-5) } else { Setting::Text("on".to_owned()) }
}

#[tokio::test]
async fn a_value_that_bincode_changes_is_stored_as_messagepack_with_one_warning() {
    let (prefix, origin) = (prefix(), Origin::default());
    let (logged, _guard) = Logged::listen(Level::WARN);
    let [one, two] = two_nodes(&prefix).await;
    for id in [1, 2, 3] {
        with_cache(&one, setting(&origin, id)).await;
    }
    stored(&one, 3).await;
    for key in ["setting:1", "setting:2", "setting:3"] {
        assert_eq!(codec_in_redis(&prefix, key).await, MESSAGEPACK, "{key}");
    }
    assert_eq!(with_cache(&two, setting(&origin, 1)).await, Setting::Text("on".to_owned()));
    assert_eq!(with_cache(&two, setting(&origin, 2)).await, Setting::Number(-5));
    assert_eq!((origin.loads(), two.shared().unwrap().unreadable), (3, 0));

    let warnings = logged.with("WARN");
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    for part in ["do not decode unchanged from the requested codec", "Setting", "codec=Bincode", "leave `codec` out"] {
        assert!(warning.contains(part), "{part}: {warning}");
    }
}

#[cacheable(ttl = 60, key = "grid:{id}", codec = json, skip(origin))]
async fn grid(origin: &Origin, id: u64) -> BTreeMap<(u8, u8), u64> {
    BTreeMap::from([((1, 2), id + origin.load() as u64)])
}

#[tokio::test]
async fn a_value_that_json_cannot_hold_is_stored_as_messagepack() {
    let (prefix, origin) = (prefix(), Origin::default());
    let [one, two] = two_nodes(&prefix).await;
    let expected = BTreeMap::from([((1, 2), 7)]);
    assert_eq!(with_cache(&one, grid(&origin, 7)).await, expected);
    stored(&one, 1).await;
    assert_eq!(codec_in_redis(&prefix, "grid:7").await, MESSAGEPACK);
    assert_eq!(with_cache(&two, grid(&origin, 7)).await, expected);
    assert_eq!((origin.loads(), one.shared().unwrap().unencodable), (1, 0));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::option_option)] // that is the question
struct Patch {
    name: Option<Option<String>>,
}

#[cacheable(ttl = 60, key = "patch:{id}", tier = shared, skip(origin))]
async fn patch(origin: &Origin, id: u64) -> Patch {
    origin.load();
    Patch { name: Some(None) }
}

#[cacheable(ttl = 60, key = "small-patch:{id}", tier = shared, codec = bincode, skip(origin))]
async fn small_patch(origin: &Origin, id: u64) -> Patch {
    origin.load();
    Patch { name: Some(None) }
}

#[tokio::test]
async fn nested_options_come_back() {
    let (prefix, origin) = (prefix(), Origin::default());
    let [one, two] = two_nodes(&prefix).await;
    with_cache(&one, patch(&origin, 1)).await;
    with_cache(&one, small_patch(&origin, 1)).await;
    stored(&one, 2).await;
    assert_eq!(with_cache(&two, patch(&origin, 1)).await, Patch { name: Some(None) });
    assert_eq!(with_cache(&two, small_patch(&origin, 1)).await, Patch { name: Some(None) });
    assert_eq!(origin.loads(), 2);
}

#[cacheable(ttl = 60, key = "page:{id}", tier = shared, skip(origin))]
async fn page(origin: &Origin, id: u64) -> String {
    format!("load {}, ", origin.load()).repeat(500)
}

#[tokio::test]
async fn large_values_are_compressed_on_request_and_read_everywhere() {
    let (prefix, origin, url) = (prefix(), Origin::default(), shared_redis().await.url());
    let one = node_with(Redis::single(&url).unwrap().prefix(&prefix).command_timeout(PATIENCE).compress(true)).await;
    let plain = node(&url, &prefix).await;
    let narrow =
        node_with(Redis::single(&url).unwrap().prefix(&prefix).command_timeout(PATIENCE).max_value_bytes(3_000)).await;
    let written = with_cache(&one, page(&origin, 1)).await;
    stored(&one, 1).await;
    let envelope = envelope(&prefix, "page:1").await;
    assert!(written.len() >= 4_000 && envelope.len() < 200, "{} of {}", envelope.len(), written.len());
    assert_eq!(with_cache(&plain, page(&origin, 1)).await, written);
    assert_eq!((origin.loads(), plain.shared().unwrap().hits), (1, 1));

    // A value that is larger than a node allows is neither decompressed nor stored by that node.
    assert_eq!(with_cache(&narrow, page(&origin, 1)).await, written);
    let shared = narrow.shared().unwrap();
    assert_eq!((origin.loads(), shared.unreadable, shared.too_large, shared.stores), (2, 1, 1, 0));
}
