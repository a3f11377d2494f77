//! Writes the tables of options in rustdoc and in the guide from the rows, and checks that they are up to date.
//!
//! Run the tests with `UPDATE_DOCS=1` to write them again.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use super::{
    Given, Options, read_all,
    row::{Effects, Group, Row},
    tables,
};
use crate::{cache_invalidate, diag::Diag};

/// The largest number of options in one table. An attribute with more has a table for each group.
const IN_ONE_TABLE: usize = 12;

/// The head of `rustdoc.rs`.
const HEAD: &str = "\
//! The tables of options in the documentation of the attributes, written from the rows in `options/tables`: change those.
//!
//! May use: links.

/// The options of an attribute, as a paragraph of Markdown.
#[rustfmt::skip]
macro_rules! options_of {
";

const END: &str = "<!-- end of options -->\n";

/// The page of the effects of options together with others, and the lines around their tables.
const EFFECTS: (&str, &str, &str) = (
    "docs/guide/lifetimes.md",
    "<!-- effects of options, written from the rows in macros/src/options/tables -->\n",
    "<!-- end of effects -->\n",
);

fn begin(attribute: &str) -> String {
    format!("<!-- options of {attribute}, written from the rows in macros/src/options/tables -->\n")
}

fn cell(row: &Row) -> String {
    row.written.iter().map(|way| code(way)).collect::<Vec<_>>().join(", ")
}

fn code(way: &str) -> String {
    format!("`{}`", way.replace('|', "\\|"))
}

/// Reads the effect of a way to write an option beside one companion.
type EffectFn = fn(&Effects) -> &'static str;

/// The tables of effects: one for each way to write an option, with a row for each companion.
fn effects() -> String {
    let companions: [(&str, EffectFn); 7] = [
        ("`batch(..)`", |effects| effects.batch),
        ("`single_flight = fleet`", |effects| effects.fleet),
        ("`stale`, `stale_if_error`", |effects| effects.stale),
        ("`early`", |effects| effects.early),
        ("both tiers", |effects| effects.tiers),
        ("absences and errors", |effects| effects.negatives),
        ("a rolling deploy", |effects| effects.deploy),
    ];
    let table = |effects: &Effects| {
        let rows = companions.map(|(title, text)| format!("| {title} | {} |\n", text(effects)));
        format!("| beside | effect of {} |\n|---|---|\n{}", code(effects.written), rows.concat())
    };
    tables::all().flat_map(|row| row.effects).map(table).collect::<Vec<_>>().join("\n")
}

fn line(row: &Row) -> String {
    format!("| {} | {} | {} |\n", cell(row), row.default, row.meaning).replace("|  |", "| |")
}

/// The tables of one attribute.
fn tables_of(attribute: &str) -> String {
    let second = if attribute == "index" { "where" } else { "default" };
    let many = tables::rows(attribute).count() > IN_ONE_TABLE;
    let mut text = String::new();
    for Group { title, rows } in tables::groups() {
        let mut rows = rows.iter().filter(|row| row.of.contains(&attribute)).peekable();
        if rows.peek().is_none() {
            continue;
        }
        if text.is_empty() || (many && !title.is_empty()) {
            if many && !title.is_empty() {
                text.extend([if text.is_empty() { "" } else { "\n" }, title, "\n\n"]);
            }
            text.extend(["| option | ", second, " | meaning |\n|---|---|---|\n"]);
        }
        text.extend(rows.map(line));
    }
    text
}

/// A Rust expression for the text, in which links between pages of the guide are links to its modules in rustdoc.
fn expression(text: &str) -> String {
    let hashes = if text.contains("\"#") { "##" } else { &"#"[..usize::from(text.contains('"'))] };
    let mut parts = text.split("](");
    let mut literal = parts.next().unwrap_or_default().to_owned();
    let mut literals = Vec::new();
    for part in parts {
        let (link, after) = part.split_once(')').expect("a link ends");
        let (page, heading) = link.split_once(".md").expect("a link leads to a page of the guide");
        literals.push(literal + "](");
        literal = format!("{}/index.html{heading}){after}", page.replace('-', "_"));
    }
    literals.push(literal);
    let quoted: Vec<_> = literals.iter().map(|literal| format!("r{hashes}\"{literal}\"{hashes}")).collect();
    if let [quoted] = &quoted[..] { quoted.clone() } else { format!("concat!({})", quoted.join(", guide_root!(), ")) }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn attributes() -> BTreeSet<&'static str> {
    tables::all().flat_map(|row| row.of).copied().collect()
}

/// Compares a file with its expected text, or writes it.
fn hold(path: &Path, expected: &str) {
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, expected).expect("the file can be written");
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(found == expected, "{} differs from the rows: write it anew with UPDATE_DOCS=1", path.display());
}

