//! Turns a page of `docs` into documentation of the facade.
//!
//! On GitHub a link leads from file to file. In rustdoc each page is a module below `fastness::guide`, so a link to a page becomes the
//! path of its module, which rustdoc checks. A link to a file that the package does not hold becomes plain text, and a picture is part of its address.
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

/// The text between the quotes; macros wrap their literals in groups.
fn literal(input: TokenStream) -> String {
    match input.into_iter().next() {
        Some(TokenTree::Group(group)) => literal(group.stream()),
        Some(other) => other.to_string().trim_matches('"').to_owned(),
        None => String::new(),
    }
}

/// The page with links as rustdoc follows them; `read` gives the text of a file below `docs`.
fn linked(page: &str, text: &str, read: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let (mut linked, mut in_block) = (String::with_capacity(text.len()), false);
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        if in_block || fence {
            in_block ^= fence;
            linked += line;
        } else {
            line_with_links(page, line, &read, &mut linked)?;
        }
        linked.push('\n');
    }
    Ok(linked)
}

/// Appends a line of prose to `linked`.
fn line_with_links(
    page: &str,
    line: &str,
    read: impl Fn(&str) -> Result<String, String>,
    linked: &mut String,
) -> Result<(), String> {
    let (mut rest, mut in_code, mut opened) = (line, false, Vec::new());
    while let Some(next) = rest.chars().next() {
        if let Some((target, after)) = rest.strip_prefix("](").and_then(|link| link.split_once(')'))
            && !in_code
        {
            let open = opened.pop().unwrap_or(linked.len());
            match Target::new(page, target) {
                Target::Module(path) => *linked += &format!("]({path})"),
                Target::Elsewhere => *linked += &format!("]({target})"),
                Target::Picture(file) => *linked += &format!("]({})", data_address(&read(&file)?)),
                Target::File => drop(linked.remove(open)),
            }
            rest = after;
            continue;
        }
        match next {
            '`' => in_code = !in_code,
            '[' if !in_code => opened.push(linked.len()),
            ']' if !in_code => drop(opened.pop()),
            _ => {}
        }
        linked.push(next);
        rest = &rest[next.len_utf8()..];
    }
    Ok(())
}

/// The address of a picture that holds the picture itself.
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

/// A path relative to a page, from `docs`; none if it leads out of it.
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
