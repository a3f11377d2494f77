//! Scopes of a model: the keys and prefixes that a change of a document invalidates.
//!
//! A scope is a pattern over the fields of the model. A change may not reveal all of their values; then the scope is cut before the first
//! segment with an unknown value and ends in `:*`, so that it invalidates more, never less.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bson::{Bson, doc};
use serde::de::DeserializeOwned;

use super::path::{FieldLocation, FieldPath, PathSteps};
use super::text::ConstText;
use fastness_core::seam::{Arg, Pattern, Unfit, write_text};
use fastness_core::{KeyPart, KeyWriter};

/// A key or prefix that a change of a document invalidates, rendered with the document's own values.
#[derive(Clone, Copy, Debug)]
pub struct ChangeScope {
    /// The declared pattern: `business:{business}:products:*`.
    pub text: &'static str,
    /// Pieces of the pattern, without the final `:*`.
    #[doc(hidden)]
    pub pieces: &'static [ScopePiece],
    /// True if the pattern ends in `:*`.
    pub prefix: bool,
}

/// A piece of a [`ChangeScope`].
#[derive(Clone, Copy, Debug)]
pub enum ScopePiece {
    /// Literal text, colons included.
    Text(&'static str),
    /// The value of a field.
    Field {
        /// The stored names from the document down to the field: `["maker", "country"]`.
        path: &'static [&'static str],
        /// Writes a stored value as it stands in a key. Returns false if the value cannot be read as the field's type.
        write: fn(Bson, &mut KeyWriter) -> bool,
    },
}

/// A scope with values in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RenderedScope {
    pub(crate) text: String,
    pub(crate) prefix: bool,
}

impl RenderedScope {
    pub(crate) fn pattern(&self) -> Pattern {
        if self.prefix { Pattern::prefix(&self.text) } else { Pattern::exact(&self.text) }
    }
}

impl ChangeScope {
    /// Returns the paths of the scope's fields, in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'static [&'static str]> {
        self.pieces.iter().filter_map(|piece| match piece {
            ScopePiece::Field { path, .. } => Some(*path),
            ScopePiece::Text(_) => None,
        })
    }

    /// Renders the scope with the values that `known` returns, cut before the first segment with an unknown value.
    pub(crate) fn render(&self, mut known: impl FnMut(&[&str]) -> Option<Bson>) -> RenderedScope {
        let mut out = KeyWriter::new();
        for piece in self.pieces {
            match piece {
                ScopePiece::Text(text) => write_text(&mut out, text),
                ScopePiece::Field { path, write } => {
                    let before = out.as_str().len();
                    // Field types are the user's: a panic in their code must not end the task that reads changes.
                    let mut written =
                        |value| catch_unwind(AssertUnwindSafe(|| write(value, &mut out))).unwrap_or(false);
                    let written = known(path).is_some_and(&mut written);
                    if !written {
                        // The macro rejects a scope whose first segment is not literal, so there is a colon.
                        let known = &out.as_str()[..before];
                        let end = known.rfind(':').unwrap_or(before);
                        return RenderedScope { text: known[..end].to_owned(), prefix: true };
                    }
                }
            }
        }
        RenderedScope { text: out.as_str().to_owned(), prefix: self.prefix }
    }
}

/// A field that can be read from its stored form by the `Deserialize` of its type.
#[diagnostic::on_unimplemented(
    message = "a scope cannot read a field of type `{Self}` from its stored form",
    label = "this field is in a scope",
    note = "a scope reads a field by the `Deserialize` of its type, so the field can have no `with` and no `serde_as`",
    note = "derive `Deserialize` for the type, or end the scope before this field, as `products:*`"
)]
pub trait ReadStored: Sized {
    /// Reads the value; `None` if it is not of this type.
    fn read(value: Bson) -> Option<Self>;
}

impl<T: DeserializeOwned> ReadStored for T {
    fn read(value: Bson) -> Option<Self> {
        // From bytes, as the driver reads documents: some types have another form in other formats.
        let bytes = doc! { "": value }.to_vec().ok()?;
        bson::deserialize_from_slice::<HashMap<String, T>>(&bytes).ok()?.into_values().next()
    }
}

/// Reads a stored value as the type of the field at the path.
pub fn read_field<M, T: ReadStored, P: FieldLocation>(value: Bson, _: &FieldPath<M, T, P>) -> Option<T> {
    T::read(value)
}

