//! Memory in use, and in all.

/// Memory in use and what there is, in bytes.
///
/// What there is comes from, in this order: a limit that was configured (in use is then what this process holds), the
/// control group with the least room (in use is what it holds less what it can drop at once), the machine.
///
/// ```
/// let memory = fastness::monitor::Memory::new(30 << 20, 120 << 20);
/// assert_eq!((memory.free(), memory.percentage()), (90 << 20, 25));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    used: u64,
    total: u64,
}

impl Memory {
    /// So many bytes in use of so many. In use may be more than there is: a limit can be set below it.
    pub const fn new(used: u64, total: u64) -> Self {
        Self { used, total }
    }

    /// Bytes in use.
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Bytes that can still be had.
    pub const fn free(&self) -> u64 {
        self.total.saturating_sub(self.used)
    }

    /// Bytes in all.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The share in use, in whole percent, rounded down so that a limit is not met before it is; 0 of nothing.
    pub fn percentage(&self) -> u64 {
        let percent = (u128::from(self.used) * 100).checked_div(self.total.into());
        percent.map_or(0, |percent| u64::try_from(percent).unwrap_or(u64::MAX))
    }
}
