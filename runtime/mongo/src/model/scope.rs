//! What a change of a document invalidates, as its model declares it.
//!
//! A scope is a pattern over the fields of the model. What is known of a change may not be all of its fields, so a scope is
//! written as far as they go: from the first whole segment on whose fields are not known, it ends in `:*`.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bson::{Bson, doc};
use serde::de::DeserializeOwned;

use super::path::{At, Path, Steps};
use super::text::Text;
use fastness_core::seam::{Arg, Pattern, Unfit, write_text};
use fastness_core::{KeyPart, KeyWriter};

/// What a change of a document invalidates: a key, or all keys below a prefix, written with the document's own values.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// As it was declared: `business:{business}:products:*`.
    pub text: &'static str,
    /// What it is made of, without the final `:*`.
    pub pieces: &'static [ScopePiece],
    /// Whether it ends in `:*`.
    pub prefix: bool,
}

/// A piece of a [`Scope`].
#[derive(Clone, Copy, Debug)]
pub enum ScopePiece {
    /// Literal text, colons included.
    Text(&'static str),
    /// The value of a field.
    Field {
        /// The stored names from the document down to the field: `["maker", "country"]`.
        path: &'static [&'static str],
        /// Writes a stored value as a key has it, and returns whether it could be read as the field's type.
        write: fn(Bson, &mut KeyWriter) -> bool,
    },
}

/// A scope with values in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    pub(crate) prefix: bool,
}

impl Rendered {
    pub(crate) fn pattern(&self) -> Pattern {
        if self.prefix { Pattern::prefix(&self.text) } else { Pattern::exact(&self.text) }
    }
}

impl Scope {
    /// The paths of its fields, in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'static [&'static str]> {
        self.pieces.iter().filter_map(|piece| match piece {
            ScopePiece::Field { path, .. } => Some(*path),
            ScopePiece::Text(_) => None,
        })
    }

    /// The scope with these values, ended before the first segment that takes a value which is not known.
    pub(crate) fn render(&self, mut known: impl FnMut(&[&str]) -> Option<Bson>) -> Rendered {
        let mut out = KeyWriter::new();
        for piece in self.pieces {
            match piece {
                ScopePiece::Text(text) => write_text(&mut out, text),
                ScopePiece::Field { path, write } => {
                    let before = out.as_str().len();
                    // The types of fields are the user's; a panic of theirs must not end the task that follows changes.
                    let mut written =
                        |value| catch_unwind(AssertUnwindSafe(|| write(value, &mut out))).unwrap_or(false);
                    let written = known(path).is_some_and(&mut written);
                    if !written {
                        // The macro sees to it that the first segment is literal, so there is a colon.
                        let known = &out.as_str()[..before];
                        let end = known.rfind(':').unwrap_or(before);
                        return Rendered { text: known[..end].to_owned(), prefix: true };
                    }
                }
            }
        }
        Rendered { text: out.as_str().to_owned(), prefix: self.prefix }
    }
}

/// A field whose stored form is that of its type.
#[diagnostic::on_unimplemented(
    message = "the text that a key has of `{Self}` cannot be made of what is stored",
    label = "this field is in a scope",
    note = "a scope reads a field by the `Deserialize` of its type, so the field can have no `with` and no `serde_as`",
    note = "derive `Deserialize` for the type, or end the scope before this field, as `products:*`"
)]
pub trait Stored: Sized {
    /// The value, if it can be read.
    fn read(value: Bson) -> Option<Self>;
}

impl<T: DeserializeOwned> Stored for T {
    fn read(value: Bson) -> Option<Self> {
        // From bytes, as the driver reads documents: some types have another form elsewhere.
        let bytes = doc! { "": value }.to_vec().ok()?;
        bson::deserialize_from_slice::<HashMap<String, T>>(&bytes).ok()?.into_values().next()
    }
}

/// A stored value as the type of the field that the path leads to.
pub fn read<M, T: Stored, P: At>(value: Bson, _: &Path<M, T, P>) -> Option<T> {
    T::read(value)
}

/// What can be in a scope.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` cannot be part of a scope",
    label = "this field is in a scope",
    note = "end the scope before this field, as `products:*`, or name a field of it, as `{{maker.id}}`",
    note = "for a type of your own, derive or implement `Display`, `Hash`, `Eq` and `Clone`, or implement `fastness::KeyPart`"
)]
pub trait InScope: KeyPart {}

impl<T: KeyPart + ?Sized> InScope for T {}

/// The last rung, as `UnfitArg` of the core is that of arguments: it lets the compiler say what to do about a
/// scope.
pub trait UnfitField {
    /// The type of the field.
    type Unfit: ?Sized;
    /// The bound is what fails, and its message is the point.
    fn __part(&self) -> Unfit
    where
        Self::Unfit: InScope;
}

impl<T: ?Sized> UnfitField for &Arg<'_, T> {
    type Unfit = T;
    fn __part(&self) -> Unfit
    where
        T: InScope,
    {
        unreachable!("a `KeyPart` is taken by the first rung")
    }
}

/// Writes a value as a key has it.
pub fn write(part: &(impl KeyPart + ?Sized), out: &mut KeyWriter) -> bool {
    part.write(out);
    true
}

/// Fails if a document can have several values here.
///
/// # Panics
///
/// Then, and this is how it fails.
#[track_caller]
pub const fn single(steps: &Steps) {
    if steps.has_array() {
        let name = steps.dotted();
        let why = Text::EMPTY.and("`").and(name.as_str()).and(
            "` is or lies in an array, so that one document would have many keys: end the scope before it, as `products:*`",
        );
        panic!("{}", why.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain<T: Stored + KeyPart>(value: Bson, out: &mut KeyWriter) -> bool {
        T::read(value).is_some_and(|value| write(&value, out))
    }

    const SCOPE: Scope = Scope {
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
        let Rendered { text, prefix } = SCOPE.render(known);
        text + if prefix { ":*" } else { "" }
    }

    #[test]
    fn a_scope_goes_as_far_as_its_fields_are_known() {
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
        let rendered = Scope { text: "", pieces, prefix: false }.render(|_| Some(Bson::Null));
        assert_eq!(rendered, Rendered { text: "shop".to_owned(), prefix: true });
    }

    #[test]
    fn what_is_not_of_the_fields_type_is_not_known() {
        for value in [Bson::from("7"), Bson::Null, Bson::Int32(-1), Bson::Array(vec![Bson::Int32(1)])] {
            assert_eq!(rendered(Some(value), Some(Bson::from("x"))), "shop:list:*");
        }
        for value in [Bson::Int32(7), Bson::Int64(7)] {
            assert_eq!(rendered(Some(value), Some(Bson::from(""))), "shop:list:7:of-%_:*");
        }
    }
}
