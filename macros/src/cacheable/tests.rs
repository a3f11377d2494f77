use super::attribute;
use crate::snapshot::{expand, fails, matches};

const ERR_TTL_ALONE: &str = "`err_ttl` needs a choice of errors: add `cache_err = |error| ..`, \
    or write a closure, as `err_ttl = |error| ..`, that returns zero for the others";

const GET_USER: &str = "async fn get_user(id: u64) -> Result<User, Error> { load(id).await }";

fn snapshot(name: &str, args: &str, item: &str) {
    matches(&format!("cacheable_{name}"), &expand(attribute, args, item));
}

#[test]
fn plain_async() {
    snapshot("async", "ttl = 300", GET_USER);
}

const BYTES: &str =
    "`max_bytes` is a number of bytes in B, KiB, MiB or GiB: write `max_bytes = \"64MiB\"` or `max_bytes = 67_108_864`";

#[test]
fn method_with_every_option() {
    snapshot(
        "options",
        r#"ttl = "5m", key = "user:{self.tenant}:{user.id}:{filter:hash}:{name:lower}", skip(page), tags = ["t:{user.id}"],
        condition = page == 0, unless = |v| v.is_empty(), negative_ttl = 5, cache_err = Error::is_absent, err_ttl = 1,
        stale = "1h", stale_if_error = "1d", early = off, jitter = 0.05, single_flight = off, share_error = share,
        load_timeout = LIMIT, capacity = 100, max_bytes = "64MiB", weigh = Vec::len, idle = "10m", on = self.cache, crate = my::fastness"#,
        "pub async fn search(&self, user: &User, filter: Filter, name: &str, page: u32) -> Result<Vec<User>, Error> { body() }",
    );
}

#[test]
fn sync() {
    snapshot("sync", "ttl = 300, prefix = \"squares\"", "/// Docs.\n#[inline]\nfn square(x: u64) -> u64 { x * x }");
}

#[test]
fn a_body_that_may_leave_early_is_a_closure() {
    let is_closure = |body: &str| {
        let item = format!("fn f(x: u64) -> Option<u64> {{ {body} }}");
        expand(attribute, "ttl = 300", &item).to_string().contains("move ||")
    };
    for leaves in [
        "return None",
        "Some(g(x)?)",
        "if x > 1 { return None } Some(x)",
        "bail!(x)",
        "anyhow::ensure!(x)",
        "Some(vec![g()?])",
    ] {
        assert!(is_closure(leaves), "{leaves}");
    }
    for ends in [
        "Some(x)",
        "Some(!x)",
        "if x != 1 && !g() { None } else { Some(x) }",
        "g(&format!(\"{x}\"), vec![x])",
        "for y in 0..x { g(y); } None",
    ] {
        assert!(!is_closure(ends), "{ends}");
    }
}

#[test]
fn a_boxed_future_of_async_trait() {
    snapshot(
        "boxed",
        "ttl = 300",
        "fn get<'life0, 'async_trait>(&'life0 self, id: u64) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Option<User>> + ::core::marker::Send + 'async_trait>>
        where 'life0: 'async_trait, Self: 'async_trait, { Box::pin(async move { None }) }",
    );
}

#[test]
fn a_type_that_may_be_a_future() {
    let item = "fn get(id: u64) -> BoxFuture<'static, Option<User>> { Box::pin(async move { None }) }";
    snapshot("named", "ttl = 300", item);
}

#[test]
fn a_function_that_returns_a_future() {
    snapshot("future", "ttl = 300", "fn get(id: u64) -> impl Future<Output = u64> + Send { async move { id } }");
}

#[test]
fn background_refresh() {
    snapshot(
        "background",
        "ttl = 300, stale = 60, refresh = background",
        "async fn get(&self, id: u64, name: &str) -> u64 { log!(self.id, name); self.load(id).await }",
    );
}

#[test]
fn load_in_a_task() {
    snapshot(
        "task",
        "ttl = 300, load = task, load_timeout = \"50ms\"",
        "async fn get(&self, name: &str) -> Result<u64, Error> { self.load(name).await }",
    );
}

#[test]
fn a_load_that_gets_the_value_that_it_replaces() {
    let args = "ttl = 300, previous(old), keep_expired = \"1h\"";
    snapshot("previous", args, "async fn get(&self, name: &str) -> Result<u64, Error> { self.load(name, old).await }");
    snapshot("previous_sync", args, "fn get(id: u64) -> u64 { old.unwrap_or(id) }");
    snapshot(
        "previous_task",
        "ttl = 300, previous(old), stale = 60, load = task",
        "async fn get(&self, name: &str) -> u64 { self.load(name, old).await }",
    );
}

