//! Templates as the macros checked them, and their rendering.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use super::args::Args;
#[cfg(feature = "hash")]
use super::digest::Digest;
use super::writer::KeyWriter;

/// Keys longer than this many bytes are digested, because Redis compares and transfers keys whole.
#[cfg(feature = "hash")]
const MAX_KEY_BYTES: usize = 512;

/// Stands between the first segment of a long key and its digest.
const DIGESTED: &str = ":%#";

/// One piece of a template.
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    /// Literal text, colons included.
    Lit(&'static str),
    /// The path of the annotated function, dotted.
    Path,
    /// The placeholder at this position.
    Arg(usize),
}

/// A key template or pattern.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// As written.
    pub text: &'static str,
    /// What it is made of.
    pub pieces: &'static [Piece],
}

impl Template {
    /// The key of these arguments, in full.
    pub(crate) fn render<A: Args>(&self, path: &str, args: &A) -> String {
        render(self.pieces, path, args)
    }

    /// What two templates have in common that make the same keys of the same arguments: `user:{}` of `user:{id}` and
    /// `user:{user.id}`.
    pub(crate) fn shape(&self, path: &str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Lit(text) => (*text).to_owned(),
            Piece::Path => path.to_owned(),
            Piece::Arg(_) => "{}".to_owned(),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// Whether all of a key is one argument, as of a direct call.
    pub(crate) fn is_whole_key(&self) -> bool {
        matches!(self.pieces, [Piece::Arg(_)])
    }

    /// Returns false if no arguments make this text, in full or as [`bounded`] makes it. True says little: it looks at the literal
    /// beginning and at the number of segments.
    pub(crate) fn may_make(&self, text: &str, is_scoped: bool) -> bool {
        if text.contains(DIGESTED) || self.is_whole_key() {
            return true;
        }
        let own =
            if is_scoped { text.strip_prefix('@').and_then(|text| text.split_once(':')) } else { Some(("", text)) };
        let colons = |text: &str| text.bytes().filter(|byte| *byte == b':').count();
        let literals = self.pieces.iter().map(|piece| if let Piece::Lit(text) = piece { colons(text) } else { 0 });
        let begins = |text: &str| !matches!(self.pieces, [Piece::Lit(first), ..] if !text.starts_with(first));
        own.is_some_and(|(_, own)| begins(own) && colons(own) == literals.sum::<usize>())
    }
}

/// The text that pieces and arguments make.
pub(crate) fn render<A: Args>(pieces: &[Piece], path: &str, args: &A) -> String {
    let mut out = KeyWriter::roomy();
    args.write_scope(&mut out);
    write(pieces, path, &mut out, |index, out| args.write_part(index, out));
    out.into_string()
}

/// The same of the form in which arguments are kept, and as [`bounded`] makes it.
pub(crate) fn render_owned<A: Args>(pieces: &[Piece], path: &str, owned: &A::Owned) -> String {
    let mut out = KeyWriter::roomy();
    A::write_owned_scope(owned, &mut out);
    write(pieces, path, &mut out, |index, out| A::write_owned_part(owned, index, out));
    bounded(out.into_string())
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

/// Shortens a key of more than 512 bytes to its first segment and a digest, for the shared tier. Without the feature `hash` there is no such tier, and a
/// key stays whole.
#[cfg(feature = "hash")]
pub(crate) fn bounded(key: String) -> String {
    if key.len() <= MAX_KEY_BYTES {
        return key;
    }
    let root: String = key.split(':').next().unwrap_or_default().chars().take(64).collect();
    let digest = (super::scope::NoScope, Digest::from_bytes(key.as_bytes()));
    root + &render(&[Piece::Lit(DIGESTED), Piece::Arg(0)], "", &digest)
}

#[cfg(not(feature = "hash"))]
pub(crate) fn bounded(key: String) -> String {
    key
}

/// A type path as a key segment: `app::Repo<app::User>::get` becomes `app.Repo<app.User>.get`.
pub(crate) fn dotted(path: &str) -> String {
    shown(path).replace([':', '*', '%', ' '], "")
}

/// A type path as people read it: `<app::Svc as app::Api>::get` becomes `<app.Svc as app.Api>.get`.
pub(crate) fn shown(path: &str) -> String {
    plain(path).replace("::", ".")
}

/// A type path without closures and lifetimes, of which `async_trait` gives each method its own.
pub(crate) fn plain(path: &str) -> String {
    let path = path.replace("::{{closure}}", "").replace(" + '_", "").replace("'_, ", "").replace("'_", "");
    path.replace("::<>", "").replace("<>", "")
}
