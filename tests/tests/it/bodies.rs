//! Bodies of sync functions. The expansion makes a closure of a body that may leave its function early, and inserts any other as it is:
//! both have to behave, and to be linted, as they would without the attribute.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::num::ParseIntError;
use std::panic::catch_unwind;
use std::sync::Arc;

use fastness::{Fastness, cacheable, with_cache_sync};

use fastness::key::KeyPart;

#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    id: u64,
    name: String,
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)
    }
}

impl Hash for User {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

#[cacheable(ttl = 300)]
fn one_expression(x: u64) -> u64 {
    x
}

#[cacheable(ttl = 300)]
fn mutated(mut x: u64) -> u64 {
    x += 1;
    x
}

#[cacheable(ttl = 300)]
fn moved(name: String) -> String {
    name
}

#[cacheable(ttl = 300)]
fn destructured(User { id, .. }: &User) -> u64 {
    *id
}

#[cacheable(ttl = 300)]
fn lifetimes<'a>(left: &'a str, right: &'a str) -> usize {
    let longer: &'a str = if left.len() > right.len() { left } else { right };
    longer.len()
}

#[cacheable(ttl = 300)]
fn generic<T: KeyPart + Copy + Into<u64>>(x: T) -> u64 {
    x.into() + 1
}

#[cacheable(ttl = 300)]
fn items(x: u64) -> u64 {
    const ONE: u64 = 1;
    fn twice(x: u64) -> u64 {
        x * 2
    }
    twice(x) + ONE
}

#[cacheable(ttl = 300)]
fn closure(x: u64) -> u64 {
    let add = move |y: u64| x + y;
    add(1)
}

#[cacheable(ttl = 300)]
fn labelled(x: u64) -> u64 {
    'found: {
        if x > 5 {
            break 'found 1;
        }
        2
    }
}

#[cacheable(ttl = 300)]
fn root_by_break(x: u64) -> Option<u64> {
    let mut root = None;
    for y in 0..x {
        if y * y == x {
            root = Some(y);
            break;
        }
    }
    root
}

#[cacheable(ttl = 300)]
fn root_by_return(x: u64) -> Option<u64> {
    for y in 0..x {
        if y * y == x {
            return Some(y);
        }
    }
    None
}

#[cacheable(ttl = 300)]
fn read(text: &str) -> Result<u64, ParseIntError> {
    let number: u64 = text.parse()?;
    Ok(number + 1)
}

#[cacheable(ttl = 300)]
fn by_macro(x: u64) -> Arc<User> {
    let name = format!("user {x}");
    Arc::new(User { id: x, name })
}

#[cacheable(ttl = 300)]
fn negated(x: bool) -> bool {
    !x
}

#[cacheable(ttl = 300)]
fn small(x: u64) -> u64 {
    assert!(x < 10, "too large");
    x
}

#[cacheable(ttl = 300)]
fn tenth(x: u64) -> u64 {
    100 / x
}

fn fail() -> ! {
    panic!("always")
}

/// The code after the body is never reached, and the compiler must not warn of it.
#[cacheable(ttl = 300)]
#[allow(clippy::diverging_sub_expression)]
fn endless(x: u64) -> u64 {
    if x > 1 {
        loop {
            std::hint::spin_loop();
        }
    }
    fail()
}

#[cacheable(ttl = 300)]
fn looped(x: u64) -> u64 {
    let mut y = x;
    loop {
        y += 1;
        if y > 10 {
            break y;
        }
    }
}

struct Repo<T> {
    by: u64,
    kind: PhantomData<T>,
}

impl<T: Default + Into<u64>> Repo<T> {
    fn of(by: u64) -> Self {
        Self { by, kind: PhantomData }
    }

    #[cacheable(ttl = 300)]
    fn times(&self, x: u64) -> u64 {
        self.by * x + T::default().into()
    }

    #[cacheable(ttl = 300)]
    fn size() -> usize {
        size_of::<T>()
    }

    #[cacheable(ttl = 300, condition = x > 2, tags = ["t"], stale = 5)]
    fn less(&self, x: u64) -> Option<u64> {
        x.checked_sub(self.by)
    }
}

trait Named {
    fn title(&self, x: u64) -> String;
}

impl Named for User {
    #[cacheable(ttl = 300)]
    fn title(&self, x: u64) -> String {
        let Self { name, .. } = self;
        format!("{name} {x}")
    }
}

/// Runs twice, so that the second answers are from the cache.
fn twice(check: impl Fn()) {
    check();
    check();
}

#[tokio::test]
async fn bodies_behave_as_without_the_attribute() {
    let fast = Fastness::builder().build().unwrap();
    let user = User { id: 7, name: "Ada".to_owned() };
    with_cache_sync(&fast, || {
        twice(|| {
            assert_eq!((one_expression(3), mutated(2), moved("a".to_owned())), (3, 3, "a".to_owned()));
            assert_eq!((destructured(&user), lifetimes("a", "bb")), (7, 2));
            assert_eq!((generic(3_u32), generic(4_u8)), (4, 5));
            assert_eq!((items(1), closure(1), labelled(9), labelled(1)), (3, 2, 1, 2));
            assert_eq!((root_by_break(9), root_by_return(9)), (Some(3), Some(3)));
            assert_eq!((root_by_break(8), root_by_return(8)), (None, None));
            assert_eq!((read("7"), read("x").is_err()), (Ok(8), true));
            assert_eq!((by_macro(1).name.as_str(), negated(true), looped(1)), ("user 1", false, 11));
        });
    });
    let total = fast.stats().total;
    // Absences are not cached unless that is asked for, nor are errors.
    assert_eq!((total.loads, total.load_errors), (17 + 2 * 2, 2));
}

#[tokio::test]
async fn a_body_that_panics_leaves_nothing_behind() {
    let fast = Fastness::builder().build().unwrap();
    with_cache_sync(&fast, || {
        for _ in 0..2 {
            assert!(catch_unwind(|| small(11)).is_err(), "a closure");
            assert!(catch_unwind(|| tenth(0)).is_err(), "as it is");
            assert!(catch_unwind(|| endless(0)).is_err(), "as it is");
        }
        assert_eq!((small(9), tenth(10)), (9, 10));
    });
    let total = fast.stats().total;
    assert_eq!((total.loads, total.loads_abandoned), (2, 6));
}

#[tokio::test]
async fn bodies_of_methods_have_their_types() {
    let fast = Fastness::builder().build().unwrap();
    let user = User { id: 7, name: "Ada".to_owned() };
    let (narrow, wide) = (Repo::<u8>::of(2), Repo::<u64>::of(2));
    with_cache_sync(&fast, || {
        twice(|| {
            assert_eq!((narrow.times(2), wide.times(2)), (4, 4));
            assert_eq!((Repo::<u8>::size(), Repo::<u64>::size()), (1, 8));
            assert_eq!((narrow.less(1), narrow.less(3)), (None, Some(1)), "the first bypasses the cache");
            assert_eq!(user.title(1), "Ada 1");
        });
    });
    assert_eq!(fast.stats().total.loads, 6);
}
