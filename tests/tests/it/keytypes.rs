//! Arguments in keys: containers of displayed values, types that only display, bytes, and maps by their digest.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use fastness::{cache_put, cacheable, with_cache, with_cache_sync};
use serde::Serialize;

use crate::fresh;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Ts(String);

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A type with no trait for keys but `Display`.
struct Shown(&'static str);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A type whose text is the same for different values.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Rounded(u32);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / 10)
    }
}

fn ts(text: &str) -> Ts {
    Ts(text.to_owned())
}

/// Expands to a function of one argument, its runs, and its handle.
macro_rules! cached {
    ($($name:ident($ty:ty) $handle:ident),* $(,)?) => {$(
        #[allow(clippy::ref_option_ref)] // users have such arguments
        #[cacheable(ttl = 60, handle = $handle)]
        fn $name(x: $ty) -> u8 {
            1
        }
    )*};
}

cached! {
    option(Option<Ts>) option_entry,
    list(Vec<Ts>) list_entry,
    slice(&[Ts]) slice_entry,
    array([Ts; 2]) array_entry,
    pair((u8, Ts)) pair_entry,
    nested(Option<Vec<(Option<Ts>, &str)>>) nested_entry,
    boxed(Box<[Ts]>) boxed_entry,
    counted(Option<Arc<Ts>>) counted_entry,
    local(Rc<Option<Ts>>) local_entry,
    borrowed(Option<&Ts>) borrowed_entry,
    lent(&Option<&[Ts]>) lent_entry,
    cow(Cow<'_, [Ts]>) cow_entry,
    float(f64) float_entry,
    floats(Vec<Option<f64>>) floats_entry,
    only_shown(Shown) only_shown_entry,
    shown_by_reference((&Shown, u8)) shown_by_reference_entry,
    rounded(Option<Rounded>) rounded_entry,
    bytes(&[u8]) bytes_entry,
    body(bytes::Bytes) body_entry,
}

/// Asserts that each of two arguments is loaded once if both are asked for twice.
macro_rules! told_apart {
    ($fast:expr, $function:ident, $a:expr, $b:expr) => {{
        let before = $fast.stats().total.loads;
        for _ in 0..2 {
            $function($a);
            $function($b);
        }
        assert_eq!($fast.stats().total.loads - before, 2, stringify!($function));
    }};
}

#[tokio::test]
async fn different_containers_of_displayed_values_have_different_keys() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        told_apart!(fast, option, None, Some(ts("")));
        told_apart!(fast, list, vec![ts("a"), ts("b")], vec![ts("a,b")]);
        told_apart!(fast, slice, &[ts("a")], &[]);
        told_apart!(fast, array, [ts("a"), ts("")], [ts(""), ts("a")]);
        told_apart!(fast, pair, (1, ts("1")), (11, ts("")));
        told_apart!(fast, nested, Some(vec![(None, "a")]), Some(vec![(Some(ts("")), "a")]));
        told_apart!(fast, boxed, Box::new([ts("a")]), Box::new([]));
        told_apart!(fast, counted, Some(Arc::new(ts("a"))), None);
        told_apart!(fast, local, Rc::new(Some(ts("a"))), Rc::new(None));
        told_apart!(fast, borrowed, Some(&ts("a")), None);
        told_apart!(fast, lent, &Some(&[ts("a")][..]), &None);
        told_apart!(fast, cow, Cow::Owned(vec![ts("a")]), Cow::Borrowed(&[]));
    });
    assert!(option_entry(&Some(ts("a:b"))).key().as_str().ends_with(":a%3Ab"));
    assert!(pair_entry(&(1, ts(""))).key().as_str().ends_with(":%(1%,%_%,%)"));
}

#[tokio::test]
async fn a_type_that_only_displays_is_identified_by_its_text() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        told_apart!(fast, float, 0.1 + 0.2, 0.3);
        told_apart!(fast, floats, vec![Some(f64::NAN), None], vec![None, Some(f64::NAN)]);
        told_apart!(fast, only_shown, Shown("a"), Shown("b"));
        told_apart!(fast, shown_by_reference, (&Shown("a"), 1), (&Shown("a"), 2));
    });
}

#[tokio::test]
async fn values_that_display_alike_are_distinguished_by_their_hash_in_this_process() {
    let fast = fresh();
    with_cache_sync(&fast, || told_apart!(fast, rounded, Some(Rounded(11)), Some(Rounded(12))));
}

#[allow(clippy::needless_pass_by_value)] // the type is what the test is of
#[cacheable(ttl = 60, key = "generic:{x}")]
fn generic<T: fmt::Display + std::hash::Hash>(x: Option<T>) -> u8 {
    1
}

#[cacheable(ttl = 60, key = "many:{xs}", batch(xs))]
fn many(xs: &[Option<Ts>]) -> HashMap<Option<Ts>, u8> {
    xs.iter().map(|x| (x.clone(), 1)).collect()
}

