//! Models under the derive: the indexes of a marketplace, and each kind of field and option.

#![allow(dead_code, reason = "models are declared here for their indexes")]
// Clippy takes the entries of `keys(..)` for attributes of their own; names are those of a marketplace.
#![allow(clippy::duplicated_attributes, clippy::struct_field_names)]

use std::collections::HashMap;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use fastness::Indexed;
use fastness::mongo::model::derived::{Collation, Condition, Literal, Operator};
use fastness::mongo::model::{DeclaredIndex, IndexField, IndexKind, SortOrder};
use serde::{Deserialize, Serialize};

/// The key and the options of an index, as `getIndexes()` prints them, and MongoDB's own name.
fn printed<M: Indexed>() -> Vec<String> {
    M::INDEXES.iter().map(print).collect()
}

fn print(index: &DeclaredIndex) -> String {
    let key = |field: &IndexField| format!("{}: {}", field.path.join("."), direction(field.kind));
    let name = |field: &IndexField| format!("{}_{}", field.path.join("."), direction(field.kind));
    let keys = index.fields.iter().map(key).collect::<Vec<_>>().join(", ");
    let names = index.fields.iter().map(name).collect::<Vec<_>>().join("_");
    let unique = if index.unique { " unique" } else { "" };
    let sparse = if index.sparse { " sparse" } else { "" };
    format!("{{{keys}}}{unique}{sparse} {}", index.name.unwrap_or(&names))
}

fn direction(kind: IndexKind) -> &'static str {
    match kind {
        IndexKind::Ascending | IndexKind::Wildcard => "1",
        IndexKind::Descending => "-1",
        IndexKind::Text { .. } => "text",
        IndexKind::Sphere => "2dsphere",
        IndexKind::Plane => "2d",
        IndexKind::Hashed => "hashed",
    }
}

#[derive(Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "businesses")]
#[index(keys(subscription.plan = 1, subscription.status = 1))]
#[index(keys(is_active = 1, created_at = -1))]
struct Business {
    #[serde(rename = "_id")]
    id: ObjectId,
    #[index(unique)]
    email: String,
    #[index(sparse)]
    business_name: Option<String>,
    #[index(desc)]
    created_at: DateTime,
    is_active: bool,
    subscription: Subscription,
}

#[derive(Serialize, Deserialize, Indexed)]
struct Subscription {
    plan: String,
    status: String,
}

#[derive(Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "manufacturers")]
#[index(keys(industry = 1, is_verified = 1))]
#[index(keys(location.country = 1, location.city = 1))]
#[index(keys(is_active = 1, last_login_at = -1))]
struct Manufacturer {
    #[index(unique)]
    email: String,
    industry: String,
    is_verified: bool,
    is_active: bool,
    last_login_at: Option<DateTime>,
    location: Option<Location>,
}

#[derive(Serialize, Deserialize, Indexed)]
struct Location {
    country: String,
    city: String,
    coordinates: [f64; 2],
}

#[derive(Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "users")]
#[index(keys(business = 1, created_at = -1))]
#[index(keys(total_votes = -1, created_at = -1))]
#[index(keys(is_active = 1, last_login_at = -1))]
struct User {
    business: ObjectId,
    created_at: DateTime,
    total_votes: u32,
    is_active: bool,
    last_login_at: Option<DateTime>,
}

#[derive(Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "products")]
#[index(keys(business = 1, created_at = -1))]
#[index(keys(business = 1, category = 1))]
struct Product {
    business: ObjectId,
    created_at: DateTime,
    category: String,
    #[index(text)]
    name: String,
    #[index(text)]
    description: String,
    price: f64,
}

#[derive(Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "votingrecords")]
#[index(keys(business = 1, timestamp = -1))]
#[index(keys(business = 1, proposal_id = 1))]
#[index(keys(voter_address = 1, business = 1))]
#[index(keys(selected_product_id = 1, business = 1))]
struct VotingRecord {
    business: ObjectId,
    timestamp: DateTime,
    proposal_id: String,
    voter_address: String,
    selected_product_id: ObjectId,
}

#[derive(Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "supplychainevents")]
#[index(keys(manufacturer = 1, timestamp = -1))]
#[index(keys(product_id = 1, timestamp = -1))]
#[index(keys(event_type = 1, timestamp = -1))]
#[index(keys(location.coordinates = sphere))]
struct SupplyChainEvent {
    manufacturer: ObjectId,
    product_id: ObjectId,
    event_type: String,
    timestamp: DateTime,
    location: Location,
}

