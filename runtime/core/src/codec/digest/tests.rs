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
fn what_serde_tells_apart_has_another_number() {
    let all = digests([
        &|| of(&1_u8),
        &|| of(&1_u16),
        &|| of(&1_u32),
        &|| of(&1_u64),
        &|| of(&1_u128),
        &|| of(&1_i8),
        &|| of(&1_i16),
        &|| of(&1_i32),
        &|| of(&1_i64),
        &|| of(&1_i128),
        &|| of(&2_i64),
        &|| of(&1_f32),
        &|| of(&1_f64),
        &|| of(&0_f64),
        &|| of(&-0_f64),
        &|| of(&f64::NAN),
        &|| of(&true),
        &|| of(&'1'),
        &|| of("1"),
        &|| of(&[1_u8]),
        &|| of(&(1_u8, 2_u8)),
        &|| of(&(2_u8, 1_u8)),
        &|| of(&vec![1_u8]),
        &|| of(&vec![1_u8, 1]),
        &|| of(&()),
        &|| of(&None::<u8>),
        &|| of(&Some(1_u8)),
        &|| of(&Some(None::<u8>)),
        &|| of(&Some(())),
        &|| of(&BTreeMap::from([("x", 1_u8)])),
        &|| of(&BTreeMap::from([("y", 1_u8)])),
        &|| of(&Point { x: 1 }),
        &|| of(&Other { x: 1 }),
        &|| of(&Kind::Unit),
        &|| of(&Kind::One(1)),
        &|| of(&Kind::Two(1, 1)),
        &|| of(&Kind::Named { x: 1 }),
    ]);
    assert_eq!(all.len(), 37);
}

#[test]
fn the_order_of_sets_and_maps_does_not_count() {
    let (up, down): (HashSet<u32>, HashSet<u32>) = ((0..100).collect(), (0..100).rev().collect());
    assert_eq!(of(&up).unwrap(), of(&down).unwrap());
    let (up, down): (HashMap<_, _>, HashMap<_, _>) =
        ((0..100).map(|n| (n, n)).collect(), (0..100).rev().map(|n| (n, n)).collect());
    assert_eq!(of(&up).unwrap(), of(&down).unwrap());
}

#[test]
fn a_value_that_does_not_serialise_has_no_number() {
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("no"))
        }
    }
    assert_eq!(of(&vec![Fails]).unwrap_err().to_string(), "no");
}
