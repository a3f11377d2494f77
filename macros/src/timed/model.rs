//! Checks a use of `#[timed]`, and holds it once it is right.
//!
//! May use: diag, duration, options, signature, stacking, subject.

use syn::{Expr, Ident, LitStr, ext::IdentExt};

use crate::{
    diag::Diag,
    duration::Time,
    options::{Options, Value},
    signature::{Function, refuse},
    stacking,
    subject::Subject,
};

/// The labels that every timing has in the metrics.
const RESERVED: [&str; 4] = ["name", "outcome", "le", "quantile"];

/// A checked use.
pub(crate) struct Model {
    pub(crate) subject: Subject,
    /// The name that replaces the path of the function.
    pub(crate) name: Option<String>,
    /// The duration from which a call is slow.
    pub(crate) slow: Option<Time>,
    pub(crate) labels: Vec<(Ident, Expr)>,
    pub(crate) verdict: Verdict,
}

/// The rule by which a call that returned is ok or an error.
pub(crate) enum Verdict {
    /// An `Err` is an error.
    Type,
    OkIf(Expr),
    ErrorIf(Expr),
}

impl Model {
    pub(crate) fn check(options: &Options, function: Function, diag: &mut Diag) -> Self {
        stacking::check("timed", &function.attrs, diag);
        let subject = Subject::new(function, options);
        refuse::unusual("timed", &subject.function.sig, diag);
        Self {
            subject,
            name: options.text("name").map(LitStr::value),
            slow: options.time("slow").cloned(),
            labels: match options.value("labels") {
                Some(Value::Labels(labels)) => check_labels(labels, diag),
                _ => Vec::new(),
            },
            verdict: verdict(options, diag),
        }
    }
}

fn check_labels(labels: &[(Ident, Expr)], diag: &mut Diag) -> Vec<(Ident, Expr)> {
    for (index, (ident, _)) in labels.iter().enumerate() {
        let name = ident.unraw().to_string();
        if labels[..index].iter().any(|(earlier, _)| earlier.unraw() == name) {
            diag.at(ident, format_args!("the label `{name}` is given twice: keep one"));
        } else if RESERVED.contains(&name.as_str()) {
            diag.at(ident, format_args!("every timing has a label `{name}` with another meaning: choose another name"));
        } else if !name.is_ascii() || name.starts_with("__") {
            let why = "write ASCII letters, digits and `_`, without `__` at the start";
            diag.at(ident, format_args!("`{name}` cannot be the name of a label in the metrics: {why}"));
        }
    }
    labels.to_vec()
}

fn verdict(options: &Options, diag: &mut Diag) -> Verdict {
    match (options.expr("ok_if"), options.expr("error_if")) {
        (Some(_), Some(_)) => {
            options.refuse("error_if", "`ok_if` and `error_if` define the same thing: keep one", diag);
            Verdict::Type
        }
        (Some(ok_if), None) => Verdict::OkIf(ok_if.clone()),
        (None, Some(error_if)) => Verdict::ErrorIf(error_if.clone()),
        (None, None) => Verdict::Type,
    }
}