#[test]
fn the_marketplace_has_the_indexes_of_its_table() {
    assert_eq!(Business::COLLECTION, "businesses");
    assert_eq!(
        printed::<Business>(),
        [
            "{email: 1} unique email_1",
            "{businessName: 1} sparse businessName_1",
            "{createdAt: -1} createdAt_-1",
            "{subscription.plan: 1, subscription.status: 1} subscription.plan_1_subscription.status_1",
            "{isActive: 1, createdAt: -1} isActive_1_createdAt_-1",
        ]
    );
    assert_eq!(
        printed::<Manufacturer>(),
        [
            "{email: 1} unique email_1",
            "{industry: 1, isVerified: 1} industry_1_isVerified_1",
            "{location.country: 1, location.city: 1} location.country_1_location.city_1",
            "{isActive: 1, lastLoginAt: -1} isActive_1_lastLoginAt_-1",
        ]
    );
    assert_eq!(
        printed::<User>(),
        [
            "{business: 1, createdAt: -1} business_1_createdAt_-1",
            "{totalVotes: -1, createdAt: -1} totalVotes_-1_createdAt_-1",
            "{isActive: 1, lastLoginAt: -1} isActive_1_lastLoginAt_-1",
        ]
    );
    assert_eq!(
        printed::<Product>(),
        [
            "{name: text, description: text} name_text_description_text",
            "{business: 1, createdAt: -1} business_1_createdAt_-1",
            "{business: 1, category: 1} business_1_category_1",
        ]
    );
    assert_eq!(
        printed::<VotingRecord>(),
        [
            "{business: 1, timestamp: -1} business_1_timestamp_-1",
            "{business: 1, proposalId: 1} business_1_proposalId_1",
            "{voterAddress: 1, business: 1} voterAddress_1_business_1",
            "{selectedProductId: 1, business: 1} selectedProductId_1_business_1",
        ]
    );
    assert_eq!(
        printed::<SupplyChainEvent>(),
        [
            "{manufacturer: 1, timestamp: -1} manufacturer_1_timestamp_-1",
            "{productId: 1, timestamp: -1} productId_1_timestamp_-1",
            "{eventType: 1, timestamp: -1} eventType_1_timestamp_-1",
            "{location.coordinates: 2dsphere} location.coordinates_2dsphere",
        ]
    );
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "everything")]
#[index(keys(items.sku = 1, items.price = -1, r#type = 1), name = "by_item", hidden)]
#[index(keys(tenant = 1, title = text(weight = 10), r#type = "text"), default_language = "german", language_override = "lang")]
#[index(keys(place = "2dsphere", tenant = 1))]
#[index(keys(point = plane), bits = 20, min = -100, max = 100.5)]
#[index(keys(tree.children.label = 1, metadata["color"].value = 1))]
#[index(keys("attributes.**"))]
#[index(keys(wildcard(metadata)))]
#[index(keys(address.street = 1), collation(locale = "en", strength = 2, numeric_ordering = true))]
#[index(
    keys(tenant = 1, total = -1),
    unique,
    partial(title = "x", total > 10, total <= -2.5, active == true, title in ["a", "b"], exists(address.city))
)]
struct Everything {
    tenant: String,
    r#type: String,
    title: String,
    items: Vec<Arc<Item>>,
    place: Document,
    point: (f64, f64),
    #[index(hashed)]
    hash: u64,
    #[index(expire_after = "30d")]
    #[index(desc, sparse, name = "latest")]
    until: Option<DateTime>,
    tree: Box<Tree>,
    metadata: HashMap<String, Value>,
    attributes: Document,
    #[serde(flatten)]
    address: Address,
    total: f64,
    active: bool,
}

#[derive(Serialize, Indexed)]
struct Item {
    sku: String,
    price: f64,
}

/// A type that contains itself.
#[derive(Serialize, Indexed)]
struct Tree {
    label: String,
    children: Vec<Tree>,
}

#[derive(Serialize, Indexed)]
struct Value {
    value: String,
}

#[derive(Serialize, Indexed)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Address {
    street: String,
    #[serde(rename = "town")]
    city: String,
}

