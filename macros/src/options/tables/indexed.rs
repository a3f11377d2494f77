//! The options of `#[derive(Indexed)]`: those of `#[indexed(..)]` with its `time_series(..)` and `capped(..)`, and of `#[index(..)]` with
//! its `collation(..)`.
//!
//! May use: options/row.

use crate::options::row::{Call, Group, PLAIN, Row, Takes};

const INDEXED: &[&str] = &["indexed"];
const INDEX: &[&str] = &["index"];
const COLLATION: &[&str] = &["collation"];
const TIME_SERIES: &[&str] = &["time_series"];
const CAPPED: &[&str] = &["capped"];

/// The rest of a row of `#[index(..)]`; its second column in the documentation is where it may stand.
const ON_BOTH: Row = Row { of: INDEX, default: "both", call: Call::Field, ..PLAIN };
const ON_FIELD: Row = Row { of: INDEX, default: "field", takes: Takes::Nothing, ..PLAIN };

pub(super) static TABLE: &[Group] = &[
    Group { title: "", rows: MODEL },
    Group { title: "", rows: SERIES },
    Group { title: "", rows: BOUNDS },
    Group { title: "", rows: KINDS },
    Group { title: "", rows: OPTIONS },
    Group { title: "", rows: RULES },
    Group { title: "", rows: LANGUAGE },
];

const MODEL: &[Row] = &[
    Row {
        name: "collection",
        of: INDEXED,
        takes: Takes::Text,
        written: &["collection = \"businesses\""],
        default: "none",
        meaning: "name of the collection; without it, only the fields are listed",
        ..PLAIN
    },
    Row {
        name: "scopes",
        of: INDEXED,
        takes: Takes::Templates,
        written: &["scopes(\"product:{id}\", \"products:*\")"],
        default: "none",
        meaning: "scopes that a change of a document invalidates, if [changes](changes.md) are followed; needs `collection`",
        ..PLAIN
    },
    Row {
        name: "time_series",
        of: INDEXED,
        takes: Takes::List,
        written: &["time_series(time = at, meta = sensor)"],
        default: "a plain collection",
        meaning: "makes it a time-series collection",
        ..PLAIN
    },
    Row {
        name: "capped",
        of: INDEXED,
        takes: Takes::List,
        written: &["capped(bytes = \"64MiB\")"],
        default: "unbounded",
        meaning: "makes it a collection of a fixed size",
        ..PLAIN
    },
    Row {
        name: "clustered",
        of: INDEXED,
        takes: Takes::Nothing,
        written: &["clustered"],
        default: "not",
        meaning: "stores documents in the order of their `_id`, with MongoDB 5.3 or newer",
        ..PLAIN
    },
    Row {
        name: "pre_images",
        of: INDEXED,
        takes: Takes::Nothing,
        written: &["pre_images"],
        default: "as the server has it",
        meaning: "stores documents as they were before a change, for exact [scopes](changes.md#scopes), with MongoDB 6.0 or newer",
        ..PLAIN
    },
    Row {
        name: "validator",
        of: INDEXED,
        takes: Takes::Nothing,
        written: &["validator"],
        default: "as the server has it",
        meaning: "rejects documents whose fields have other types than those of the struct",
        ..PLAIN
    },
];

const SERIES: &[Row] = &[
    Row {
        name: "time",
        of: TIME_SERIES,
        takes: Takes::Ident,
        written: &["time = at"],
        default: "required",
        meaning: "field with the date of a measurement",
        ..PLAIN
    },
    Row {
        name: "meta",
        of: TIME_SERIES,
        takes: Takes::Ident,
        written: &["meta = sensor"],
        default: "none",
        meaning: "field that names the source of a measurement",
        ..PLAIN
    },
    Row {
        name: "granularity",
        of: TIME_SERIES,
        takes: Takes::Words(&["seconds", "minutes", "hours"]),
        written: &["granularity = minutes"],
        default: "MongoDB's, `seconds`",
        meaning: "usual time between two measurements of one source",
        ..PLAIN
    },
    Row {
        name: "expire_after",
        of: TIME_SERIES,
        written: &["expire_after = \"30d\""],
        default: "never",
        meaning: "deletes measurements this long after their date, in whole seconds",
        ..PLAIN
    },
];

