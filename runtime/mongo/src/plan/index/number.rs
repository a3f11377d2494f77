//! Normal form of numbers.

use bson::Bson;

/// Converts a number to the smallest type that holds it: 1, 1.0 and a 64-bit 1 are equal.
pub(in crate::plan) fn number(value: Bson) -> Bson {
    /// 2^53: up to here every whole number has a double of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Bson::Int64(whole) => i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32),
        #[allow(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
        Bson::Double(double) if double.fract() == 0.0 && double.abs() <= EXACT => number(Bson::Int64(double as i64)),
        other => other,
    }
}