#[test]
fn batch() {
    snapshot(
        "batch",
        "ttl = 300, key = \"user:{ids}\", batch(ids), tags = [\"t:{ids}\"]",
        "async fn get_many(ids: &[u64]) -> Result<HashMap<u64, User>, Error> { load(ids).await }",
    );
}

#[test]
fn lifetimes_that_are_stated() {
    snapshot(
        "stated",
        "ttl = |user| user.lifetime(), err_ttl = |error| error.retry_after(), negative_ttl = forever",
        "async fn get_user(id: u64) -> Result<Option<User>, Error> { load(id).await }",
    );
    snapshot("by_path", "ttl = self::lifetime, cache_err = Error::is_absent, err_ttl = SECOND", GET_USER);
}

#[test]
fn tags_that_are_stated() {
    let options =
        "ttl = 60, key = \"user:{id}\", tags = [\"users\", |user| user.teams()], tag_patterns = [\"team:{id}\"]";
    snapshot("value_tags", options, GET_USER);
    let by_path =
        expand(attribute, "ttl = 60, tags = User::tags, tag_patterns = [\"team:{id}\"]", GET_USER).to_string();
    assert!(by_path.contains("(__stored , __site , User :: tags)"), "{by_path}");
}

#[test]
fn lifetimes_without_end() {
    snapshot("forever", "ttl = forever", GET_USER);
    let has_ttl = |args: &str, item: &str| expand(attribute, args, item).to_string().contains("long_ttl");
    assert!(has_ttl("ttl = \"2h\"", GET_USER));
    assert!(!has_ttl("ttl = \"1h\"", GET_USER), "the log reaches as far back");
    assert!(!has_ttl("ttl = forever, tier = local", GET_USER));
    assert!(!has_ttl("ttl = forever", "fn f(id: u8) -> u8 { id }"));
}

#[test]
fn the_name_of_a_parameter_is_no_path() {
    let ttl_from = |item: &str| expand(attribute, "ttl = ttl, skip(ttl)", item).to_string().contains("ttl_from");
    assert!(!ttl_from("fn f(ttl: Duration) -> u8 { 1 }"));
    assert!(!ttl_from("fn f((_, ttl): (u8, Duration)) -> u8 { 1 }"));
}

#[test]
fn handle() {
    snapshot(
        "handle",
        "ttl = 300, handle = users, skip(trace)",
        "pub async fn get_user(id: u64, name: &str, trace: Trace) -> User { load(id, name, trace).await }",
    );
}

#[test]
fn handle_of_a_generic_method() {
    snapshot(
        "handle_method",
        "ttl = 300, key = \"row:{id}\", tags = [\"table:{table}\"], handle = rows, skip(table, trace), on = self.fast",
        "fn row<'a, T: Table>(&self, id: &'a str, table: u32, trace: Trace) -> Result<T, Error> where T: Clone, { self.read(id) }",
    );
}

#[test]
fn all_errors_are_reported_at_once_beside_the_item() {
    let expansion = expand(attribute, "tll = 3, key = \"user:{ix}\", jitter = 2", GET_USER);
    assert!(expansion.to_string().starts_with("async fn get_user (id : u64)"));
    fails(
        attribute,
        "tll = 3, key = \"user:{ix}\", jitter = 2",
        GET_USER,
        &[
            "`cacheable` has no option `tll`: did you mean `ttl`?",
            "`jitter` is a share from 0 to 0.5: write `jitter = 0.1` or `jitter = \"10%\"`",
            "`ttl` is missing: write `#[cacheable(ttl = 300)]` (seconds) or `ttl = \"5m\"`",
            "there is no parameter `ix`: did you mean `{id}`?",
        ],
    );
}

