//! The end of a server.

/// The end of a server that was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every open request was answered.
    Drained,
    /// Some were still open after [`Config::drain`](crate::config::Config::drain) and were dropped.
    TimedOut,
}
