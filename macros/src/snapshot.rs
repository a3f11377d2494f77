//! Shared parts of the tests of expansions: comparing tokens with a formatted file, and reading errors out of tokens.
//!
//! Run the tests with `UPDATE_SNAPSHOTS=1` to write the files again, then format them with `rustfmt` and review the difference.
//!
//! May use: the entry functions of all attributes.

use std::{env, fs, path::PathBuf};

use proc_macro2::TokenStream;

/// An attribute's entry function.
pub(crate) type Attribute = fn(TokenStream, &TokenStream) -> TokenStream;

/// Expands `attribute(args) item`, both as source text.
pub(crate) fn expand(attribute: Attribute, args: &str, item: &str) -> TokenStream {
    let item = item.parse().expect("the item has balanced brackets");
    attribute(args.parse().expect("the arguments have balanced brackets"), &item)
}

/// Compares an expansion with `snapshots/<name>.rs`.
pub(crate) fn matches(name: &str, expansion: &TokenStream) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("snapshots/{name}.rs"));
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, expansion.to_string()).expect("the snapshot can be written");
    }
    let expected = fs::read_to_string(&path).expect("the snapshot can be read");
    let expected: TokenStream = expected.parse().expect("the snapshot is made of tokens");
    assert_eq!(
        normal(&expansion.to_string()),
        normal(&expected.to_string()),
        "{name} expands differently:\n{expansion}"
    );
}

/// The tokens without the spaces and the trailing commas, which `rustfmt` is free to choose.
fn normal(tokens: &str) -> String {
    let dense: String = tokens.chars().filter(|letter| !letter.is_whitespace()).collect();
    dense.replace(",)", ")").replace(",]", "]").replace(",}", "}").replace(",>", ">")
}

/// The messages of the `compile_error!`s in an expansion.
pub(crate) fn errors(expansion: TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(expansion).expect("the expansion is a list of items");
    let macros = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Macro(item) => Some(item.mac),
        _ => None,
    });
    macros
        .filter(|mac| mac.path.segments.last().is_some_and(|last| last.ident == "compile_error"))
        .map(|mac| mac.parse_body::<syn::LitStr>().expect("an error has a message").value())
        .collect()
}

/// Asserts that `#[attribute(args)] item` has exactly these errors.
pub(crate) fn fails(attribute: Attribute, args: &str, item: &str, expected: &[&str]) {
    let found = errors(expand(attribute, args, item));
    assert_eq!(found, expected, "#[..({args})] {item}");
}