const BOUNDS: &[Row] = &[
    Row {
        name: "bytes",
        of: CAPPED,
        takes: Takes::Bytes,
        written: &["bytes = \"64MiB\""],
        default: "required",
        meaning: "size of the collection; the oldest documents give way to new ones",
        ..PLAIN
    },
    Row {
        name: "documents",
        of: CAPPED,
        takes: Takes::Count,
        written: &["documents = 1000"],
        default: "no bound",
        meaning: "number of documents",
        ..PLAIN
    },
];

const KINDS: &[Row] = &[
    Row {
        name: "keys",
        of: INDEX,
        takes: Takes::List,
        written: &["keys(status = 1, created_at = -1)"],
        default: "struct",
        meaning: "fields with `1` or `asc`, `-1` or `desc`, or a kind; `tags.0` is a position in a list, `keys(\"a.**\")` everything below `a` (beside other keys: MongoDB 7.0), `\"**\" = text` the words of all fields",
        ..PLAIN
    },
    Row { name: "asc", written: &["asc"], meaning: "ascending, as `#[index]` alone", ..ON_FIELD },
    Row { name: "desc", written: &["desc"], meaning: "descending", ..ON_FIELD },
    Row {
        name: "text",
        takes: Takes::Weight,
        written: &["text", "text(weight = 10)"],
        meaning: "search for words; the weight is 1 to 99999, by default 1. All text fields make one index",
        ..ON_FIELD
    },
    Row { name: "sphere", written: &["sphere"], meaning: "places on the globe, also `\"2dsphere\"`", ..ON_FIELD },
    Row { name: "plane", written: &["plane"], meaning: "points on a plane, also `\"2d\"`", ..ON_FIELD },
    Row { name: "hashed", written: &["hashed"], meaning: "hashed values, for sharding", ..ON_FIELD },
    Row { name: "wildcard", written: &["wildcard"], meaning: "all fields below it", ..ON_FIELD },
];

const OPTIONS: &[Row] = &[
    Row {
        name: "unique",
        takes: Takes::Nothing,
        written: &["unique"],
        meaning: "rejects a second document with the same values",
        ..ON_BOTH
    },
    Row {
        name: "sparse",
        takes: Takes::Nothing,
        written: &["sparse"],
        meaning: "leaves out documents without the field",
        ..ON_BOTH
    },
    Row {
        name: "hidden",
        takes: Takes::Nothing,
        written: &["hidden"],
        meaning: "maintained, but not used by queries",
        ..ON_BOTH
    },
    Row {
        name: "name",
        takes: Takes::Text,
        written: &["name = \"by_status\""],
        meaning: "name of the index, instead of MongoDB's own, such as `email_1`",
        ..ON_BOTH
    },
    Row {
        name: "expire_after",
        written: &["expire_after = \"30d\""],
        meaning: "deletes documents this long after the date in the field, in whole seconds; 0: at that date",
        call: Call::ByHand,
        elsewhere: &["expire_after_seconds", "ttl"],
        ..ON_BOTH
    },
    Row {
        name: "partial",
        takes: Takes::List,
        written: &["partial(status = \"active\")"],
        meaning: "includes only matching documents: `=`, `>`, `>=`, `<`, `<=`, `in [..]`, `exists(field)`, `type(field) = \"string\"`, combined by and; `a = 1 \\|\\| b = 2` with MongoDB 6.0. Values are literals, `null`, `date(\"..\")` and `object_id(\"..\")`",
        call: Call::ByHand,
        ..ON_BOTH
    },
    Row {
        name: "wildcard_projection",
        takes: Takes::List,
        written: &["wildcard_projection(color = 1)"],
        default: "struct",
        meaning: "fields that `keys(\"**\")` includes (`1`), or leaves out (`0`)",
        call: Call::ByHand,
        ..ON_BOTH
    },
    Row {
        name: "collation",
        takes: Takes::List,
        written: &["collation(locale = \"en\", strength = 2)"],
        meaning: "comparison of strings",
        call: Call::ByHand,
        ..ON_BOTH
    },
    Row {
        name: "default_language",
        takes: Takes::Text,
        written: &["default_language = \"english\""],
        meaning: "default language of a text index",
        ..ON_BOTH
    },
    Row {
        name: "language_override",
        takes: Takes::Text,
        written: &["language_override = \"idioma\""],
        meaning: "field with a document's language",
        ..ON_BOTH
    },
    Row {
        name: "bits",
        takes: Takes::Integer(1, 32),
        written: &["bits = 26"],
        meaning: "precision of a `plane` index, 1 to 32",
        ..ON_BOTH
    },
    Row {
        name: "min",
        takes: Takes::Number,
        written: &["min = -180"],
        meaning: "lower bound of a `plane` index; needs `max`",
        call: Call::ByHand,
        ..ON_BOTH
    },
    Row {
        name: "max",
        takes: Takes::Number,
        written: &["max = 180"],
        meaning: "upper bound; needs `min`",
        call: Call::ByHand,
        ..ON_BOTH
    },
];

