use super::{NO_FIELDS, NO_UNION, NO_VARIANTS, derive};
use crate::snapshot::errors;

/// The expansion without spaces.
fn expanded(item: &str) -> String {
    derive(item.parse().expect("tokens")).to_string().split_whitespace().collect()
}

fn has(expansion: &str, parts: &[&str]) {
    for part in parts {
        assert!(expansion.contains(part), "{part} is missing in {expansion}");
    }
}

fn fails(item: &str, expected: &[&str]) {
    assert_eq!(errors(derive(item.parse().expect("tokens"))), expected, "{item}");
}

#[test]
fn a_struct_with_one_field_is_that_field() {
    let item = "#[key(crate = my::fast)] struct UserId<T>(T, #[key(skip)] PhantomData<u8>);";
    has(
        &expanded(item),
        &[
            "impl<T>my::fast::__private::KeyPartforUserId<T>whereT:my::fast::__private::KeyPart{",
            "typeOwned=<Tasmy::fast::__private::KeyPart>::Owned;",
            "my::fast::__private::KeyPart::write(&self.0,__out);",
        ],
    );
}

#[test]
fn an_enum_has_an_owned_form_of_its_own() {
    let item =
        "enum Filter<'a, T: 'a = u8> { All, By { team: T, #[key(lower)] name: &'a str }, Near(#[key(debug)] f64) }";
    has(
        &expanded(item),
        &[
            "enum__OwnedKeyPart<__Field0,__Field1,__Field2>{All(),By(__Field0,__Field1),Near(__Field2)}",
            "impl<'a,T:'a>::fastness::__private::KeyPartforFilter<'a,T>whereT:::fastness::__private::KeyPart{",
            "Self::By{team:__field_0,name:__field_1,..}=>",
            "KeyPart::feed(&::fastness::__private::lower(__field_1),__state);",
            "::fastness::__private::write_field(&::fastness::__private::by_debug(__field_0),__out);",
        ],
    );
}

#[test]
fn types_that_cannot_be_in_a_key_are_errors() {
    fails("union U { a: u8 }", &[NO_UNION]);
    fails("enum Never {}", &[NO_VARIANTS]);
    fails("struct Unit;", &[NO_FIELDS]);
    fails("struct Hidden { #[key(skip)] a: u8 }", &[NO_FIELDS]);
    fails("#[key(debug)] struct A(u8);", &["this stands on a field: write it there"]);
    fails("struct A(#[key(crate = x)] u8);", &["`crate` stands on the type: write it there"]);
    fails("struct A(#[key(debug, hash)] u8);", &["a field has one form in the key: keep one of the two"]);
    fails("struct A { #[key(lower, skip)] a: u8, b: u8 }", &["a field has one form in the key: keep one of the two"]);
    fails("struct A(#[key(lowre)] u8);", &["`key` has no option `lowre`: did you mean `lower`?"]);
}
