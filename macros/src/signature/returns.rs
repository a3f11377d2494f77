//! The kind of a function's result: a value, the value of an `async fn`, or a future that the function returns.
//!
//! Invariant: [`Returns::value`] is the type that the caller has after awaiting. For a function that returns a future, it is the
//! `Output` of that future. What the value's type can do is found by the compiler, never by its name.
//!
//! May use: signature/params.

use quote::ToTokens;
use syn::{
    GenericArgument, Lifetime, Path, PathArguments, PathSegment, ReturnType, Signature, Token, Type, TypeParamBound,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

use super::{
    spelled::{PLAIN, has_impl, may_be_future},
    ungrouped,
};

/// The way in which a function runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sync,
    Async,
    /// `fn(..) -> Pin<Box<dyn Future<Output = T>>>`, as `#[async_trait]` makes.
    Boxed,
    /// `fn(..) -> impl Future<Output = T>`
    ImplFuture,
    /// `fn(..) -> Name`, where the name may stand for a future: the expansion asks the compiler.
    Asked,
}

/// The answers that an attribute accepts about a return type that only the compiler knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A value or a future.
    Any,
    /// A value that does not borrow, or a future.
    Owned,
    /// A future.
    Future,
    /// A value, because the expansion has to name its type.
    Value,
}

/// A function's result.
pub(crate) struct Returns {
    pub(crate) kind: Kind,
    pub(crate) value: Type,
    /// The answers that are accepted from the compiler, where `kind` is [`Kind::Asked`].
    pub(crate) answer: Answer,
    /// True if a part of `value` is left to inference.
    inferred: bool,
    /// True if the value must be a `Result`.
    pub(crate) fallible: bool,
    /// True if the return type is written `!`; `value` is then `Infallible`, which can be named.
    pub(crate) never: bool,
}

