//! Reads ids out of paths and parameters out of query strings, or answers 400 with every fault and what is allowed.

use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query as RawQuery};
use axum::http::request::Parts;

use super::problem::Problem;
use crate::domain::{Id, PageRequest, ProductQuery, Violation};

/// The most ids that one batch may name.
const MAX_IDS: usize = 100;

/// The `{id}` of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathId(pub(super) Id);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| number(&text, 1..=Id::MAX));
        id.map(Self).ok_or_else(|| Problem::bad_request("the id in the path must be a whole number from 1", Vec::new()))
    }
}

/// What a query string asks for.
pub(super) trait FromParams: Sized {
    /// Every parameter that means something here.
    const ALLOWED: &'static [&'static str];

    /// Reads the parameters; never fails, see [`Params`].
    fn read(params: &mut Params) -> Self;
}

/// A request read out of the query string.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: FromParams, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let given = RawQuery::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let RawQuery(given) = given.map_err(|_| Problem::bad_request("the query string is malformed", Vec::new()))?;
        let mut params = Params::check(given, T::ALLOWED);
        let query = T::read(&mut params);
        if params.violations.is_empty() {
            return Ok(Self(query));
        }
        Err(Problem::bad_request("the query string has parameters that cannot be accepted", params.violations))
    }
}

/// The parameters of a query string. Readers record faults and return stand-ins; only [`Query`] decides.
#[derive(Debug)]
pub(super) struct Params {
    given: Vec<(String, String)>,
    violations: Vec<Violation>,
}

impl Params {
    fn check(given: Vec<(String, String)>, allowed: &[&str]) -> Self {
        let mut violations = Vec::new();
        for (at, (name, _)) in given.iter().enumerate() {
            if !allowed.contains(&name.as_str()) {
                let message = format!("is not a parameter here; allowed are {}", allowed.join(", "));
                violations.push(Violation::new(name, message));
            } else if given[..at].iter().any(|(earlier, _)| earlier == name) {
                violations.push(Violation::new(name, "is given twice"));
            }
        }
        Self { given, violations }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// `page` and `limit`.
    fn page(&mut self) -> PageRequest {
        PageRequest {
            number: self.number("page", 1..=u32::MAX, PageRequest::DEFAULT.number),
            limit: self.number("limit", 1..=PageRequest::MAX_LIMIT, PageRequest::DEFAULT.limit),
        }
    }

    fn number(&mut self, name: &str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let Some(text) = self.get(name) else {
            return default;
        };
        number(text, range.clone()).unwrap_or_else(|| {
            let message = format!("must be a whole number from {} to {}", range.start(), range.end());
            self.violations.push(Violation::new(name, message));
            default
        })
    }

    /// `ids=1,2,3`, each id once, in the order given.
    fn ids(&mut self) -> Option<Vec<Id>> {
        let parsed: Option<Vec<Id>> = self.get("ids")?.split(',').map(|id| number(id, 1..=Id::MAX)).collect();
        let Some(mut ids) = parsed.filter(|ids| ids.len() <= MAX_IDS) else {
            let message = format!("must be 1 to {MAX_IDS} whole numbers from 1, separated by commas");
            self.violations.push(Violation::new("ids", message));
            return None;
        };
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(*id));
        Some(ids)
    }

    /// Text in its normal form: trimmed, lower case; blank counts as absent.
    fn text(&mut self, name: &str, max: usize) -> Option<String> {
        let text = self.get(name)?.trim().to_lowercase();
        if text.chars().count() > max {
            self.violations.push(Violation::new(name, format!("must be text of at most {max} characters")));
        }
        Some(text).filter(|text| !text.is_empty())
    }
}

/// Digits only: no sign, no space, which `FromStr` would partly let through.
fn number<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && range.contains(number))
}

impl FromParams for PageRequest {
    const ALLOWED: &'static [&'static str] = &["page", "limit"];

    fn read(params: &mut Params) -> Self {
        params.page()
    }
}

/// What a collection is asked for: a page of it, or some of it by name.
#[derive(Debug)]
pub(super) enum ListQuery {
    Page(PageRequest),
    Batch(Vec<Id>),
}

impl FromParams for ListQuery {
    const ALLOWED: &'static [&'static str] = &["page", "limit", "ids"];

    fn read(params: &mut Params) -> Self {
        let page = params.page();
        let Some(ids) = params.ids() else {
            return Self::Page(page);
        };
        for name in ["page", "limit"] {
            if params.get(name).is_some() {
                params.violations.push(Violation::new(name, "cannot be combined with ids"));
            }
        }
        Self::Batch(ids)
    }
}

impl FromParams for ProductQuery {
    const ALLOWED: &'static [&'static str] = &["q", "category", "page", "limit"];

    fn read(params: &mut Params) -> Self {
        Self { text: params.text("q", 100), category: params.text("category", 50), page: params.page() }
    }
}
