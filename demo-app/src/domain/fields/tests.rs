use serde_json::json;

use super::{Draft, is_email};
use crate::domain::{BusinessDraft, Plan, ProductDraft, SubscriptionStatus, UserDraft};

fn faults<T: Draft>(body: serde_json::Value) -> Vec<String> {
    let violations = T::from_json(body).err().expect("the body is wrong");
    violations.into_iter().map(|violation| format!("{}: {}", violation.field, violation.message)).collect()
}

#[test]
fn every_fault_is_reported_at_once() {
    assert_eq!(
        faults::<ProductDraft>(json!({ "business": 0, "name": "  ", "category": 7, "price": -1 })),
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
    let missing = faults::<UserDraft>(json!({ "business": 1, "email": "a@b.c" }));
    assert_eq!(missing, ["name: is missing: must be text of 1 to 100 characters"]);
    assert_eq!(missing, faults::<UserDraft>(json!({ "business": 1, "email": "a@b.c", "name": null })));
}

#[test]
fn a_nested_fault_is_named_by_its_path() {
    let body = json!({ "email": "a@b.c", "subscription": { "plan": "gold", "status": 1 } });
    assert_eq!(
        faults::<BusinessDraft>(body),
        [
            "subscription.plan: unknown variant `gold`, expected one of `free`, `basic`, `pro`, `enterprise`",
            "subscription.status: must be text",
        ]
    );
    let body = json!({ "email": "a@b.c", "subscription": "pro" });
    assert_eq!(faults::<BusinessDraft>(body), ["subscription: must be a JSON object"]);
}

#[test]
fn a_body_that_is_no_object_is_one_fault() {
    assert_eq!(faults::<BusinessDraft>(json!([1])), [": must be a JSON object"]);
}

#[test]
fn values_are_normalised_and_defaults_filled_in() {
    let body = json!({ "email": " Ann@Example.COM ", "businessName": " ", "subscription": { "plan": "pro" } });
    let draft = BusinessDraft::from_json(body).expect("a good body");
    assert_eq!(draft.email, "ann@example.com");
    assert_eq!(draft.business_name, None);
    assert!(draft.is_active);
    assert_eq!(draft.subscription.plan, Plan::Pro);
    assert_eq!(draft.subscription.status, SubscriptionStatus::Active);
}

#[test]
fn length_counts_characters_not_bytes() {
    let body = |name: String| json!({ "business": 1, "email": "a@b.c", "name": name });
    assert!(UserDraft::from_json(body("ß".repeat(100))).is_ok());
    assert!(UserDraft::from_json(body("ß".repeat(101))).is_err());
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
