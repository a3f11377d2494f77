//! Reads the value of an option as the kind that its row names.
//!
//! Invariant: a wrong value yields exactly one error, and it says what to write instead.
//!
//! May use: diag, duration, value, options/{given, row}.

use proc_macro2::TokenStream;
use syn::{
    Expr, ExprLit, Ident, Lit, LitStr, Path, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use super::{
    given::OptionForm,
    row::{Row, Takes},
};
use crate::{
    diag::Diag,
    duration::{self, Time},
    value::{self, Tags},
};

/// The value of an option.
pub(crate) enum Value {
    /// The option was written without a value.
    Nothing,
    /// `off`
    Off,
    Expr(Expr),
    Time(Time),
    Text(LitStr),
    Texts(Vec<LitStr>),
    Tags(Tags),
    Word(&'static str),
    Ident(Ident),
    Path(Path),
    Count(usize),
    Count32(u32),
    /// A number that is known when the expression is evaluated.
    Computed(Expr),
    Share(f64),
    Percent(u8),
    Params(Vec<Ident>),
    Labels(Vec<(Ident, Expr)>),
    /// The elements of a list, to be read later.
    List(TokenStream),
    Integer(u32),
    Bool(bool),
    Number(f64),
}

/// Checks that an option of this row can have this form.
pub(super) fn fits(row: &Row, name: &Ident, form: &OptionForm) -> syn::Result<()> {
    let wrong = |why: std::fmt::Arguments<'_>| Err(syn::Error::new(name.span(), why));
    match (&row.takes, form) {
        (Takes::Nothing, OptionForm::Nothing)
        | (Takes::Weight, OptionForm::Nothing | OptionForm::List(_))
        | (Takes::Params | Takes::Binding | Takes::Labels | Takes::List | Takes::Templates, _) => Ok(()),
        (Takes::Nothing, _) => wrong(format_args!("`{name}` takes no value: write `{name}` alone")),
        (Takes::Weight, _) => wrong(format_args!(
            "`{name}` takes no value but may have a weight: write `{}` or `{}`",
            row.written[0], row.written[1]
        )),
        (_, OptionForm::Expr(_)) => Ok(()),
        _ => wrong(format_args!("`{name}` takes a value: write `{name} = ..`")),
    }
}

/// Reads the value of the option `name`, whose token is `at`.
pub(super) fn read(name: &str, row: &Row, at: &Ident, form: &OptionForm, diag: &mut Diag) -> Option<Value> {
    match form {
        OptionForm::Expr(expr) if !takes_list(&row.takes) => of_expr(name, row, &row.takes, expr, diag),
        OptionForm::Nothing if !takes_list(&row.takes) => Some(Value::Nothing),
        _ => match of_list(row, form) {
            Ok(value) => Some(value),
            Err(span) => {
                diag.error(span.unwrap_or(at.span()), wrong_list(name, row));
                None
            }
        },
    }
}

fn takes_list(takes: &Takes) -> bool {
    matches!(takes, Takes::Params | Takes::Binding | Takes::Labels | Takes::List | Takes::Templates)
}

fn of_expr(name: &str, row: &Row, takes: &Takes, expr: &Expr, diag: &mut Diag) -> Option<Value> {
    let write = row.written.first().copied().unwrap_or_default();
    Some(match takes {
        Takes::Lifetime => Value::Time(duration::read_lifetime(name, expr, diag)?),
        Takes::OrForever(_) if value::is(expr, "forever") => Value::Time(Time::Forever),
        Takes::Function => Value::Expr(value::function(name, write, expr, diag)?.clone()),
        Takes::Text => Value::Text(value::string(name, write, expr, diag)?.clone()),
        Takes::Name => Value::Text(value::name(write, expr, diag)?.clone()),
        Takes::Tags => Value::Tags(value::tags(name, expr, diag)),
        Takes::Texts => Value::Texts(value::strings(name, write, expr, diag)),
        Takes::Words(words) => Value::Word(value::word(name, words, expr, diag)?),
        Takes::Ident => Value::Ident(value::ident(name, write, expr, diag)?.clone()),
        Takes::Path => Value::Path(value::path(name, write, expr, diag)?.clone()),
        Takes::AnyCount | Takes::Count32 | Takes::Percent if value::is_computed(expr) => Value::Computed(expr.clone()),
        Takes::Count | Takes::AnyCount => Value::Count(value::count(name, write, expr, diag)?),
        Takes::Bytes => Value::Count(value::bytes(name, expr, diag)?),
        Takes::Count32 => Value::Count32(value::count32(name, write, expr, diag)?),
        Takes::Share => Value::Share(value::share(name, expr, diag)?),
        Takes::Percent => Value::Percent(value::percent(name, expr, diag)?),
        Takes::OrOff(_) if value::is(expr, "off") => Value::Off,
        Takes::OrForever(takes) | Takes::OrOff(takes) | Takes::Once(takes) => {
            return of_expr(name, row, takes, expr, diag);
        }
        Takes::Window if matches!(value::peel(expr), Expr::Lit(ExprLit { lit: Lit::Int(_), .. })) => {
            Value::Count32(value::count32(name, write, expr, diag)?)
        }
        Takes::Time | Takes::Window => Value::Time(duration::read(name, expr, diag)?),
        Takes::Integer(least, most) => Value::Integer(value::integer(name, *least, *most, expr, diag)?),
        Takes::Bool => Value::Bool(value::boolean(name, expr, diag)?),
        Takes::Number => Value::Number(value::number(name, expr, diag)?),
        _ => Value::Expr(expr.clone()),
    })
}

/// Reads a list in parentheses. An error is the span of the wrong element, if it can be found.
fn of_list(row: &Row, form: &OptionForm) -> Result<Value, Option<proc_macro2::Span>> {
    let tokens = match form {
        OptionForm::List(tokens) => tokens.clone(),
        OptionForm::Nothing if matches!(row.takes, Takes::Weight) => TokenStream::new(),
        _ => return Err(None),
    };
    match row.takes {
        Takes::Params => list(tokens, Ident::parse_any).map(Value::Params),
        Takes::Binding => match &list(tokens, <Ident as Parse>::parse)?[..] {
            [name] => Ok(Value::Ident(name.clone())),
            names => Err(names.get(1).map(Ident::span)),
        },
        Takes::Templates => list(tokens, <LitStr as Parse>::parse).map(Value::Texts),
        Takes::Labels => list(tokens, label).map(Value::Labels).map_err(|_| None),
        Takes::List if tokens.is_empty() => Err(None),
        _ => Ok(Value::List(tokens)),
    }
}

/// Reads one or more elements with commas between them.
fn list<T>(
    tokens: TokenStream,
    element: fn(ParseStream<'_>) -> syn::Result<T>,
) -> Result<Vec<T>, Option<proc_macro2::Span>> {
    let read = |input: ParseStream<'_>| Punctuated::<T, Token![,]>::parse_terminated_with(input, element);
    let found = read.parse2(tokens).map_err(|error| Some(error.span()))?;
    if found.is_empty() { Err(None) } else { Ok(found.into_iter().collect()) }
}

fn label(input: ParseStream<'_>) -> syn::Result<(Ident, Expr)> {
    let label = input.parse()?;
    input.parse::<Token![=]>()?;
    Ok((label, input.parse()?))
}

fn wrong_list(name: &str, row: &Row) -> String {
    let (what, write) = match row.takes {
        Takes::Params => ("names of parameters", format!("{name}(id)")),
        Takes::Binding => ("a name", row.written[0].to_owned()),
        Takes::Labels => ("names and values", row.written[0].to_owned()),
        Takes::Templates => ("templates of keys", row.written[0].to_owned()),
        _ => ("a list", row.written[0].to_owned()),
    };
    format!("`{name}` takes {what}: write `{write}`")
}
