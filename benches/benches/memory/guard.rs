//! 10 000 values of 1 MiB in a process that may take 512 MiB, with a memory guard that reads every 250 ms.

use std::sync::Arc;

use fastness::monitor::{Memory as Reading, MemoryGuard};
use fastness::{Fastness, cacheable};

use crate::budget::{Line, figures};
use crate::counted::{Memory, resident, setting};

const MIB: f64 = (1 << 20) as f64;
const LIMIT: u64 = 512 << 20;

#[cacheable(ttl = 3600, key = "large:{id}")]
fn large(id: u64) -> Arc<Vec<u8>> {
    let _ = id;
    Arc::new(vec![1; 1 << 20])
}

pub(crate) fn run(memory: Memory) -> Vec<Line> {
    let guard = MemoryGuard::builder().source(|| Some(Reading::new(resident() as u64, LIMIT))).build();
    let guard = guard.expect("good settings");
    let (mut most, mut counted) = (0.0_f64, 0.0_f64);
    for id in 0..setting("GUARD_VALUES", 10_000) {
        guard.pressure();
        drop(large(id));
        most = most.max(resident() / MIB);
        counted = counted.max(memory.allocated() / MIB);
    }
    let row = vec![most, counted, Fastness::current().stats().entries as f64];
    figures(
        "10 000 values of 1 MiB under a guard of 512 MiB",
        &["most resident", "most counted", "entries"],
        &[(memory.allocator.to_owned(), row)],
    );
    vec![Line::at_most(format!("MiB resident under a guard of 512, {}", memory.allocator), 512.0, most)]
}
