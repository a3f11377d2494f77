//! Moments by the processor's cycle counter.

use std::sync::LazyLock;

/// A moment by the processor's cycle counter, for durations of work, which a manual clock cannot measure.
///
/// The first one in a process calibrates the counter against the system's clock, which usually takes a millisecond and
/// at most 200 ms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(u64);

static CYCLES: LazyLock<Cycles> = LazyLock::new(|| {
    let clock = quanta::Clock::new();
    Cycles { origin: clock.raw(), clock }
});

struct Cycles {
    clock: quanta::Clock,
    origin: u64,
}

impl Moment {
    #[inline]
    pub(crate) fn now() -> Self {
        Self(CYCLES.clock.raw())
    }

    /// Returns the nanoseconds from an earlier moment to this one.
    #[inline]
    pub(crate) fn nanos_since(self, earlier: Self) -> u64 {
        CYCLES.clock.delta_as_nanos(earlier.0, self.0)
    }

    /// Returns the nanoseconds since the first moment of the process.
    pub(crate) fn nanos(self) -> u64 {
        self.nanos_since(Self(CYCLES.origin))
    }
}
