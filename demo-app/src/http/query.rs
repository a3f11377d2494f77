//! Reads ids out of paths and parameters out of query strings, or answers 400 with every fault and what is allowed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query as RawQuery};
use axum::http::request::Parts;

use super::problem::{Problem, UNACCEPTABLE};
use crate::domain::{Field, Id, Listing, Model, PageRequest, Scalar, SortKey, Violation};

/// The most ids that one batch may name.
const MAX_IDS: usize = 100;
/// The most fields that one sort may name; no index has more.
const MAX_KEYS: usize = 32;
/// The most parameters that a query string may have; none has a use for half as many.
const MAX_PARAMS: usize = 64;

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

/// A path's one part that is text: a name.
#[derive(Clone, Debug)]
pub(super) struct PathText(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        text.map(|Path(text)| Self(text))
            .map_err(|_| Problem::bad_request("the name in the path must be text", Vec::new()))
    }
}

/// A question that is read from a query string.
pub(super) trait FromParams: Sized {
    /// Every parameter that means something here.
    fn allowed() -> Vec<&'static str>;

    /// Reads the parameters; never fails, see [`Params`].
    fn read(params: &mut Params) -> Self;
}

/// A request read out of the query string.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: FromParams, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let malformed = || Problem::bad_request("the query string is malformed", Vec::new());
        if !is_text(parts.uri.query().unwrap_or_default()) {
            return Err(malformed());
        }
        let given = RawQuery::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let RawQuery(given) = given.map_err(|_| malformed())?;
        if given.len() > MAX_PARAMS {
            return Err(Problem::bad_request(
                format!("the query string has more than {MAX_PARAMS} parameters"),
                Vec::new(),
            ));
        }
        let mut params = Params::check(given, &T::allowed());
        let query = T::read(&mut params);
        if params.violations.is_empty() {
            return Ok(Self(query));
        }
        Err(Problem::bad_request(UNACCEPTABLE, params.violations))
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
                let message = match allowed {
                    [] => "is not a parameter here; none is".to_owned(),
                    allowed => format!("is not a parameter here; allowed are {}", allowed.join(", ")),
                };
                violations.push(Violation::new(name, message));
            } else if given[..at].iter().any(|(earlier, _)| earlier == name) {
                violations.push(Violation::new(name, "is given twice"));
            }
        }
        Self { given, violations }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.violations.push(Violation::new(name, message));
    }

    /// `page` and `limit`.
    pub(super) fn page(&mut self) -> PageRequest {
        let page = PageRequest {
            number: self.number("page", 1..=u32::MAX, PageRequest::DEFAULT.number),
            limit: self.number("limit", 1..=PageRequest::MAX_LIMIT, PageRequest::DEFAULT.limit),
        };
        if page.reach() > PageRequest::MAX_REACH {
            let most = PageRequest::MAX_REACH;
            self.fault(
                "page",
                format!("is too deep: pages show the first {most} items; filter, or sort the other way round"),
            );
        }
        page
    }

    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<u32>, default: u32) -> u32 {
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
    pub(super) fn ids(&mut self) -> Option<Vec<Id>> {
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

    /// `sort=-createdAt,name`: what to sort by, `-` for the largest first.
    pub(super) fn sort(&mut self) -> Vec<SortKey> {
        let key = |name: &str| match SortKey::parse(name) {
            key if key.field == "id" => SortKey { field: Listing::ID.to_owned(), ..key },
            key => key,
        };
        self.get("sort").map(|names| names.split(',').take(MAX_KEYS).map(key).collect()).unwrap_or_default()
    }

    /// The values of the fields that are given.
    pub(super) fn filter<'a, M: 'a>(
        &mut self,
        fields: impl IntoIterator<Item = &'a Field<M>>,
    ) -> BTreeMap<String, Scalar> {
        let mut found = BTreeMap::new();
        for field in fields {
            match self.get(field.name).map(|text| field.kind.read(text.trim())) {
                None => {}
                Some(Some(value)) => drop(found.insert(field.name.to_owned(), value)),
                Some(None) => self.fault(field.name, field.kind.expected()),
            }
        }
        found
    }

    /// A list that an index serves.
    pub(super) fn listing<M: Model>(&mut self) -> Listing {
        let (page, sort, filter) = (self.page(), self.sort(), self.filter(M::FIELDS));
        Listing::new::<M>(filter, &sort, page).unwrap_or_else(|unserved| {
            self.fault(&unserved.parameter, unserved.message);
            Listing::all(page)
        })
    }

    /// A number of degrees, or of kilometres, that must be there.
    pub(super) fn decimal(&mut self, name: &str, range: RangeInclusive<f64>) -> f64 {
        let number = self.get(name).and_then(|text| text.parse().ok()).filter(|number| range.contains(number));
        number.unwrap_or_else(|| {
            self.fault(name, format!("must be a number from {} to {}", range.start(), range.end()));
            *range.start()
        })
    }

    /// Text in its normal form: trimmed, lower case; blank counts as absent.
    pub(super) fn text(&mut self, name: &str, max: usize) -> Option<String> {
        let text = self.get(name)?.trim().to_lowercase();
        if text.chars().count() > max {
            self.violations.push(Violation::new(name, format!("must be text of at most {max} characters")));
        }
        Some(text).filter(|text| !text.is_empty())
    }
}

/// Digits only: no sign, no space, which `FromStr` would partly let through.
pub(super) fn number<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && range.contains(number))
}

/// Returns true if a query string is UTF-8 once it is decoded. Readers would put replacement characters where it is not.
fn is_text(query: &str) -> bool {
    percent_encoding::percent_decode_str(query).decode_utf8().is_ok()
}
