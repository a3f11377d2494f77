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
        *limit = Some(limit.filter(|limit| *limit < left && !limit.is_zero()).unwrap_or(left).clamp(SHORTEST, LONGEST));
        options
    }

    /// Returns these options with the time that is left, unless they state a limit: that of a cursor counts all its batches.
    fn within_or_stated(options: Option<Box<Self>>, left: Duration) -> Self {
        let mut options = options.map(|options| *options).unwrap_or_default();
        options.max_time().get_or_insert(left.clamp(SHORTEST, LONGEST));
        options
    }
}

/// The shortest limit: the server counts milliseconds, and takes 0 for no limit.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest limit that the server takes: 24 days.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_one_that_the_server_takes() {
        let long = Duration::MAX;
        for (left, sent) in
            [(Duration::ZERO, SHORTEST), (long, LONGEST), (Duration::from_secs(1), Duration::from_secs(1))]
        {
            assert_eq!(FindOneOptions::within(None, left).max_time, Some(sent));
            assert_eq!(FindOptions::within_or_stated(None, left).max_time, Some(sent));
        }
        let stated = FindOneOptions::builder().max_time(long).build();
        assert_eq!(FindOneOptions::within(Some(Box::new(stated)), long).max_time, Some(LONGEST));
    }
}