#[test]
fn options_that_contradict_each_other_are_errors() {
    for (args, expected) in [
        (
            "ttl = 1, key = \"u:{id}\", prefix = \"u\"",
            "`prefix` begins the default key, and `key` replaces that key: keep one of the two",
        ),
        ("ttl = 1, cache_err = f", "`cache_err` needs a lifetime for the errors: add `err_ttl = \"5s\"`"),
        ("ttl = 1, err_ttl = 5", ERR_TTL_ALONE),
        ("ttl = 1, err_ttl = LIMIT", ERR_TTL_ALONE),
        ("ttl = forever, jitter = 0.2", "`ttl = forever` has no end to bring forward: remove `jitter`"),
        (
            "ttl = forever, stale = 1",
            "`stale` has no effect, because `ttl = forever` never ends: remove it, or write a ttl",
        ),
        (
            "ttl = forever, early = off",
            "`early` has no effect, because `ttl = forever` never ends: remove it, or write a ttl",
        ),
        (
            "ttl = forever, refresh = background",
            "`refresh` has no effect, because `ttl = forever` never ends: remove it, or write a ttl",
        ),
        ("ttl = 5, ttl = |value| value.ttl", "`ttl` is given twice: keep one"),
        (
            "ttl = 1, negative_ttl = |value| value.ttl",
            "`negative_ttl` is a duration and takes no closure: write `negative_ttl = \"5m\"`",
        ),
        (
            "ttl = 1, early = off, refresh = background",
            "without `stale` and with `early = off` nothing is refreshed: add `stale = \"1m\"`, or remove `early = off`",
        ),
        (
            "ttl = 1, tier = everywhere",
            "`tier` takes one of a few words: write `tier = both` or `tier = local` or `tier = shared`",
        ),
        ("ttl = 1, tier = local, codec = json", "`tier = local` encodes nothing: remove `codec`"),
        (
            "ttl = 1, tier = local, erase",
            "`tier = local` stores nothing that outlives its invalidation: remove `erase`",
        ),
        (
            "ttl = 1, tier = local, local_ttl = 1",
            "with `tier = local`, `ttl` is the lifetime already: remove `local_ttl`",
        ),
        ("ttl = 1, tier = shared, local_ttl = 1", "`tier = shared` stores nothing in this process: remove `local_ttl`"),
        (
            "ttl = 1, tier = shared, idle = 1",
            "`tier = shared` stores nothing in this process, and `idle` counts its reads: remove `idle`",
        ),
        (
            "ttl = 1, batch(id), handle = x",
            "`handle` is not available with `batch`: put it on the function of one element",
        ),
        (
            "ttl = 1, batch(ids)",
            "there is no parameter `ids`: write the list of ids, as `batch(ids)`; did you mean `id`?",
        ),
        (
            "ttl = 1, batch(id), skip(id)",
            "`id` is the batch and must be in the key: add `{id}`, one element of it, to `key`",
        ),
        ("ttl = 1, ttl = 2", "`ttl` is given twice: keep one"),
        ("ttl = 1, capacity = 0", "`capacity` is zero: write at least 1"),
        ("ttl = 1, max_bytes = 0", "`max_bytes` is zero, so nothing could be stored: write `max_bytes = \"64MiB\"`"),
        (
            "ttl = 1, max_bytes = \"0KiB\"",
            "`max_bytes` is zero, so nothing could be stored: write `max_bytes = \"64MiB\"`",
        ),
        ("ttl = 1, max_bytes = \"64MB\"", BYTES),
        ("ttl = 1, max_bytes = \"-1B\"", BYTES),
        ("ttl = 1, max_bytes = \"99999999999GiB\"", BYTES),
        ("ttl = 1, max_bytes = LIMIT", BYTES),
        ("ttl = 1, tier = shared, max_bytes = 9", "`tier = shared` stores nothing in this process: remove `max_bytes`"),
        ("ttl = 1, tier = shared, weigh = |_| 9", "`tier = shared` stores nothing in this process: remove `weigh`"),
        ("ttl = 1, weigh = 9", "`weigh` takes a function: write `weigh = |value| value.len()` or the path of one"),
        ("ttl = 1, handle = a::b", "`handle` takes a name: write `handle = users`"),
        (
            "ttl = 1, refresh = backgroud",
            "`refresh` takes one of a few words: write `refresh = caller` or `refresh = background`; did you mean `background`?",
        ),
        (
            "ttl = 1, load = tsk",
            "`load` takes one of a few words: write `load = caller` or `load = task`; did you mean `task`?",
        ),
        ("ttl = 1, batch(id), load = task", "`load` is not available with `batch`: remove it"),
        (
            "ttl = 1, batch(id), single_flight = fleet",
            "`single_flight = fleet` is not available with `batch`, whose calls load other ids in each process: \
             remove it, or put it on the function of one element",
        ),
        ("ttl = 1, merge = 1", "`merge` merges calls of a function for many ids: add `batch(ids)`, the list of ids"),
        ("ttl = 1, batch(id), merge_max = 9", "`merge_max` bounds what `merge` brings together: add `merge = \"2ms\"`"),
        (
            "ttl = 1, batch(id), merge = 1, single_flight = off",
            "`merge` shares one run of the body, and `single_flight = off` gives each call its own: keep one of the two",
        ),
    ] {
        fails(attribute, args, GET_USER, &[expected]);
    }
}

