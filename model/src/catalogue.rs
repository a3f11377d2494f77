//! The scenarios. Each covers one part of the protocol; all except `failback` are small enough to be explored to the end.

use crate::scenario::{Begin, Scenario, Warm};
use crate::state::{Faults, KEY, Kind, OTHER, PREFIX, REFRESH};

pub(crate) const A: u8 = 0;
pub(crate) const B: u8 = 1;
pub(crate) const READ: Kind = Kind::Read;
pub(crate) const PUT: Kind = Kind::Put;
/// Writes the key's value and invalidates the key.
pub(crate) const EXACT: Kind = Kind::Invalidate(KEY);
/// Writes the key's value and invalidates the prefix.
const BELOW: Kind = Kind::Invalidate(PREFIX);
/// Writes the key's value and refreshes the key.
const FRESH: Kind = Kind::Invalidate(KEY | REFRESH);
/// Reads the key, and accepts an expired value.
const STALE: Kind = Kind::StaleRead;
/// Invalidates another scope. Its record gives the log another entry, so that the one before it can be trimmed or missed.
const NEXT: Kind = Kind::Invalidate(OTHER);

pub(crate) const NONE: Faults = Faults {
    cuts: 0,
    timeouts: 0,
    trims: 0,
    flushes: 0,
    failovers: 0,
    handovers: 0,
    evictions: 0,
    cancels: 0,
    ticks: 0,
};
const CUT: Faults = Faults { cuts: 1, ..NONE };
const LOST: Faults = Faults { timeouts: 1, ..NONE };
const FLUSH: Faults = Faults { flushes: 1, ..NONE };
const FAILOVER: Faults = Faults { failovers: 1, ..NONE };

impl Scenario {
    /// Scenarios with less than a million states each under the protocol, which the tests explore too.
    pub fn small() -> Vec<Self> {
        vec![
            Self::new("invalidate", &[(A, READ), (A, READ), (A, EXACT)]).shared(),
            Self::new("invalidate elsewhere", &[(A, READ), (B, READ), (B, READ), (A, BELOW)]).shared(),
            Self::new("load", &[(A, READ), (B, READ), (A, READ), (A, BELOW)]).cold(),
            Self::new("doubt", &[(A, READ), (A, READ), (A, EXACT)]).shared().faults(CUT),
            Self::new("time-out", &[(A, READ), (A, READ), (A, EXACT)]).shared().faults(LOST),
            Self::new("doubt elsewhere", &[(A, EXACT), (B, READ), (B, READ)]).shared().faults(CUT),
            Self::new("trim", &[(A, EXACT), (A, NEXT), (B, READ)])
                .shared()
                .faults(Faults { trims: 2, ..NONE })
                .begin(Begin::Apart)
                .sequential(),
            Self::new("evict", &[(A, EXACT), (A, BELOW), (B, READ)]).shared().faults(Faults { evictions: 1, ..NONE }),
            Self::new("cancel", &[(A, READ), (A, READ), (A, READ), (A, EXACT)])
                .cold()
                .faults(Faults { cancels: 1, ..NONE }),
            Self::new("puts", &[(A, PUT), (B, PUT), (A, READ)]),
            Self::new("put and invalidate", &[(A, PUT), (B, EXACT), (A, READ)]),
            Self::new("refresh", &[(A, READ), (A, READ), (A, STALE), (A, FRESH)]).shared(),
            Self::new("refresh elsewhere", &[(A, READ), (B, READ), (B, READ), (A, FRESH)]).shared(),
            Self::new("refresh and invalidate", &[(A, FRESH), (B, EXACT), (B, STALE)]),
            Self::new("refresh in doubt", &[(A, READ), (A, READ), (A, FRESH)]).shared().faults(CUT),
            Self::new("refresh and invalidate in doubt", &[(A, EXACT), (A, FRESH), (A, STALE)])
                .shared()
                .faults(CUT)
                .sequential(),
            Self::new("put and refresh", &[(A, PUT), (B, FRESH), (B, READ)]),
            Self::new("flush", &[(A, EXACT), (B, READ), (B, READ)]).cold().faults(FLUSH),
            Self::new("failover alone", &[(A, EXACT), (A, READ), (A, EXACT), (A, READ)])
                .cold()
                .faults(FAILOVER)
                .sequential(),
            Self::new("after a failover", &[(A, READ), (A, EXACT), (A, NEXT), (B, READ)])
                .cold()
                .sequential()
                .begin(Begin::AfterFailover),
            Self::new("partition", &[(A, EXACT), (B, READ)])
                .shared()
                .begin(Begin::Parted)
                .faults(Faults { cuts: 2, ..NONE })
                .steady(A),
            Self::new("partition, two links", &[(A, EXACT), (B, READ), (B, READ)])
                .cold()
                .links(1, 2)
                .begin(Begin::Parted)
                .sequential(),
            Self::new("two links", &[(A, EXACT), (B, READ), (B, READ)]).shared().links(1, 2),
            Self::new("two links, two writes", &[(A, EXACT), (A, READ), (A, EXACT), (B, READ)])
                .cold()
                .links(1, 2)
                .sequential(),
            Self::new("time", &[(A, EXACT), (B, READ)]).faults(Faults { ticks: 2, ..CUT }).steady(A),
            Self::new("partition and time", &[(A, EXACT), (B, READ)])
                .faults(Faults { ticks: 2, ..NONE })
                .begin(Begin::Parted),
            Self::new("time, shared", &[(A, EXACT), (B, READ), (B, READ)])
                .shared()
                .sequential()
                .faults(Faults { ticks: 2, ..NONE }),
            Self { max_stale: 2, ..Self::new("slow heartbeat", &[(A, EXACT), (B, READ)]) }
                .faults(Faults { ticks: 4, ..NONE }),
            Self::new("flush alone", &[(A, EXACT), (A, READ)]).faults(FLUSH),
        ]
    }

