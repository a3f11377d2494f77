//! The number that distinguishes a call site's values in the shared tier from others of the same key and form.

use std::any::{TypeId, type_name};
use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64_with_seed};

use super::Instance;

/// A type of values, as the shared tier knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValueType {
    name: &'static str,
    /// The identity of the type, if two types may have this name.
    which: Option<TypeId>,
}

impl ValueType {
    /// The type of the values of a function in this module. A type that is declared inside a function may share its name with others, so it
    /// is identified by its `TypeId` too.
    pub(super) fn new<V: 'static>(instance: Instance, module: &str) -> Self {
        let name = type_name::<V>();
        Self { name, which: instance.is_beside(name, module).then(TypeId::of::<V>) }
    }
}

/// The number of an instantiation, a type of values and a version in the shared tier. A `TypeId` is the same in every process of one build,
/// and in other builds with the same compiler and crates; where it differs, values are loaded again.
pub(super) fn variant(instantiation: &str, instance: Option<TypeId>, value: ValueType, version: usize) -> u64 {
    if instance.is_none() && value.which.is_none() {
        return xxh3_64_with_seed(format!("{instantiation} {}", value.name).as_bytes(), version as u64);
    }
    let mut state = Xxh3Default::new();
    (instantiation, instance, value.name, value.which, version).hash(&mut state);
    state.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_value_type_is_the_same_in_every_build() {
        let value = |name| ValueType { name, which: None };
        let number = variant("", None, value("app::User"), 0);
        assert_eq!(number, 0xc5da_9253_b63e_705e, "{number:#x}");
        assert_ne!(number, variant("", None, value("app::m::User"), 0));
        assert_ne!(number, variant("", None, value("app::User"), 1));
        let twin = |which| variant("", None, ValueType { name: "app::User", which: Some(which) }, 0);
        assert_ne!(twin(TypeId::of::<u8>()), twin(TypeId::of::<u16>()));
    }
}
