//! Numbers in few bits, rounded down.
//!
//! A code has an exponent above `bits` bits of a mantissa, so a number is at most one part in `2^bits` too small, and exact below
//! `2^(bits + 1)`.

/// Encodes a number. The code of the largest number has 6 bits more than the mantissa.
pub(super) fn round_down(number: u64, bits: u32) -> u64 {
    let exponent = (u64::BITS - number.leading_zeros()).saturating_sub(bits + 1);
    // The leading one of the significant bits adds one to the exponent.
    (u64::from(exponent) << bits) + (number >> exponent)
}

/// Returns the smallest number that has this code.
pub(super) fn rounded(code: u64, bits: u32) -> u64 {
    let exponent = (code >> bits).saturating_sub(1);
    (code - (exponent << bits)) << exponent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_down_by_little() {
        let large = (0..64).flat_map(|shift| [1 << shift, (1 << shift) - 1, u64::MAX >> shift]);
        for number in (0..5_000).chain(large) {
            for bits in [3, 10] {
                let code = round_down(number, bits);
                let nearby = rounded(code, bits);
                assert!(nearby <= number && number - nearby <= number >> bits, "{number} as {nearby}");
                assert_eq!(round_down(nearby, bits), code, "{number}");
                assert!(number >= 1 << (bits + 1) || nearby == number, "{number} as {nearby}");
                assert!(code < 1 << (bits + 6), "{number} as {code}");
            }
        }
    }
}
