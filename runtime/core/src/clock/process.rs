//! The identity of a process.

/// The identity of a process, different from that of its forked children. Reading it takes a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessId(pub(super) u32);

impl Default for ProcessId {
    /// Returns this process.
    fn default() -> Self {
        Self(std::process::id())
    }
}

impl ProcessId {
    /// Returns its id, which is not zero.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// Returns whether this process is running, and not a forked child of it.
    #[cfg(feature = "redis")]
    pub(crate) fn is_this(self) -> bool {
        self.0 == std::process::id()
    }
}
