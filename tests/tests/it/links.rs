//! Relative links in the project's pages: each one's target exists.

use std::fs;
use std::path::Path;

use super::markdown::{anchors, files, prose, root, without_code};

#[test]
fn every_relative_link_has_a_target() {
    let root = root();
    let mut pages: Vec<_> = ["README", "ARCHITECTURE", "DESIGN", "CHANGELOG", "CONTRIBUTING", "SECURITY"]
        .map(|name| root.join(name).with_extension("md"))
        .into();
    pages.extend(files(&root.join("docs"), "md"));
    pages.extend(files(&root.join("findings"), "md"));
    let broken: Vec<_> = pages
        .iter()
        .flat_map(|page| {
            let text = fs::read_to_string(page).unwrap();
            let name = page.strip_prefix(&root).unwrap().display().to_string();
            links(&text).into_iter().filter_map(move |link| Some(format!("{name}: {}", broken(page, &link)?)))
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The targets of the links in a page, code left out.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(page).lines().map(without_code) {
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        found.extend(inline.map(|(target, _)| target.trim().to_owned()));
        if line.starts_with('[')
            && let Some((_, target)) = line.split_once("]: ")
        {
            found.push(target.trim().to_owned());
        }
    }
    found
}

/// The fault in a link of this page, if it has one.
fn broken(page: &Path, link: &str) -> Option<String> {
    if ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { page.to_owned() } else { page.parent()?.join(path) };
    if !target.exists() {
        return Some(format!("there is no file `{link}`"));
    }
    let anchor = anchor?;
    let text = fs::read_to_string(&target).unwrap_or_default();
    (!anchors(&text).iter().any(|own| own == anchor)).then(|| format!("there is no heading for `{link}`"))
}

#[test]
fn links_are_found_outside_of_code() {
    let page = "[a](b.md) and [`c`](d.md#e)\n```text\n[f](g)\n```\n`[h](i)`\n[j]: k.md";
    assert_eq!(links(page), ["b.md", "d.md#e", "k.md"]);
}

#[test]
fn a_broken_link_is_reported() {
    let page = root().join("README.md");
    for good in ["#fastness", "DESIGN.md", "DESIGN.md#the-papers", "docs/", "https://example.org/nowhere"] {
        assert_eq!(broken(&page, good), None);
    }
    assert_eq!(broken(&page, "DESING.md").as_deref(), Some("there is no file `DESING.md`"));
    assert_eq!(
        broken(&page, "DESIGN.md#the-papery").as_deref(),
        Some("there is no heading for `DESIGN.md#the-papery`")
    );
    assert!(broken(&page, "#nowhere").is_some());
}
