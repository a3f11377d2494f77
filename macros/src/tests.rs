use crate::{
    cache_invalidate, cache_put, cacheable, label,
    resilience::{bulkhead, circuit_breaker, fallback, hedge, rate_limit, retry, timeout},
    snapshot::{Attribute, errors, expand},
    timed,
};

/// All attributes except the derive of indexes, which has its own tests.
const ATTRIBUTES: [Attribute; 13] = [
    cacheable::attribute,
    cache_put::attribute,
    cache_invalidate::attribute,
    cache_invalidate::refresh,
    timed::attribute,
    fallback::attribute,
    circuit_breaker::attribute,
    retry::attribute,
    hedge::attribute,
    timeout::attribute,
    bulkhead::attribute,
    rate_limit::attribute,
    |_, item| label::derive(item.clone()),
];

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
    "ttl = 300, handle = users",
    "ttl = 300, handle = r#type",
    "ttl = 300, handle = self",
    "ttl = 300, stale = 1, refresh = background",
    "ttl = 300, jitter = 1e400",
    "ttl = 300, on = self.cache, crate = crate",
    "\"user:{id}\"",
    "\"*\" \"x\"",
    "\"user:{self.0.r#type:hash}\", users(id)(x), a::b::<C>(1)",
    "tags = [], when, before = 1, self(x), crate(x)",
    "name = 3, slow = \"1x\", labels, labels(), labels(a), labels(a = 1, a = 2, name = b), ok_if = 3, error_if = |r| true",
    "name = 3, failure_rate = off, failure_threshold = off, window = 0, min_calls = x, open_for = 3, max_open = 1, per = {x}",
    "calls = 3, per = \"1s\", key = \"{id}{\", keys = 1, burst = 0, max = 1, min = 2, adaptive, wait = 1, budget = off",
    "attempts = 1, wait = 2, max_wait = 1, when = |e, f| e, after = 1, p95 = 2, fallback = Self, timeout = 1",
    "Self::<T>::x::<'a>, |e| e, \"1s\", 2",
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
fn malformed_input_never_panics() {
    for attribute in ATTRIBUTES {
        for args in ARGS {
            for item in ITEMS {
                // The compiler passes only text that is made of tokens.
                if args.parse::<proc_macro2::TokenStream>().is_ok() && item.parse::<proc_macro2::TokenStream>().is_ok()
                {
                    let _ = expand(attribute, args, item);
                }
            }
        }
    }
}

#[test]
fn without_arguments_there_is_an_error_where_some_are_needed() {
    let need_some: [Attribute; 9] = [
        cacheable::attribute,
        cache_put::attribute,
        cache_invalidate::attribute,
        cache_invalidate::refresh,
        fallback::attribute,
        hedge::attribute,
        timeout::attribute,
        bulkhead::attribute,
        rate_limit::attribute,
    ];
    for attribute in need_some {
        let found = errors(expand(attribute, "", "async fn f(id: u64) -> Result<u8, E> { Ok(1) }"));
        assert!(!found.is_empty());
    }
}
