//! Generic functions, and functions of one name: instantiations that share entries, and those that never do.

use std::collections::HashMap;
use std::fmt::Debug;

use fastness::{cache_invalidate, cache_put, cacheable, with_cache, with_cache_sync};

use crate::fresh;

/// A type whose keys and values do not depend on `T`.
struct Table<T>(T);

#[allow(clippy::unused_self)]
impl<T: Debug + Send + Sync + 'static> Table<T> {
    #[cacheable(ttl = 60, skip(self))]
    fn by_path(&self, id: u32) -> String {
        format!("{:?} {id}", self.0)
    }

    #[cacheable(ttl = 60, key = "row:{id}", skip(self))]
    fn row(&self, id: u32) -> String {
        format!("{:?} {id}", self.0)
    }

    #[cacheable(ttl = 60, key = "row:{ids}", batch(ids), skip(self))]
    fn rows(&self, ids: &[u32]) -> HashMap<u32, String> {
        ids.iter().map(|id| (*id, format!("{:?} {id} in a batch", self.0))).collect()
    }

    #[cache_put(ttl = 60, key = "row:{id}", skip(self))]
    fn write(&self, id: u32, value: &str) -> String {
        value.to_owned()
    }

    #[cache_invalidate("row:{id}", skip(self))]
    fn forget(&self, id: u32) {}
}

const NUMBERS: Table<u8> = Table(0);
const WORDS: Table<String> = Table(String::new());

#[tokio::test]
async fn instantiations_of_an_impl_share_nothing() {
    with_cache_sync(&fresh(), || {
        for _ in 0..2 {
            assert_eq!((NUMBERS.by_path(1), WORDS.by_path(1)), ("0 1".into(), "\"\" 1".into()));
            assert_eq!((NUMBERS.row(1), WORDS.row(1)), ("0 1".into(), "\"\" 1".into()));
        }
        WORDS.rows(&[7]);
        WORDS.write(8, "eight");
        assert_eq!((NUMBERS.row(7), NUMBERS.row(8)), ("0 7".into(), "0 8".into()));
        NUMBERS.row(9);
        WORDS.forget(9);
        assert_eq!(NUMBERS.row(9), "0 9");
    });
}

#[tokio::test]
async fn functions_of_one_instantiation_share_entries_of_equal_keys() {
    with_cache_sync(&fresh(), || {
        NUMBERS.row(1);
        NUMBERS.write(1, "written");
        assert_eq!(NUMBERS.row(1), "written", "a put is seen by the next read");
        assert_eq!(NUMBERS.rows(&[1, 2])[&2], "0 2 in a batch");
        assert_eq!((NUMBERS.rows(&[1])[&1].as_str(), NUMBERS.row(2).as_str()), ("written", "0 2 in a batch"));
        NUMBERS.forget(2);
        assert_eq!(NUMBERS.row(2), "0 2");
    });
}

#[cacheable(ttl = 60)]
fn of_type<T: Default + Debug + 'static>(id: u32) -> String {
    format!("{:?} {id}", T::default())
}

#[cacheable(ttl = 60, key = "type:{id}")]
async fn of_type_by_key<T: Default + Debug>(id: u32) -> String {
    format!("{:?} {id}", T::default())
}

#[cacheable(ttl = 60)]
fn of_size<const N: usize>(id: usize) -> usize {
    id + N
}

#[cacheable(ttl = 60, key = "size:{id}")]
fn of_size_by_key<const N: usize>(id: usize) -> usize {
    id + N
}

#[tokio::test]
async fn instantiations_of_a_function_share_nothing() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        for _ in 0..2 {
            assert_eq!((of_type::<u8>(1), of_type::<&str>(1)), ("0 1".into(), "\"\" 1".into()));
            assert_eq!((of_size::<1>(1), of_size::<2>(1)), (2, 3));
            assert_eq!((of_size_by_key::<1>(1), of_size_by_key::<2>(1)), (2, 3));
        }
    });
    assert_eq!(fast.stats().total.loads, 6);
    with_cache(&fast, async {
        assert_eq!(of_type_by_key::<u8>(1).await, "0 1");
        assert_eq!(of_type_by_key::<bool>(1).await, "false 1");
    })
    .await;
}

