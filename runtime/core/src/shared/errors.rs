//! Errors of the driver: making and classifying them.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Makes the error of a command that ran into its timeout.
pub(super) fn too_slow() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// Returns whether the server is gone, or may no longer be used.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly};
    error.is_unrecoverable_error()
        || error.is_io_error()
        || matches!(error.kind(), ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | Moved | ReadOnly))
}

/// Returns whether a cluster refused a command for several keys because their slot moves, and they are on either node.
#[cfg(feature = "redis-cluster")]
pub(super) fn is_split(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::TryAgain)
}

/// Makes the error of a set-up with which coherence cannot be guaranteed.
pub(super) fn refused(why: String) -> RedisError {
    RedisError::from((ErrorKind::InvalidClientConfig, "the set-up is not safe", why))
}

/// Returns whether an error says that the set-up was refused.
pub(super) fn is_refused(error: &RedisError) -> bool {
    error.kind() == ErrorKind::InvalidClientConfig
}
