use std::collections::BTreeSet;

use super::*;
use crate::foreign::{Exposed, allowed, violations};

fn exposed(crates: &[&str]) -> Exposed {
    let foreign = crates.iter().map(|name| ((*name).to_owned(), BTreeSet::from([format!("{name}::Type")]))).collect();
    Exposed { foreign, ..Exposed::default() }
}

#[test]
fn a_list_differs_by_the_lines_that_one_side_has() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(difference("a\nb\n", "a\nc\n").as_deref(), Some("-b\n+c"));
}

#[test]
fn a_crate_needs_a_reason_and_a_use() {
    let rows = allowed("# heading\n\nhttp: its types\nbytes: bodies\n").expect("two rows");
    assert_eq!(violations(&exposed(&["bytes", "http"]), &rows), Vec::<String>::new());
    let faults = violations(&exposed(&["http", "redis"]), &rows);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("`redis` (redis::Type)"), "{faults:?}");
    assert!(faults[1].starts_with("no public signature names `bytes`"), "{faults:?}");
    assert!(allowed("http\n").is_err_and(|error| error.contains("has no reason")));
}
