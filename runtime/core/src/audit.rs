//! The audit: checks all annotated functions of a program against each other, which a macro cannot do.
//!
//! May use: `nearest`, `registry`, `resilience`, `shared`, `site`.

use std::fmt;
use std::time::Duration;

use crate::nearest::distance;
use crate::registry::{Annotated, Role, annotated};
use crate::resilience::breaker::{Breaker, faults};
use crate::shared::shortest_retention;
use crate::site::Leaves;

/// The findings of [`audit`].
///
/// ```
/// #[fastness::cacheable(ttl = 60, key = "planet:{n}")]
/// fn planet(n: u8) -> String { format!("planet {n}") }
///
/// let report = fastness::registry::audit();
/// assert!(report.notes().iter().any(|note| note.contains("nothing invalidates `planet:{n}`")), "{report}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Audit {
    errors: Vec<String>,
    notes: Vec<String>,
}

impl Audit {
    /// Returns the contradictions: a pattern that no key of a cached function can match, a `#[cache_put]` without `erase` that writes a key of
    /// a function with it, a circuit breaker with two settings, one whose window never holds its `min_calls`.
    pub fn errors(&self) -> &[String] {
        &self.errors
    }

    /// Returns the findings that may be intended: keys that no function invalidates or expires, receivers that are not in the key, and a `ttl` that
    /// is longer than the retention of a shared tier of this process (`Redis::retention`), if it is a literal or `forever`.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(f, "error: {error}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

/// Checks all annotated functions of the program against each other, and the circuit breakers that were used or declared.
/// Meant for an assertion in a test.
///
/// ```
/// #[fastness::cacheable(ttl = 60, key = "song:{id}")]
/// fn song(id: u32) -> String { format!("la {id}") }
///
/// #[fastness::cache_invalidate("songs:*")]
/// fn rename(id: u32) { /* .. */ }
///
/// let report = fastness::registry::audit();
/// assert!(report.errors().iter().any(|e| e.contains("`songs:*`") && e.contains("`song:{id}`")), "{report}");
/// ```
pub fn audit() -> Audit {
    let mut audit = examine(&annotated(), shortest_retention());
    audit.errors.extend(Breaker::conflicts().iter().map(ToString::to_string));
    audit.errors.extend(faults());
    audit
}

fn examine(all: &[Annotated], retention: Option<Duration>) -> Audit {
    let mut audit = Audit::default();
    let cached = all.iter().filter(|f| f.role != Role::Timed);
    let (writers, readers): (Vec<_>, Vec<_>) = cached.partition(|f| matches!(f.role, Role::Invalidate | Role::Refresh));
    for writer in &writers {
        for pattern in &writer.keys {
            if !readers.iter().any(|reader| reader.keys.iter().any(|key| matches(pattern, key))) {
                audit.errors.push(unmatched(writer, pattern, "key", readers.iter().flat_map(|reader| &reader.keys)));
            }
        }
        for tag in &writer.tags {
            if !readers.iter().any(|reader| reader.tags.iter().any(|cached| matches(tag, cached))) {
                audit.errors.push(unmatched(writer, tag, "tag", readers.iter().flat_map(|reader| &reader.tags)));
            }
        }
    }
    for put in readers.iter().filter(|reader| reader.role == Role::Put) {
        audit.errors.extend(leaves_bytes(put, &readers));
    }
    for reader in &readers {
        audit.notes.extend(never_invalidated(reader, all));
        audit.notes.extend(receiver_not_keyed(reader));
        audit.notes.extend(retention.and_then(|retention| outlives_log(reader, retention)));
    }
    audit
}

fn unmatched<'a>(
    writer: &Annotated,
    pattern: &str,
    what: &str,
    candidates: impl Iterator<Item = &'a &'static str>,
) -> String {
    let acts = if writer.role == Role::Refresh { "expires" } else { "invalidates" };
    let place = place(writer);
    let nearest = candidates.min_by_key(|candidate| distance(pattern.trim_end_matches(":*"), candidate));
    match nearest {
        Some(nearest) => {
            format!("{place} {acts} `{pattern}`, but no cached function has such a {what}; the nearest is `{nearest}`")
        }
        None => {
            format!("{place} {acts} `{pattern}`, but no cached function has a {what} at all")
        }
    }
}

fn never_invalidated(reader: &Annotated, all: &[Annotated]) -> Option<String> {
    let gone = |writer: &Annotated| match writer.role {
        Role::Invalidate | Role::Refresh => {
            writer.keys.iter().any(|pattern| reader.keys.iter().any(|key| matches(pattern, key)))
                || writer.tags.iter().any(|tag| reader.tags.iter().any(|cached| matches(tag, cached)))
        }
        Role::Put => writer.keys.iter().any(|key| reader.keys.iter().any(|cached| matches(key, cached))),
        Role::Cacheable | Role::Batch | Role::Timed => false,
    };
    if reader.role == Role::Put || all.iter().any(gone) {
        return None;
    }
    let keys = reader.keys.join("`, `");
    Some(format!("nothing invalidates `{keys}` of {}: its values change only when their ttl has passed", place(reader)))
}

