//! The environment that a server runs in.

/// `APP_ENV`: where this server runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// Logs for people.
    #[default]
    Development,
    /// Logs as JSON, one object a line; the embedded store starts empty; stops five seconds after the signal, see
    /// [`Config::shutdown_delay`](super::Config::shutdown_delay).
    Production,
    /// Logs only what goes wrong.
    Test,
}
