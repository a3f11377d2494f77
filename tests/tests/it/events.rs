//! Check of `docs/events.md`: it lists every event that the runtime logs, and no other.

use std::collections::BTreeSet;
use std::fs;

use crate::markdown::{files, root};

#[test]
fn the_page_lists_every_event() {
    let root = root();
    let mut logged = BTreeSet::new();
    for file in files(&root.join("runtime"), "rs") {
        let source = fs::read_to_string(&file).unwrap();
        logged.extend(source.split("tracing::").skip(1).filter_map(event));
    }
    let page = fs::read_to_string(root.join("docs/events.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let (level, event) = (cells.next()?, cells.next()?);
        ["error", "warn", "info", "debug"].contains(&level).then(|| (level.to_owned(), event.to_owned()))
    });
    let listed: BTreeSet<_> = rows.collect();
    assert_eq!(logged, listed, "left: the code, right: docs/events.md");
    let help = fs::read_to_string(root.join("docs/guide/troubleshooting.md")).unwrap();
    for (level, event) in listed.iter().filter(|(level, _)| level == "warn" || level == "error") {
        assert!(help.contains(&format!("\n| {event} | ")), "docs/guide/troubleshooting.md lacks the {level} `{event}`");
    }
}

/// The level and the message of an event that begins with `warn!(`: its last literal with several words.
fn event(call: &str) -> Option<(String, String)> {
    let (level, rest) = call.split_once("!(")?;
    let arguments = rest.split(");\n").next()?;
    let message = arguments.split('"').skip(1).step_by(2).filter(|text| text.contains(' ')).last()?;
    (level.len() <= 5).then(|| (level.to_owned(), message.trim_end_matches(": {}").to_owned()))
}
