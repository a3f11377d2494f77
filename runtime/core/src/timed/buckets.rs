//! The buckets of the log-linear histogram, as pure arithmetic.
//!
//! Below 32 ns every nanosecond has a bucket of its own. From there on, each power of two is cut into 32 buckets of equal
//! width: `index(v) = 32 * (e - 5) + (v >> (e - 5))` with `e = floor(log2(v))`. A bucket from `low` is at most `low / 32`
//! wide and is read as its middle, so what is read differs from what was recorded by at most 1/64 = 1.6 %.

/// The number of buckets per power of two.
const PER_OCTAVE: usize = 1 << PER_OCTAVE_BITS;
const PER_OCTAVE_BITS: u32 = 5;

/// The longest time that has a bucket of its own: 2^42 - 1 ns, 73 minutes. Longer ones are counted with it.
pub(crate) const LONGEST: u64 = (1 << 42) - 1;

/// The number of buckets.
pub(crate) const COUNT: usize = index(LONGEST) + 1;

/// Returns the bucket of a time in nanoseconds.
#[inline]
#[allow(clippy::cast_possible_truncation)] // below COUNT
pub(crate) const fn index(nanos: u64) -> usize {
    let nanos = if nanos > LONGEST { LONGEST } else { nanos };
    if nanos < PER_OCTAVE as u64 {
        return nanos as usize;
    }
    let shift = nanos.ilog2() - PER_OCTAVE_BITS;
    PER_OCTAVE * shift as usize + (nanos >> shift) as usize
}

/// Returns the least time of a bucket, in nanoseconds.
pub(crate) const fn low(index: usize) -> u64 {
    if index < PER_OCTAVE {
        return index as u64;
    }
    ((PER_OCTAVE + index % PER_OCTAVE) as u64) << (index / PER_OCTAVE - 1)
}

/// Returns the time that a bucket is read as, its middle, in nanoseconds.
pub(crate) const fn middle(index: usize) -> u64 {
    let low = low(index);
    low + (self::low(index + 1) - 1 - low) / 2
}
