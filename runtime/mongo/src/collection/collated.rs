//! Which options of the driver may name a collation.

use mongodb::options::{
    AggregateOptions, CountOptions, DeleteOptions, DistinctOptions, FindOneAndDeleteOptions, FindOneAndUpdateOptions,
    FindOneOptions, FindOptions, ReplaceOptions, UpdateOptions,
};

/// Options with which a call may say itself how strings compare.
pub(super) trait Collated {
    fn is_collated(&self) -> bool;
}

macro_rules! collated {
    ($($options:ty),* $(,)?) => {$(
        impl Collated for $options {
            fn is_collated(&self) -> bool {
                self.collation.is_some()
            }
        }
    )*};
}
collated! {
    AggregateOptions, CountOptions, DeleteOptions, DistinctOptions, FindOneAndDeleteOptions, FindOneAndUpdateOptions,
    FindOneOptions, FindOptions, ReplaceOptions, UpdateOptions,
}
