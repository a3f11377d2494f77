//! Processes, which forked children are not.

/// A process, to tell it from its forked children, in which nothing of it runs on. Asking takes a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(pub(super) u32);

impl Default for Process {
    /// This one.
    fn default() -> Self {
        Self(std::process::id())
    }
}

impl Process {
    /// Its number, which is not zero.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// Whether this is still the process, and not a child of it.
    #[cfg(feature = "redis")]
    pub(crate) fn is_this(self) -> bool {
        self.0 == std::process::id()
    }
}
