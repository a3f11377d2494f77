//! The modules of a crate, as its source declares them, and the paths that each of them writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::tokens::{Attribute, Tokens};

/// The names of a module from the root of its crate.
pub(super) type Name = Vec<String>;

/// A module, be it a file or not.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// True if the module is in the file of its parent.
    pub(super) is_inline: bool,
    pub(super) file: PathBuf,
    pub(super) children: BTreeSet<String>,
    /// The path that each imported name stands for.
    pub(super) imports: BTreeMap<String, Name>,
    pub(super) paths: Vec<Written>,
}

/// A path as the source has it.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) segments: Name,
    pub(super) is_reexport: bool,
}

/// All modules of a crate by their names.
pub(super) type All = BTreeMap<Name, Module>;

/// Reads the file of the module with this name, and the modules that it declares.
pub(super) fn read(all: &mut All, file: &Path, folder: &Path, name: Name) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    file.clone_into(&mut all.entry(name.clone()).or_default().file);
    Reader { all, file, folder, name }.items(tokens);
}

/// Reads one module.
struct Reader<'a> {
    all: &'a mut All,
    file: &'a Path,
    /// The folder of its children.
    folder: &'a Path,
    name: Name,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        self.all.entry(self.name.clone()).or_default()
    }

    fn items(&mut self, tokens: TokenStream) {
        let mut tokens = Tokens::new(tokens);
        let (mut path, mut is_public) = (None, false);
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.items(group.stream()),
                TokenTree::Punct(punct) if punct.as_char() == '#' => match tokens.attribute() {
                    Attribute::Test => tokens.skip_item(),
                    Attribute::Path(other) => path = Some(other),
                    Attribute::Other(inner) => self.items(inner),
                },
                // A method or a field; `..` is neither.
                TokenTree::Punct(punct) if punct.as_char() == '.' && !tokens.next_is('.') => drop(tokens.next()),
                // A path of another crate, or behind an expression.
                TokenTree::Punct(punct) if punct.as_char() == ':' && tokens.next_is(':') => {
                    tokens.next();
                    tokens.path(String::new());
                }
                TokenTree::Ident(word) if word == "pub" => {
                    tokens.group(Delimiter::Parenthesis);
                    is_public = true;
                    continue;
                }
                TokenTree::Ident(word) => self.word(&word, &mut tokens, is_public, &mut path),
                _ => {}
            }
            is_public = false;
        }
    }

    fn word(&mut self, word: &Ident, tokens: &mut Tokens, is_public: bool, path: &mut Option<String>) {
        match word.to_string().as_str() {
            "use" if !tokens.next_is('<') => self.import(Vec::new(), &mut tokens.until_semicolon(), is_public),
            "mod" => self.child(tokens, path.take()),
            // A name that is defined here hides the imported one.
            "fn" | "let" => tokens.skip_name(),
            first => {
                let segments = tokens.path(first.to_owned());
                self.module().paths.push(Written { segments, is_reexport: false });
            }
        }
    }

    fn child(&mut self, tokens: &mut Tokens, path: Option<String>) {
        let Some(TokenTree::Ident(child)) = tokens.next() else { return };
        let child = child.to_string();
        let name = [&self.name[..], std::slice::from_ref(&child)].concat();
        self.module().children.insert(child.clone());
        let folder = self.folder.join(&child);
        if let Some(inner) = tokens.group(Delimiter::Brace) {
            let module = self.all.entry(name.clone()).or_default();
            (module.is_inline, module.file) = (true, self.file.to_owned());
            return Reader { all: self.all, file: self.file, folder: &folder, name }.items(inner);
        }
        let flat = self.folder.join(format!("{child}.rs"));
        let file = match path {
            Some(path) => self.file.parent().expect("a folder").join(path),
            None if flat.exists() => flat,
            None => folder.join("mod.rs"),
        };
        read(self.all, &file, &folder, name);
    }

    /// Reads one tree of imports, `a::{b, c as d}`, below a prefix.
    fn import(&mut self, mut segments: Name, tree: &mut Tokens, is_reexport: bool) {
        let mut alias = None;
        while let Some(token) = tree.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => alias = tree.next().map(|alias| alias.to_string()),
                TokenTree::Ident(word) => segments.push(word.to_string()),
                TokenTree::Group(group) => {
                    for mut part in Tokens::parts(group.stream()) {
                        self.import(segments.clone(), &mut part, is_reexport);
                    }
                    return;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let Some(last) = segments.last().cloned() else { return };
        self.module().imports.insert(alias.unwrap_or(last), segments.clone());
        self.module().paths.push(Written { segments, is_reexport });
    }
}
