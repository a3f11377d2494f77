use std::collections::{BTreeMap, HashMap, HashSet};

use super::*;
use serde::ser::Error as _;

#[derive(serde::Serialize)]
struct Point {
    x: u8,
}

#[derive(serde::Serialize)]
struct Other {
    x: u8,
}

#[derive(serde::Serialize)]
enum Kind {
    Unit,
    One(u8),
    Two(u8, u8),
    Named { x: u8 },
}

fn digests<const N: usize>(values: [&dyn Fn() -> Result<u64, Undigested>; N]) -> Vec<u64> {
    let mut digests: Vec<_> = values.iter().map(|value| value().unwrap()).collect();
    digests.sort_unstable();
    digests.dedup();
    digests
}

#[test]
fn values_that_serde_distinguishes_have_different_digests() {
    let all = digests([
        &|| number(&1_u8),
        &|| number(&1_u16),
        &|| number(&1_u32),
        &|| number(&1_u64),
        &|| number(&1_u128),
        &|| number(&1_i8),
        &|| number(&1_i16),
        &|| number(&1_i32),
        &|| number(&1_i64),
        &|| number(&1_i128),
        &|| number(&2_i64),
        &|| number(&1_f32),
        &|| number(&1_f64),
        &|| number(&0_f64),
        &|| number(&-0_f64),
        &|| number(&f64::NAN),
        &|| number(&true),
        &|| number(&'1'),
        &|| number("1"),
        &|| number(&[1_u8]),
        &|| number(&(1_u8, 2_u8)),
        &|| number(&(2_u8, 1_u8)),
        &|| number(&vec![1_u8]),
        &|| number(&vec![1_u8, 1]),
        &|| number(&()),
        &|| number(&None::<u8>),
        &|| number(&Some(1_u8)),
        &|| number(&Some(None::<u8>)),
        &|| number(&Some(())),
        &|| number(&BTreeMap::from([("x", 1_u8)])),
        &|| number(&BTreeMap::from([("y", 1_u8)])),
        &|| number(&Point { x: 1 }),
        &|| number(&Other { x: 1 }),
        &|| number(&Kind::Unit),
        &|| number(&Kind::One(1)),
        &|| number(&Kind::Two(1, 1)),
        &|| number(&Kind::Named { x: 1 }),
    ]);
    assert_eq!(all.len(), 37);
}

#[test]
fn the_order_of_sets_and_maps_does_not_count() {
    let (up, down): (HashSet<u32>, HashSet<u32>) = ((0..100).collect(), (0..100).rev().collect());
    assert_eq!(number(&up).unwrap(), number(&down).unwrap());
    let (up, down): (HashMap<_, _>, HashMap<_, _>) =
        ((0..100).map(|n| (n, n)).collect(), (0..100).rev().map(|n| (n, n)).collect());
    assert_eq!(number(&up).unwrap(), number(&down).unwrap());
}

#[test]
fn a_value_that_does_not_serialise_has_no_number() {
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("no"))
        }
    }
    assert_eq!(number(&vec![Fails]).unwrap_err().to_string(), "no");
}