impl Returns {
    pub(crate) fn new(sig: &Signature) -> Self {
        let unit = || syn::parse_quote!(());
        let written = match &sig.output {
            ReturnType::Default => unit(),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let future = if sig.asyncness.is_some() { None } else { future(ungrouped(&written)) };
        match future {
            Some((kind, value)) => Self::with_kind(kind, value.clone()),
            None if sig.asyncness.is_some() => Self::with_kind(Kind::Async, written),
            None if may_be_future(ungrouped(&written)) && !has_impl(&written) => Self::with_kind(Kind::Asked, written),
            None => Self::with_kind(Kind::Sync, written),
        }
    }

    fn with_kind(kind: Kind, value: Type) -> Self {
        let never = matches!(ungrouped(&value), Type::Never(_));
        let value = if never { syn::parse_quote!(::core::convert::Infallible) } else { value };
        Self { kind, value, answer: Answer::Any, inferred: false, fallible: false, never }
    }

    /// Returns whether the function blocks, as far as its signature shows.
    pub(crate) fn blocks(&self) -> bool {
        self.kind == Kind::Sync
    }

    /// The same result with `_` for every `impl ..`, for use inside the function.
    pub(crate) fn inferred(&self) -> Self {
        struct Infer;

        impl VisitMut for Infer {
            fn visit_type_mut(&mut self, ty: &mut Type) {
                match ty {
                    Type::ImplTrait(_) => *ty = syn::parse_quote!(_),
                    ty => visit_mut::visit_type_mut(self, ty),
                }
            }
        }

        let mut value = self.value.clone();
        Infer.visit_type_mut(&mut value);
        Self { value, inferred: self.has_impl(), ..*self }
    }

    /// The value's type with `()` for every part that is left to inference. Its error type is the same.
    pub(crate) fn of_error(&self) -> Type {
        struct Fill;

        impl VisitMut for Fill {
            fn visit_type_mut(&mut self, ty: &mut Type) {
                match ty {
                    Type::Infer(_) => *ty = syn::parse_quote!(()),
                    ty => visit_mut::visit_type_mut(self, ty),
                }
            }
        }

        let mut ty = self.value.clone();
        Fill.visit_type_mut(&mut ty);
        ty
    }

    /// Returns whether the value is certainly no `Result`. A name that is not known may be an alias of one.
    pub(crate) fn cannot_fail(&self) -> bool {
        if self.never {
            return true;
        }
        match ungrouped(&self.value) {
            Type::Tuple(_) | Type::Array(_) | Type::Slice(_) => true,
            Type::Path(path) if path.path.segments.len() == 1 => {
                PLAIN.iter().any(|plain| path.path.segments[0].ident == plain && *plain != "Result")
            }
            _ => false,
        }
    }

    /// The `()` of a value that is written `Result<(), ..>`.
    pub(crate) fn unit_in_result(&self) -> Option<&Type> {
        let Type::Path(path) = &self.value else { return None };
        argument(&path.path, "Result").filter(|ok| matches!(ok, Type::Tuple(tuple) if tuple.elems.is_empty()))
    }

    /// The list type of a value that is written `Vec<..>` or `Result<Vec<..>, ..>`.
    pub(crate) fn list(&self) -> Option<&Type> {
        let Type::Path(path) = &self.value else { return None };
        let value = argument(&path.path, "Result").unwrap_or(&self.value);
        matches!(value, Type::Path(path) if argument(&path.path, "Vec").is_some()).then_some(value)
    }

    /// Returns whether a part of the value's type is written `impl ..`; [`inferred`](Self::inferred) does not change the answer.
    pub(crate) fn has_impl(&self) -> bool {
        self.inferred || has_impl(&self.value)
    }

    /// Returns whether the return type may be a future, but is written with `impl ..`, so that only the body determines it.
    pub(crate) fn is_opaque(&self) -> bool {
        let ty = ungrouped(&self.value);
        self.kind == Kind::Sync && self.has_impl() && (matches!(ty, Type::ImplTrait(_)) || may_be_future(ty))
    }

    /// Returns whether the value is `()`.
    pub(crate) fn is_unit(&self) -> bool {
        matches!(ungrouped(&self.value), Type::Tuple(tuple) if tuple.elems.is_empty())
    }
}

/// The kind and the output of a type that is written as a future.
fn future(ty: &Type) -> Option<(Kind, &Type)> {
    match ty {
        Type::ImplTrait(it) => output(&it.bounds).map(|output| (Kind::ImplFuture, output)),
        Type::Path(path) => {
            let pinned = argument(&path.path, "Pin").and_then(|boxed| match boxed {
                Type::Path(boxed) => argument(&boxed.path, "Box"),
                _ => None,
            })?;
            match pinned {
                Type::TraitObject(object) => output(&object.bounds).map(|output| (Kind::Boxed, output)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The `T` of `name<T>`.
fn argument<'a>(path: &'a Path, name: &str) -> Option<&'a Type> {
    match arguments(path.segments.last()?, name)?.first()? {
        GenericArgument::Type(ty) => Some(ungrouped(ty)),
        _ => None,
    }
}

/// The `T` of `Future<Output = T>` among `bounds`.
fn output(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Option<&Type> {
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        arguments(bound.path.segments.last()?, "Future")?.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(assoc) if assoc.ident == "Output" => Some(&assoc.ty),
            _ => None,
        })
    })
}

fn arguments<'a>(segment: &'a PathSegment, name: &str) -> Option<&'a Punctuated<GenericArgument, Token![,]>> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) if segment.ident == name => Some(&arguments.args),
        _ => None,
    }
}

/// The type with `'_` for every lifetime except `'static`, for use where named lifetimes are not in scope or would be too long.
pub(crate) fn without_lifetimes(ty: &Type) -> Type {
    struct Elide;
    impl VisitMut for Elide {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident != "static" {
                *lifetime = Lifetime::new("'_", lifetime.span());
            }
        }
        // A lifetime that the type itself binds needs its name.
        fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
        fn visit_trait_bound_mut(&mut self, bound: &mut syn::TraitBound) {
            if bound.lifetimes.is_none() {
                visit_mut::visit_trait_bound_mut(self, bound);
            }
        }
    }
    let mut ty = ty.clone();
    Elide.visit_type_mut(&mut ty);
    ty
}

impl ToTokens for Returns {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        self.value.to_tokens(tokens);
    }
}
