//! Bytes as the allocator counts them, and as the system does.

use std::thread;
use std::time::Duration;

/// The memory of this process under its allocator.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) allocator: &'static str,
    allocated: fn() -> usize,
}

impl Memory {
    pub(crate) fn new(allocator: &'static str, allocated: fn() -> usize) -> Self {
        Self { allocator, allocated }
    }

    /// Bytes that were asked for and not given back.
    pub(crate) fn allocated(self) -> f64 {
        (self.allocated)() as f64
    }

    /// The same once other threads have freed all that waits for them.
    pub(crate) fn settled(self) -> f64 {
        let mut before = self.allocated();
        loop {
            thread::sleep(Duration::from_millis(1_500));
            let now = self.allocated();
            if now >= before {
                return now;
            }
            before = now;
        }
    }
}

/// Bytes that the process has from the system.
pub(crate) fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).map_or(f64::NAN, |pages| pages * 4_096.0)
}

/// A number from the environment.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok().and_then(|text| text.parse().ok());
    given.unwrap_or(default)
}
