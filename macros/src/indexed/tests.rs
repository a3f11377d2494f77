use proc_macro2::TokenStream;

use super::{derive, serde::Case};
use crate::snapshot::{errors, expand, matches};

fn attribute(_: TokenStream, item: &TokenStream) -> TokenStream {
    derive(item)
}

#[test]
fn a_model_with_indexes() {
    let item = r#"
        #[serde(rename_all = "camelCase")]
        #[indexed(collection = "businesses")]
        #[index(keys(subscription.plan = 1, is_active = -1), partial(is_active = true))]
        struct Business<T> {
            #[index(desc, expire_after = "1h")]
            created_at: DateTime,
            is_active: bool,
            #[serde(flatten)]
            subscription: T,
            #[serde(skip)]
            #[doc = "never stored"]
            cached: u8,
            #[index(unique, sparse)]
            email: String,
            #[index(wildcard)]
            metadata: Document,
        }
    "#;
    matches("indexed", &expand(attribute, "", item));
}

#[test]
fn a_nested_type() {
    let item = "struct Subscription { plan: String, #[serde(with = \"dates\")] since: Timestamp }";
    matches("indexed_nested", &expand(attribute, "", item));
}

#[test]
fn a_type_that_contains_itself_by_the_name_self() {
    let expansion = expand(attribute, "", "struct Node<T> { value: T, children: Vec<Self>, by: Option<Box<Self>> }");
    let text = expansion.to_string().replace(' ', "");
    assert!(text.contains("__M,Vec<Node<T>>,") && text.contains("__M,Option<Box<Node<T>>>,"), "{text}");
    assert!(!text.contains("<Self>"), "{text}");
}

#[test]
fn a_model_with_scopes() {
    let item = r#"
        #[indexed(collection = "products", scopes("product:{id}", "maker:{maker.name:lower}:products:*", "products:*"))]
        struct Product {
            #[serde(rename = "_id")]
            id: u64,
            maker: Maker,
        }
    "#;
    matches("indexed_scopes", &expand(attribute, "", item));
}

#[test]
fn cases_are_those_of_serde() {
    let cases = [
        ("lowercase", "is_active2_"),
        ("UPPERCASE", "IS_ACTIVE2_"),
        ("PascalCase", "IsActive2"),
        ("camelCase", "isActive2"),
        ("snake_case", "is_active2_"),
        ("SCREAMING_SNAKE_CASE", "IS_ACTIVE2_"),
        ("kebab-case", "is-active2-"),
        ("SCREAMING-KEBAB-CASE", "IS-ACTIVE2-"),
    ];
    for (case, expected) in cases {
        assert_eq!(Case::read(case).map(|case| case.apply("is_active2_")).as_deref(), Some(expected), "{case}");
    }
}

/// The errors of a model with the fields `a` and `b`, and these attributes.
fn found(attributes: &str) -> Vec<String> {
    let item = format!("#[indexed(collection = \"c\")] {attributes} struct S {{ a: u8, b: u8 }}");
    errors(derive(&item.parse().unwrap()))
}

#[test]
fn indexes_that_differ_in_options_or_order_are_both_kept() {
    // The two indexes of each line start with the same field, and both are needed.
    let fine = [
        "#[index(keys(a = 1), unique)] #[index(keys(a = 1, b = 1))]",
        "#[index(keys(a = 1), sparse)] #[index(keys(a = 1, b = 1))]",
        "#[index(keys(a = 1), hidden)] #[index(keys(a = 1, b = 1))]",
        "#[index(keys(a = 1), expire_after = 5)] #[index(keys(a = 1, b = 1))]",
        "#[index(keys(a = 1), collation(locale = \"en\"))] #[index(keys(a = 1, b = 1))]",
        "#[index(keys(a = 1))] #[index(keys(a = 1, b = 1), hidden)]",
        "#[index(keys(a = 1))] #[index(keys(a = 1, b = 1), partial(b > 1))]",
        "#[index(keys(a = 1))] #[index(keys(b = 1, a = 1))]",
        "#[index(keys(a = 1))] #[index(keys(a = hashed))]",
        "#[index(keys(a = 1, b = 1))] #[index(keys(a = 1, b = -1))]",
    ];
    for attributes in fine {
        assert_eq!(found(attributes), [""; 0], "{attributes}");
    }
}

