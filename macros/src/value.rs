//! Reads the values of options that are not durations: words, numbers, text, names and predicates.
//!
//! Flow: an expression as the user wrote it -> the value, or an error on the expression and `None`.
//!
//! Invariant: a wrong value yields exactly one error, and it says what to write instead.
//!
//! May use: diag, nearest.

use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path, UnOp};

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

/// Returns whether an expression is this word.
pub(crate) fn is(expr: &Expr, word: &str) -> bool {
    matches!(peel(expr), Expr::Path(path) if path.path.is_ident(word))
}

/// The text of a string literal.
pub(crate) fn text(expr: &Expr) -> Option<String> {
    match literal(expr) {
        Some(Lit::Str(text)) => Some(text.value()),
        _ => None,
    }
}

/// A string literal.
pub(crate) fn string<'a>(name: &str, write: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a LitStr> {
    if let Some(Lit::Str(text)) = literal(expr) {
        return Some(text);
    }
    diag.at(expr, format_args!("`{name}` is a string literal: write `{write}`"));
    None
}

/// A string literal that names something in metrics, and is not empty.
pub(crate) fn name<'a>(write: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a LitStr> {
    let name = string("name", write, expr, diag)?;
    if name.value().trim().is_empty() {
        let why = format_args!("`name` is empty: write one, as `{write}`, or leave it out for the function's path");
        diag.at(name, why);
    }
    Some(name)
}

/// A list of string literals: `["a", "b"]`.
pub(crate) fn strings(name: &str, write: &str, expr: &Expr, diag: &mut Diag) -> Vec<LitStr> {
    let Expr::Array(array) = peel(expr) else {
        diag.at(expr, format_args!("`{name}` is a list: write `{write}`"));
        return Vec::new();
    };
    let mut found = Vec::new();
    for element in &array.elems {
        match literal(element) {
            Some(Lit::Str(text)) => found.push(text.clone()),
            _ => diag.at(element, format_args!("`{name}` holds string literals: write `\"user:{{id}}\"`")),
        }
    }
    found
}

/// The tags of an entry.
pub(crate) struct Tags {
    /// The tags that follow from the arguments.
    pub(crate) texts: Vec<LitStr>,
    /// The function that returns the tags of a value.
    pub(crate) of: Option<Expr>,
}

/// A list of string literals that may hold a function: `["a", |value| ..]`, or the function alone.
pub(crate) fn tags(name: &str, expr: &Expr, diag: &mut Diag) -> Tags {
    let mut tags = Tags { texts: Vec::new(), of: None };
    let all = match peel(expr) {
        Expr::Array(array) => &array.elems,
        function @ (Expr::Closure(_) | Expr::Path(_)) => return Tags { of: Some(function.clone()), ..tags },
        _ => {
            let why = "is a list, or a function of the value: write";
            diag.at(
                expr,
                format_args!("`{name}` {why} `{name} = [\"team:{{id}}\"]` or `{name} = |value| value.tags()`"),
            );
            return tags;
        }
    };
    for element in all {
        match (literal(element), peel(element)) {
            (Some(Lit::Str(text)), _) => tags.texts.push(text.clone()),
            (None, Expr::Closure(_) | Expr::Path(_)) if tags.of.is_some() => {
                diag.at(element, format_args!("`{name}` has two functions: join their lists in one"));
            }
            (None, function @ (Expr::Closure(_) | Expr::Path(_))) => tags.of = Some(function.clone()),
            _ => diag.at(
                element,
                format_args!(
                    "`{name}` holds string literals, and one function of the value: write `\"team:{{id}}\"` or `|value| value.tags()`"
                ),
            ),
        }
    }
    tags
}

/// A word of a fixed list, as in `refresh = background`.
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

/// The name of a function to declare, as in `handle = users`, or `handle = Self::users` inside an `impl`.
pub(crate) fn ident<'a>(name: &str, write: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a Ident> {
    let found = match peel(expr) {
        Expr::Path(path) if path.attrs.is_empty() && path.qself.is_none() => name_behind_self(&path.path),
        _ => None,
    };
    if found.is_none() {
        diag.at(expr, format_args!("`{name}` takes a name: write `{write}`"));
    }
    found
}

/// The identifier, alone or behind `Self::`.
fn name_behind_self(path: &Path) -> Option<&Ident> {
    let mut segments = path.segments.iter();
    let last = segments.next_back().filter(|last| last.arguments.is_none() && path.leading_colon.is_none())?;
    let is_plain = match (segments.next(), segments.next()) {
        (None, _) => true,
        (Some(first), None) => first.ident == "Self",
        _ => false,
    };
    (is_plain && last.ident != "Self").then_some(&last.ident)
}

/// A number of bytes: `65_536`, or text with a unit.
pub(crate) fn bytes(name: &str, expr: &Expr, diag: &mut Diag) -> Option<usize> {
    let number = match literal(expr) {
        Some(Lit::Int(number)) => number.base10_parse().ok(),
        Some(Lit::Str(text)) => bytes_of(&text.value()),
        _ => None,
    };
    match number.and_then(|number| usize::try_from(number).ok()) {
        Some(0) => {
            diag.at(expr, format_args!("`{name}` is zero, so nothing could be stored: write `{name} = \"64MiB\"`"));
            None
        }
        None => {
            let why = "is a number of bytes in B, KiB, MiB or GiB";
            diag.at(expr, format_args!("`{name}` {why}: write `{name} = \"64MiB\"` or `{name} = 67_108_864`"));
            None
        }
        found => found,
    }
}

