//! The error about an option that an attribute does not have.
//!
//! May use: diag, nearest, value, options/{given, row}.

use super::{
    given::{Given, OptionForm},
    row::{Row, UNNAMED},
};
use crate::{diag::Diag, nearest, value};

/// Reports an option that `attribute` does not have, of all `rows`.
pub(super) fn report(attribute: &str, given: &Given, rows: &[&'static Row], diag: &mut Diag) {
    let name = given.name.to_string();
    let here: Vec<_> = rows.iter().filter(|row| row.of.contains(&attribute) && row.name != UNNAMED).copied().collect();
    if name == "max_stale" {
        let why = "`max_stale` is a setting of the whole cache: give it to `Fastness::builder()`, \
            or write `local_ttl = \"1s\"` for one function";
        diag.at(&given.name, why);
    } else if name == UNNAMED {
        let why = format_args!("`{attribute}` takes its options by name: write `{} = ..`", meant(given, &here));
        diag.at(&given.name, why);
    } else {
        let instead = instead(&name, &here, rows);
        diag.at(&given.name, format_args!("`{attribute}` has no option `{name}`{instead}"));
    }
}

/// The option that a value without a name is probably for: `key` if it looks like one, otherwise the attribute's first option.
fn meant(given: &Given, here: &[&'static Row]) -> &'static str {
    let text = match &given.form {
        OptionForm::Expr(expr) => value::text(expr),
        _ => None,
    };
    let key = text.filter(|text| text.contains([':', '{'])).and_then(|_| here.iter().find(|row| row.name == "key"));
    key.or(here.first()).map_or("", |row| row.name)
}

/// The end of the message, which says what to write instead.
fn instead(name: &str, here: &[&'static Row], rows: &[&'static Row]) -> String {
    let called = here.iter().find(|row| row.elsewhere.contains(&name)).map(|row| row.name);
    if let Some(near) = called.or_else(|| nearest::nearest(name, here.iter().map(|row| row.name))) {
        return format!(": did you mean `{near}`?");
    }
    let others: Vec<_> = rows.iter().filter(|row| row.name == name).flat_map(|row| row.of).copied().collect();
    if others.is_empty() {
        return format!(": write one of {}", ticked(here.iter().map(|row| row.name)).join(", "));
    }
    let mut others = ticked(others);
    let last = others.pop().unwrap_or_default();
    let have = if others.is_empty() { format!("{last} has") } else { format!("{} and {last} have", others.join(", ")) };
    format!(", but {have}: write it there, or remove it")
}

fn ticked<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(|name| format!("`{name}`")).collect()
}
