use serde::{Deserialize, Serialize};

use super::*;
use crate::codec::SharedValue;

macro_rules! types {
    ($($item:item)*) => { $(#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)] $item)* };
}

types! {
    struct Named {
        id: u8,
        #[serde(skip_serializing_if = "Vec::is_empty", default = "preset")]
        list: Vec<u8>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        note: Option<u8>,
    }
    struct First(#[serde(skip_serializing_if = "Option::is_none", default)] Option<u8>, #[serde(default)] Option<u8>);
    struct Either(
        #[serde(skip_serializing_if = "Option::is_none", default)] Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none", default)] Option<u8>,
    );
    enum External {
        Named { #[serde(skip_serializing_if = "Vec::is_empty", default = "preset")] list: Vec<u8> },
        Tuple(#[serde(skip_serializing_if = "Option::is_none", default)] Option<u8>, #[serde(default)] Option<u8>),
    }
    #[serde(tag = "kind", content = "of")]
    enum Adjacent {
        Named { #[serde(skip_serializing_if = "Vec::is_empty", default = "preset")] list: Vec<u8> },
        Tuple(#[serde(skip_serializing_if = "Option::is_none", default)] Option<u8>, #[serde(default)] Option<u8>),
    }
}

fn preset() -> Vec<u8> {
    vec![7]
}

/// Stores values through one call site, in turn, as the tier does. Returns what another process reads of each that is stored.
fn through_one_call_site<V: SharedValue>(values: &[V]) -> Vec<Option<V>> {
    let (choice, codec) = (Choice::default(), ValueCodec::<V>::new());
    let is_settled = codec.announced().is_settled;
    let store = |value: &V| {
        let mut attempt = choice.attempt(Codec::MessagePack, is_settled);
        loop {
            let mut bytes = Vec::new();
            if attempt.encode(&codec, value, &mut bytes).is_ok() {
                choice.stored(attempt, "", None);
                return Some(codec.decode(&bytes, attempt.form().codec()).unwrap());
            }
            attempt = attempt.next()?;
        }
    };
    values.iter().map(store).collect()
}

#[test]
fn a_value_whose_field_was_left_out_is_stored_only_if_it_comes_back() {
    fn named(list: &[u8], note: Option<u8>) -> Named {
        Named { id: 1, list: list.to_vec(), note }
    }
    let values = [named(&[1], Some(1)), named(&[1], None), named(&[], Some(1)), named(&[2], Some(2))];
    let [one, two, _, four] = values.clone();
    assert_eq!(through_one_call_site(&values), [Some(one), Some(two), None, Some(four)]);

    let values = [External::Named { list: vec![1] }, External::Named { list: vec![] }];
    assert_eq!(through_one_call_site(&values), [Some(values[0].clone()), None]);
    let values = [Adjacent::Named { list: vec![1] }, Adjacent::Named { list: vec![] }];
    assert_eq!(through_one_call_site(&values), [Some(values[0].clone()), None]);
}

#[test]
fn a_value_with_an_element_left_out_is_not_stored() {
    let values = [First(Some(1), Some(2)), First(None, Some(1)), First(Some(3), None)];
    assert_eq!(through_one_call_site(&values), [Some(values[0].clone()), None, Some(values[2].clone())]);
    let values = [Either(Some(1), Some(2)), Either(None, Some(1)), Either(Some(1), None), Either(None, None)];
    assert_eq!(through_one_call_site(&values), [Some(values[0].clone()), None, None, None]);
    let values = [External::Tuple(Some(1), Some(2)), External::Tuple(None, Some(1))];
    assert_eq!(through_one_call_site(&values), [Some(values[0].clone()), None]);
    let values = [Adjacent::Tuple(Some(1), Some(2)), Adjacent::Tuple(None, Some(1))];
    assert_eq!(through_one_call_site(&values), [Some(values[0].clone()), None]);
}

#[test]
fn a_whole_value_of_a_settled_type_is_decoded_once_for_its_call_site() {
    let (choice, codec) = (Choice::default(), ValueCodec::<(u8, [f32; 2])>::new());
    assert!(codec.announced().is_settled);
    let first = choice.attempt(Codec::MessagePack, true);
    choice.stored(first, "", None);
    assert!(first.verify && !choice.attempt(Codec::MessagePack, true).verify);
    assert_eq!(codec.encode(&(1, [0.5; 2]), first.form(), &mut Vec::new()).unwrap(), Extent::Whole);
}
