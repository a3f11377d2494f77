//! Which instantiation of a call site is calling.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::any::TypeId;

use crate::key::template::dotted;

/// One instantiation of a call site.
#[derive(Clone, Copy, Debug)]
pub struct Here {
    pub(super) id: TypeId,
    path: &'static str,
}

/// The instantiation in which this closure was made.
#[inline]
pub fn here<T>(_: &T) -> Here {
    Here { id: typeid::of::<T>(), path: std::any::type_name::<T>() }
}

impl Here {
    /// That of a function whose site belongs to a type.
    pub fn named<T>(path: &'static str) -> Self {
        Self { id: typeid::of::<T>(), path }
    }

    /// The function's path as a key segment.
    pub(crate) fn dotted(&self) -> String {
        dotted(self.path)
    }

    /// Whether the function or its impl has type parameters: a path has brackets beyond those of `<Type as Trait>`.
    pub(super) fn is_generic(&self) -> bool {
        self.path.matches('<').count() > usize::from(self.path.starts_with('<'))
    }
}
