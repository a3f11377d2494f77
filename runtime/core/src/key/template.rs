//! Key templates, which the macros have checked, and their rendering.

use std::borrow::Cow;

use super::args::Args;
#[cfg(feature = "hash")]
use super::digest::Digest;
use super::writer::KeyWriter;

/// Maximum length of a key in bytes. Longer ones are digested, because Redis compares and transfers whole keys.
#[cfg(feature = "hash")]
const MAX_KEY_BYTES: usize = 512;

/// Separator between the first segment of a long key and its digest.
const DIGESTED: &str = ":%#";

/// A piece of a template.
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    /// Literal text, colons included.
    Lit(&'static str),
    /// The dotted path of the annotated function.
    Path,
    /// The placeholder of the argument at this position.
    Arg(usize),
}

/// A key template or pattern.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// The template as written.
    pub text: &'static str,
    /// The pieces of the template, in order.
    pub pieces: &'static [Piece],
}

impl Template {
    /// Renders the full key of these arguments.
    pub(crate) fn render<A: Args>(&self, path: &str, args: &A) -> String {
        render(self.pieces, path, args)
    }

    /// Returns the template without the names of its arguments: `user:{}` for `user:{id}` and for `user:{user.id}`. Templates of one
    /// shape render the same arguments to the same keys.
    pub(crate) fn shape(&self, path: &str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Lit(text) => (*text).to_owned(),
            Piece::Path => path.to_owned(),
            Piece::Arg(_) => "{}".to_owned(),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// Returns whether the whole key is one argument, as in a direct call.
    pub(crate) fn is_whole_key(&self) -> bool {
        matches!(self.pieces, [Piece::Arg(_)])
    }

    /// Returns false only if no arguments render to this text, in full or bounded by [`bounded`]. Checks no more than the literal
    /// beginning and the number of segments.
    pub(crate) fn may_make(&self, text: &str, has_namespace: bool) -> bool {
        if text.contains(DIGESTED) || self.is_whole_key() {
            return true;
        }
        let rest =
            if has_namespace { text.strip_prefix('@').and_then(|text| text.split_once(':')) } else { Some(("", text)) };
        let colons = |text: &str| text.bytes().filter(|byte| *byte == b':').count();
        let literals = self.pieces.iter().map(|piece| if let Piece::Lit(text) = piece { colons(text) } else { 0 });
        let begins = |text: &str| !matches!(self.pieces, [Piece::Lit(first), ..] if !text.starts_with(first));
        rest.is_some_and(|(_, rest)| begins(rest) && colons(rest) == literals.sum::<usize>())
    }
}

/// Renders pieces with these arguments.
pub(crate) fn render<A: Args>(pieces: &[Piece], path: &str, args: &A) -> String {
    let mut out = KeyWriter::with_usual_capacity();
    args.write_namespace(&mut out);
    write(pieces, path, &mut out, |index, out| args.write_part(index, out));
    out.into_string()
}

/// Renders pieces with owned arguments, in full.
pub(crate) fn render_owned<A: Args>(pieces: &[Piece], path: &str, owned: &A::Owned) -> String {
    let mut out = KeyWriter::with_usual_capacity();
    A::write_owned_namespace(owned, &mut out);
    write(pieces, path, &mut out, |index, out| A::write_owned_part(owned, index, out));
    out.into_string()
}

#[inline]
fn write(pieces: &[Piece], path: &str, out: &mut KeyWriter, part: impl Fn(usize, &mut KeyWriter)) {
    for piece in pieces {
        match piece {
            Piece::Lit(text) => out.raw(text),
            Piece::Path => out.raw(path),
            Piece::Arg(index) => part(*index, out),
        }
    }
}

/// Shortens a key of more than 512 bytes to its first segment and a digest, for the shared tier. Without the feature `hash` there is no
/// shared tier, and a key stays whole.
#[cfg(feature = "hash")]
pub(crate) fn bounded(key: String) -> String {
    if key.len() <= MAX_KEY_BYTES {
        return key;
    }
    let root: String = key.split(':').next().unwrap_or_default().chars().take(64).collect();
    let digest = (super::namespace::NoNamespace, Digest::from_bytes(key.as_bytes()));
    root + &render(&[Piece::Lit(DIGESTED), Piece::Arg(0)], "", &digest)
}

/// Returns the key unchanged: without the feature `hash` there is no shared tier.
#[cfg(not(feature = "hash"))]
pub(crate) fn bounded(key: String) -> String {
    key
}

/// Shortens a key as [`bounded`] does, and copies no key that is short enough.
pub(crate) fn bounded_text(key: &str) -> Cow<'_, str> {
    #[cfg(feature = "hash")]
    if key.len() > MAX_KEY_BYTES {
        return Cow::Owned(bounded(key.to_owned()));
    }
    Cow::Borrowed(key)
}

/// Turns a type path into a key segment: `app::Repo<app::User>::get` becomes `app.Repo<app.User>.get`.
pub(crate) fn dotted(path: &str) -> String {
    shown(path).replace([':', '*', '%', ' '], "")
}

/// Turns a type path into readable text: `<app::Svc as app::Api>::get` becomes `<app.Svc as app.Api>.get`.
pub(crate) fn shown(path: &str) -> String {
    plain(path).replace("::", ".")
}

/// Returns readable text without the types that a path is generic over, so that all instantiations of a function have one:
/// `<app.Svc<u8> as app.Api>.get` and `app.Svc.get` become `app.Svc.get`.
pub(crate) fn bare(shown: &str) -> String {
    let (mut out, mut depth, mut before) = (String::new(), 0_u32, ' ');
    for (at, c) in shown.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            // The end of the type in `<app.Svc as app.Api>`.
            ' ' if depth == 1 && out.is_empty() && shown.starts_with('<') && shown[at..].starts_with(" as ") => {
                out = bare(&shown[1..at]);
            }
            _ if depth == 0 => out.push(c),
            _ => {}
        }
        before = c;
    }
    out.replace("..", ".")
}

/// Removes closures and lifetimes from a type path; `async_trait` adds lifetimes of its own to each method.
pub(crate) fn plain(path: &str) -> String {
    let path = path.replace("::{{closure}}", "").replace(" + '_", "").replace("'_, ", "").replace("'_", "");
    path.replace("::<>", "").replace("<>", "")
}
