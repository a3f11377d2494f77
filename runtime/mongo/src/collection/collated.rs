//! Driver options that can set a collation.

use bson::Document;
use mongodb::options::{
    AggregateOptions, CountOptions, DeleteOptions, DistinctOptions, FindOneAndDeleteOptions, FindOneAndUpdateOptions,
    FindOneOptions, FindOptions, ReplaceOptions, UpdateOptions,
};

/// Options that can set a collation.
pub(super) trait Collated {
    fn collation(&self) -> Option<Document>;
}

macro_rules! collated {
    ($($options:ty),* $(,)?) => {$(
        impl Collated for $options {
            fn collation(&self) -> Option<Document> {
                // The driver's type always has a form as BSON.
                self.collation.as_ref().and_then(|collation| bson::serialize_to_document(collation).ok())
            }
        }
    )*};
}
collated! {
    AggregateOptions, CountOptions, DeleteOptions, DistinctOptions, FindOneAndDeleteOptions, FindOneAndUpdateOptions,
    FindOneOptions, FindOptions, ReplaceOptions, UpdateOptions,
}