/// A value that can be part of a scope.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` cannot be part of a scope",
    label = "this field is in a scope",
    note = "end the scope before this field, as `products:*`, or name a field of it, as `{{maker.id}}`",
    note = "for a type of your own, derive or implement `Display`, `Hash`, `Eq` and `Clone`, or implement `fastness::key::KeyPart`"
)]
pub trait ScopeValue: KeyPart {}

impl<T: KeyPart + ?Sized> ScopeValue for T {}

/// The last rung of the ladder: takes a value that is no key part, so that the compiler reports `ScopeValue`. Like `UnfitArg` of the
/// core, for arguments.
pub trait UnfitField {
    /// The type of the field.
    type Unfit: ?Sized;
    /// Fails to compile, because the bound does not hold; the message of the bound is the purpose.
    fn __part(&self) -> Unfit
    where
        Self::Unfit: ScopeValue;
}

impl<T: ?Sized> UnfitField for &Arg<'_, T> {
    type Unfit = T;
    fn __part(&self) -> Unfit
    where
        T: ScopeValue,
    {
        unreachable!("the first rung of the ladder takes every `KeyPart`")
    }
}

/// Writes a value as it stands in a key. Returns true, as `ScopePiece::Field` expects of a value that could be read.
pub fn write_part(part: &(impl KeyPart + ?Sized), out: &mut KeyWriter) -> bool {
    part.write(out);
    true
}

/// Fails to compile if a document can have several values at this path.
///
/// # Panics
///
/// Panics if the path is or lies in an array; evaluated at compile time.
#[track_caller]
pub const fn require_single_value(steps: &PathSteps) {
    if steps.has_array() {
        let name = steps.dotted();
        let why = ConstText::EMPTY.append("`").append(name.as_str()).append(
            "` is or lies in an array, so that one document would have many keys: end the scope before it, as `products:*`",
        );
        panic!("{}", why.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain<T: ReadStored + KeyPart>(value: Bson, out: &mut KeyWriter) -> bool {
        T::read(value).is_some_and(|value| write_part(&value, out))
    }

    const SCOPE: ChangeScope = ChangeScope {
        text: "shop:list:{a}:of-{b}:*",
        pieces: &[
            ScopePiece::Text("shop:list:"),
            ScopePiece::Field { path: &["a"], write: plain::<u64> },
            ScopePiece::Text(":of-"),
            ScopePiece::Field { path: &["b"], write: plain::<Option<String>> },
        ],
        prefix: true,
    };

    #[expect(clippy::needless_pass_by_value, reason = "cases read better")]
    fn rendered(a: Option<Bson>, b: Option<Bson>) -> String {
        let known = |path: &[&str]| if path == ["a"] { a.clone() } else { b.clone() };
        let RenderedScope { text, prefix } = SCOPE.render(known);
        text + if prefix { ":*" } else { "" }
    }

    #[test]
    fn a_scope_ends_before_its_first_unknown_field() {
        let (seven, text) = (Some(Bson::Int64(7)), Some(Bson::from("x:y")));
        assert_eq!(rendered(seven.clone(), text.clone()), "shop:list:7:of-x%3Ay:*");
        assert_eq!(rendered(seven.clone(), None), "shop:list:7:*", "a segment is never cut in two");
        assert_eq!(rendered(None, text), "shop:list:*");
        assert_eq!(rendered(seven, Some(Bson::Null)), "shop:list:7:of-%~:*");
    }

    #[test]
    fn a_type_that_panics_makes_a_scope_wider() {
        fn panics(_: Bson, out: &mut KeyWriter) -> bool {
            out.text("half a value");
            panic!("by a type of the user's")
        }
        let field = ScopePiece::Field { path: &["a"], write: panics };
        let pieces: &'static [ScopePiece] = Box::leak(Box::new([ScopePiece::Text("shop:"), field]));
        let rendered = ChangeScope { text: "", pieces, prefix: false }.render(|_| Some(Bson::Null));
        assert_eq!(rendered, RenderedScope { text: "shop".to_owned(), prefix: true });
    }

    #[test]
    fn a_value_of_another_type_than_the_field_is_unknown() {
        for value in [Bson::from("7"), Bson::Null, Bson::Int32(-1), Bson::Array(vec![Bson::Int32(1)])] {
            assert_eq!(rendered(Some(value), Some(Bson::from("x"))), "shop:list:*");
        }
        for value in [Bson::Int32(7), Bson::Int64(7)] {
            assert_eq!(rendered(Some(value), Some(Bson::from(""))), "shop:list:7:of-%_:*");
        }
    }
}
