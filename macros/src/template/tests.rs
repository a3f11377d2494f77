use syn::{LitStr, Member};

use super::{Format, Template, TemplatePiece, Use};
use crate::diag::Diag;

fn parse(text: &str, used: Use) -> Result<Template, Vec<String>> {
    let mut diag = Diag::default();
    let literal = LitStr::new(text, proc_macro2::Span::call_site());
    Template::parse(&literal, used, &mut diag).ok_or_else(|| diag.messages())
}

/// The pieces in a short form: text as it is, placeholders as `<root.field/format>`.
fn short(text: &str, used: Use) -> String {
    let template = parse(text, used).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    assert_eq!(template.text, text);
    let pieces = template.pieces.iter().map(|piece| match piece {
        TemplatePiece::Text(text) => text.clone(),
        TemplatePiece::Hole(hole) => {
            let fields = hole.fields.iter().map(|field| match field {
                Member::Named(name) => format!(".{name}"),
                Member::Unnamed(index) => format!(".{}", index.index),
            });
            let format = match hole.format {
                Format::Plain => "",
                Format::Hash => "/hash",
                Format::Lower => "/lower",
                Format::Display => "/display",
                Format::Debug => "/debug",
            };
            format!("<{}{}{format}>", hole.root, fields.collect::<String>())
        }
    });
    pieces.collect::<String>() + if template.prefix { " and below" } else { "" }
}

#[test]
fn templates_are_cut_into_text_and_placeholders() {
    for (text, expected) in [
        ("users", "users"),
        ("user:{id}", "user:<id>"),
        ("user:{user.id}:orders", "user:<user.id>:orders"),
        ("user:{pair.0}:{pair.1.2}", "user:<pair.0>:<pair.1.2>"),
        ("user:{self.tenant}", "user:<self.tenant>"),
        ("user:{r#type}:{type}:{user.type}", "user:<type>:<type>:<user.r#type>"),
        ("user:{filter:hash}:{name : lower}", "user:<filter/hash>:<name/lower>"),
        ("user-{id}:v2", "user-<id>:v2"),
        ("größe:{maß}", "größe:<maß>"),
    ] {
        assert_eq!(short(text, Use::Key), expected);
    }
}

#[test]
fn patterns_may_end_in_a_wildcard() {
    assert_eq!(short("users:*", Use::Pattern), "users and below");
    assert_eq!(short("user:{id}:*", Use::Pattern), "user:<id> and below");
    assert_eq!(short("user:{id}", Use::Pattern), "user:<id>");
}

fn one_error(text: &str, used: Use) -> String {
    let errors = parse(text, used).err().unwrap_or_else(|| panic!("{text} is accepted"));
    assert_eq!(errors.len(), 1, "{text}: {errors:?}");
    errors.into_iter().next().unwrap_or_default()
}

#[test]
fn each_broken_rule_of_keys_is_one_error() {
    for (text, expected) in [
        ("", "the key is empty: write a key such as `\"user:{id}\"`"),
        ("user:{id", "`{` has no `}`: write a placeholder as `{id}`, as a key has no braces of its own"),
        ("user:id}", "`}` has no `{`: write a placeholder as `{id}`, as a key has no braces of its own"),
        ("user:{}", "the key has an empty placeholder: write a parameter's name, as `{id}`"),
        (
            "user:{id:hsah}",
            "`hsah` is not a formatter: write `:display`, `:debug`, `:lower` or `:hash`; did you mean `hash`?",
        ),
        ("user:{a}{b}", "`{a}` and `{b}` share a segment, so different arguments could give one key: write `{a}:{b}`"),
        ("user:{a}-{b}", "`{a}` and `{b}` share a segment, so different arguments could give one key: write `{a}:{b}`"),
        ("user::{a}", "the key has an empty segment: remove the extra `:`, or write a name between the colons"),
        (":user", "the key has an empty segment: remove the extra `:`, or write a name between the colons"),
        ("user:", "the key has an empty segment: remove the extra `:`, or write a name between the colons"),
        ("user:*", "`*` cannot stand in a key: remove it, as only a pattern of `cache_invalidate` ends in `:*`"),
        ("user:50%", "`%` cannot stand in a key, as it marks escaped bytes of arguments: write another character"),
        ("user:@x", "`@` cannot start a segment of a key, as it marks internal names: write another character"),
        ("user: x", "` ` cannot stand in a key: write `-` or `_`"),
        ("user:\n", "`\\n` cannot stand in a key: write `-` or `_`"),
        ("{id}", "`{id}` starts the key: start the key with a literal such as `user:`"),
        ("{id}:x", "`{id}` starts the key: start the key with a literal such as `user:`"),
        ("user:{self}", "`self` as a whole cannot be in a key: write a field of it, as `{self.tenant}`"),
    ] {
        assert_eq!(one_error(text, Use::Key), expected);
    }
}

#[test]
fn expressions_are_not_placeholders() {
    for inside in ["id()", "user.id()", "a + b", "a::b", "user.", ".id", "1", "*id", "_", "Self", "crate", "x.self"] {
        assert_eq!(
            one_error(&format!("user:{{{inside}}}"), Use::Key),
            format!(
                "`{inside}` is not a parameter or a field of one: compute the value before the call and write `{{id}}` or `{{user.id}}`"
            )
        );
    }
}

#[test]
fn misplaced_wildcards_name_the_tag_to_use() {
    let instead = |pattern: &str, tag: &str| {
        format!(
            "`*` can only be the whole last segment, as in `user:*`: for `{pattern}`, give the entries a tag and write `tags = [\"{tag}\"]`"
        )
    };
    assert_eq!(one_error("user:*:orders", Use::Pattern), instead("user:*:orders", "orders"));
    assert_eq!(one_error("us*", Use::Pattern), instead("us*", "us"));
    assert_eq!(one_error("user:*:{id}", Use::Pattern), instead("user:*:{id}", "user"));
    assert_eq!(
        one_error("*", Use::Pattern),
        "`*` alone would match everything: start the pattern with a literal, as `user:*`"
    );
    assert_eq!(
        one_error("t:*", Use::Tag),
        "`*` cannot stand in a tag: remove it, as a tag reaches all of its entries already"
    );
}

#[test]
fn spans_lie_inside_a_plain_literal() {
    let literal: LitStr = syn::parse_str("r#\"user:{id}\"#").expect("a literal");
    let source = super::Source::new(&literal);
    assert_eq!(source.slice(&(5..9)), "{id}");
    let _ = source.span(&(5..9));
}

#[test]
fn no_text_makes_the_parser_panic() {
    let alphabet = ["{", "}", ":", "*", "a", ".", "%", "@", " ", "self", "é", "0", "r#", "\\"];
    for first in alphabet {
        for second in alphabet {
            for third in alphabet {
                for fourth in alphabet {
                    let text = [first, second, third, fourth].concat();
                    for used in [Use::Key, Use::Pattern, Use::Tag] {
                        let _ = parse(&text, used);
                    }
                }
            }
        }
    }
}