#[test]
fn options_that_contradict_the_function_are_errors() {
    for (args, item, expected) in [
        (
            "ttl = 1, load_timeout = 1",
            "fn f(id: u8) -> u8 { 1 }",
            "`load_timeout` cannot interrupt a sync function: make it `async`, or bound the work inside",
        ),
        (
            "ttl = 1, refresh = background",
            "fn f(id: u8) -> u8 { 1 }",
            "`refresh = background` needs an `async fn`: make it one, or write `refresh = caller`",
        ),
        (
            "ttl = 1, load = task",
            "fn f(id: u8) -> u8 { 1 }",
            "`load = task` needs an `async fn`: make it one, or write `load = caller`",
        ),
        (
            "ttl = 1, load = task",
            "async fn f(id: &impl Id) -> u8 { 1 }",
            "`load = task` must own `id`: give its type a name instead of `&impl ..`",
        ),
        (
            "ttl = 1, handle = h",
            "fn f((a, b): (u8, u8)) -> u8 { 1 }",
            "`handle` needs plain parameters: write `name: Type`, and destructure it in the body",
        ),
        (
            "ttl = 1, skip(pgae)",
            "fn f(page: u8) -> u8 { 1 }",
            "there is no parameter `pgae` to skip: remove it from `skip`; did you mean `page`?",
        ),
        ("ttl = 1, skip(self)", "fn f(page: u8) -> u8 { 1 }", "there is no `self` to skip: remove it from `skip`"),
    ] {
        fails(attribute, args, item, &[expected]);
    }
}

#[test]
fn a_forgotten_parameter_is_an_error() {
    let item = "fn list(user: u64, page: u32, (a, _): (u8, u8), _: Trace) -> Vec<u8> { vec![] }";
    let forgotten = |name: &str| {
        format!(
            "`{name}` is not in the key, so two calls that differ only in it would share one entry: \
             add `{{{name}}}` to `key`, or `skip({name})` if it does not change the result"
        )
    };
    fails(attribute, "ttl = 1, key = \"list:{user}\"", item, &[&forgotten("page"), &forgotten("a")]);
    fails(attribute, "ttl = 1, key = \"list:{user}:{a}\", skip(page)", item, &[]);
    fails(
        attribute,
        "ttl = 1, key = \"list:{user}:{a}:{page}\", skip(page)",
        item,
        &["`page` is in the key and skipped: keep one of the two"],
    );
}

#[test]
fn the_replaced_value_needs_a_name_and_a_value_that_stays() {
    for (args, expected) in [
        ("previous(old)", "`previous` needs a value that stays when its ttl has passed: add `keep_expired = \"1h\"`"),
        ("keep_expired = 1", "`keep_expired` keeps a value for `previous` alone: add `previous(old)`, or remove it"),
        ("previous(id), keep_expired = 1", "there is a parameter `id` already: give the replaced value another name"),
        ("previous(), keep_expired = 1", "`previous` takes a name: write `previous(old)`"),
        ("previous(a, b), keep_expired = 1", "`previous` takes a name: write `previous(old)`"),
        ("previous = old, keep_expired = 1", "`previous` takes a name: write `previous(old)`"),
    ] {
        fails(attribute, &format!("ttl = 1, {args}"), "fn get(id: u64) -> u64 { id }", &[expected]);
    }
    for args in ["ttl = 1, previous(old), stale = 1", "ttl = forever, previous(old)"] {
        fails(attribute, args, "fn get(id: u64) -> u64 { id }", &[]);
    }
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    for (below, expected) in [
        ("cacheable(ttl = 1)", "`cacheable` is here twice: keep one"),
        (
            "fastness::cache_put(ttl = 1)",
            "a hit would skip `cache_put`: put it on the function that writes, or keep only `cacheable`",
        ),
        ("cache_invalidate(\"a:*\")", "a hit would skip `cache_invalidate`: put it on the function that writes"),
        ("fallback(f)", "the answer of the fallback would be cached: put `#[fallback]` above `#[cacheable]`"),
    ] {
        fails(attribute, "ttl = 1", &format!("#[{below}] {GET_USER}"), &[expected]);
    }
    fails(attribute, "ttl = 1", &format!("#[retry] #[circuit_breaker(name = \"x\")] {GET_USER}"), &[]);
}