    /// Scenarios with some million states each.
    pub fn large() -> Vec<Self> {
        vec![
            Self { ring: 1, ..Self::new("overflow", &[(A, EXACT), (A, BELOW), (A, READ)]) }.shared().faults(LOST),
            Self::new("resync", &[(A, NEXT), (A, EXACT), (B, READ)]).shared().faults(CUT).sequential(),
            Self::new("failover", &[(A, EXACT), (B, READ)]).shared().faults(FAILOVER),
            Self::new("failover, two reads", &[(A, EXACT), (B, READ), (B, READ)]).faults(FAILOVER).sequential(),
            Self::new("flush and time", &[(A, EXACT), (B, READ)])
                .faults(Faults { ticks: 2, ..FLUSH })
                .begin(Begin::Apart),
            Self::new("trim and time", &[(A, EXACT), (A, NEXT), (B, READ)])
                .faults(Faults { trims: 2, ticks: 2, ..NONE })
                .begin(Begin::Apart)
                .sequential(),
            Self::new("failback", &[(A, EXACT), (B, READ)])
                .shared()
                .steady(A)
                .begin(Begin::Apart)
                .faults(Faults { failovers: 2, ..NONE }),
            Self::new("time and put", &[(A, EXACT), (B, PUT), (B, READ)])
                .cold()
                .sequential()
                .faults(Faults { ticks: 2, ..NONE }),
            Self { partition: true, ..Self::new("partition that begins", &[(A, EXACT), (B, READ)]) }
                .shared()
                .steady(A)
                .faults(Faults { cuts: 1, ..FAILOVER }),
        ]
    }

    pub(crate) fn new(name: &'static str, ops: &[(u8, Kind)]) -> Self {
        Self {
            name,
            ops: ops.to_vec(),
            faults: Faults::default(),
            links: [1, 1],
            warm: Warm::All,
            ring: 4,
            max_stale: 1,
            sequential: false,
            steady: None,
            begin: Begin::Together,
            partition: false,
            takeover: None,
            heartbeats: true,
        }
    }

    fn cold(self) -> Self {
        Self { warm: Warm::Nothing, ..self }
    }

    pub(crate) fn shared(self) -> Self {
        Self { warm: Warm::Shared, ..self }
    }

    fn sequential(self) -> Self {
        Self { sequential: true, ..self }
    }

    pub(crate) fn steady(self, node: u8) -> Self {
        Self { steady: Some(node), ..self }
    }

    pub(crate) fn begin(self, begin: Begin) -> Self {
        Self { begin, ..self }
    }

    pub(crate) fn links(self, a: usize, b: usize) -> Self {
        Self { links: [a, b], ..self }
    }

    fn faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }
}
