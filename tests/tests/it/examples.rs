//! Public items that users construct, configure or apply: each has an example.

use std::fs;

use crate::markdown::{files, root};

/// Endings of the names of items that users construct or configure.
const WRITTEN: [&str; 5] = ["Builder", "Settings", "Layer", "Options", "Guard"];

/// The public items at the left edge of a file that this kind of line declares, each with its documentation.
fn items(text: &str, keyword: &str) -> Vec<(String, String)> {
    let (mut found, mut docs) = (Vec::new(), String::new());
    for line in text.lines().take_while(|line| !line.starts_with("mod tests {")) {
        if let Some(doc) = line.strip_prefix("///") {
            docs.push_str(doc);
        } else if let Some(rest) = line.strip_prefix(keyword) {
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            found.push((name.to_owned(), std::mem::take(&mut docs)));
        } else if !line.starts_with("#[") && !line.starts_with(' ') && !line.starts_with(')') {
            docs.clear();
        }
    }
    found
}

fn without_example(items: impl IntoIterator<Item = (String, String)>) -> Vec<String> {
    items.into_iter().filter(|(_, docs)| !docs.contains("```")).map(|(name, _)| name).collect()
}

#[test]
fn every_attribute_has_an_example() {
    let text = fs::read_to_string(root().join("macros/src/lib.rs")).unwrap();
    let mut attributes = items(&text, "pub fn ");
    // `guide_page` is hidden: it includes the guide's pages in the facade's documentation.
    attributes.retain(|(name, _)| name != "guide_page");
    assert!(attributes.len() >= 13, "{attributes:?}");
    assert_eq!(without_example(attributes), [""; 0]);
}

#[test]
fn everything_that_is_built_or_configured_has_an_example() {
    let files = files(&root().join("runtime"), "rs");
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let mut structs: Vec<_> = texts.flat_map(|text| items(&text, "pub struct ")).collect();
    structs.retain(|(name, _)| WRITTEN.iter().any(|end| name.ends_with(end)));
    assert!(structs.len() >= 13, "{}", structs.len());
    assert_eq!(without_example(structs), [""; 0]);
}
