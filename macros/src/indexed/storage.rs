//! The options of a model's collection, beside its indexes.
//!
//! May use: diag, indexed/{index, record, resolve, syntax}, options.

use proc_macro2::Ident;

use super::{
    index::{self, Index},
    record::Record,
    resolve::resolve,
    syntax::{IndexKind, Path},
};
use crate::{
    diag::Diag,
    options::{Options, Value},
};

/// The checked options of a collection.
pub(super) struct Storage {
    pub(super) time_series: Option<Series>,
    /// The bytes, and the number of documents.
    pub(super) capped: Option<(u64, Option<u64>)>,
    /// The options without a value that were given.
    pub(super) flags: Vec<&'static str>,
}

/// A time-series collection.
pub(super) struct Series {
    pub(super) time: Path,
    pub(super) meta: Option<Path>,
    pub(super) granularity: Option<&'static str>,
    pub(super) expire_after: Option<u32>,
}

/// The options without a value.
const FLAGS: [&str; 3] = ["clustered", "pre_images", "validator"];

impl Storage {
    /// Reads the options. After an error there are none, so that nothing else fails because of it.
    pub(super) fn check(options: &Options, record: &Record, diag: &mut Diag) -> Self {
        let before = diag.count();
        let found = Self::read(options, record, diag);
        if diag.count() == before { found } else { Self { time_series: None, capped: None, flags: Vec::new() } }
    }

    fn read(options: &Options, record: &Record, diag: &mut Diag) -> Self {
        let flags: Vec<_> = FLAGS.into_iter().filter(|name| options.is_given(name)).collect();
        if options.is_given("time_series") {
            let why = "MongoDB has no time-series collection with this: remove it, or remove `time_series`";
            for name in FLAGS.into_iter().chain(["capped"]) {
                options.refuse(name, why, diag);
            }
            let scopes = "MongoDB reports no changes of a time-series collection: remove `scopes`, and invalidate where your code writes";
            options.refuse("scopes", scopes, diag);
        } else if options.is_given("capped") {
            let why = "a capped collection is in the order of its insertions: remove `clustered`, or remove `capped`";
            options.refuse("clustered", why, diag);
        }
        Self { time_series: series(options, record, diag), capped: capped(options, diag), flags }
    }

    /// Refuses indexes that a time-series collection cannot have.
    pub(super) fn check_indexes(&self, indexes: &[Index], diag: &mut Diag) {
        for index in indexes.iter().filter(|_| self.time_series.is_some()) {
            let why = "MongoDB has no unique index on a time-series collection: remove `unique`";
            index.options.refuse("unique", why, diag);
            if let Some(key) = index.keys.iter().find(|key| matches!(key.kind, IndexKind::Text { .. })) {
                diag.error(key.span, "MongoDB searches no words in a time-series collection: remove this key");
            }
        }
    }

    /// Returns whether an option was given.
    pub(super) fn is_given(&self) -> bool {
        self.time_series.is_some() || self.capped.is_some() || !self.flags.is_empty()
    }
}

fn series(options: &Options, record: &Record, diag: &mut Diag) -> Option<Series> {
    let given = Options::parse("time_series", options.list("time_series")?.clone(), diag);
    if !given.is_given("time") {
        let why = "a time series needs the field of its dates: write `time_series(time = at, meta = sensor)`";
        options.refuse("time_series", why, diag);
    }
    let mut field = |name| {
        let Some(Value::Ident(field)) = given.value(name) else { return None };
        Some(resolved(field, record, diag))
    };
    let (time, meta) = (field("time"), field("meta"));
    let granularity = if let Some(Value::Word(word)) = given.value("granularity") { Some(*word) } else { None };
    let expire_after = index::expire_after(&given, diag);
    Some(Series { time: time?, meta, granularity, expire_after })
}

fn resolved(field: &Ident, record: &Record, diag: &mut Diag) -> Path {
    let path = Path::from_field(field.clone());
    resolve(&path, record, diag);
    path
}

fn capped(options: &Options, diag: &mut Diag) -> Option<(u64, Option<u64>)> {
    let given = Options::parse("capped", options.list("capped")?.clone(), diag);
    if !given.is_given("bytes") {
        options.refuse("capped", "a capped collection needs a size: write `capped(bytes = \"64MiB\")`", diag);
    }
    let number = |name| given.count(name).and_then(|count| u64::try_from(count).ok());
    Some((number("bytes")?, number("documents")))
}