/// Reports a put whose values stay in the shared tier although a function of the same key says that none do.
fn leaves_bytes(put: &Annotated, readers: &[&Annotated]) -> Option<String> {
    let shares_key =
        |reader: &&&Annotated| put.keys.iter().any(|key| reader.keys.iter().any(|other| matches(key, other)));
    let erases = |reader: &&&Annotated| reader.role != Role::Put && reader.leaves == Leaves::Nothing;
    let reader = readers.iter().filter(erases).find(shares_key).filter(|_| put.leaves == Leaves::Bytes)?;
    Some(format!(
        "{} writes `{}` without `erase`, but {} says it, so the bytes that the put has stored stay in Redis after an invalidation: \
         add `erase` to the put, or `tier = local` if it has to store nothing in Redis",
        place(put),
        put.keys.join("`, `"),
        place(reader)
    ))
}

fn receiver_not_keyed(reader: &Annotated) -> Option<String> {
    let doubt = match reader.receiver_unkeyed {
        Some(false) => return None,
        Some(true) => "",
        None => " (it was not called yet, so whether its type implements `KeyNamespace` is not known)",
    };
    Some(format!(
        "`self` is not in the key of {}{doubt}: name a field of it (`{{self.tenant}}`), implement `KeyNamespace` for its type, \
         or write `skip(self)` if all values of the type cache the same",
        place(reader)
    ))
}

fn outlives_log(reader: &Annotated, retention: Duration) -> Option<String> {
    let ttl = Duration::from_millis(reader.long_ttl?);
    let place = place(reader);
    if ttl == Duration::from_millis(u64::MAX) {
        return Some(format!(
            "the values of {place} never expire, and stay in Redis for the retention of its log at most ({retention:?}): \
             raise `Redis::retention` if processes that have just started should find older ones"
        ));
    }
    (ttl > retention).then(|| {
        format!(
            "the ttl of {place} is {ttl:?}, but the log in Redis keeps invalidations for {retention:?}, so older values are misses \
             for a process that has just started: raise `Redis::retention`, or lower the ttl"
        )
    })
}

fn place(f: &Annotated) -> String {
    format!("`{}::{}` ({}:{})", f.module, f.name, f.file, f.line)
}

/// Returns whether the pattern can cover a key of the template, with some arguments.
fn matches(pattern: &str, template: &str) -> bool {
    let template: Vec<_> = template.split(':').map(Segment::parse).collect();
    let (prefix, open) = pattern.strip_suffix(":*").map_or((pattern, false), |prefix| (prefix, true));
    let prefix: Vec<_> = prefix.split(':').map(Segment::parse).collect();
    let long_enough = if open { template.len() > prefix.len() } else { template.len() == prefix.len() };
    long_enough && prefix.iter().zip(&template).all(|(a, b)| a.meets(b))
}

/// Literal text around at most one placeholder.
struct Segment<'a> {
    before: &'a str,
    /// The text after the placeholder; `None` without one.
    after: Option<&'a str>,
}

impl<'a> Segment<'a> {
    fn parse(text: &'a str) -> Self {
        // `<path>` stands for the function's path in a default key.
        let open = text.find(['{', '<']);
        let close = text.rfind(['}', '>']);
        match (open, close) {
            (Some(open), Some(close)) if open < close => {
                Self { before: &text[..open], after: Some(&text[close + 1..]) }
            }
            _ => Self { before: text, after: None },
        }
    }

    fn meets(&self, other: &Self) -> bool {
        let either = |a: &str, b: &str, fits: fn(&str, &str) -> bool| fits(a, b) || fits(b, a);
        match (self.after, other.after) {
            (None, None) => self.before == other.before,
            (Some(after), None) => other.before.starts_with(self.before) && other.before.ends_with(after),
            (None, Some(after)) => self.before.starts_with(other.before) && self.before.ends_with(after),
            (Some(a), Some(b)) => {
                either(self.before, other.before, |long, short| long.starts_with(short))
                    && either(a, b, |long, short| long.ends_with(short))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_the_templates_that_they_can_match() {
        for (pattern, template) in [
            ("user:{id}", "user:{user.id}"),
            ("user:*", "user:{id}"),
            ("user:{id}:*", "user:{id}:orders"),
            ("user:*", "user:<path>:{id}"),
            ("user:{id}", "user:me"),
            ("user-{id}", "user-{n}"),
        ] {
            assert!(matches(pattern, template), "{pattern} {template}");
        }
        for (pattern, template) in [
            ("users:*", "user:{id}"),
            ("user:*", "user"),
            ("user:{id}", "user:{id}:orders"),
            ("user:{id}:*", "user:{id}"),
            ("order-{id}", "user-{id}"),
        ] {
            assert!(!matches(pattern, template), "{pattern} {template}");
        }
    }
}