#[test]
fn rustdoc_has_the_rows() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let arms = attributes().into_iter().map(|attribute| {
        // Two empty lines: rustdoc removes the last one, and only an empty line ends a table.
        let text = expression(&format!("\n{}\n\n", tables_of(attribute)));
        format!("    ({attribute}) => {{\n        {text}\n    }};\n")
    });
    hold(&source.join("rustdoc.rs"), &format!("{HEAD}{}}}\n", arms.collect::<String>()));
    let lib = fs::read_to_string(source.join("lib.rs")).unwrap();
    for attribute in attributes() {
        let shown = format!("#[doc = options_of!({attribute})]");
        assert!(lib.contains(&shown), "`{attribute}` is documented without its options: write {shown} in lib.rs");
    }
}

#[test]
fn the_guide_has_the_rows() {
    let mut described = BTreeSet::new();
    for entry in fs::read_dir(root().join("docs/guide")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(page) = fs::read_to_string(&path) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut expected = page;
        for attribute in attributes() {
            let begin = begin(attribute);
            let Some((before, rest)) = expected.split_once(&begin) else { continue };
            assert!(described.insert(attribute), "the options of `{attribute}` stand on two pages");
            let after = rest.split_once(END).unwrap_or_else(|| panic!("{name}: `{begin}` has no `{END}`")).1;
            let tables = tables_of(attribute).replace(&format!("]({name}#"), "](#");
            expected = format!("{before}{begin}{tables}{END}{after}");
        }
        hold(&path, &expected);
    }
    assert_eq!(described, attributes(), "left: pages of the guide, right: rows");
}

#[test]
fn the_guide_has_the_effects_of_options() {
    let (page, begin, end) = EFFECTS;
    let path = root().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(begin).expect("the table begins");
    let after = rest.split_once(end).expect("the table ends").1;
    hold(&path, &format!("{before}{begin}{}{end}{after}", effects()));
}

/// The README's table shows each attribute with some options, which must be ones that the attribute has.
#[test]
fn the_readme_shows_options_that_exist() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| [`#[")?.split_once("]`]"));
    let mut seen = BTreeSet::new();
    for (code, _) in rows {
        let (name, args) = code.split_once('(').map_or((code, ""), |(name, args)| (name, args.trim_end_matches(')')));
        let Some(attribute) = attributes().into_iter().find(|attribute| *attribute == name) else { continue };
        let (args, mut diag) = (args.replace(", ..", "").parse().unwrap(), Diag::default());
        if ["cache_invalidate", "cache_refresh"].contains(&attribute) {
            cache_invalidate::read(attribute, args, &mut diag);
        } else {
            Options::parse(attribute, args, &mut diag);
        }
        assert_eq!(diag.messages(), [""; 0], "README.md: #[{code}]");
        seen.insert(attribute);
    }
    assert!(seen.len() >= 11, "{seen:?}");
}

#[test]
fn no_row_is_incomplete() {
    for row in tables::all() {
        let whole = !row.of.is_empty() && !row.written.is_empty() && !row.meaning.is_empty();
        assert!(whole, "`{}` lacks an attribute, a way to write it or a meaning", row.name);
        for attribute in row.of.iter().filter(|_| row.name != super::UNNAMED) {
            let same = tables::rows(attribute).filter(|other| other.name == row.name).count();
            assert_eq!(same, 1, "`{}` of `{attribute}` has two rows", row.name);
            let starts = row.written.iter().all(|way| way.starts_with(row.name));
            assert!(starts, "`{}` is written as another option: {:?}", row.name, row.written);
        }
        for Effects { written, .. } in row.effects {
            assert!(row.written.contains(written), "`{}` is not written `{written}`: {:?}", row.name, row.written);
        }
    }
}

/// The forms that errors and tables show can be parsed.
#[test]
fn every_documented_form_of_an_option_can_be_parsed() {
    for row in tables::all().filter(|row| row.name != super::UNNAMED) {
        for (attribute, way) in row.of.iter().flat_map(|attribute| row.written.iter().map(move |way| (attribute, way)))
        {
            let (mut options, mut diag) = (Options::new(attribute), Diag::default());
            read_all(way.parse().unwrap(), &mut diag, |input, diag| {
                options.put(Given::parse(input)?, diag);
                Ok(())
            });
            assert_eq!(diag.messages(), [""; 0], "#[{attribute}({way})]");
            assert!(options.is_given(row.name), "#[{attribute}({way})]");
        }
    }
}
