//! Tests of lists: the order that follows from an index, and the message for a list that none serves.

use super::*;

fn keys(text: &str) -> Vec<SortKey> {
    let key =
        |name: &str| SortKey { field: name.trim_start_matches('-').to_owned(), descending: name.starts_with('-') };
    text.split(',').filter(|name| !name.is_empty()).map(key).collect()
}

fn list(collection: Collection, filter: &[&str], sort: &str) -> Result<Listing, Unserved> {
    let filter = filter.iter().map(|name| ((*name).to_owned(), Scalar::Number(1))).collect();
    collection.listing(filter, &keys(sort), PageRequest::DEFAULT)
}

/// The order in which the list comes, and whether that is the index's.
fn order(collection: Collection, filter: &[&str], sort: &str) -> (String, bool) {
    let listing = list(collection, filter, sort).unwrap();
    let keys = listing.sort.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.field));
    (keys.collect::<Vec<_>>().join(","), listing.backward)
}

#[test]
fn what_a_request_leaves_open_follows_the_index() {
    for (collection, filter, sort, expected, backward) in [
        (Collection::Users, &[][..], "", "_id", false),
        (Collection::Users, &[], "-_id", "-_id", true),
        (Collection::Users, &[], "-totalVotes", "-totalVotes,-createdAt", false),
        (Collection::Users, &[], "totalVotes", "totalVotes,createdAt", true),
        (Collection::Users, &["business"], "", "-createdAt", false),
        (Collection::Users, &["business"], "createdAt", "createdAt", true),
        (Collection::Businesses, &[], "-createdAt", "-createdAt", false),
        (Collection::Businesses, &["subscription.plan"], "", "subscription.status", false),
        (Collection::Businesses, &["isActive"], "-createdAt", "-createdAt", false),
        (Collection::Manufacturers, &["isVerified", "industry"], "", "", false),
        (Collection::Products, &["business", "category"], "-createdAt", "-createdAt", false),
        (Collection::Events, &["productId"], "timestamp", "timestamp", true),
        (Collection::Votes, &["business"], "", "-timestamp", false),
    ] {
        assert_eq!(order(collection, filter, sort), (expected.to_owned(), backward), "{filter:?} {sort}");
    }
}

#[test]
fn the_index_that_serves_is_the_one_that_the_filter_leads_into() {
    let fields = |collection: Collection, filter: &[&str], sort| {
        let index = collection.index_of(&list(collection, filter, sort).unwrap()).expect("an index");
        index.fields.iter().map(|field| field.name).collect::<Vec<_>>()
    };
    assert_eq!(fields(Collection::Businesses, &["isActive"], "-createdAt"), ["isActive", "createdAt"]);
    assert_eq!(fields(Collection::Products, &["business", "category"], ""), ["business", "category"]);
    assert_eq!(Collection::Products.index_of(&Listing::all(PageRequest::DEFAULT)), None);
}

#[test]
fn what_no_index_serves_is_told_what_one_does() {
    let refused = |collection, filter: &[&str], sort| list(collection, filter, sort).unwrap_err();
    let error = refused(Collection::Products, &[], "price");
    assert_eq!(error.parameter, "sort");
    assert!(error.message.contains("`id`, `business,-createdAt`, `business,category`"), "{error}");
    let error = refused(Collection::Manufacturers, &["isVerified"], "");
    assert_eq!(error.parameter, "isVerified");
    assert!(error.message.contains("`industry` with `isVerified`"), "{error}");
    let error = refused(Collection::Users, &[], "-totalVotes,createdAt");
    assert!(error.message.contains("`-totalVotes,-createdAt`"), "{error}");
    let error = refused(Collection::Users, &["business"], "_id");
    assert!(error.message.contains("`-createdAt`") && !error.message.contains("`id`"), "{error}");
    let error = refused(Collection::Businesses, &[], "businessName");
    assert!(!error.message.contains("businessName"), "a sparse index lacks documents: {error}");
}
