//! Events of the supply chain, and what a client may say about one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Draft, Fields, Id, Location};

/// A step of a product on its way. What happened, happened: it is never changed, and stays when product or maker go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupplyChainEvent {
    /// Identity.
    pub id: Id,
    /// The maker of the product.
    pub manufacturer: Id,
    /// The product that it happened to.
    pub product_id: Id,
    /// The kind of event.
    pub event_type: EventType,
    /// The time of the event, which may be earlier than its report.
    pub timestamp: Timestamp,
    /// The place of the event.
    pub location: Location,
}

/// Kinds of events in the life of a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

impl EventType {
    /// Every one, in the order of a product's life.
    pub const ALL: [Self; 6] =
        [Self::Produced, Self::Inspected, Self::Packed, Self::Shipped, Self::Received, Self::Recalled];

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Produced => "produced",
            Self::Inspected => "inspected",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Received => "received",
            Self::Recalled => "recalled",
        }
    }
}

/// An event as a client may write it.
#[derive(Clone, Debug, PartialEq, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct EventDraft {
    /// See [`SupplyChainEvent::manufacturer`].
    #[schema(minimum = 1, example = 1)]
    pub manufacturer: Id,
    /// See [`SupplyChainEvent::product_id`].
    #[schema(minimum = 1, example = 1)]
    pub product_id: Id,
    /// See [`SupplyChainEvent::event_type`].
    pub event_type: EventType,
    /// See [`SupplyChainEvent::timestamp`]; now unless said otherwise.
    pub timestamp: Option<Timestamp>,
    /// See [`SupplyChainEvent::location`].
    pub location: Location,
}

impl EventDraft {
    /// The document that this draft founds.
    pub fn into_event(self, id: Id, now: Timestamp) -> SupplyChainEvent {
        let Self { manufacturer, product_id, event_type, timestamp, location } = self;
        SupplyChainEvent { id, manufacturer, product_id, event_type, timestamp: timestamp.unwrap_or(now), location }
    }
}

impl Draft for EventDraft {
    const KEPT: &'static [&'static str] = &["id"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            manufacturer: fields.id("manufacturer"),
            product_id: fields.id("productId"),
            event_type: fields.required_choice("eventType"),
            timestamp: fields.moment("timestamp"),
            location: Location::read(fields),
        }
    }
}

/// An event near a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
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
