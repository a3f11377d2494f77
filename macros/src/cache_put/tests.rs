use super::attribute;
use crate::snapshot::{expand, fails, matches};

#[test]
fn an_async_method_with_a_condition() {
    let item = "async fn save(&mut self, id: u64, user: User) -> Result<User, Error> { self.write(user).await }";
    matches("cache_put_async", &expand(attribute, "key = \"user:{id}\", ttl = 300, condition = id != 0", item));
}

#[test]
fn a_plain_function() {
    let item = "fn save(user: User) -> User { user }";
    matches("cache_put_sync", &expand(attribute, "key = \"user:{user.id}\", ttl = \"5m\", tags = [\"users\"]", item));
}

#[test]
fn each_mistake_is_one_error() {
    let item = "fn save(user: User) -> User { user }";
    fails(
        attribute,
        "",
        item,
        &[
            "`key` is missing: write the key of the function that reads the value, as `key = \"user:{id}\"`",
            "`ttl` is missing: write `ttl = 300` (seconds) or `ttl = \"5m\"`",
        ],
    );
    fails(
        attribute,
        "ttl = 1, key = \"u:{user.id}\", skip(user)",
        item,
        &["only `self` can be skipped here, as parameters need not be in the key: remove `user`"],
    );
    fails(
        attribute,
        "ttl = 1, key = \"u:{self.id}\", skip(self)",
        "fn save(&self) -> u8 { 1 }",
        &["`self` is in the key and skipped: keep one of the two"],
    );
    fails(
        attribute,
        "ttl = 1, key = \"u:{user.id}\"",
        "#[cache_put(ttl = 1)] #[cacheable(ttl = 1)] fn save(user: User) {}",
        &[
            "`cache_put` is here twice: keep one",
            "`cacheable` stores the value already, and a hit would be stored again: keep one of the two",
            "there is no value to cache: return one, or remove the attribute",
        ],
    );
}
