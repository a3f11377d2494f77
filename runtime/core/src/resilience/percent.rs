//! Shares of calls.

/// A share of calls, in percent.
///
/// ```
/// use fastness::resilience::Percent;
///
/// const HALF: Percent = Percent::new(50);
/// assert_eq!((HALF.get(), Percent::new(0).get(), Percent::new(101).get()), (50, 1, 100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// Creates a share in percent. Less than 1 counts as 1, more than 100 as 100.
    pub const fn new(percent: u8) -> Self {
        Self(match percent {
            0 => 1,
            101.. => 100,
            _ => percent,
        })
    }

    /// Returns the share in percent, from 1 to 100.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Returns whether `part` of `whole` is at least this share.
    pub(super) fn reached(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 100 >= u128::from(whole) * u128::from(self.0)
    }
}
