//! How much of the machine's memory is in use. (The machine's, not yet the control group's.)
//!
//! May use: nothing of this crate.

use serde::Serialize;
use utoipa::ToSchema;

/// In bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Memory {
    /// Total less free.
    pub used: u64,
    /// What programs could have without swapping, caches that can be dropped included.
    pub free: u64,
    /// What the machine has.
    pub total: u64,
    /// Used of total, rounded to a whole percent.
    pub percentage: u64,
}

/// The figures, at most a second old: reading them costs a few system calls and a parse, and probes come in storms. `None`
/// where the system has no `/proc/meminfo`.
#[fastness::cacheable(ttl = 1, key = "memory")]
pub fn read() -> Option<Memory> {
    parse(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn parse(meminfo: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
    };
    let total = bytes("MemTotal").filter(|total| *total > 0)?;
    let free = bytes("MemAvailable")?.min(total);
    let used = total - free;
    Some(Memory { used, free, total, percentage: (used.saturating_mul(100) + total / 2) / total })
}

#[cfg(test)]
mod tests {
    use super::{Memory, parse};

    #[test]
    fn the_figures_are_in_bytes_and_add_up() {
        let meminfo = "MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:    664 kB\n";
        let (used, free, total) = (336 * 1024, 664 * 1024, 1000 * 1024);
        assert_eq!(parse(meminfo), Some(Memory { used, free, total, percentage: 34 }));
    }

    #[test]
    fn what_cannot_be_read_is_no_figure() {
        for text in
            ["", "MemTotal: 1000 kB\n", "MemTotal: 0 kB\nMemAvailable: 0 kB\n", "MemTotal: x kB\nMemAvailable: 1 kB\n"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
