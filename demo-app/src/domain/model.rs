//! Documents as stores and lists know them.

use std::fmt::{Debug, Display};
use std::hash::Hash;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Draft, Field, Id, Moment, Scalar};

/// Declarations for MongoDB: the collection, its indexes, and the keys that a change of a document invalidates.
#[cfg(feature = "servers")]
pub use fastness::Indexed as Stored;

/// Declarations for a database: none in a build without one.
#[cfg(not(feature = "servers"))]
pub trait Stored {}

#[cfg(not(feature = "servers"))]
impl<T> Stored for T {}

/// A document of one of the collections.
pub trait Model:
    Draft + Stored + Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The identity of a document within its collection.
    type Id: Clone + Display + Eq + Hash + Into<Scalar> + Send + Sync;

    /// The word for one document, in messages and keys: `user`.
    const ONE: &'static str;
    /// The word for the collection, in paths and keys of lists: `users`.
    const MANY: &'static str;
    /// The fields, beside the id, that lists filter and sort by.
    const FIELDS: &'static [Field<Self>];
    /// The indexes that lists go by, each as the sort that it serves; `?` behind a name: documents without a value are not in it. MongoDB
    /// has each of them (a test compares them with the declarations), and the embedded store answers the same lists.
    const LISTS: &'static [&'static str];
    /// The text that no two documents share, beside their ids.
    const UNIQUE: Option<Unique<Self>> = None;

    /// The identity.
    fn id(&self) -> Self::Id;

    /// The document that this draft founds.
    #[must_use]
    fn created(self, id: Id, now: Moment) -> Self;

    /// The document that this draft makes of `old`, whose server's own fields stay.
    #[must_use]
    fn over(self, old: &Self) -> Self;

    /// The documents that this one names, which must be there.
    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    /// A field that stays as it was created: its name, and the document that it names.
    fn fixed(&self) -> Option<(&'static str, Id)> {
        None
    }

    /// The value of a field by its stored name; absent where no index has it.
    fn value(&self, name: &str) -> Scalar {
        match Self::FIELDS.iter().find(|field| field.name == name) {
            Some(field) => (field.value)(self),
            None if name == super::Listing::ID => self.id().into(),
            None => Scalar::Absent,
        }
    }
}

/// The name of a text field, and its value in a document.
pub type Unique<M> = (&'static str, fn(&M) -> &str);

/// A document that another one names.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// The field that names it.
    pub field: &'static str,
    /// The id there.
    pub id: Id,
    /// The collection in which it must be.
    pub to: Target,
}

/// The collections that documents refer to.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names are the whole story")]
pub enum Target {
    Businesses,
    Manufacturers,
    Products,
    /// The products of this business.
    ProductsOf(Id),
}
