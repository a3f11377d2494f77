//! The options of a collection as a model declares them, as constants.

use super::path::StoredField;

/// Options of a model's collection beside its indexes, written by `#[derive(Indexed)]`.
///
/// Options are declared by the derive alone; the fields are hidden and may change in any release.
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
}
