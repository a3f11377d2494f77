use super::{distance, hint, nearest};

#[test]
fn swaps_insertions_and_replacements_count_as_one() {
    assert_eq!(distance("", ""), 0);
    assert_eq!(distance("ttl", "ttl"), 0);
    assert_eq!(distance("tll", "ttl"), 1);
    assert_eq!(distance("ttl", "tlt"), 1);
    assert_eq!(distance("", "abc"), 3);
    assert_eq!(distance("kitten", "sitting"), 3);
}

#[test]
fn the_nearest_is_found() {
    assert_eq!(nearest("jiter", ["ttl", "jitter", "key"]), Some("jitter"));
    assert_eq!(nearest("user_di", ["user_id", "user_ids"]), Some("user_id"));
}

#[test]
fn a_far_name_is_not_suggested() {
    assert_eq!(nearest("colour", ["ttl", "key"]), None);
    assert_eq!(nearest("x", []), None);
}

#[test]
fn a_hint_is_the_end_of_a_message() {
    assert_eq!(hint("idd", ["id"]), "; did you mean `id`?");
    assert_eq!(hint("page", ["id"]), "");
}
