//! Events of the supply chain.

use serde::{Deserialize, Serialize};

use super::{Draft, Field, Fields, Id, Kind, Location, Model, Moment, Reference, Scalar, Target};

/// A step of a product on its way. What happened, happened: it is never changed, and stays when product or maker go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "servers",
    derive(fastness::Indexed),
    indexed(
        collection = "supplychainevents",
        scopes("event:{id}", "events:*", "trace:{product_id}:*", "near:*")
    ),
    index(keys(manufacturer = 1, timestamp = -1)),
    index(keys(product_id = 1, timestamp = -1)),
    index(keys(event_type = 1, timestamp = -1)),
    index(keys(location.coordinates = sphere))
)]
#[serde(rename_all = "camelCase")]
pub struct SupplyChainEvent {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: Id,
    /// The maker of the product.
    pub manufacturer: Id,
    /// The product that it happened to.
    pub product_id: Id,
    /// The kind of event.
    pub event_type: EventType,
    /// The time of the event, which may be earlier than its report; now unless said otherwise.
    pub timestamp: Moment,
    /// The place of the event.
    pub location: Location,
}

/// Kinds of events in the life of a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the whole story")]
pub enum EventType {
    #[default]
    Produced,
    Inspected,
    Packed,
    Shipped,
    Received,
    Recalled,
}

impl Draft for SupplyChainEvent {
    const READ_ONLY: &'static [&'static str] = &["id"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            manufacturer: fields.id("manufacturer"),
            product_id: fields.id("productId"),
            event_type: fields.required_choice("eventType"),
            timestamp: fields.moment("timestamp").unwrap_or_default(),
            location: Location::read(fields),
            ..Self::default()
        }
    }
}

impl Model for SupplyChainEvent {
    type Id = Id;

    const ONE: &'static str = "event";
    const MANY: &'static str = "events";
    const FIELDS: &'static [Field<Self>] = &[
        Field::new("manufacturer", Kind::Number, |event| event.manufacturer.into()),
        Field::new("productId", Kind::Number, |event| event.product_id.into()),
        Field::new(
            "eventType",
            Kind::Choice(&["produced", "inspected", "packed", "shipped", "received", "recalled"]),
            |event| Scalar::name_of(&event.event_type),
        ),
        Field::new("timestamp", Kind::Moment, |event| event.timestamp.into()),
    ];
    const LISTS: &'static [&'static str] = &["manufacturer,-timestamp", "productId,-timestamp", "eventType,-timestamp"];

    fn id(&self) -> Id {
        self.id
    }

    fn created(self, id: Id, now: Moment) -> Self {
        let timestamp = if self.timestamp == Moment::UNKNOWN { now } else { self.timestamp };
        Self { id, timestamp, ..self }
    }

    fn over(self, old: &Self) -> Self {
        self.created(old.id, old.timestamp)
    }

    fn references(&self) -> Vec<Reference> {
        vec![
            Reference { field: "manufacturer", id: self.manufacturer, to: Target::Manufacturers },
            Reference { field: "productId", id: self.product_id, to: Target::Products },
        ]
    }
}

/// An event near a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NearEvent {
    /// The distance from the place that was asked for, in kilometres, to the metre.
    pub distance_km: f64,
    /// The event.
    pub event: SupplyChainEvent,
}

impl NearEvent {
    /// `event`, so many metres away.
    pub fn new(event: SupplyChainEvent, metres: f64) -> Self {
        Self { distance_km: metres.round() / 1_000.0, event }
    }
}