/// A provided method is generic over the type that it is called for.
trait Entity: Sized {
    const TABLE: &str;

    #[cacheable(ttl = 60)]
    fn load(id: u32) -> String {
        format!("{} {id}", Self::TABLE)
    }

    #[cacheable(ttl = 60, key = "entity:{id}")]
    fn load_by_key(id: u32) -> String {
        format!("{} {id}", Self::TABLE)
    }
}

struct Person;
struct Order;

impl Entity for Person {
    const TABLE: &str = "person";
}

impl Entity for Order {
    const TABLE: &str = "order";
}

#[tokio::test]
async fn a_provided_method_never_serves_values_of_another_type() {
    with_cache_sync(&fresh(), || {
        assert_eq!((Person::load(1), Order::load(1)), ("person 1".into(), "order 1".into()));
    });
}

#[tokio::test]
async fn a_provided_method_with_a_key_never_serves_values_of_another_type() {
    with_cache_sync(&fresh(), || {
        assert_eq!((Person::load_by_key(1), Order::load_by_key(1)), ("person 1".into(), "order 1".into()));
    });
}

fn first() -> u32 {
    #[cacheable(ttl = 60, handle = inner_entry)]
    fn inner(n: u32) -> u32 {
        n + 1
    }
    inner(1)
}

fn second() -> u32 {
    #[cacheable(ttl = 60, handle = inner_entry)]
    fn inner(n: u32) -> u32 {
        n + 2
    }
    inner(1)
}

/// A macro that makes functions, in blocks without a name.
macro_rules! in_a_block {
    ($by:literal) => {{
        #[cacheable(ttl = 60)]
        fn add(n: u32) -> u32 {
            n + $by
        }
        add
    }};
}

#[tokio::test]
async fn functions_whose_paths_are_spelled_the_same_share_nothing() {
    let (one, two) = (in_a_block!(1), in_a_block!(2));
    with_cache_sync(&fresh(), || assert_eq!((one(1), two(1)), (2, 3)));
}

#[tokio::test]
async fn handles_whose_paths_are_spelled_the_same_share_nothing() {
    with_cache_sync(&fresh(), || assert_eq!((first(), second()), (2, 3)));
}

struct Borrowed<'a>(&'a str);

impl<'a> Borrowed<'a> {
    #[cacheable(ttl = 60, key = "borrowed:{self.0}:{n}")]
    async fn text(&self, n: &'a str) -> String {
        format!("{}{n}", self.0)
    }
}

/// `async_trait` gives each method as many lifetimes as it has references.
#[async_trait::async_trait]
trait Boxed {
    async fn noted(&self, id: u64) -> String;
    async fn note(&self, id: u64, text: &str) -> String;
}

#[async_trait::async_trait]
impl Boxed for Borrowed<'static> {
    #[cacheable(ttl = 60, key = "noted:{id}", skip(self))]
    async fn noted(&self, id: u64) -> String {
        panic!("{id} was stored by the write")
    }

    #[cache_put(ttl = 60, key = "noted:{id}", skip(self))]
    async fn note(&self, id: u64, text: &str) -> String {
        format!("{id} {text}")
    }
}

#[tokio::test]
async fn methods_of_different_references_share_entries() {
    let fast = fresh();
    with_cache(&fast, async {
        Borrowed("").note(1, "milk").await;
        assert_eq!(Borrowed("").noted(1).await, "1 milk");
    })
    .await;
    let names: Vec<_> = fast.stats().sites.into_iter().map(|site| site.name).collect();
    assert!(names.contains(&"<it.instances.Borrowed as it.instances.Boxed>.noted".to_owned()), "{names:?}");
}

/// Calls with other lifetimes share entries.
#[tokio::test]
async fn calls_with_other_lifetimes_share_entries() {
    let fast = fresh();
    with_cache(&fast, async {
        assert_eq!(Borrowed("static").text("s").await, "statics");
        let (a, b) = (String::from("static"), String::from("s"));
        assert_eq!(Borrowed(&a).text(&b).await, "statics");
    })
    .await;
    assert_eq!(fast.stats().total.loads, 1);
}
