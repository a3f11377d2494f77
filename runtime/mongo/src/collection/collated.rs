//! Driver options that can set a collation.

use mongodb::options::{
    AggregateOptions, CountOptions, DeleteOptions, DistinctOptions, FindOneAndDeleteOptions, FindOneAndUpdateOptions,
    FindOneOptions, FindOptions, ReplaceOptions, UpdateOptions,
};

/// Options that can set a collation.
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
