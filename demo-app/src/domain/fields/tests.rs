//! Tests of drafts: what is read, and every violation at once.

use serde_json::json;

use super::{BadBody, Draft, MOST_REPEATED, MOST_VALUES, cut, is_email};
use crate::domain::{Business, Plan, Product, SubscriptionStatus, User};

fn faults<T: Draft>(body: &serde_json::Value) -> Vec<String> {
    let Err(BadBody::Fields(violations)) = T::from_json(body.to_string().as_bytes()) else {
        panic!("the body is right")
    };
    violations.into_iter().map(|violation| format!("{}: {}", violation.field, violation.message)).collect()
}

#[test]
fn every_fault_is_reported_at_once() {
    assert_eq!(
        faults::<Product>(&json!({ "business": 0, "name": "  ", "category": 7, "price": -1 })),
        [
            "business: must be an id, a whole number from 1",
            "name: must be text of 1 to 100 characters",
            "category: must be text of 1 to 50 characters",
            "price: must be a whole number from 0 to 100000000",
        ]
    );
}

#[test]
fn a_missing_field_and_null_are_the_same_fault() {
    let missing = faults::<User>(&json!({ "business": 1, "email": "a@b.c" }));
    assert_eq!(missing, ["name: is missing: must be text of 1 to 100 characters"]);
    assert_eq!(missing, faults::<User>(&json!({ "business": 1, "email": "a@b.c", "name": null })));
}

#[test]
fn a_nested_fault_is_named_by_its_path() {
    let body = json!({ "email": "a@b.c", "subscription": { "plan": "gold", "status": 1 } });
    assert_eq!(
        faults::<Business>(&body),
        [
            "subscription.plan: unknown variant `gold`, expected one of `free`, `basic`, `pro`, `enterprise`",
            "subscription.status: must be text",
        ]
    );
    let body = json!({ "email": "a@b.c", "subscription": "pro" });
    assert_eq!(faults::<Business>(&body), ["subscription: must be a JSON object"]);
}

#[test]
fn a_body_that_is_no_object_is_one_fault() {
    assert_eq!(faults::<Business>(&json!([1])), [": must be a JSON object"]);
}

#[test]
fn values_are_normalised_and_defaults_filled_in() {
    let body = json!({ "email": " Ann@Example.COM ", "businessName": " ", "subscription": { "plan": "pro" } });
    let draft = Business::from_json(body.to_string().as_bytes()).expect("a good body");
    assert_eq!(draft.email, "ann@example.com");
    assert_eq!(draft.business_name, None);
    assert!(draft.is_active);
    assert_eq!(draft.subscription.plan, Plan::Pro);
    assert_eq!(draft.subscription.status, SubscriptionStatus::Active);
}

#[test]
fn length_counts_characters_not_bytes() {
    let body = |name: String| json!({ "business": 1, "email": "a@b.c", "name": name }).to_string();
    assert!(User::from_json(body("ß".repeat(100)).as_bytes()).is_ok());
    assert!(User::from_json(body("ß".repeat(101)).as_bytes()).is_err());
}

#[test]
fn emails_are_told_by_their_shape() {
    for good in ["a@b.c", "first.last+tag@sub.example.org"] {
        assert!(is_email(good), "{good}");
    }
    for bad in ["", "a", "a@b", "@b.c", "a@.c", "a@b.", "a b@c.d", "a@b@c.d", "a@b..c"] {
        assert!(!is_email(bad), "{bad}");
    }
}

#[test]
fn what_a_client_says_is_told_again_in_short() {
    let long = "ß".repeat(1_000);
    let short = cut(long.clone());
    assert_eq!(short.chars().count(), MOST_REPEATED + 1);
    let mut body = json!({ "email": "a@b.c", "subscription": { "plan": &long } });
    body[&long] = json!(1);
    let faults = faults::<Business>(&body);
    assert!(faults[0].starts_with(&format!("subscription.plan: unknown variant `{short}`, expected")), "{faults:?}");
    assert_eq!(faults[1], format!("{short}: is not a field here"));
    assert_eq!(cut("short".to_owned()), "short");
}

#[test]
fn a_body_of_very_many_values_is_not_read() {
    let list = |count: usize| format!("{{\"email\":[{}0]}}", "[],".repeat(count));
    assert!(matches!(Business::from_json(&list(100_000).into_bytes()[1..]), Err(BadBody::NotJson(_))));
    for body in [list(100_000), format!("{{{}\"a\":0}}", "\"a\":{\"a\":0},".repeat(MOST_VALUES))] {
        let Err(BadBody::Fields(faults)) = Business::from_json(body.as_bytes()) else { panic!("it is right") };
        assert_eq!(faults[0].message, "has more than 4096 values");
    }
    let Err(BadBody::Fields(faults)) = Business::from_json(list(100).as_bytes()) else { panic!("it is right") };
    assert!(faults[0].message.starts_with("must be an email address"), "{faults:?}");
}
