//! The identity of an instantiation of a call site.
//!
//! Type names are not unique, and closures have none. So instantiations are distinguished by `TypeId`, in this process and in the shared
//! tier; in this process the address of the instantiation is compared first, which is cheaper. A name alone is enough for a function with a
//! unique path, and for a type of values that no function declares.
use std::any::TypeId;
use std::borrow::Cow;
use std::marker::PhantomData;

use crate::key::template::{dotted, plain, shown};

/// An instantiation of a call site, by the address of its description. Two instantiations never share an address; one instantiation may
/// have several, as each crate that compiles it has its own.
#[derive(Clone, Copy, Debug)]
pub struct Instance(&'static Instantiation);

/// The description of an instantiation.
#[derive(Debug)]
pub struct Instantiation {
    id: fn() -> TypeId,
    path: Path,
    owner: Owner,
}

/// The path of a function.
#[derive(Debug)]
enum Path {
    Written(&'static str),
    Of(fn() -> &'static str),
}

/// The types that a call site's function is generic over, as far as the attribute could see them.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Unknown,
    /// The type parameters of the function.
    Function(fn() -> TypeId),
    /// `Self`, and the type parameters of the function.
    Method(fn() -> TypeId),
}

impl Instantiation {
    /// Describes a function whose site belongs to the type `T`, with this path and no type parameters.
    pub const fn named<T>(path: &'static str) -> Self {
        Self { id: typeid::of::<T>, path: Path::Written(path), owner: Owner::Unknown }
    }

    const fn with_owner<T>(owner: Owner) -> Self {
        Self { id: typeid::of::<T>, path: Path::Of(std::any::type_name::<T>), owner }
    }
}

/// Constants whose addresses identify an instantiation.
struct Constants<T, Parameters>(PhantomData<(T, Parameters)>);

impl<T, Parameters> Constants<T, Parameters> {
    const UNKNOWN: &'static Instantiation = &Instantiation::with_owner::<T>(Owner::Unknown);
    const FUNCTION: &'static Instantiation = &Instantiation::with_owner::<T>(Owner::Function(typeid::of::<Parameters>));
    const METHOD: &'static Instantiation = &Instantiation::with_owner::<T>(Owner::Method(typeid::of::<Parameters>));
}

/// The instantiation in which this closure was made.
#[inline]
pub fn instance<T: Copy>(_: T) -> Instance {
    Instance(Constants::<T, ()>::UNKNOWN)
}

/// The instantiation in which this closure was made, for a function with these type parameters.
#[inline]
pub fn instance_of_function<T: Copy, Parameters>(_: T) -> Instance {
    Instance(Constants::<T, Parameters>::FUNCTION)
}

/// The instantiation in which this closure was made, for a method; the type parameters begin with `Self`.
#[inline]
pub fn instance_of_method<T: Copy, Parameters>(_: T) -> Instance {
    Instance(Constants::<T, Parameters>::METHOD)
}

impl Instance {
    /// Names an instantiation by a static or a constant.
    #[inline]
    pub fn new(instantiation: &'static Instantiation) -> Self {
        Self(instantiation)
    }

    /// Returns true if both have one address, and so are the same instantiation.
    #[inline]
    pub(super) fn ptr_eq(self, other: Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }

    /// The identity of the instantiation.
    pub(super) fn id(self) -> TypeId {
        (self.0.id)()
    }

    fn path(self) -> &'static str {
        match self.0.path {
            Path::Written(path) => path,
            Path::Of(path) => path(),
        }
    }

    /// The path as a key segment, with this name in the place of the function's, if there is one.
    pub(super) fn dotted(self, name: Option<&str>) -> String {
        dotted(&self.renamed(name))
    }

    /// The path for statistics, with this name in the place of the function's, if there is one.
    pub(super) fn shown(self, name: Option<&str>) -> String {
        shown(&self.renamed(name))
    }

    fn renamed(self, name: Option<&str>) -> Cow<'static, str> {
        let Some(name) = name else { return self.path().into() };
        let mut path = plain(self.path());
        path.replace_range(function_name(&path), name);
        path.into()
    }

    /// Returns whether the path belongs to one function only: it is in a module, by itself or as a method of a type of that module.
    pub(super) fn is_unique(self, module: &str, name: &str) -> bool {
        let path = plain(self.path());
        let inside = path.strip_prefix(module).and_then(|path| path.strip_prefix("::"));
        match inside.and_then(|path| path.strip_suffix(name)) {
            Some("") => true,
            // Without a `self`, it may as well be a function within a function.
            Some(owner) => {
                matches!(self.0.owner, Owner::Method(_)) && !owner.trim_end_matches(':').contains([':', '<', '{'])
            }
            None => false,
        }
    }

    /// Returns whether a type with this name may be declared in the same function as the call site's own function.
    pub(super) fn is_beside(self, value: &str, module: &str) -> bool {
        let path = plain(self.path());
        let inside = path.strip_prefix(module).and_then(|path| path.strip_prefix("::"));
        let outer = inside.and_then(|path| path.split_once("::")).map(|(outer, _)| outer);
        outer.is_some_and(|outer| value.contains(&format!("{module}::{outer}::")))
    }

    /// Returns whether a closure is among the types of this instantiation. A closure has another identity in the next build; a type that
    /// is declared within a closure has a name.
    pub(super) fn has_closure(self) -> bool {
        let (mut depth, mut last, path) = (0_u32, ' ', self.path());
        path.char_indices().any(|(at, c)| {
            match c {
                '<' => depth += 1,
                '>' if last != '-' => depth = depth.saturating_sub(1),
                _ => {}
            }
            last = c;
            let rest = path[at..].strip_prefix("{{closure}}");
            depth > 0 && rest.is_some_and(|rest| !rest.starts_with("::"))
        })
    }

    /// The identity of this instantiation, the same for all functions of one `impl`; `None` if nothing is generic. Where the attribute
    /// could not see all type parameters, it is the identity of this function alone.
    pub(super) fn instance(self) -> Option<TypeId> {
        let name = self.instantiation();
        if name.is_empty() {
            return None;
        }
        let before = plain(self.path());
        let before = &before[..function_name(&before).start];
        Some(match self.0.owner {
            Owner::Function(owner) if !before.contains('<') => owner(),
            Owner::Method(owner) if !is_for_generic_trait(before) => owner(),
            _ => self.id(),
        })
    }

    /// The path without the function's own name and its lifetimes, for display; empty without type parameters. `<Type as Trait>` counts as
    /// one, because a provided method is generic over its type.
    pub(super) fn instantiation(self) -> String {
        let path = plain(self.path());
        if !path.contains('<') {
            return String::new();
        }
        let name = function_name(&path);
        dotted(&format!("{}{}", &path[..name.start], &path[name.end..]))
    }
}

