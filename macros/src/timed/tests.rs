use super::attribute;
use crate::snapshot::{expand, fails, matches};

#[test]
fn every_option() {
    let item = "async fn find(&self, user: User) -> Result<Order, Error> { self.load(user).await }";
    let args = "name = \"orders.find\", slow = \"100ms\", labels(tier = user.tier, cached = self.cached), error_if = |r| r.is_err()";
    matches("timed_async", &expand(attribute, args, item));
}

#[test]
fn a_plain_function() {
    let item = "fn parse<T: FromStr>(text: &str) -> Result<impl Iterator<Item = T>, Bad<'_>> { read(text) }";
    matches("timed_sync", &expand(attribute, "slow = LIMIT", item));
}

#[test]
fn a_boxed_future() {
    let item = "fn get(&self) -> Pin<Box<dyn Future<Output = u8> + Send + '_>> { Box::pin(async { 1 }) }";
    matches("timed_boxed", &expand(attribute, "crate = my::fast", item));
}

#[test]
fn a_type_that_may_be_a_future() {
    let item = "fn call(&mut self, request: Request) -> Self::Future { self.inner.call(request) }";
    matches("timed_named", &expand(attribute, "slow = LIMIT, labels(cached = self.cached)", item));
}

#[test]
fn a_function_that_never_returns() {
    matches("timed_never", &expand(attribute, "", "async fn serve() -> ! { loop { accept().await } }"));
}

#[test]
fn each_mistake_is_one_error() {
    for (args, expected) in [
        ("nam = \"x\"", "`timed` has no option `nam`: did you mean `name`?"),
        ("ttl = 3", "`timed` has no option `ttl`, but `cacheable` and `cache_put` have: write it there, or remove it"),
        ("name = 3", "`name` is a string literal: write `name = \"users.find\"`"),
        (
            "name = \" \"",
            "`name` is empty: write one, as `name = \"users.find\"`, or leave it out for the function's path",
        ),
        (
            "slow = \"100 parsecs\"",
            "`\"100 parsecs\"` is not a duration: write whole numbers with units, as `slow = \"250ms\"` or `\"1h30m\"`",
        ),
        ("slow = 0", "`slow` is zero: write a duration of at least `\"1ms\"`"),
        ("slow", "`slow` takes a value: write `slow = ..`"),
        ("labels", "`labels` takes names and values: write `labels(tier = user.tier)`"),
        ("labels()", "`labels` takes names and values: write `labels(tier = user.tier)`"),
        ("labels(tier)", "`labels` takes names and values: write `labels(tier = user.tier)`"),
        ("labels(a = x, a = y)", "the label `a` is given twice: keep one"),
        ("labels(outcome = x)", "every timing has a label `outcome` with another meaning: choose another name"),
        (
            "labels(größe = x)",
            "`größe` cannot be the name of a label in the metrics: write ASCII letters, digits and `_`, without `__` at the start",
        ),
        ("ok_if = 3", "`ok_if` takes a function: write `ok_if = |result| ..` or the path of one"),
        ("ok_if = |r| true, error_if = |r| false", "`ok_if` and `error_if` define the same thing: keep one"),
        ("name = \"a\", name = \"b\"", "`name` is given twice: keep one"),
    ] {
        fails(attribute, args, "fn f() {}", &[expected]);
    }
}

#[test]
fn functions_that_cannot_be_timed() {
    for (item, expected) in [
        ("const fn f() {}", "a `const fn` cannot read a clock at run time: remove `const` or `#[timed]`"),
        (
            "#[fastness::timed] fn f() {}",
            "`timed` is here twice: keep one, with the labels of both; to time a part of the body, move it into a function",
        ),
        ("fn f();", "`f` has no body here: put `#[timed]` on the implementation"),
    ] {
        fails(attribute, "", item, &[expected]);
    }
}
