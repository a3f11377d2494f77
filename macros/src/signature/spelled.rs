//! Questions about types and attributes that their tokens answer.
//!
//! May use: nothing of this crate.

use proc_macro2::TokenTree;
use syn::{Attribute, Meta, Type, visit::Visit};

/// Types of the standard library that are not futures; the `NonZero..` types are not either. Other names may be aliases of a future.
#[rustfmt::skip]
pub(crate) const PLAIN: [&str; 37] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32",
    "i64", "i128", "isize", "f32", "f64", "String", "Vec", "Option", "Result", "Arc", "Rc", "Cow",
    "HashMap", "HashSet", "BTreeMap", "BTreeSet", "VecDeque", "Duration", "Instant", "SystemTime", "PathBuf", "OsString", "Ordering", "IpAddr",
    "SocketAddr",
];

/// Returns whether the type may be a future under another name.
pub(crate) fn may_be_future(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
            path.qself.is_some() || !(PLAIN.contains(&name.as_str()) || name.starts_with("NonZero"))
        }
        Type::Paren(paren) => may_be_future(ungrouped(&paren.elem)),
        Type::Macro(_) => true,
        _ => false,
    }
}

/// Returns whether a part of the type is written `impl ..`.
pub(crate) fn has_impl(ty: &Type) -> bool {
    struct MentionsImpl(bool);
    impl Visit<'_> for MentionsImpl {
        fn visit_type_impl_trait(&mut self, _: &syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut find = MentionsImpl(false);
    find.visit_type(ty);
    find.0
}

/// The type without the invisible groups that `macro_rules!` puts around its fragments.
pub(crate) fn ungrouped(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}

/// `#[cfg(..)]`, or a `#[cfg_attr(..)]` that may become one.
pub(crate) fn is_cfg(attr: &Attribute) -> bool {
    let may_be = |token| matches!(token, TokenTree::Ident(ident) if ident == "cfg" || ident == "cfg_attr");
    match &attr.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => list.tokens.clone().into_iter().any(may_be),
        meta => meta.path().is_ident("cfg"),
    }
}
