//! Turns a page of `docs` into documentation of the facade.
//!
//! On GitHub a link leads from file to file. In rustdoc each page is a module below `fastness::guide`, so a link to a page becomes the
//! path of its module, which rustdoc checks. A link to a file that the package does not hold becomes plain text, and a picture becomes
//! a `data:` address that contains it.
//!
//! May use: nothing of this crate.

#[cfg(test)]
mod tests;

use std::{env, fs, path::Path};

use proc_macro2::{Literal, TokenStream, TokenTree};
use quote::quote;

/// Pages beside `docs/guide` that are modules too.
const BESIDE: [&str; 3] = ["benchmarks.md", "events.md", "metrics.md"];

/// Expands to the text of a page, named by its path below the `docs` of the crate that is compiled.
pub(crate) fn page(input: TokenStream) -> TokenStream {
    let page = literal(input);
    let docs = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("docs");
    let read = |file: &str| fs::read_to_string(docs.join(file)).map_err(|error| format!("docs/{file}: {error}"));
    match read(&page).and_then(|text| linked(&page, &text, read)) {
        Ok(text) => TokenTree::from(Literal::string(&text)).into(),
        Err(message) => quote!(::core::compile_error!(#message)),
    }
}

/// The text between the quotes. `macro_rules!` wraps a literal in a group.
fn literal(input: TokenStream) -> String {
    match input.into_iter().next() {
        Some(TokenTree::Group(group)) => literal(group.stream()),
        Some(other) => other.to_string().trim_matches('"').to_owned(),
        None => String::new(),
    }
}

/// The page with the links that rustdoc follows; `read` returns the text of a file below `docs`.
fn linked(page: &str, text: &str, read: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let (mut prose, mut in_block) =
        (Prose { page, linked: String::with_capacity(text.len()), ..Prose::default() }, false);
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        if in_block || fence || line.is_empty() {
            in_block ^= fence;
            prose.linked += line;
            prose.end_paragraph();
        } else {
            prose.line(line, &read)?;
        }
        prose.linked.push('\n');
    }
    Ok(prose.linked)
}

/// The state of the reader between two characters of a page.
#[derive(Default)]
struct Prose<'a> {
    page: &'a str,
    linked: String,
    /// Positions of the brackets that are open in this paragraph.
    opened: Vec<usize>,
    in_code: bool,
}

impl Prose<'_> {
    /// Closes links and code, which do not go beyond their paragraph.
    fn end_paragraph(&mut self) {
        self.opened.clear();
        self.in_code = false;
    }

    /// Copies one line and changes its links.
    fn line(&mut self, line: &str, read: impl Fn(&str) -> Result<String, String>) -> Result<(), String> {
        let mut rest = line;
        while let Some(next) = rest.chars().next() {
            let end = rest.strip_prefix("](").filter(|_| !self.in_code).and_then(|end| end.split_once(')'));
            if let Some((target, after)) = end {
                self.end_link(target, &read)?;
                rest = after;
                continue;
            }
            match next {
                '`' => self.in_code = !self.in_code,
                '[' if !self.in_code => self.opened.push(self.linked.len()),
                ']' if !self.in_code => drop(self.opened.pop()),
                _ => {}
            }
            self.linked.push(next);
            rest = &rest[next.len_utf8()..];
        }
        Ok(())
    }

    /// Writes the end of a link with its new address, or removes its opening bracket.
    fn end_link(&mut self, target: &str, read: impl Fn(&str) -> Result<String, String>) -> Result<(), String> {
        let opened = self.opened.pop();
        let address = match Target::new(self.page, target) {
            Target::Module(path) => path,
            Target::Elsewhere => target.to_owned(),
            Target::Picture(file) => data_address(&read(&file)?),
            Target::File => {
                if let Some(bracket) = opened {
                    self.linked.remove(bracket);
                }
                return Ok(());
            }
        };
        self.linked.extend(["](", &address, ")"]);
        Ok(())
    }
}

/// A `data:` address that contains the picture.
fn data_address(svg: &str) -> String {
    let bytes = svg.trim().bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    format!("data:image/svg+xml,{}", bytes.collect::<String>())
}

/// The destination of a link.
#[derive(Debug, PartialEq)]
enum Target {
    /// A page, by the path of its module and the heading, if any.
    Module(String),
    /// An SVG below `docs`.
    Picture(String),
    /// A file that is in the repository only.
    File,
    /// A heading of the same page, or a site.
    Elsewhere,
}

impl Target {
    fn new(page: &str, link: &str) -> Self {
        if link.starts_with('#') || link.contains(':') {
            return Self::Elsewhere;
        }
        let (path, heading) = link.find('#').map_or((link, ""), |at| link.split_at(at));
        let Some(file) = below_docs(page, path) else { return Self::File };
        if Path::new(&file).extension().is_some_and(|extension| extension == "svg") {
            return Self::Picture(file);
        }
        match file.strip_suffix(".md") {
            Some(name) if name.starts_with("guide/") || BESIDE.contains(&&*file) => {
                let name = name.trim_start_matches("guide/").replace('/', "::").replace('-', "_");
                let module = if name == "README" { String::new() } else { format!("::{name}") };
                Self::Module(format!("crate::guide{module}{heading}"))
            }
            _ => Self::File,
        }
    }
}

/// The path below `docs` of a path that is relative to a page; `None` if it leads out of `docs`.
fn below_docs(page: &str, path: &str) -> Option<String> {
    let mut parts: Vec<_> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
