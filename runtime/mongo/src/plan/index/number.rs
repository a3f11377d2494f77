//! Numbers in one type.

use bson::Bson;

/// 1, 1.0 and a 64-bit 1 are one number: the smallest type that holds it.
pub(super) fn number(value: Bson) -> Bson {
    /// Up to here, each whole number is a double of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Bson::Int64(whole) => i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32),
        #[allow(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
        Bson::Double(double) if double.fract() == 0.0 && double.abs() <= EXACT => number(Bson::Int64(double as i64)),
        other => other,
    }
}