#[tokio::test]
async fn containers_of_type_parameters_are_in_keys_and_batches() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        for _ in 0..2 {
            generic(Some(ts("a")));
            generic::<&str>(None);
            assert_eq!(many(&[Some(ts("a")), None, None]).len(), 2);
        }
    });
    assert_eq!(fast.stats().total.loads, 3);
}

#[tokio::test]
async fn bytes_of_every_length_have_different_keys() {
    let fast = fresh();
    let (short, long) = (vec![7_u8; 256], vec![7_u8; 100_000]);
    with_cache_sync(&fast, || {
        told_apart!(fast, bytes, b"", b"\0");
        told_apart!(fast, bytes, &short, &long);
        told_apart!(fast, bytes, &long[1..], &[&long[..99_998], &[8]].concat());
        told_apart!(fast, body, bytes::Bytes::from_static(b"a"), bytes::Bytes::new());
    });
    assert!(bytes_entry(&[0, 0xAB]).key().as_str().ends_with(":%x00AB"));
    assert!(bytes_entry(&long).key().as_str().len() < 100);
    assert_ne!(bytes_entry(&long).key(), bytes_entry(&long[1..]).key());
}

#[derive(Serialize)]
struct Query {
    words: HashSet<String>,
    filters: Option<HashMap<String, HashSet<u8>>>,
}

#[cacheable(ttl = 60, key = "query:{query:hash}")]
fn by_digest(query: &Query) -> usize {
    query.words.len()
}

fn query(words: u8) -> Query {
    let filters = (0..words).map(|n| (n.to_string(), (0..n).collect())).collect();
    Query { words: (0..words).map(|n| n.to_string()).collect(), filters: Some(filters) }
}

#[tokio::test]
async fn equal_maps_and_sets_have_one_digest() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        for _ in 0..20 {
            // Each map has a hasher of its own, and so another order.
            by_digest(&query(8));
        }
        by_digest(&query(7));
        by_digest(&Query { words: query(8).words, filters: None });
    });
    assert_eq!(fast.stats().total.loads, 3);
}

#[allow(clippy::option_option)] // the type is what the test is of
#[cacheable(ttl = 60, key = "order:{order:hash}:{by:hash}")]
fn in_order(order: &[(&str, bool)], by: Option<Option<u8>>) -> usize {
    order.len() + usize::from(by.is_some())
}

#[tokio::test]
async fn order_and_levels_of_options_are_in_the_digest() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        in_order(&[("a", true), ("b", false)], None);
        in_order(&[("b", false), ("a", true)], None);
        in_order(&[("b", false), ("a", true)], Some(None));
    });
    assert_eq!(fast.stats().total.loads, 3);
}

#[derive(Serialize)]
#[serde(untagged)]
enum Filter {
    Letter(char),
    Word(String),
    Short(u8),
    Long(u64),
    Signed(i64),
}

#[cacheable(ttl = 60, key = "filtered:{filter:hash}")]
fn filtered(filter: &Filter) -> u8 {
    match filter {
        Filter::Letter(_) => 0,
        Filter::Word(_) => 1,
        Filter::Short(_) => 2,
        Filter::Long(_) => 3,
        Filter::Signed(_) => 4,
    }
}

#[tokio::test]
async fn kinds_and_widths_are_in_the_digest() {
    with_cache_sync(&fresh(), || {
        let filters =
            [Filter::Letter('a'), Filter::Word("a".into()), Filter::Short(7), Filter::Long(7), Filter::Signed(7)];
        assert_eq!(filters.map(|filter| filtered(&filter)), [0, 1, 2, 3, 4]);
    });
}

/// Equal to nothing where it is not a number.
#[derive(Clone, Copy, PartialEq)]
struct Price(f64);

impl Eq for Price {}

impl std::hash::Hash for Price {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cacheable(ttl = 60, key = "tax:{price}")]
async fn tax(price: Price) -> u64 {
    1
}

#[cache_put(ttl = 60, key = "tax:{price}")]
async fn set_tax(price: Price) -> u64 {
    2
}

#[cacheable(ttl = 60, key = "tax:{prices}", batch(prices))]
async fn taxes(prices: &[Price]) -> HashMap<Price, u64> {
    prices.iter().map(|price| (*price, 1)).collect()
}

#[tokio::test]
async fn an_argument_that_is_not_equal_to_itself_is_loaded_and_not_stored() {
    let fast = fresh();
    with_cache(&fast, async {
        for _ in 0..50 {
            tax(Price(f64::NAN)).await;
            set_tax(Price(f64::NAN)).await;
            taxes(&[Price(f64::NAN)]).await;
        }
        assert_eq!((fast.stats().total.loads, fast.stats().entries), (100, 0));
        tax(Price(1.0)).await;
        tax(Price(1.0)).await;
    })
    .await;
    assert_eq!((fast.stats().total.loads, fast.stats().entries), (101, 1));
}
