//! May use: diag, nearest.
//!
//! Reads the values of options that are not durations: words, numbers, text, names and predicates.
//!
//! Flow: an expression as the user wrote it -> the value, or an error on the expression and `None`.
//!
//! Invariant: a wrong value yields exactly one error, and it says what to write instead.

use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path};

use crate::{diag::Diag, nearest};

/// The expression without the invisible groups that `macro_rules!` puts around its fragments.
pub(crate) fn peel(mut expr: &Expr) -> &Expr {
    while let Expr::Group(group) = expr {
        expr = &group.expr;
    }
    expr
}

fn literal(expr: &Expr) -> Option<&Lit> {
    match peel(expr) {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

/// What a string literal says.
pub(crate) fn text(expr: &Expr) -> Option<String> {
    match literal(expr) {
        Some(Lit::Str(text)) => Some(text.value()),
        _ => None,
    }
}

/// A string literal.
pub(crate) fn string<'a>(name: &str, example: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a LitStr> {
    if let Some(Lit::Str(text)) = literal(expr) {
        return Some(text);
    }
    diag.at(expr, format_args!("`{name}` is a string literal: write `{name} = \"{example}\"`"));
    None
}

/// The name by which metrics know something.
pub(crate) fn name<'a>(example: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a LitStr> {
    let name = string("name", example, expr, diag)?;
    if name.value().trim().is_empty() {
        let why = format_args!(
            "`name` is empty: write one, as `name = \"{example}\"`, or leave it out for the function's path"
        );
        diag.at(name, why);
    }
    Some(name)
}

/// A list of string literals: `["a", "b"]`.
pub(crate) fn strings<'a>(name: &str, expr: &'a Expr, diag: &mut Diag) -> Vec<&'a LitStr> {
    let Expr::Array(array) = peel(expr) else {
        diag.at(expr, format_args!("`{name}` is a list: write `{name} = [\"user:{{id}}\"]`"));
        return Vec::new();
    };
    let mut found = Vec::new();
    for element in &array.elems {
        match literal(element) {
            Some(Lit::Str(text)) => found.push(text),
            _ => diag.at(element, format_args!("`{name}` holds string literals: write `\"user:{{id}}\"`")),
        }
    }
    found
}

/// One of a few words, as `refresh = background`.
pub(crate) fn word(name: &str, words: &[&'static str], expr: &Expr, diag: &mut Diag) -> Option<&'static str> {
    let given = match peel(expr) {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    };
    let found = words.iter().find(|word| given.as_deref() == Some(**word));
    if found.is_none() {
        let near = given.map_or_else(String::new, |given| nearest::hint(&given, words.iter().copied()));
        let choices = words.iter().map(|word| format!("`{name} = {word}`")).collect::<Vec<_>>().join(" or ");
        diag.at(expr, format_args!("`{name}` takes one of a few words: write {choices}{near}"));
    }
    found.copied()
}

/// An identifier, as `handle = USERS`.
pub(crate) fn ident<'a>(name: &str, example: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a Ident> {
    let found = match peel(expr) {
        Expr::Path(path) if path.attrs.is_empty() && path.qself.is_none() => path.path.get_ident(),
        _ => None,
    };
    if found.is_none() {
        diag.at(expr, format_args!("`{name}` takes a name: write `{name} = {example}`"));
    }
    found
}

/// A path, as `crate = my::fastness`.
pub(crate) fn path<'a>(name: &str, example: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a Path> {
    if let Expr::Path(path) = peel(expr)
        && path.qself.is_none()
    {
        return Some(&path.path);
    }
    diag.at(expr, format_args!("`{name}` takes a path: write `{name} = {example}`"));
    None
}

/// A count that is not zero.
pub(crate) fn count(name: &str, expr: &Expr, diag: &mut Diag) -> Option<usize> {
    let Some(Lit::Int(number)) = literal(expr) else {
        let why = match peel(expr) {
            Expr::Path(_) => ", written out, as an attribute cannot see what a constant is",
            _ => "",
        };
        diag.at(expr, format_args!("`{name}` is a whole number{why}: write `{name} = 10_000`"));
        return None;
    };
    match number.base10_parse::<usize>() {
        Ok(0) => diag.at(expr, format_args!("`{name}` is zero: write at least 1")),
        Ok(count) => return Some(count),
        Err(_) => diag.at(expr, format_args!("`{name}` is too large: write a number that fits in `usize`")),
    }
    None
}

/// A share between 0 and 0.5, as `0.1` or `"10%"`.
pub(crate) fn share(name: &str, expr: &Expr, diag: &mut Diag) -> Option<f64> {
    let share = match literal(expr) {
        Some(Lit::Float(number)) => number.base10_parse().ok(),
        Some(Lit::Int(number)) => number.base10_parse().ok(),
        Some(Lit::Str(text)) => text
            .value()
            .trim()
            .strip_suffix('%')
            .and_then(|text| text.parse::<f64>().ok())
            .map(|percent| percent / 100.0),
        _ => None,
    };
    if share.is_none_or(|share: f64| !(0.0..=0.5).contains(&share)) {
        diag.at(expr, format_args!("`{name}` is a share from 0 to 0.5: write `{name} = 0.1` or `{name} = \"10%\"`"));
        return None;
    }
    share
}

/// A function: a closure or the path of one.
pub(crate) fn function<'a>(name: &str, example: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a Expr> {
    match peel(expr) {
        Expr::Closure(_) | Expr::Path(_) => Some(peel(expr)),
        _ => {
            diag.at(expr, format_args!("`{name}` takes a function: write `{name} = {example}` or the path of one"));
            None
        }
    }
}
