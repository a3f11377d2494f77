//! Headings, links and code blocks of Markdown files, for the tests of the documentation.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// The files below a folder whose names end like this, in order.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The text outside of code blocks.
pub(crate) fn prose(page: &str) -> String {
    let (mut prose, mut fence) = (String::new(), None);
    for line in page.lines() {
        let start = line.trim_start();
        match fence {
            None if start.starts_with("```") => fence = Some("```"),
            Some(end) if start.starts_with(end) => fence = None,
            None => prose.extend([line, "\n"]),
            Some(_) => {}
        }
    }
    prose
}

/// The code of all blocks that are Rust's.
pub(crate) fn examples(page: &str) -> String {
    let (mut code, mut inside) = (String::new(), None);
    for line in page.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(language), None) => inside = Some(language.starts_with("rust")),
            (Some(_), Some(_)) => inside = None,
            (None, Some(true)) => code.extend([line, "\n"]),
            (None, _) => {}
        }
    }
    code
}

/// The text without what stands between backticks.
pub(crate) fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The names by which GitHub knows a page's headings.
pub(crate) fn anchors(page: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = prose(page);
    let headings = headings.lines().filter_map(|line| {
        let text = line.trim_start_matches('#');
        let level = line.len() - text.len();
        ((1..=6).contains(&level) && text.starts_with(' ')).then(|| slug(text.trim()))
    });
    headings
        .map(|slug| {
            let count = seen.entry(slug.clone()).or_default();
            *count += 1;
            if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
        })
        .collect()
}

/// Letters, digits, hyphens and underscores in lower case, with hyphens for spaces; of a link, its text.
fn slug(heading: &str) -> String {
    let (mut text, mut rest) = (String::new(), heading);
    while let Some((before, link)) = rest.split_once("](") {
        text += before;
        rest = link.split_once(')').map_or("", |(_, after)| after);
    }
    text += rest;
    let kept = text.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn examples_are_found_beside_other_code() {
    let page = "a\n```rust,no_run\nlet b;\n```\nc\n```text\n# d\n```\n```rust\n# e\n```\n";
    assert_eq!(examples(page), "let b;\n# e\n");
}

#[test]
fn headings_have_the_anchors_of_github() {
    let page = "# `#[cacheable]`\n## When *not* to use it?\n```text\n# no heading\n```\n#none\n## A\n## A\n### [B & c](x.md), d_e";
    assert_eq!(anchors(page), ["cacheable", "when-not-to-use-it", "a", "a-1", "b--c-d_e"]);
}
