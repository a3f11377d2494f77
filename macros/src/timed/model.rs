//! May use: args, diag, duration, signature, stack, subject, value.
//!
//! A use of `#[timed]` that makes sense.

use syn::{Expr, Ident, ext::IdentExt};

use super::args::{Args, Labels};
use crate::{
    args::Slot,
    diag::Diag,
    duration::{self, Time},
    signature::{Function, refuse},
    stack,
    subject::Subject,
    value,
};

/// The labels that every timing has in the metrics, whatever its own.
const RESERVED: [&str; 4] = ["name", "outcome", "le", "quantile"];

/// A checked use.
pub(crate) struct Model {
    pub(crate) subject: Subject,
    /// Instead of the path of the function.
    pub(crate) name: Option<String>,
    /// From when on a call is slow.
    pub(crate) slow: Option<Time>,
    pub(crate) labels: Vec<(Ident, Expr)>,
    pub(crate) verdict: Verdict,
}

/// Who says whether a call that returned is ok.
pub(crate) enum Verdict {
    /// The type: an `Err` is an error.
    Type,
    OkIf(Expr),
    ErrorIf(Expr),
}

impl Model {
    pub(crate) fn check(args: &Args, function: Function, diag: &mut Diag) -> Self {
        stack::check(&function.attrs, stack::BELOW_TIMED, diag);
        let subject = Subject::new(function, &args.krate, &Slot::default(), diag);
        refuse::unusual("timed", &subject.function.sig, diag);
        Self {
            subject,
            name: args.name.value().and_then(|expr| value::name("users.find", expr, diag)).map(syn::LitStr::value),
            slow: args.slow.value().and_then(|expr| duration::read_once("slow", expr, diag)),
            labels: args.labels.value().map(|labels| check_labels(labels, diag)).unwrap_or_default(),
            verdict: verdict(args, diag),
        }
    }
}

fn check_labels(Labels(labels): &Labels, diag: &mut Diag) -> Vec<(Ident, Expr)> {
    for (index, (ident, _)) in labels.iter().enumerate() {
        let name = ident.unraw().to_string();
        if labels[..index].iter().any(|(earlier, _)| earlier.unraw() == name) {
            diag.at(ident, format_args!("the label `{name}` is given twice: keep one"));
        } else if RESERVED.contains(&name.as_str()) {
            diag.at(
                ident,
                format_args!("in the metrics, `{name}` says something else of every timing: choose another name"),
            );
        } else if !name.is_ascii() || name.starts_with("__") {
            let why = "metrics know no such name: write ASCII letters, digits and `_`, and no `__` in front";
            diag.at(ident, format_args!("`{name}` cannot be the name of a label, as {why}"));
        }
    }
    labels.clone()
}

fn verdict(args: &Args, diag: &mut Diag) -> Verdict {
    let read = |slot: &Slot<Expr>, name, diag: &mut Diag| {
        slot.value().and_then(|expr| value::function(name, "|result| ..", expr, diag)).cloned()
    };
    let (ok_if, error_if) = (read(&args.ok_if, "ok_if", diag), read(&args.error_if, "error_if", diag));
    match (ok_if, error_if) {
        (Some(_), Some(_)) => {
            args.error_if.refuse("`ok_if` and `error_if` answer the same question: keep one", diag);
            Verdict::Type
        }
        (Some(ok_if), None) => Verdict::OkIf(ok_if),
        (None, Some(error_if)) => Verdict::ErrorIf(error_if),
        (None, None) => Verdict::Type,
    }
}
