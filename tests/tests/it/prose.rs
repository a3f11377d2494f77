//! The words of documentation and of identifiers: each rule is a list of words, and each failure names the place.
//!
//! A doc comment begins with a noun phrase or with a verb in the third person, so that a list of items can be read as a list. A type
//! name has one meaning in a crate, and identifiers use the words of the glossary in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::markdown::{files, root};

/// Words that no doc comment begins with: pronouns, question words, bare prepositions and conjunctions.
const FIRST_WORDS: &str = "
    it its he she they them their we our you your this that these those such anything anybody everybody nothing nobody
    something somebody
    what whatever who whoever whom whose which when whenever where wherever whence why how whether
    about above after against among as at because before behind below beneath beside besides between beyond by during for from if in into
    of on onto over since so through to towards under until unless up upon with within without
";

/// Pronouns that make a reader ask which person is meant.
const PERSONS: [&str; 4] = ["nobody", "somebody", "anybody", "whoever"];

/// Words that no identifier holds, because the glossary has a plainer one.
const IDENTIFIER_WORDS: &str = "keep keeps kept own owns look looks tell tells told say says said whence ought";

/// Identifiers of other libraries and formats.
const FOREIGN_IDENTIFIERS: [&str; 1] = ["keep_alive"];

/// Type names that say which module they belong to, and are read with its name: `retry::Settings`.
const QUALIFIED: [&str; 5] = ["Settings", "Snapshot", "Error", "Args", "Model"];

/// The folders whose documentation is read, and below them those that are compiled into what users run.
const FOLDERS: [&str; 9] =
    ["macros", "runtime", "demo-app", "model", "fuzz", "tests", "ui-tests/tests", "benches", "scripts/xtask"];
const PAGES: [&str; 2] = ["docs", "model"];
const PRODUCT: [&[&str]; 4] = [
    &["runtime/src", "runtime/core/src", "runtime/mongo/src"],
    &["macros/src"],
    &["demo-app/src"],
    &["demo-app/tools/src"],
];

/// The words of one file.
#[derive(Default)]
struct Words {
    /// The first line of each doc comment.
    docs: Vec<String>,
    /// The names of the types that it declares, outside of tests.
    types: BTreeSet<String>,
    /// The identifiers that it uses, outside of tests.
    identifiers: BTreeSet<String>,
}

/// The item that a brace group belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Module,
    /// An `impl` or a `trait`, whose types are associated ones.
    Associated,
}

impl Words {
    fn read(text: &str) -> Self {
        let tokens = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
        let mut words = Self::default();
        words.tokens(tokens, Within::Module, true);
        words
    }

