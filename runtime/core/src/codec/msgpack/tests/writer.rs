use std::collections::HashMap;

use super::*;

fn own<T: Serialize + ?Sized>(value: &T, exact: bool) -> Vec<u8> {
    let mut bytes = b"before".to_vec();
    write(value, exact, &mut bytes).unwrap();
    bytes.split_off(6)
}

fn assert_as_rmp_serde<T: Serialize>(value: &T) {
    assert_eq!(own(value, false), written(value));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn values_are_written_as_rmp_serde_writes_them(value in everything()) {
        prop_assert_eq!(own(&value, false), written(&value));
    }

    #[test]
    fn numbers_in_the_width_of_their_types_come_back(value in everything()) {
        prop_assert_eq!(from_slice::<Everything>(&own(&value, true)).unwrap(), value);
    }
}

#[test]
fn lengths_are_written_as_rmp_serde_writes_them() {
    for length in [0_usize, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        assert_as_rmp_serde(&"x".repeat(length));
        assert_as_rmp_serde(&Bytes(vec![1; length]));
        assert_as_rmp_serde(&vec![true; length]);
        assert_as_rmp_serde(&(0..length).map(|n| (n, true)).collect::<BTreeMap<_, _>>());
    }
    for length in [1, 2, 4, 8, 16, 3, 200, 70_000] {
        assert_as_rmp_serde(&(Extension((-7, Bytes(vec![9; length]))), 1));
    }
}

#[test]
fn numbers_at_the_ends_of_their_widths_are_written_as_rmp_serde_writes_them() {
    for shift in 0..64 {
        for number in [(1_u64 << shift) - 1, 1 << shift, u64::MAX >> shift] {
            assert_as_rmp_serde(&number);
            assert_as_rmp_serde(&number.cast_signed());
            assert_as_rmp_serde(&number.cast_signed().wrapping_neg());
        }
    }
}

/// A value whose number of members is not known before they are written.
#[derive(Serialize)]
struct Unknown {
    before: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u16>,
    #[serde(serialize_with = "filtered")]
    list: Vec<u16>,
}

fn filtered<S: serde::Serializer>(list: &[u16], writer: S) -> Result<S::Ok, S::Error> {
    writer.collect_seq(list.iter().filter(|number| **number > 2))
}

#[test]
fn a_list_of_unknown_length_is_written_as_rmp_serde_writes_it() {
    for length in [0_u16, 2, 20, 70] {
        let rest = (0..length).map(|n| (n.to_string(), n)).collect();
        assert_as_rmp_serde(&Unknown { before: 1, rest, list: (0..length).collect() });
    }
}

#[test]
fn a_value_that_begins_like_an_absent_one_decodes_unchanged() {
    type Deep = Option<Option<Option<()>>>;
    for exact in [false, true] {
        let all: Vec<Deep> = vec![None, Some(None), Some(Some(None)), Some(Some(Some(())))];
        assert_eq!(from_slice::<Vec<Deep>>(&own(&all, exact)).unwrap(), all);
        let map: HashMap<u8, Deep> = (0..).zip(all.iter().copied()).collect();
        assert_eq!(from_slice::<HashMap<u8, Deep>>(&own(&map, exact)).unwrap(), map);
        for value in [None, Some(serde_json::Value::Null), Some(serde_json::json!([null]))] {
            assert_eq!(from_slice::<Option<serde_json::Value>>(&own(&value, exact)).unwrap(), value);
        }
        for value in [None, Some(Unit)] {
            assert_eq!(from_slice::<Option<Unit>>(&own(&value, exact)).unwrap(), value);
        }
    }
    assert_eq!(own(&Some(Some(1_u8)), false), [1], "no byte more where none is needed");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

#[derive(Serialize)]
enum Nested {
    Within(Box<Nested>),
    Last,
}

#[test]
fn a_value_that_is_nested_too_deeply_is_neither_written_nor_read() {
    let mut value = Nested::Last;
    for _ in 0..2_000 {
        value = Nested::Within(Box::new(value));
    }
    assert_eq!(write(&value, false, &mut Vec::new()).unwrap_err().to_string(), "it is nested too deeply");
    let error = from_slice::<Chain>(&vec![reader::SOME; 1_000_000]).unwrap_err();
    assert_eq!(error.to_string(), "it is nested too deeply");
    let error = from_slice::<serde_json::Value>(&vec![reader::SOME; 1_000_000]).unwrap_err();
    assert_eq!(error.to_string(), "it is nested too deeply");
}
