//! Expressions of the user behind a `&`.
//!
//! May use: nothing of this crate.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Expr;

use super::code;

/// A reference to an argument, unless the user wrote one.
pub(crate) fn borrowed(expr: &Expr) -> TokenStream {
    if let Expr::Reference(_) = expr {
        return quote!(#expr);
    }
    let expr = operand(expr);
    code!(&#expr)
}

/// An expression that can stand behind `&`: in parentheses if it needs them.
pub(crate) fn operand(expr: &Expr) -> TokenStream {
    match expr {
        Expr::Path(_) | Expr::Field(_) | Expr::MethodCall(_) | Expr::Call(_) | Expr::Lit(_) | Expr::Paren(_) => {
            quote!(#expr)
        }
        _ => code!((#expr)),
    }
}