const RULES: &[Row] = &[
    Row {
        name: "allow",
        takes: Takes::Params,
        written: &["allow(prefix)"],
        meaning: "admits an index whose keys a longer one starts with",
        call: Call::ByHand,
        ..ON_BOTH
    },
    Row {
        name: "as_is",
        takes: Takes::Templates,
        written: &["as_is(\"storageEngine\")"],
        meaning: "options of MongoDB that no attribute declares, and that the index on the server may have",
        call: Call::ByHand,
        ..ON_BOTH
    },
];

const LANGUAGE: &[Row] = &[
    Row {
        name: "locale",
        of: COLLATION,
        takes: Takes::Text,
        written: &["locale = \"en\""],
        default: "required",
        meaning: "locale whose rules apply",
        ..PLAIN
    },
    Row {
        name: "strength",
        of: COLLATION,
        takes: Takes::Integer(1, 5),
        written: &["strength = 2"],
        default: "MongoDB's, 3",
        meaning: "level of comparison, 1 to 5; 2 ignores case",
        ..PLAIN
    },
    Row {
        name: "case_level",
        of: COLLATION,
        takes: Takes::Bool,
        written: &["case_level = true"],
        default: "`false`",
        meaning: "compares case at strength 1 and 2 too",
        ..PLAIN
    },
    Row {
        name: "case_first",
        of: COLLATION,
        takes: Takes::Words(&["upper", "lower", "off"]),
        written: &["case_first = upper"],
        default: "`off`",
        meaning: "sorts capital letters first, or small ones",
        ..PLAIN
    },
    Row {
        name: "numeric_ordering",
        of: COLLATION,
        takes: Takes::Bool,
        written: &["numeric_ordering = true"],
        default: "`false`",
        meaning: "sorts `\"10\"` after `\"9\"`",
        ..PLAIN
    },
    Row {
        name: "alternate",
        of: COLLATION,
        takes: Takes::Words(&["shifted", "non_ignorable"]),
        written: &["alternate = shifted"],
        default: "`non_ignorable`",
        meaning: "`shifted` ignores spaces and punctuation up to strength 3",
        ..PLAIN
    },
    Row {
        name: "max_variable",
        of: COLLATION,
        takes: Takes::Words(&["punct", "space"]),
        written: &["max_variable = space"],
        default: "`punct`",
        meaning: "characters that `shifted` ignores",
        ..PLAIN
    },
    Row {
        name: "normalization",
        of: COLLATION,
        takes: Takes::Bool,
        written: &["normalization = true"],
        default: "`false`",
        meaning: "compares letters that are written as several code points as one",
        ..PLAIN
    },
    Row {
        name: "backwards",
        of: COLLATION,
        takes: Takes::Bool,
        written: &["backwards = true"],
        default: "`false`",
        meaning: "compares accents from the end, as in French of Canada",
        ..PLAIN
    },
];
