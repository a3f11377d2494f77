//! Errors of the driver: made here, and what they say.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// The error of a command that ran into its timeout.
pub(super) fn too_slow() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// Returns whether the server is gone, or no longer the one that may be talked to.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly};
    error.is_unrecoverable_error()
        || error.is_io_error()
        || matches!(error.kind(), ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | Moved | ReadOnly))
}

/// A set-up with which the promise cannot be kept.
pub(super) fn refused(why: String) -> RedisError {
    RedisError::from((ErrorKind::InvalidClientConfig, "the set-up is not safe", why))
}

/// Returns whether the set-up was refused.
pub(super) fn is_refused(error: &RedisError) -> bool {
    error.kind() == ErrorKind::InvalidClientConfig
}