#[test]
fn a_variant_with_content_may_not_be_named_as_a_field_or_the_tag() {
    let clash =
        |variants: &str| errors(derive(&format!("#[serde(tag = \"kind\")] enum E {{ {variants} }}").parse().unwrap()));
    assert_eq!(clash("Order(O), Shipped { id: i64 }, Returned { id: i64 }"), [""; 0]);
    for (variants, start) in [
        ("Order(O), Shipped { order: i64 }", "`order` is a field of this enum, and by this name"),
        ("Shipped { order: O }, Order(O)", "`order` is a field of this enum, and by this name"),
        ("Kind(O)", "`kind` is the tag of this enum, and by this name"),
        ("Kind(String)", "`kind` is the tag of this enum, and by this name"),
    ] {
        let found = clash(variants);
        assert!(matches!(&found[..], [error] if error.starts_with(start)), "{variants}: {found:?}");
    }
}

#[test]
fn directions_are_refused_as_options_but_accepted_as_values() {
    for fine in ["#[index(keys(a = 1), expire_after = 1)]", "#[index(keys(a = plane), bits = 1, min = -1, max = 1)]"] {
        assert_eq!(found(fine), [""; 0], "{fine}");
    }
    assert_eq!(found("#[index(keys(a = 1), b = 1)]"), ["fields belong in `keys(..)`: write `#[index(keys(b = 1))]`"]);
    assert_eq!(found("#[index(-1)]"), ["on a field, a direction is a word: write `#[index(desc)]`"]);
}

#[test]
fn an_index_that_begins_a_longer_one_is_checked_by_the_compiler() {
    let expansion = |attributes: &str| {
        let item = format!("#[indexed(collection = \"c\")] {attributes} struct S {{ a: u8, b: u8 }}");
        expand(attribute, "", &item).to_string()
    };
    let redundant = [
        "#[index(keys(a = 1))] #[index(keys(a = 1, b = 1))]",
        "#[index(keys(a = -1))] #[index(keys(a = 1, b = 1))]",
        "#[index(keys(a = 1))] #[index(keys(a = 1, b = 1), unique)]",
        "#[index(keys(a = 1), sparse)] #[index(keys(a = 1, b = 1), sparse)]",
    ];
    for attributes in redundant {
        assert!(expansion(attributes).contains("check_prefix (\"a, b\""), "{attributes}");
    }
    let fine = [
        "#[index(keys(a = 1), allow(prefix))] #[index(keys(a = 1, b = 1))]",
        "#[index(keys(a = 1))] #[index(keys(a = 1, b = text))]",
        "#[index(keys(a = 1), unique)] #[index(keys(a = 1, b = 1))]",
    ];
    for attributes in fine {
        assert!(!expansion(attributes).contains("check_prefix"), "{attributes}");
        assert_eq!(found(attributes), [""; 0], "{attributes}");
    }
    let same = "the index on `a, b` has the same keys and serves the same queries: remove this one, or write `allow(prefix)` in it if it \
                is needed";
    assert_eq!(found("#[index(keys(a = 1, b = -1))] #[index(keys(a = -1, b = 1))]"), [same]);
}

#[test]
fn malformed_input_never_panics() {
    let items = [
        "",
        "struct",
        "struct S;",
        "struct S {}",
        "enum E {}",
        "fn f() {}",
        "union U { a: u8 }",
        "struct S<'a>(&'a u8);",
    ];
    for item in items {
        let _ = derive(&item.parse().unwrap());
    }
    let indexes = [
        "",
        "()",
        "(,)",
        "= 3",
        "[a]",
        "(keys)",
        "(keys())",
        "(keys(,))",
        "(keys(a))",
        "(keys(a.))",
        "(keys(a[))]",
        "(keys(a = ))",
        "(keys(a = -))",
        "(keys(\"\"))",
        "(keys(\".**\"))",
        "(keys(\"a..**\"))",
        "(keys(wildcard()))",
        "(keys(wildcard(a)(b)))",
        "(keys(self = 1))",
        "(keys(crate.a = 1))",
        "(keys(a.self = 1))",
        "(keys(a = text()))",
        "(keys(a = 1), partial())",
        "(keys(a = 1), partial(a))",
        "(keys(a = 1), partial(a in))",
        "(keys(a = 1), partial(exists))",
        "(keys(a = 1), collation())",
        "(\"\")",
        "(text = 3)",
        "(keys(a = 1), expire_after = -1)",
        "(keys(_ = 1))",
    ];
    for index in indexes {
        let item = format!("#[indexed{index}] #[index{index}] struct S {{ #[index{index}] #[serde{index}] a: u8 }}");
        if let Ok(item) = item.parse() {
            let _ = derive(&item);
        }
    }
}
