//! Options that are unknown, missing, repeated or ill-formed.

use fastness::cacheable;

#[cacheable]
fn no_options() -> u8 { 1 }

#[cacheable()]
fn no_ttl() -> u8 { 1 }

#[cacheable(ttl = 300, tll = 5)]
fn misspelt() -> u8 { 1 }

#[cacheable(ttl = 300, attempts = 3)]
fn of_another_attribute() -> u8 { 1 }

#[cacheable(ttl = 300, ttl = 5)]
fn twice() -> u8 { 1 }

#[cacheable(ttl)]
fn no_value() -> u8 { 1 }

#[cacheable(300)]
fn no_name() -> u8 { 1 }

#[cacheable(ttl = 300, tier = everywhere)]
async fn no_such_tier() -> u8 { 1 }

#[cacheable(ttl = 300, codec = jason)]
async fn no_such_codec() -> u8 { 1 }

#[cacheable(ttl = 300, tier = local, codec = json)]
async fn local_encodes_nothing() -> u8 { 1 }

#[cacheable(ttl = 300, tier = local, erase)]
async fn local_leaves_nothing() -> u8 { 1 }

#[cacheable(ttl = 300, erase = true)]
async fn erase_has_no_value() -> u8 { 1 }

#[cacheable(ttl = 300, erase)]
fn erase_without_a_tier() -> u8 { 1 }

#[cacheable(ttl = 300, tier = shared, local_ttl = 5)]
async fn shared_keeps_nothing() -> u8 { 1 }

#[cacheable(ttl = 300, tier = shared, idle = "10m")]
async fn shared_has_no_reads() -> u8 { 1 }

#[cacheable(ttl = 300, max_bytes = "64MB")]
async fn bytes_have_units_of_1024() -> u8 { 1 }

#[cacheable(ttl = 300, codec = json)]
fn codec_without_a_tier() -> u8 { 1 }

#[cacheable(ttl = 300, single_flight = fleet)]
fn fleet_without_a_tier() -> u8 { 1 }

#[cacheable(ttl = 300, max_stale = 1)]
async fn max_stale_is_of_the_cache() -> u8 { 1 }

#[cacheable(ttl = 300, single_flight = maybe)]
fn no_such_choice() -> u8 { 1 }

#[cacheable(ttl = 300, early = sometimes)]
fn no_such_early() -> u8 { 1 }

#[cacheable(ttl = 300, capacity = 0)]
fn no_room() -> u8 { 1 }

#[cacheable(ttl = 300, capacity = "many")]
fn capacity_in_words() -> u8 { 1 }

#[cacheable(ttl = 300, jitter = 2)]
fn too_much_jitter() -> u8 { 1 }

#[cacheable(ttl = 300, jitter = "80%")]
fn too_much_jitter_in_percent() -> u8 { 1 }

#[cacheable(ttl = 300, cache_err = |_| true)]
async fn no_err_ttl() -> Result<u8, String> { Ok(1) }

#[cacheable(ttl = 300, err_ttl = 5)]
async fn no_cache_err() -> Result<u8, String> { Ok(1) }

#[cacheable(ttl = 300, key = "a", prefix = "b")]
fn key_and_prefix() -> u8 { 1 }

#[cacheable(ttl = 300, key = name)]
fn key_is_no_text() -> u8 { 1 }

#[cacheable(ttl = 300, early = off, refresh = background)]
async fn nothing_to_refresh() -> u8 { 1 }

#[derive(Clone, Debug)]
struct Users;

impl Users {
    #[cacheable(ttl = 300, stale = "1m", refresh = background, skip(self))]
    async fn formats_self(&self, id: u64) -> String { format!("{self:?} {id}") }
}

#[cacheable(ttl = 300, load_timeout = "1s")]
fn sync_timeout() -> Result<u8, String> { Ok(1) }

#[cacheable(tll = 300, kee = "a", key = "b:{nope}")]
fn all_at_once(id: u8) -> u8 { id }

#[cacheable("user:{id}", ttl = 300)]
fn key_without_its_name(id: u8) -> u8 { id }

#[cacheable(ttl_secs = 300, max_size = 10)]
fn names_of_another_crate(id: u8) -> u8 { id }

#[cacheable(ttl = 300, capacity = room)]
fn capacity_of_a_parameter(room: usize) -> usize { room }

#[cacheable(ttl = 300, key = "user:{ids}", batch(ids))]
fn a_list_for_a_list(ids: &[u8]) -> Result<Vec<u8>, String> { Ok(ids.to_vec()) }

#[cacheable(ttl = 300, tags = |user| [user])]
fn tags_without_patterns(id: u8) -> String { id.to_string() }

#[cacheable(ttl = 300, tag_patterns = ["team:{id}"])]
fn patterns_without_tags(id: u8) -> String { id.to_string() }

#[cacheable(ttl = 300, tags = "users", tag_patterns = ["team:{id"])]
fn tags_of_another_form(id: u8) -> String { id.to_string() }

#[cacheable(ttl = 300, tags = [7, |user| [user], all_of], tag_patterns = ["team:*"])]
fn two_functions(id: u8) -> String { id.to_string() }

fn main() {
    // The functions exist after an error, so no further error says that they are missing.
    let _ = (no_options(), misspelt(), twice(), all_at_once(1));
}
