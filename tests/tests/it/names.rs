//! Types of one name: instantiations for them never share entries.

use std::fmt::Display;

use fastness::{cache_put, cacheable, with_cache_sync};

use crate::fresh;

trait Kind {
    const NUMBER: u64;
}

#[cacheable(ttl = 60, key = "kind:{n}")]
fn kind<T: Kind + 'static>(n: u64) -> u64 {
    T::NUMBER + n
}

#[cache_put(ttl = 60, key = "kind:{n}")]
fn set_kind<T: Kind + 'static>(n: u64) -> u64 {
    T::NUMBER + n + 1_000
}

/// Expands to a block that declares a type, which has the same name in each expansion.
macro_rules! local {
    ($number:literal, $ty:ident => $($body:tt)*) => {{
        struct $ty;
        impl Kind for $ty {
            const NUMBER: u64 = $number;
        }
        $($body)*
    }};
}

#[tokio::test]
async fn local_types_of_one_name_share_nothing() {
    with_cache_sync(&fresh(), || {
        let one = local!(100, M => { kind::<M>(1); kind::<M>(1) });
        let other = local!(200, M => { kind::<M>(1); kind::<M>(1) });
        assert_eq!((one, other), (101, 201));
        let written = local!(300, M => { set_kind::<M>(1); kind::<M>(1) });
        assert_eq!(written, 1_301, "a put is seen by the next read of the same type");
        assert_eq!(local!(400, M => kind::<M>(1)), 401, "another type does not find it");
        assert_eq!(local!(500, M => kind::<Vec<M>>(1)), 1, "nor the one within another type");
        assert_eq!(local!(600, M => kind::<Vec<M>>(1)), 1);
    });
}

impl<T> Kind for Vec<T> {
    const NUMBER: u64 = 0;
}

impl Kind for quanta::Instant {
    const NUMBER: u64 = 13;
}

impl Kind for quanta_of_before::Instant {
    const NUMBER: u64 = 12;
}

#[tokio::test]
async fn types_of_two_versions_of_a_crate_share_nothing() {
    assert_eq!(std::any::type_name::<quanta::Instant>(), std::any::type_name::<quanta_of_before::Instant>());
    with_cache_sync(&fresh(), || {
        assert_eq!((kind::<quanta::Instant>(0), kind::<quanta_of_before::Instant>(0)), (13, 12));
    });
}

#[cacheable(ttl = 60, key = "applied:{n}", skip(function))]
fn applied<F: Fn(u64) -> u64>(function: F, n: u64) -> u64 {
    function(n)
}

#[cacheable(ttl = 60, key = "any:{n}", skip(function))]
fn applied_to_any(function: impl Fn(u64) -> u64, n: u64) -> u64 {
    function(n)
}

#[tokio::test]
async fn closures_share_nothing() {
    with_cache_sync(&fresh(), || {
        for _ in 0..2 {
            assert_eq!((applied(|n| n + 1, 1), applied(|n| n + 2, 1)), (2, 3));
            assert_eq!((applied_to_any(|n| n + 1, 1), applied_to_any(|n| n + 2, 1)), (2, 3));
        }
    });
}

#[allow(clippy::needless_pass_by_value)] // an argument of a type without a name
#[cacheable(ttl = 60, key = "shown:{value}")]
fn shown(value: impl Display + std::hash::Hash + Eq + Clone + Send + Sync + 'static) -> String {
    format!("{value} of {} bytes", size_of_val(&value))
}

#[cacheable(ttl = 60, key = "flag:{n}")]
fn flagged<const FLAG: bool, const N: usize>(n: usize) -> usize {
    if FLAG { n + N } else { n }
}

#[tokio::test]
async fn arguments_of_any_type_and_constants_share_nothing() {
    with_cache_sync(&fresh(), || {
        for _ in 0..2 {
            assert_eq!((shown(7_u8), shown(7_u32)), ("7 of 1 bytes".into(), "7 of 4 bytes".into()));
            assert_eq!((flagged::<true, 1>(1), flagged::<false, 1>(1), flagged::<true, 2>(1)), (2, 1, 3));
        }
    });
}

/// A type whose implementation or trait is generic.
struct Table<T>(T);

trait Reads<T> {
    fn read(&self, n: u64) -> u64;
}

impl<T: Kind> Table<T> {
    #[cacheable(ttl = 60, key = "table:{n}")]
    fn without_self(n: u64) -> u64 {
        T::NUMBER + n
    }

    #[allow(clippy::unused_self)] // it is what the test is of
    #[cacheable(ttl = 60, key = "table:{n}", skip(self))]
    fn with_self(&self, n: u64) -> u64 {
        T::NUMBER + n
    }
}

impl<T: Kind> Reads<T> for () {
    #[cacheable(ttl = 60, key = "read:{n}", skip(self))]
    fn read(&self, n: u64) -> u64 {
        T::NUMBER + n
    }
}

#[tokio::test]
async fn the_parameters_of_an_implementation_separate_entries() {
    with_cache_sync(&fresh(), || {
        for _ in 0..2 {
            assert_eq!(local!(1, M => Table::<M>::without_self(0)), 1);
            assert_eq!(local!(2, M => Table::<M>::without_self(0)), 2);
            assert_eq!(local!(3, M => Table(M).with_self(0)), 3);
            assert_eq!(local!(4, M => Table(M).with_self(0)), 4);
            assert_eq!(local!(5, M => Reads::<M>::read(&(), 0)), 5);
            assert_eq!(local!(6, M => Reads::<M>::read(&(), 0)), 6);
        }
    });
}
