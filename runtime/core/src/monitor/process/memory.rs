//! Memory in use, and in total.

use serde::{Serialize, Serializer};

/// Memory in use and in total, in bytes. As JSON: `used`, `free`, `total` and `percentage`.
///
/// The total is, in this order: a limit that was configured (used is then the resident memory of this process), the limit of the control
/// group with the least room (used is then its usage less the file cache that it can drop at once), the memory of the machine.
///
/// ```
/// let memory = fastness::monitor::Memory::new(30 << 20, 120 << 20);
/// assert_eq!((memory.free(), memory.percentage()), (90 << 20, 25));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    used: u64,
    total: u64,
}

impl Memory {
    /// Creates a figure of `used` bytes of `total`. More may be used than there is: a limit can be set below the usage.
    pub const fn new(used: u64, total: u64) -> Self {
        Self { used, total }
    }

    /// Returns the bytes in use.
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Returns the bytes that are left; 0 if more are used than there are.
    pub const fn free(&self) -> u64 {
        self.total.saturating_sub(self.used)
    }

    /// Returns all bytes.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Returns the share in use, in whole percent, rounded down so that a limit is not reached early; 0 if the total is 0.
    pub fn percentage(&self) -> u64 {
        let percent = (u128::from(self.used) * 100).checked_div(self.total.into());
        percent.map_or(0, |percent| u64::try_from(percent).unwrap_or(u64::MAX))
    }
}

impl Serialize for Memory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Figures {
            used: u64,
            free: u64,
            total: u64,
            percentage: u64,
        }
        let figures = Figures { used: self.used, free: self.free(), total: self.total, percentage: self.percentage() };
        figures.serialize(serializer)
    }
}
