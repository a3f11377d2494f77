//! Numbers of parameters: no function has more than five beside its receiver, unless a comment gives the reason.

use std::fs;

use crate::markdown::{files, root};

const MOST: usize = 5;
const NONE: [usize; 0] = [];

/// The code without comments and the contents of strings, so that every bracket is one of the code.
fn code(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if c == '"' {
            string(rest)
        } else if let Some(raw) = raw_string(rest) {
            raw
        } else if c == '\'' {
            character(rest)
        } else {
            out.push(c);
            c.len_utf8()
        };
        rest = &rest[skipped..];
    }
    out
}

/// The length of the string that begins here.
fn string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix('r')?.chars().take_while(|c| *c == '#').count();
    let inside = text[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(2 + hashes + inside.find(&end).map_or(inside.len(), |at| at + end.len()))
}

/// The length of the character that begins here, or of the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(text.len(), |at| at + 4),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// The text between the bracket that begins here and its partner, cut at the commas outside other brackets.
fn list(text: &str) -> Vec<String> {
    let (mut depth, mut last, mut parts) = (0_usize, ' ', vec![String::new()]);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if last == '-' || last == '=' => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            ',' if depth == 1 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        parts.last_mut().expect("a part").push(c);
        last = c;
    }
    parts[0].remove(0);
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The functions of this code with more parameters, and their numbers.
fn too_many(code: &str) -> Vec<(String, usize)> {
    let functions = code.split("fn ").skip(1);
    let taken = functions.filter_map(|rest| {
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '$').collect();
        let mut rest = &rest[name.len()..];
        if rest.starts_with('<') {
            let (mut depth, mut last) = (0_i32, ' ');
            let end = rest.char_indices().find(|(_, c)| {
                match c {
                    '<' => depth += 1,
                    '>' if last != '-' && last != '=' => depth -= 1,
                    _ => {}
                }
                last = *c;
                depth == 0
            });
            rest = &rest[end?.0 + 1..];
        }
        let is_function = !name.is_empty() && rest.starts_with('(');
        let receiver = |part: &String| {
            part.trim_start_matches("mut ").split([':', ' ']).any(|word| word.trim_start_matches('&') == "self")
        };
        let count = is_function.then(|| list(rest).iter().filter(|part| !receiver(part)).count())?;
        (count > MOST).then_some((name, count))
    });
    taken.collect()
}

#[test]
fn functions_take_five_parameters_at_most() {
    let mut found = Vec::new();
    for folder in ["runtime", "macros/src", "demo-app/src"] {
        for file in files(&root().join(folder), "rs") {
            let text = fs::read_to_string(&file).unwrap();
            for (name, count) in too_many(&code(&text)) {
                let declared = text.find(&format!("fn {name}")).unwrap_or_default();
                let above: Vec<_> = text[..declared].lines().rev().take(4).collect();
                if !above.iter().any(|line| line.contains("clippy::too_many_arguments)] // ")) {
                    found.push(format!("{}: `{name}` takes {count}", file.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "gather parameters in a type, or write a reason beside an `allow`: {found:#?}");
}

#[test]
fn parameters_of_every_type_are_counted() {
    let counts = |code_of: &str| too_many(&code(code_of)).into_iter().map(|(_, count)| count).collect::<Vec<_>>();
    assert_eq!(counts("fn f<T: Fn(u8, u8) -> u8>(a: T, b: (u8, u8), c: [u8; 2], d: HashMap<u8, u8>, e: u8) {}"), NONE);
    assert_eq!(counts("fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8) {}"), NONE);
    assert_eq!(counts("fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: impl Fn(u8) -> u8,) {}"), [6]);
    assert_eq!(
        counts("// fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8)\n const A: &str = \"fn g(a,b,c,d,e,f)\";"),
        NONE
    );
    assert_eq!(
        counts("fn f<'a>(self: &'a Self, a: char, b: u8, c: u8, d: u8, e: u8, f: u8) { '\"'; '('; \"(\" }"),
        [6]
    );
}
