use syn::{LitStr, parse_quote};

use super::{Key, KeyPiece, Skips, default_key, default_prefix};
use crate::{diag::Diag, signature::Params, template::Use};

#[test]
fn the_prefix_is_the_name_without_a_leading_verb() {
    for (name, expected) in [
        ("get_user", "user"),
        ("find_user_by_email", "user_by_email"),
        ("fetch_all", "all"),
        ("load_config", "config"),
        ("list_orders", "orders"),
        ("read_file", "file"),
        ("lookup_host", "host"),
        ("search_products", "products"),
        ("query_rates", "rates"),
        ("get_", "get_"),
        ("get", "get"),
        ("getter", "getter"),
        ("user", "user"),
        ("get_get_user", "get_user"),
    ] {
        assert_eq!(default_prefix(name), expected);
    }
}

fn params() -> Params {
    Params::new(&parse_quote!(fn f(&self, id: u64, Path(name): Path<&str>, _: u8, (a, [b, ..]): T, r#type: u8)))
}

fn pieces(key: &Key) -> String {
    key.pieces
        .iter()
        .map(|piece| match piece {
            KeyPiece::Text(text) => text.clone(),
            KeyPiece::Path => "PATH".to_owned(),
            KeyPiece::Arg(index) => format!("<{index}>"),
        })
        .collect()
}

#[test]
fn the_default_key_has_every_name_that_is_not_skipped() {
    let params = params();
    let mut diag = Diag::default();
    let skips = Skips::new(&[parse_quote!(a)], &params, &mut diag);
    let key = default_key("user", &params, &skips, &mut Diag::default());
    assert_eq!(key.text, "user:<path>:{id}:{name}:{b}:{type}");
    assert_eq!(pieces(&key), "user:PATH:<0>:<1>:<2>:<3>");
    assert!(diag.messages().is_empty());
}

fn parse(text: &str, diag: &mut Diag) -> Option<Key> {
    Key::parse(&LitStr::new(text, proc_macro2::Span::call_site()), Use::Key, &params(), diag)
}

#[test]
fn a_placeholder_that_is_written_twice_has_two_parts() {
    let key = parse("user:{id}:{type}:{id}", &mut Diag::default()).expect("a key");
    assert_eq!(pieces(&key), "user:<0>:<1>:<2>");
    assert!(key.names_param(0) && !key.names_param(1) && !key.names_receiver());
}

#[test]
fn every_name_of_a_pattern_is_a_parameter() {
    let params = Params::new(&parse_quote!(
        fn f((W, H): P, Id(N): Id, Pair { A, b: mut B, .. }: Pair, [ref C, rest @ ..]: [u8; 3], (D @ 0.. | D): u8)
    ));
    assert_eq!(params.known(), ["W", "H", "N", "A", "B", "C", "rest", "D"]);
}

#[test]
fn an_unknown_name_is_reported_with_the_nearest_parameter() {
    let mut diag = Diag::default();
    assert!(parse("user:{nmae}:{zzz}", &mut diag).is_none());
    assert_eq!(
        diag.messages(),
        [
            "there is no parameter `nmae`: did you mean `{name}`?",
            "there is no parameter `zzz`: write one of `{id}`, `{name}`, `{a}`, `{b}`, `{type}`",
        ]
    );
}
