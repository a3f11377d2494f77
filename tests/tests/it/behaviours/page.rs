//! Check of `docs/behaviours.md` against the sources: each row says whether the behaviour is the same here, and names the test that checks
//! it, the page that describes the difference, the reason why it is missing, or the fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::markdown::{root, without_code};

/// The fewest rows that the page may have.
const LEAST: usize = 250;

/// One behaviour, as the page lists it.
struct Row<'a> {
    id: &'a str,
    peer: &'a str,
    behaviour: &'a str,
    here: &'a str,
    held_by: &'a str,
}

/// The rows of the page: lines whose first cell is a letter and a number.
fn cells(line: &str) -> Option<Vec<&str>> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let number = cells[0].strip_prefix(|letter: char| letter.is_ascii_uppercase())?;
    number.parse::<u32>().is_ok().then_some(cells)
}

fn rows(page: &str) -> Vec<Row<'_>> {
    let of = |cells: Vec<_>| {
        let [id, peer, behaviour, here, held_by] = cells[..] else { panic!("not five cells: {cells:?}") };
        Row { id, peer, behaviour, here, held_by }
    };
    page.lines().filter_map(cells).map(of).collect()
}

/// The names of the tests in a source.
fn tests_in(source: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let Some(name) = function.and_then(|rest| rest.split_once('(')).filter(|_| is_test) {
            names.insert(name.0);
            is_test = false;
        }
    }
    names
}

/// The parts between backticks that look like a test or a test's file.
fn named(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2).filter(|text| text.contains('/') && text.contains(".rs"))
}

/// The fault in the name of a test, such as `tests/tests/it/stale.rs::its_name`, or of a file.
fn missing(root: &Path, name: &str) -> Option<String> {
    let (file, test) = name.split_once("::").map_or((name, None), |(file, test)| (file, Some(test)));
    let Ok(source) = fs::read_to_string(root.join(file)) else { return Some(format!("there is no file `{file}`")) };
    let test = test?;
    (!tests_in(&source).contains(test)).then(|| format!("there is no test `{test}` in {file}"))
}

fn wrong(root: &Path, row: &Row<'_>) -> Option<String> {
    if row.peer.is_empty() || row.behaviour.split(' ').count() < 2 {
        return Some("whose behaviour is it, and which?".to_owned());
    }
    if let Some(missing) = named(row.held_by).find_map(|name| missing(root, name)) {
        return Some(missing);
    }
    let has_test = named(row.held_by).next().is_some();
    let has_page = without_code(row.held_by).contains("](");
    match row.here {
        "same" if !has_test => Some("no test holds it".to_owned()),
        "different" if !has_page => Some("no page says it: link to one".to_owned()),
        "missing" | "wrong" if row.held_by.split(' ').count() < 3 => {
            Some("no reason, or nothing that is seen".to_owned())
        }
        "same" | "different" | "missing" | "wrong" => None,
        other => Some(format!("`{other}` is not `same`, `different`, `missing` or `wrong`")),
    }
}

#[test]
fn every_row_has_its_test_its_page_or_its_reason() {
    let root = root();
    let page = fs::read_to_string(root.join("docs/behaviours.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() >= LEAST, "{} rows", rows.len());
    let faults: Vec<_> = rows.iter().filter_map(|row| Some(format!("{}: {}", row.id, wrong(&root, row)?))).collect();
    assert!(faults.is_empty(), "docs/behaviours.md:\n{}", faults.join("\n"));

    let mut of_each = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for row in &rows {
        assert!(ids.insert(row.id), "`{}` is there twice", row.id);
        *of_each.entry(row.here).or_insert(0) += 1;
    }
    let count = |here| of_each.get(here).copied().unwrap_or(0);
    let said = format!(
        "**{} behaviours: {} the same, {} different, {} missing, {} wrong.**",
        rows.len(),
        count("same"),
        count("different"),
        count("missing"),
        count("wrong")
    );
    assert!(page.contains(&said), "docs/behaviours.md does not say: {said}");
}

#[test]
fn faults_in_rows_are_reported() {
    let root = root();
    let told = |cells: &str| {
        let line = format!("| A1 | moka | it is so | {cells} |");
        wrong(&root, &rows(&line)[0])
    };
    let own = "`tests/tests/it/behaviours/page.rs::faults_in_rows_are_reported`";
    assert_eq!(told(&format!("same | {own}")), None);
    assert_eq!(told("same | nothing").as_deref(), Some("no test holds it"));
    assert_eq!(
        told("same | `tests/tests/it/behaviours/page.rs::rows`").as_deref(),
        Some("there is no test `rows` in tests/tests/it/behaviours/page.rs")
    );
    assert_eq!(told("same | `tests/nowhere.rs::a`").as_deref(), Some("there is no file `tests/nowhere.rs`"));
    assert_eq!(told("different | [the guide](guide/keys.md)"), None);
    assert_eq!(told(&format!("different | {own}")).as_deref(), Some("no page says it: link to one"));
    assert_eq!(told("missing | a cache is no store"), None);
    assert!(told("missing | -").is_some() && told("wrong | yes").is_some());
    assert!(told("perhaps | who knows it").is_some());
    assert_eq!(rows("| # | there | behaviour | here | |\n|---|---|\n| moka | x | y |").len(), 0);
}
