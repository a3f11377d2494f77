//! Finds the function's `self` in the tokens of its body: as a word, which can be renamed, and as `{self}` in a string that a macro
//! formats, which cannot.
//!
//! Invariant: the `self` of an item inside the body and the module `self::` are left alone.
//!
//! May use: nothing of this crate.

use proc_macro2::{Delimiter, Group, Ident, Literal, Spacing, Span, TokenStream, TokenTree};
use syn::Lit;

/// Replaces every `self` by `name`, inside macro calls too.
pub(crate) fn rename(group: &Group, name: fn(Span) -> Ident) -> Group {
    let mut items = Items::default();
    let mut rest = group.stream().into_iter().peekable();
    let mut tokens = TokenStream::new();
    while let Some(token) = rest.next() {
        let covered = items.cover(&token);
        tokens.extend([match token {
            token if covered => token,
            TokenTree::Ident(ident) if ident == "self" && !rest.peek().is_some_and(leads_on) => {
                TokenTree::Ident(name(ident.span()))
            }
            TokenTree::Group(group) => TokenTree::Group(rename(&group, name)),
            token => token,
        }]);
    }
    let mut renamed = Group::new(group.delimiter(), tokens);
    renamed.set_span(group.span());
    renamed
}

/// Returns whether the token is the first half of `::`.
fn leads_on(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
}

/// The strings inside macro calls that capture `self`, as in `format!("{self:?}")`.
pub(crate) fn captures(body: &Group) -> Vec<Literal> {
    let mut found = Vec::new();
    find_captures(body.stream(), false, &mut found);
    found
}

fn find_captures(tokens: TokenStream, in_macro: bool, found: &mut Vec<Literal>) {
    let mut items = Items::default();
    let (mut after_name, mut after_bang) = (false, false);
    for token in tokens {
        if !items.cover(&token) {
            match &token {
                TokenTree::Group(group) => find_captures(group.stream(), in_macro || after_bang, found),
                TokenTree::Literal(literal) if in_macro && formats_self(literal) => found.push(literal.clone()),
                _ => {}
            }
        }
        after_bang = after_name && matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '!');
        after_name = matches!(token, TokenTree::Ident(_));
    }
}

fn formats_self(literal: &Literal) -> bool {
    let Lit::Str(text) = Lit::new(literal.clone()) else { return false };
    // A doubled brace stands for a brace in the text.
    text.value().replace("{{", "").split('{').skip(1).any(|hole| {
        let rest = hole.trim_start().strip_prefix("self");
        rest.is_some_and(|rest| rest.trim_start().starts_with([':', '}']))
    })
}

/// Words that begin an item in which `self` is something else.
const ITEMS: [&str; 4] = ["impl", "trait", "use", "pub"];

/// Reads the tokens of one group in order, and knows which belong to an item.
#[derive(Default)]
struct Items {
    inside: bool,
    /// True if the last token was `fn`. A name after it makes it an item; otherwise it is the type of a function pointer.
    after_fn: bool,
}

impl Items {
    /// Returns whether the next token belongs to an item.
    fn cover(&mut self, token: &TokenTree) -> bool {
        let covered = self.inside;
        let names_function = std::mem::take(&mut self.after_fn);
        match token {
            TokenTree::Ident(_) if names_function => self.inside = true,
            TokenTree::Ident(ident) if ident == "fn" => self.after_fn = true,
            TokenTree::Ident(ident) if ITEMS.iter().any(|word| ident == word) => self.inside = true,
            // An item ends with its braces or its semicolon, and `let f: fn(u8) -> u8 = g;` is no item.
            TokenTree::Group(group) => self.inside &= group.delimiter() != Delimiter::Brace,
            TokenTree::Punct(punct) if matches!(punct.as_char(), ';' | '=') => self.inside = false,
            _ => {}
        }
        covered
    }
}
