use crate::{
    cache_invalidate, cache_put, cacheable,
    snapshot::{Attribute, errors, expand},
    timed,
};

const ATTRIBUTES: [Attribute; 4] =
    [cacheable::attribute, cache_put::attribute, cache_invalidate::attribute, timed::attribute];

const ARGS: &[&str] = &[
    "",
    ",",
    "=",
    "= 3",
    "ttl",
    "ttl =",
    "ttl = ,",
    "ttl(3)",
    "ttl = 300, key = \"user:{id}\"",
    "ttl = 300, key = \"\"",
    "ttl = 300, key = b\"x\"",
    "ttl = 300, key = concat!(\"a\", \"b\")",
    "ttl = 300, batch()",
    "ttl = 300, batch(id, id)",
    "ttl = 300, batch(id)",
    "ttl = 300, handle = USERS",
    "ttl = 300, handle = r#type",
    "ttl = 300, handle = self",
    "ttl = 300, stale = 1, refresh = background",
    "ttl = 300, jitter = 1e400",
    "ttl = 300, on = self.cache, crate = crate",
    "\"user:{id}\"",
    "\"*\" \"x\"",
    "\"user:{self.0.r#type:hash}\", USERS(id)(x), a::b::<C>(1)",
    "tags = [], when, before = 1, self(x), crate(x)",
    "name = 3, slow = \"1x\", labels, labels(), labels(a), labels(a = 1, a = 2, name = b), ok_if = 3, error_if = |r| true",
    "'a, 'b', #, @, $x, ::, ..",
    "key = \"\\u{1F600}:{id}\", ttl = \"1\\x64\"",
    "{ttl = 300}",
    "(ttl = 300)",
];

const ITEMS: &[&str] = &[
    "",
    ";",
    "fn",
    "fn f",
    "fn f()",
    "fn f() -> u8;",
    "fn f() -> u8 { 1 }",
    "fn f() { # ! }",
    "fn f() { #![x] ) => }",
    "fn f(id: u64) -> u8 [ 1 ]",
    "fn f(id: u64) -> u8 { 1 } fn g() {}",
    "async fn f(&self, id: u64) -> Result<u8, E> { self.x }",
    "async fn f(self: Box<Self>, Path(id): Path<u64>, _: u8) -> u8 { 1 }",
    "fn f(mut id: &[u64], ref x: u8, y @ (a, b): T) -> Vec<u8> { vec![] }",
    "fn f(id: impl Fn(&str) -> &str) -> Pin<Box<dyn Future>> { 1 }",
    "fn f(id: u64) -> Pin<Box<dyn Future<Output = u8>>> { 1 }",
    "fn r#type(r#fn: u64) -> impl Future<Output = impl Sized> { 1 }",
    "const unsafe extern \"C\" fn f(id: u64, ...) -> &str { 1 }",
    "#[cacheable] #[cache_put] #[cache_invalidate] #[a::timed] pub default fn get_(id: u64) -> u8 { 1 }",
    "struct S { id: u64 }",
    "impl S { fn f() {} }",
    "trait T { fn f(); }",
    "let x = 3;",
    "|id| id + 1",
    "macro_rules! x { () => {} }",
    "\"fn\"",
];

#[test]
fn odd_input_never_panics() {
    for attribute in ATTRIBUTES {
        for args in ARGS {
            for item in ITEMS {
                // Some of it is not even made of tokens; the compiler would not let that reach us.
                if args.parse::<proc_macro2::TokenStream>().is_ok() && item.parse::<proc_macro2::TokenStream>().is_ok()
                {
                    let _ = expand(attribute, args, item);
                }
            }
        }
    }
}

#[test]
fn without_arguments_there_is_always_an_error() {
    // `timed` needs none.
    for attribute in &ATTRIBUTES[..3] {
        assert!(!errors(expand(*attribute, "", "fn f(id: u64) -> u8 { 1 }")).is_empty());
    }
}
