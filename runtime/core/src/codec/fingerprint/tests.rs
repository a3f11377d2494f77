#![allow(dead_code)]

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::Deserialize;

use super::*;

fn describe<T: DeserializeOwned>() -> String {
    super::describe::<T>().0
}

fn announced<T: DeserializeOwned>() -> u64 {
    Announced::from_type::<T>().fingerprint
}

macro_rules! differ {
    ($($what:literal { $($item:item)* })*) => {
        [$(($what, {
            $(#[derive(Deserialize)] $item)*
            announced::<User>()
        })),*]
    };
}

#[test]
fn every_change_of_a_struct_changes_its_fingerprint() {
    let all = differ! {
        "as it is" { struct User { id: u32, name: String } }
        "a field more" { struct User { id: u32, name: String, age: u8 } }
        "a field less" { struct User { id: u32 } }
        "another order" { struct User { name: String, id: u32 } }
        "another kind" { struct User { id: u64, name: String } }
        "another name" { struct User { id: u32, title: String } }
        "optional" { struct User { id: u32, name: Option<String> } }
        "nested" { struct User { id: u32, name: Name } struct Name { first: String } }
        "nested otherwise" { struct User { id: u32, name: Name } struct Name { last: String } }
        "an enum" { struct User { id: u32, name: Name } enum Name { One(String), Two } }
        "another variant" { struct User { id: u32, name: Name } enum Name { One(String), Two { of: u8 } } }
        "many" { struct User { id: u32, name: Vec<String> } }
        "a map" { struct User { id: u32, name: HashMap<u8, String> } }
        "a map of others" { struct User { id: u32, name: HashMap<u8, u8> } }
    };
    for (index, (what, one)) in all.iter().enumerate() {
        for (other, two) in &all[..index] {
            assert_ne!(one, two, "{what} and {other}");
        }
    }
}

#[test]
fn a_fingerprint_is_the_same_wherever_it_is_computed() {
    #[derive(Deserialize)]
    struct User {
        id: u32,
        name: Arc<String>,
    }
    let text = r#"struct User ["id", "name"]  {"struct User [\"id\", \"name\"]": {"id": "u32 ", "name": "string "}}"#;
    assert_eq!(describe::<User>(), text);
}

#[test]
fn a_field_that_refuses_does_not_hide_those_after_it() {
    #[derive(Deserialize)]
    struct Before {
        at: std::net::IpAddr,
        one: NonZeroU32,
        count: u8,
    }
    assert!(describe::<Before>().contains(r#""count": "u8 ""#), "{}", describe::<Before>());
}

#[test]
fn fingerprints_of_recursive_types_end() {
    #[derive(Deserialize)]
    enum Tree {
        Node(Box<Tree>, Box<Tree>),
        Many(Vec<Tree>),
        Leaf(u8),
    }
    #[derive(Deserialize)]
    struct List {
        next: Option<Box<List>>,
        value: u16,
    }
    assert!(describe::<List>().contains("u16"));
    assert!(describe::<Tree>().contains("u8"), "{}", describe::<Tree>());
}

#[test]
fn a_type_that_asks_for_anything_or_rejects_is_not_settled() {
    fn settled<T: DeserializeOwned>() -> bool {
        Announced::from_type::<T>().is_settled
    }
    #[derive(Deserialize)]
    struct Plain {
        id: NonZeroU32,
        kinds: Vec<Kind>,
        map: HashMap<String, Option<Box<Plain>>>,
    }
    #[derive(Deserialize)]
    enum Kind {
        A,
        B(u8),
        C { x: f32 },
    }
    #[derive(Deserialize)]
    struct Flat {
        #[serde(flatten)]
        plain: HashMap<String, u8>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        A(u8),
    }
    #[derive(Deserialize)]
    struct Positions(u8, u8);
    #[derive(Deserialize)]
    enum Variants {
        Positions(u8, u8),
    }
    assert!(settled::<(u8, String, bool)>() && settled::<Kind>() && settled::<Vec<Option<Kind>>>());
    assert!(settled::<[(u8, [f32; 2]); 3]>() && !settled::<Positions>() && !settled::<Vec<Variants>>());
    assert!(!settled::<Flat>() && !settled::<Vec<Untagged>>() && !settled::<Option<serde_json::Value>>());
    assert!(
        !settled::<std::net::IpAddr>() && !settled::<(u8, Vec<std::net::IpAddr>)>(),
        "no made-up text is an address"
    );
    assert!(!settled::<Plain>(), "a type that contains itself cannot be walked to its end");
}
