//! Tokens of a source file that are yet to be read.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Tokens in order, of which the first ones were read.
pub(super) struct Tokens {
    all: Vec<TokenTree>,
    read: usize,
}

/// An attribute, by its effect on the item that follows.
pub(super) enum Attribute {
    /// `cfg(test)`: the item that follows is compiled for tests only.
    Test,
    /// The module that follows is in a file of this name.
    Path(String),
    /// Any other attribute, with its tokens.
    Other(TokenStream),
}

impl Tokens {
    pub(super) fn new(all: impl IntoIterator<Item = TokenTree>) -> Self {
        Self { all: all.into_iter().collect(), read: 0 }
    }

    fn rest(&self) -> &[TokenTree] {
        &self.all[self.read.min(self.all.len())..]
    }

    pub(super) fn next(&mut self) -> Option<TokenTree> {
        let token = self.rest().first().cloned();
        self.read += 1;
        token
    }

    pub(super) fn next_is(&self, expected: char) -> bool {
        is_punct(self.rest().first(), expected)
    }

    /// Takes the tokens of the next group, if it has this delimiter.
    pub(super) fn group(&mut self, delimiter: Delimiter) -> Option<TokenStream> {
        let Some(TokenTree::Group(group)) = self.rest().first() else { return None };
        let tokens = (group.delimiter() == delimiter).then(|| group.stream())?;
        self.read += 1;
        Some(tokens)
    }

    /// Steps over a name, unless it begins a path.
    pub(super) fn skip_name(&mut self) {
        let [_, one, two, ..] = self.rest() else { return };
        if !(is_punct(Some(one), ':') && is_punct(Some(two), ':')) {
            self.read += 1;
        }
    }

    /// Takes the segments of a path that begins with this one, up to generic arguments.
    pub(super) fn path(&mut self, first: String) -> Vec<String> {
        let mut segments = vec![first];
        while let [one, two, TokenTree::Ident(next), ..] = self.rest()
            && is_punct(Some(one), ':')
            && is_punct(Some(two), ':')
        {
            segments.push(next.to_string());
            self.read += 3;
        }
        segments
    }

    pub(super) fn until_semicolon(&mut self) -> Self {
        let length = self.rest().iter().take_while(|token| !is_punct(Some(token), ';')).count();
        let taken = Self::new(self.rest()[..length].to_vec());
        self.read += length + 1;
        taken
    }

    /// Splits the tokens at commas.
    pub(super) fn parts(tokens: TokenStream) -> Vec<Self> {
        let all: Vec<_> = tokens.into_iter().collect();
        let parts = all.split(|token| is_punct(Some(token), ','));
        parts.filter(|part| !part.is_empty()).map(|part| Self::new(part.to_vec())).collect()
    }

    /// Reads the attribute whose first sign was read.
    pub(super) fn attribute(&mut self) -> Attribute {
        if self.next_is('!') {
            self.read += 1;
        }
        let tokens = self.group(Delimiter::Bracket).unwrap_or_default();
        let text = tokens.to_string().replace(char::is_whitespace, "");
        if text == "test" || text.starts_with("cfg(test)") || text.starts_with("cfg(all(test,") {
            Attribute::Test
        } else if let Some(path) = text.strip_prefix("path=\"") {
            Attribute::Path(path.trim_end_matches('"').to_owned())
        } else {
            Attribute::Other(tokens)
        }
    }

    /// Steps over the next item, field or statement.
    pub(super) fn skip_item(&mut self) {
        while let Some(token) = self.next() {
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
                TokenTree::Punct(punct) if matches!(punct.as_char(), ';' | ',') => break,
                _ => {}
            }
        }
    }
}

fn is_punct(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}
