//! Driver options that can set a time limit for the server.

use std::time::Duration;

use mongodb::options::{
    AggregateOptions, CountOptions, DistinctOptions, FindOneAndDeleteOptions, FindOneAndUpdateOptions, FindOneOptions,
    FindOptions,
};

/// Driver options with a time limit, which the server gets as `maxTimeMS`. They are large, so callers box them on their way into a task.
pub(super) trait Limited: Default {
    fn max_time(&mut self) -> &mut Option<Duration>;

    /// Returns these options with at most the time that is left.
    fn within(options: Option<Box<Self>>, left: Duration) -> Self {
        let mut options = options.map(|options| *options).unwrap_or_default();
        let limit = options.max_time();
        *limit = Some(limit.filter(|limit| *limit < left && !limit.is_zero()).unwrap_or(left).max(SHORTEST));
        options
    }

    /// Returns these options with the time that is left, unless they state a limit: that of a cursor counts all its batches.
    fn within_or_stated(options: Option<Box<Self>>, left: Duration) -> Self {
        let mut options = options.map(|options| *options).unwrap_or_default();
        options.max_time().get_or_insert(left.max(SHORTEST));
        options
    }
}

/// The shortest limit: the server counts milliseconds, and takes 0 for no limit.
const SHORTEST: Duration = Duration::from_millis(1);

macro_rules! limited {
    ($($options:ty),* $(,)?) => {$(
        impl Limited for $options {
            fn max_time(&mut self) -> &mut Option<Duration> {
                &mut self.max_time
            }
        }
    )*};
}
limited! {
    AggregateOptions, CountOptions, DistinctOptions, FindOneAndDeleteOptions, FindOneAndUpdateOptions, FindOneOptions,
    FindOptions,
}
