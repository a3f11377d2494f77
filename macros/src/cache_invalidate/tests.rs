use super::{attribute, refresh};
use crate::snapshot::{expand, fails, matches};

#[test]
fn every_kind_of_target() {
    let item = "async fn rename(&self, id: u64, name: &str) -> Result<(), Error> { self.write(id, name).await }";
    let args = "\"user:{id}\", \"users:*\", tags = [\"t:{id}\"], users(id), api::all(&id, name.len() + 1), self.own(id), when = always, before";
    matches("cache_invalidate_async", &expand(attribute, args, item));
}

#[test]
fn sync_and_skipped_receiver() {
    let item = "fn clear(&mut self, id: u64) { self.map.remove(&id); }";
    matches("cache_invalidate_sync", &expand(attribute, "\"user:{id}:*\", skip(self)", item));
}

#[test]
fn a_refresh_has_the_same_targets() {
    let item = "async fn publish(id: u64) -> Result<(), Error> { write(id).await }";
    matches("cache_refresh_async", &expand(refresh, "\"rate:{id}\", tags = [\"t:{id}\"], rates(id)", item));
}

#[test]
fn a_refresh_names_itself_in_its_errors() {
    for (args, below, expected) in [
        (
            "",
            "inline",
            "there is nothing to refresh: write a pattern such as `#[cache_refresh(\"user:{id}\")]`, `tags = [..]`, or a handle such as `users(id)`",
        ),
        (
            "\"a:*\", all",
            "inline",
            "a refresh of everything does not say which entries it reaches: write the first segment of their keys, as `#[cache_refresh(\"users:*\")]`",
        ),
        ("\"a:*\", befor", "inline", "`cache_refresh` has no option `befor`: did you mean `before`?"),
        (
            "\"a:*\"",
            "cacheable(ttl = 1)",
            "every hit would refresh: put `#[cache_refresh]` on the function that writes",
        ),
        ("\"a:*\"", "cache_refresh(\"b:*\")", "`cache_refresh` is here twice: write one with both patterns"),
    ] {
        fails(refresh, args, &format!("#[{below}] fn f() {{}}"), &[expected]);
    }
}

#[test]
fn each_mistake_is_one_error() {
    let item = "fn rename(id: u64) {}";
    for (args, expected) in [
        (
            "",
            "there is nothing to invalidate: write a pattern such as `#[cache_invalidate(\"user:{id}\")]`, `tags = [..]`, or a handle such as `users(id)`",
        ),
        ("\"user:{i}\"", "there is no parameter `i`: did you mean `{id}`?"),
        ("\"a:*\", when = never", "`when` takes one of a few words: write `when = ok` or `when = always`"),
        ("\"a:*\", before = true", "`before` takes no value: write `before` alone"),
        ("\"a:*\", skip(id)", "only `self` can be skipped here, as parameters need not be in the key: remove `id`"),
        (
            "\"a:*\", 3 + 4",
            "this is not a target: write a pattern such as `\"user:{id}\"`, or a handle such as `users(id)`",
        ),
        ("\"a:*\", befor", "`cache_invalidate` has no option `befor`: did you mean `before`?"),
        ("\"a:*\", tags = \"x\"", "`tags` is a list: write `tags = [\"team:{id}\"]`"),
    ] {
        fails(attribute, args, item, &[expected]);
    }
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    for (below, expected) in [
        ("cache_invalidate(\"b:*\")", "`cache_invalidate` is here twice: write one with both patterns"),
        ("cacheable(ttl = 1)", "every hit would invalidate: put `#[cache_invalidate]` on the function that writes"),
    ] {
        fails(attribute, "\"a:*\"", &format!("#[{below}] fn f() {{}}"), &[expected]);
    }
}