#[test]
fn every_kind_and_option_is_derived() {
    let indexes = Everything::INDEXES;
    assert_eq!(
        printed::<Everything>(),
        [
            "{hash: hashed} hash_hashed",
            "{until: 1} until_1",
            "{until: -1} sparse latest",
            "{items.sku: 1, items.price: -1, type: 1} by_item",
            "{tenant: 1, title: text, type: text} tenant_1_title_text_type_text",
            "{place: 2dsphere, tenant: 1} place_2dsphere_tenant_1",
            "{point: 2d} point_2d",
            "{tree.children.label: 1, metadata.color.value: 1} tree.children.label_1_metadata.color.value_1",
            "{attributes: 1} attributes_1",
            "{metadata: 1} metadata_1",
            "{STREET: 1} STREET_1",
            "{tenant: 1, total: -1} unique tenant_1_total_-1",
        ]
    );
    assert_eq!(indexes[1].expire_after, Some(30 * 24 * 3600));
    assert!(indexes[3].hidden);
    assert_eq!(indexes[4].fields[1].kind, IndexKind::Text { weight: 10 });
    assert_eq!((indexes[4].default_language, indexes[4].language_override), (Some("german"), Some("lang")));
    assert_eq!((indexes[6].bits, indexes[6].bounds), (Some(20), Some((-100.0, 100.5))));
    assert_eq!(indexes[8].fields[0].kind, IndexKind::Wildcard);
    let collation = Collation { locale: "en", strength: Some(2), numeric_ordering: Some(true), ..Collation::DEFAULT };
    assert_eq!(indexes[10].collation, Some(collation));
    let condition = |path, operator| Condition { path, operator };
    assert_eq!(
        indexes[11].partial,
        [
            condition(&["title"], Operator::Equal(Literal::Text("x"))),
            condition(&["total"], Operator::Greater(Literal::Int(10))),
            condition(&["total"], Operator::LessOrEqual(Literal::Double(-2.5))),
            condition(&["active"], Operator::Equal(Literal::Bool(true))),
            condition(&["title"], Operator::OneOf(&[Literal::Text("a"), Literal::Text("b")])),
            condition(&["town"], Operator::Exists),
        ]
    );
}

/// A generic model. Its dates, which serde converts, are declared as dates.
#[derive(Serialize, Indexed)]
#[indexed(collection = "envelopes")]
#[index(keys(wildcard))]
#[index(keys(kind = 1, payload = -1))]
struct Envelope<T, const N: usize = 1>
where
    T: fastness::mongo::model::Nested,
{
    kind: String,
    payload: Vec<T>,
    #[serde(with = "by_hand")]
    #[index(expire_after = 0)]
    until: String,
    #[serde(skip)]
    cached: Option<u64>,
}

mod by_hand {
    use serde::{Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(date: &str, to: S) -> Result<S::Ok, S::Error> {
        bson::DateTime::parse_rfc3339_str(date).map_err(serde::ser::Error::custom)?.serialize(to)
    }
}

#[test]
fn generic_models_are_derived() {
    let names = ["{until: 1} until_1", "{: 1} _1", "{kind: 1, payload: -1} kind_1_payload_-1"];
    assert_eq!(printed::<Envelope<Item>>(), names);
    assert_eq!(Envelope::<Item>::INDEXES[0].expire_after, Some(0));
    assert!(Envelope::<Item>::INDEXES[1].fields[0].path.is_empty());
    assert_eq!(Envelope::<Item>::fields().payload.price.name(), "payload.price");
}

#[test]
fn fields_have_their_stored_names() {
    let business = Business::fields();
    let filter = doc! { business.subscription.plan: "pro", business.is_active: true };
    assert_eq!(filter, doc! { "subscription.plan": "pro", "isActive": true });
    assert_eq!(business.id.name(), "_id");
    let every = Everything::fields();
    assert_eq!(every.address.city.to_string(), "town");
    assert_eq!(every.tree.children.children.label.names(), ["tree", "children", "children", "label"]);
    assert_eq!(format!("{:?}", every.items.sku), "FieldPath(\"items.sku\")");
}

#[test]
fn requests_sort_by_indexed_fields() {
    assert_eq!(Business::sortable(), ["_id", "email", "createdAt", "subscription.plan", "isActive"]);
    let sort = Business::sort_by("createdAt", SortOrder::Descending).unwrap();
    assert_eq!(sort, doc! { "createdAt": -1 });
    // A sparse index leaves documents out.
    let error = Business::sort_by("businessName", SortOrder::Ascending).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`businessName` cannot be used to sort `businesses`: use one of `_id`, `email`, `createdAt`, \
         `subscription.plan`, `isActive`"
    );

    assert_eq!(Product::sortable(), ["_id", "business"]);
    let error = Product::sort_by("createdAt", SortOrder::Descending).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`createdAt` cannot be used to sort `products`: use one of `_id`, `business`; \
         or filter by equality on `business` first"
    );
    assert_eq!(error.allowed(), ["_id", "business"]);
    let fixed = [Product::fields().business.name()];
    assert_eq!(Product::sortable_within(&fixed), ["_id", "createdAt", "category"]);
    assert_eq!(Product::sort_within(&fixed, "category", SortOrder::Ascending).unwrap(), doc! { "category": 1 });
    assert_eq!(Product::sort_within(&fixed, "price", SortOrder::Ascending).unwrap_err().name(), "price");
}

#[test]
fn requests_filter_by_indexed_fields() {
    assert_eq!(Product::filterable(), ["_id", "business"]);
    assert_eq!(SupplyChainEvent::filter_by("location.coordinates").unwrap(), "location.coordinates");
    let error = Product::filter_by("price").unwrap_err();
    assert_eq!(error.to_string(), "`price` cannot be used to filter `products`: use one of `_id`, `business`");
}
