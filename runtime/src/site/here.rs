//! Which instantiation of a call site is calling.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::any::TypeId;

use crate::key::template::{dotted, plain, shown};

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

    /// The function's path for statistics.
    pub(super) fn shown(&self) -> String {
        shown(self.path)
    }

    /// What distinguishes this from other instantiations, and is the same for all functions of one `impl`: the path without
    /// the function's own name and its lifetimes, where there are type parameters. `<Type as Trait>` counts, because a provided method
    /// is generic over its type.
    pub(super) fn instantiation(&self) -> String {
        let path = plain(self.path);
        if !path.contains('<') {
            return String::new();
        }
        let (mut depth, mut name, mut last) = (0_u32, 0..path.len(), ' ');
        for (at, c) in path.char_indices() {
            match c {
                '<' if depth == 0 && name.end == path.len() => (name.end, depth) = (at, 1),
                '<' => depth += 1,
                '>' if last != '-' => depth = depth.saturating_sub(1),
                ':' if depth == 0 => name = at + 1..path.len(),
                _ => {}
            }
            last = c;
        }
        dotted(&format!("{}{}", &path[..name.start], &path[name.end..]))
    }
}
