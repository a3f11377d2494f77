//! Answers to requests that no route takes.

use axum::http::{Method, Uri};

use super::problem::Problem;
use crate::domain::cut;

pub(super) async fn no_route(uri: Uri) -> Problem {
    Problem::not_found(format!("nothing is served at `{}`; GET / lists what is", cut(uri.path().to_owned())))
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::wrong_method(format!(
        "`{}` does not take {method}; the Allow header lists what it takes",
        cut(uri.path().to_owned())
    ))
}
