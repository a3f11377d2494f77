//! Tests of lists: the order that follows from an index, and the message for a list that none serves.

use super::*;
use crate::domain::{Business, Manufacturer, Product, SupplyChainEvent, User, Vote};

fn keys(text: &str) -> Vec<SortKey> {
    text.split(',').filter(|name| !name.is_empty()).map(SortKey::parse).collect()
}

fn list<M: Model>(filter: &[&str], sort: &str) -> Result<Listing, Unserved> {
    let filter = filter.iter().map(|name| ((*name).to_owned(), Scalar::Number(1))).collect();
    Listing::new::<M>(filter, &keys(sort), PageRequest::DEFAULT)
}

/// The order in which the list comes, and whether that is the index's.
fn order<M: Model>(filter: &[&str], sort: &str) -> (String, bool) {
    let listing = list::<M>(filter, sort).unwrap();
    let keys = listing.sort.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.field));
    (keys.collect::<Vec<_>>().join(","), listing.backward)
}

#[test]
fn what_a_request_leaves_open_follows_the_index() {
    for (found, expected, backward) in [
        (order::<User>(&[], ""), "_id", false),
        (order::<User>(&[], "-_id"), "-_id", true),
        (order::<User>(&[], "-totalVotes"), "-totalVotes,-createdAt", false),
        (order::<User>(&[], "totalVotes"), "totalVotes,createdAt", true),
        (order::<User>(&["business"], ""), "-createdAt", false),
        (order::<User>(&["business"], "createdAt"), "createdAt", true),
        (order::<Business>(&[], "-createdAt"), "-createdAt", false),
        (order::<Business>(&["subscription.plan"], ""), "subscription.status", false),
        (order::<Business>(&["isActive"], "-createdAt"), "-createdAt", false),
        (order::<Manufacturer>(&["isVerified", "industry"], ""), "", false),
        (order::<Product>(&["business", "category"], "-createdAt"), "-createdAt", false),
        (order::<SupplyChainEvent>(&["productId"], "timestamp"), "timestamp", true),
        (order::<Vote>(&["business"], ""), "-timestamp", false),
    ] {
        assert_eq!(found, (expected.to_owned(), backward));
    }
}

#[test]
fn the_index_that_serves_is_the_one_that_the_filter_leads_into() {
    fn fields<M: Model>(filter: &[&str], sort: &str) -> Vec<String> {
        let index = list::<M>(filter, sort).unwrap().index::<M>().expect("an index");
        index.into_iter().map(|key| key.field).collect()
    }
    assert_eq!(fields::<Business>(&["isActive"], "-createdAt"), ["isActive", "createdAt"]);
    assert_eq!(fields::<Product>(&["business", "category"], ""), ["business", "category"]);
    assert_eq!(Listing::all(PageRequest::DEFAULT).index::<Product>(), None);
}

#[test]
fn what_no_index_serves_is_told_what_one_does() {
    fn refused<M: Model>(filter: &[&str], sort: &str) -> Unserved {
        list::<M>(filter, sort).unwrap_err()
    }
    let error = refused::<Product>(&[], "price");
    assert_eq!(error.parameter, "sort");
    assert!(error.message.contains("`id`, `business,-createdAt`, `business,category`"), "{error}");
    let error = refused::<Manufacturer>(&["isVerified"], "");
    assert_eq!(error.parameter, "isVerified");
    assert!(error.message.contains("`industry` with `isVerified`"), "{error}");
    let error = refused::<User>(&[], "-totalVotes,createdAt");
    assert!(error.message.contains("`-totalVotes,-createdAt`"), "{error}");
    let error = refused::<User>(&["business"], "_id");
    assert!(error.message.contains("`-createdAt`") && !error.message.contains("`id`"), "{error}");
    let error = refused::<Business>(&[], "businessName");
    assert!(!error.message.contains("businessName"), "a sparse index lacks documents: {error}");
}