fn bytes_of(text: &str) -> Option<u64> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
    let (number, unit) = units.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, bytes)))?;
    number.trim_end().replace('_', "").parse::<u64>().ok()?.checked_mul(*unit)
}

/// A path, as in `crate = my::fastness`.
pub(crate) fn path<'a>(name: &str, write: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a Path> {
    if let Expr::Path(path) = peel(expr)
        && path.qself.is_none()
    {
        return Some(&path.path);
    }
    diag.at(expr, format_args!("`{name}` takes a path: write `{write}`"));
    None
}

/// Returns whether an expression is not a literal, so that its value is known only when it is evaluated.
pub(crate) fn is_computed(expr: &Expr) -> bool {
    match peel(expr) {
        Expr::Lit(_) | Expr::Closure(_) => false,
        Expr::Unary(unary) => !matches!(*unary.expr, Expr::Lit(_)),
        _ => true,
    }
}

/// A whole number from 1.
pub(crate) fn count(name: &str, write: &str, expr: &Expr, diag: &mut Diag) -> Option<usize> {
    let Some(Lit::Int(number)) = literal(expr) else {
        diag.at(expr, format_args!("`{name}` is a whole number: write `{write}`"));
        return None;
    };
    match number.base10_parse::<usize>() {
        Ok(0) => diag.at(expr, format_args!("`{name}` is zero: write at least 1")),
        Ok(count) => return Some(count),
        Err(_) => diag.at(expr, format_args!("`{name}` is too large: write a number that fits in `usize`")),
    }
    None
}

/// A whole number from 1 that fits in 32 bits.
pub(crate) fn count32(name: &str, write: &str, expr: &Expr, diag: &mut Diag) -> Option<u32> {
    let count = u32::try_from(count(name, write, expr, diag)?);
    if count.is_err() {
        diag.at(expr, format_args!("`{name}` is too large: write at most {}", u32::MAX));
    }
    count.ok()
}

/// A share from 0 to 0.5, written `0.1` or `"10%"`.
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

/// A share from 1 % to 100 %, written `50` or `"50%"`.
pub(crate) fn percent(name: &str, expr: &Expr, diag: &mut Diag) -> Option<u8> {
    let percent = match literal(expr) {
        Some(Lit::Int(number)) => number.base10_parse().ok(),
        Some(Lit::Str(text)) => text.value().trim().strip_suffix('%').and_then(|text| text.trim().parse().ok()),
        _ => None,
    };
    let percent = percent.filter(|percent| (1..=100).contains(percent));
    if percent.is_none() {
        let why = format_args!("`{name}` is a share from 1 % to 100 %: write `{name} = 50` or `{name} = \"50%\"`");
        diag.at(expr, why);
    }
    percent
}

/// A whole number within these bounds.
pub(crate) fn integer(name: &str, least: u32, most: u32, expr: &Expr, diag: &mut Diag) -> Option<u32> {
    if let Some(Lit::Int(number)) = literal(expr)
        && let Ok(number) = number.base10_parse::<u32>()
        && (least..=most).contains(&number)
    {
        return Some(number);
    }
    diag.at(expr, format_args!("`{name}` is a whole number from {least} to {most}: write `{name} = {least}`"));
    None
}

/// `true` or `false`.
pub(crate) fn boolean(name: &str, expr: &Expr, diag: &mut Diag) -> Option<bool> {
    if let Some(Lit::Bool(value)) = literal(expr) {
        return Some(value.value);
    }
    diag.at(expr, format_args!("`{name}` is `true` or `false`: write `{name} = true`"));
    None
}

/// A number, which may be negative.
pub(crate) fn number(name: &str, expr: &Expr, diag: &mut Diag) -> Option<f64> {
    let (digits, sign) = match peel(expr) {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => (&*unary.expr, -1.0),
        other => (other, 1.0),
    };
    let digits = match literal(digits) {
        Some(Lit::Int(number)) => Some(number.base10_digits()),
        Some(Lit::Float(number)) => Some(number.base10_digits()),
        _ => None,
    };
    let number = digits.and_then(|digits| digits.parse::<f64>().ok()).map(|number| number * sign);
    if number.is_none() {
        diag.at(expr, format_args!("`{name}` is a number: write `{name} = 180`"));
    }
    number
}

/// A function: a closure or the path of one.
pub(crate) fn function<'a>(name: &str, write: &str, expr: &'a Expr, diag: &mut Diag) -> Option<&'a Expr> {
    match peel(expr) {
        Expr::Closure(_) | Expr::Path(_) => Some(peel(expr)),
        _ => {
            diag.at(expr, format_args!("`{name}` takes a function: write `{write}` or the path of one"));
            None
        }
    }
}