    /// Reads the tokens of a file or group; those of tests for their documentation only.
    fn tokens(&mut self, tokens: TokenStream, within: Within, is_product: bool) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        // The mark of the attribute before: `!` for a module's own documentation, `#` for that of an item.
        let (mut doc_before, mut next, mut skips_item) = (None, Within::Module, false);
        for (at, token) in tokens.iter().enumerate() {
            let is_product = is_product && !skips_item;
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket && is_attribute(&tokens[..at]) => {
                    let mark = tokens[at - 1].to_string();
                    let line = documentation(group.stream());
                    match &line {
                        Some(_) if doc_before.as_ref() == Some(&mark) => {}
                        Some(line) => self.docs.push(line.clone()),
                        None => skips_item |= group.stream().to_string().replace(' ', "") == "cfg(test)",
                    }
                    doc_before = line.map(|_| mark);
                }
                TokenTree::Group(group) => {
                    let is_body = group.delimiter() == Delimiter::Brace;
                    self.tokens(group.stream(), if is_body { next } else { within }, is_product);
                    (doc_before, skips_item) = (None, skips_item && !is_body);
                    next = if is_body { Within::Module } else { next };
                }
                TokenTree::Ident(name) => {
                    let name = name.to_string();
                    next = if name == "impl" || name == "trait" { Within::Associated } else { next };
                    if is_product && declares_type(tokens[..at].last(), within) {
                        self.types.insert(name.clone());
                    }
                    if is_product {
                        self.identifiers.insert(name);
                    }
                    doc_before = None;
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => {
                    (doc_before, next, skips_item) = (None, Within::Module, false);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

/// Returns whether these tokens end with the `#` or `#!` of an attribute.
fn is_attribute(before: &[TokenTree]) -> bool {
    let is =
        |token: Option<&TokenTree>, mark| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
    is(before.last(), '#') || (is(before.last(), '!') && before.len() > 1 && is(before.get(before.len() - 2), '#'))
}

/// The text of a `doc = ".."`.
fn documentation(attribute: TokenStream) -> Option<String> {
    let tokens: Vec<_> = attribute.into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(doc), TokenTree::Punct(_), TokenTree::Literal(text)] if doc == "doc" => {
            Some(text.to_string().trim_matches(['r', '#', '"']).trim().to_owned())
        }
        _ => None,
    }
}

/// Returns whether a name after this token is that of a type.
fn declares_type(before: Option<&TokenTree>, within: Within) -> bool {
    let Some(TokenTree::Ident(keyword)) = before else { return false };
    match keyword.to_string().as_str() {
        "struct" | "enum" | "union" | "trait" => true,
        "type" => within == Within::Module,
        _ => false,
    }
}

/// The first word of a doc comment, if it begins with one.
fn first_word(line: &str) -> Option<String> {
    let word: String =
        line.trim_start_matches(['*', '_']).chars().take_while(|c| c.is_alphabetic() || *c == '\'').collect();
    (!word.is_empty()).then(|| word.to_lowercase())
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// The texts of files, with their paths from the root.
fn texts(paths: &[PathBuf]) -> Vec<(String, String)> {
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.strip_prefix(root()).unwrap_or(path).display().to_string(), text)
    };
    paths.iter().map(read).collect()
}

/// The sources below a folder.
fn sources(folder: &str) -> Vec<(String, String)> {
    texts(&files(&root().join(folder), "rs"))
}

#[test]
fn documentation_begins_with_a_noun_phrase_or_a_verb() {
    let refused: BTreeSet<_> = FIRST_WORDS.split_whitespace().map(str::to_owned).collect();
    let mut found = Vec::new();
    for (path, text) in FOLDERS.iter().flat_map(|folder| sources(folder)) {
        let docs = Words::read(&text).docs.into_iter();
        let refused = docs.filter(|line| first_word(line).is_some_and(|word| refused.contains(&word)));
        found.extend(refused.map(|line| format!("{path}: {line}")));
    }
    assert!(
        found.is_empty(),
        "{} begin with a word of the list, so say what it is or does instead: {found:#?}",
        found.len()
    );
}

#[test]
fn subjects_are_named() {
    let mut found = Vec::new();
    let pages = PAGES.iter().flat_map(|folder| texts(&files(&root().join(folder), "md")));
    let front = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let front =
        texts(&front.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect::<Vec<_>>());
    for (path, text) in FOLDERS.iter().flat_map(|folder| sources(folder)).chain(pages).chain(front) {
        // Both quote the words.
        if path.ends_with("it/prose.rs") || path == "CONTRIBUTING.md" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphabetic());
            if words.any(|word| PERSONS.contains(&word.to_lowercase().as_str())) {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} lines: name the caller, the process, the client or the reader: {found:#?}",
        found.len()
    );
}

#[test]
fn a_type_name_has_one_meaning() {
    let mut found = Vec::new();
    for folders in PRODUCT {
        let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, text) in folders.iter().flat_map(|folder| sources(folder)) {
            if is_test(Path::new(&path)) {
                continue;
            }
            for name in Words::read(&text).types {
                places.entry(name).or_default().insert(path.clone());
            }
        }
        places.retain(|name, places| places.len() > 1 && !QUALIFIED.contains(&name.as_str()));
        found.extend(places);
    }
    assert!(found.is_empty(), "names stand for several types: rename the new ones: {found:#?}");
}

#[test]
fn identifiers_use_the_words_of_the_glossary() {
    let refused: BTreeSet<_> = IDENTIFIER_WORDS.split_whitespace().collect();
    let mut found = BTreeSet::new();
    for (path, text) in PRODUCT.iter().flat_map(|folders| folders.iter()).flat_map(|folder| sources(folder)) {
        if is_test(Path::new(&path)) {
            continue;
        }
        for name in Words::read(&text).identifiers {
            if name.split('_').any(|word| refused.contains(word)) && !FOREIGN_IDENTIFIERS.contains(&name.as_str()) {
                found.insert(format!("{name} in {path}"));
            }
        }
    }
    assert!(found.is_empty(), "identifiers have a refused word: use a word of the field: {found:#?}");
}

#[test]
fn constructors_are_called_by_their_role() {
    let mut found = Vec::new();
    for (path, text) in PRODUCT.iter().flat_map(|folders| folders.iter()).flat_map(|folder| sources(folder)) {
        let lines = text.lines().enumerate().filter(|(_, line)| line.contains("fn of(") || line.contains("fn of<"));
        found.extend(lines.map(|(number, _)| format!("{path}:{}", number + 1)));
    }
    assert!(found.is_empty(), "{} functions `of`: `new`, `from_..` or `with_..` says more: {found:#?}", found.len());
}

#[test]
fn words_are_read_from_items() {
    let words = Words::read(
        "//! Purpose.\n//! More.\n\n/// A thing.\n/// Which is big.\n#[derive(Clone)]\npub struct Thing {\n/// Of it.\nfield: u8 }\n\
         /// *What* it does.\nimpl Thing { type Inner = u8; fn kept_name() {} }\n\
         trait Part { type Whole; }\ntype Short = u8;\n#[cfg(test)]\nmod tests { struct Hidden; /// On tests.\nfn look() {} }\nstruct Seen;",
    );
    assert_eq!(words.docs, ["Purpose.", "A thing.", "Of it.", "*What* it does.", "On tests."]);
    assert_eq!(words.types, ["Part", "Seen", "Short", "Thing"].map(str::to_owned).into());
    assert!(words.identifiers.contains("kept_name") && !words.identifiers.contains("look"));
    assert_eq!(first_word("*What* it does."), Some("what".to_owned()));
    assert_eq!(first_word("`of` as a word"), None);
}
