//! The options of a collection as a model declares them, as constants.

use super::path::StoredField;

/// Options of a model's collection beside its indexes, written by `#[derive(Indexed)]`.
///
/// Options are declared by the derive alone; the fields are hidden and may change in any release.
///
/// ```
/// use fastness::Indexed;
///
/// #[derive(Indexed)]
/// #[indexed(collection = "events", capped(bytes = "64MiB"))]
/// struct Event {
///     #[index]
///     kind: String,
/// }
/// println!("{:?}", Event::COLLECTION_OPTIONS); // given to the server when `apply` creates the collection
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollectionOptions {
    /// Fields of a time series; `None` for a collection of another kind.
    #[doc(hidden)]
    pub time_series: Option<TimeSeries>,
    /// Bounds of a capped collection; `None` for one without bounds.
    #[doc(hidden)]
    pub capped: Option<Capped>,
    /// True if documents are stored in the order of their `_id`.
    #[doc(hidden)]
    pub clustered: bool,
    /// True if the server stores documents as they were before a change.
    #[doc(hidden)]
    pub pre_images: bool,
    /// Fields whose types the server checks; `None` for none.
    #[doc(hidden)]
    pub validator: Option<&'static [StoredField]>,
}

/// A time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSeries {
    /// Stored name of the field with the date.
    pub time: &'static str,
    /// Stored name of the field that names the source.
    pub meta: Option<&'static str>,
    /// `seconds`, `minutes` or `hours`.
    pub granularity: Option<&'static str>,
    /// Seconds until a measurement is deleted.
    pub expire_after: Option<u32>,
}

/// Bounds of a capped collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capped {
    /// Size in bytes.
    pub bytes: u64,
    /// Number of documents.
    pub documents: Option<u64>,
}

impl CollectionOptions {
    /// The options of a model that declares none.
    pub const DEFAULT: Self =
        Self { time_series: None, capped: None, clustered: false, pre_images: false, validator: None };

    /// Adds the options of another model of the collection. Returns the names of those that both declare, and differently; these stay.
    pub(crate) fn merge(&mut self, other: Self) -> Vec<&'static str> {
        let mut differ = Vec::new();
        differ.extend(add(&mut self.time_series, other.time_series).then_some("time_series"));
        differ.extend(add(&mut self.capped, other.capped).then_some("capped"));
        differ.extend(add(&mut self.validator, other.validator).then_some("validator"));
        self.clustered |= other.clustered;
        self.pre_images |= other.pre_images;
        differ
    }
}

/// Sets the option if it is not set. Returns true if both values are set and differ.
fn add<T: PartialEq>(option: &mut Option<T>, other: Option<T>) -> bool {
    match (&*option, other) {
        (_, None) => false,
        (None, other) => {
            *option = other;
            false
        }
        (Some(one), Some(other)) => *one != other,
    }
}