/// The range of the function's own name in a path.
fn function_name(path: &str) -> std::ops::Range<usize> {
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
    name
}

/// Returns whether the path before a method's name is that of an implementation of a trait with parameters, which `Self` does not show.
fn is_for_generic_trait(before: &str) -> bool {
    let elsewhere = || before.split_once("<impl ").and_then(|(_, rest)| rest.split_once(" for ")).map(|(name, _)| name);
    before.split_once(" as ").map(|(_, rest)| rest).or_else(elsewhere).is_some_and(|name| name.contains('<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &'static str, owner: Owner) -> Instance {
        Instance(Box::leak(Box::new(Instantiation { id: TypeId::of::<()>, path: Path::Written(path), owner })))
    }

    #[test]
    fn plain_paths_are_unique_to_one_function() {
        let method = Owner::Method(TypeId::of::<u8>);
        for (path, owner, expected) in [
            ("app::m::get", Owner::Unknown, true),
            ("app::m::get::{{closure}}", Owner::Unknown, true),
            ("app::m::Repo::get", method, true),
            ("app::m::inner::get", Owner::Unknown, false),
            ("app::m::main::Repo::get", method, false),
            ("app::m::_::get", Owner::Unknown, false),
            ("app::m::get<u8>", Owner::Unknown, false),
            ("<app::m::A as app::m::B>::get", method, false),
            ("app::n::get", Owner::Unknown, false),
        ] {
            assert_eq!(at(path, owner).is_unique("app::m", "get"), expected, "{path}");
        }
    }

    #[test]
    fn closures_count_where_they_are_types() {
        for path in
            ["app::get<app::main::{{closure}}>::{{closure}}", "app::get<fn() -> app::main::{{closure}}>::{{closure}}"]
        {
            assert!(at(path, Owner::Unknown).has_closure(), "{path}");
        }
        for path in ["app::main::{{closure}}::get<u8>::{{closure}}", "app::get<app::main::{{closure}}::M>::{{closure}}"]
        {
            assert!(!at(path, Owner::Unknown).has_closure(), "{path}");
        }
    }

    #[test]
    fn types_declared_beside_a_function_are_recognised() {
        for (path, value, expected) in [
            ("app::m::main::get", "app::m::main::User", true),
            ("app::m::main::get", "alloc::vec::Vec<app::m::main::User>", true),
            ("app::m::main::{{closure}}::inner::get", "app::m::main::{{closure}}::User", true),
            ("app::m::main::get", "app::m::User", false),
            ("app::m::Repo::get", "app::m::User", false),
            ("app::m::get", "app::m::User", false),
            ("app::m::get", "app::m::inner::User", false),
            ("fastness::cache", "app::m::main::User", false),
        ] {
            assert_eq!(at(path, Owner::Unknown).is_beside(value, "app::m"), expected, "{path} of {value}");
        }
    }

    #[test]
    fn instantiations_unknown_to_the_attribute_are_separated_by_function() {
        let (own, of) = (Some(TypeId::of::<()>()), Some(TypeId::of::<u8>()));
        let (function, method) = (Owner::Function(TypeId::of::<u8>), Owner::Method(TypeId::of::<u8>));
        for (path, owner, expected) in [
            ("app::get", Owner::Unknown, None),
            ("app::get<u8>", function, of),
            ("app::get<4>", Owner::Unknown, own),
            ("app::Repo<u8>::get<u16>", function, own),
            ("app::Repo<u8>::get", method, of),
            ("<app::Repo as app::Api>::get", method, of),
            ("<app::Repo<u8> as app::Api<u16>>::get", method, own),
            ("app::m::<impl app::Api<u16> for app::Repo>::get", method, own),
            ("app::m::<impl app::Repo<u8>>::get", method, of),
        ] {
            assert_eq!(at(path, owner).instance(), expected, "{path}");
        }
    }
}
