//! One index as a model declares it. All of it is known at compile time.

/// One index as a model declares it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Declaration {
    /// The indexed fields, in the order of the index; 1 to 32 of them.
    pub fields: &'static [Field],
    /// The index's name; `None`: the one that MongoDB makes of the fields, `email_1_createdAt_-1`.
    pub name: Option<&'static str>,
    /// No two documents may have the same values.
    pub unique: bool,
    /// Documents without the fields are left out.
    pub sparse: bool,
    /// Queries do not use the index, but writes keep it up to date.
    pub hidden: bool,
    /// Documents are deleted this many seconds after the time in their (only) indexed field.
    pub expire_after: Option<u32>,
    /// Only documents for which all of these hold are in the index; empty: all documents.
    pub partial: &'static [Condition],
    /// How strings are compared; `None`: as the collection does.
    pub collation: Option<Collation>,
    /// Language of a text index's stop words and stems; `None`: English.
    pub default_language: Option<&'static str>,
    /// Field of a document that says its language, for a text index; `None`: `language`.
    pub language_override: Option<&'static str>,
    /// Bits of a `2d` index's geohash, 1 to 32; `None`: 26.
    pub bits: Option<u32>,
    /// Bounds of a `2d` index's coordinates; `None`: -180 and 180.
    pub bounds: Option<(f64, f64)>,
}

/// One field of an index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// The stored names from the document down to the field: `["location", "country"]`. Of a wildcard index over the whole
    /// document: empty.
    pub path: &'static [&'static str],
    /// How it is indexed.
    pub kind: Kind,
}

/// How a field is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ascending, `1`.
    Ascending,
    /// Descending, `-1`.
    Descending,
    /// By words, `"text"`.
    Text {
        /// How much a word found here counts, 1 to 99 999; MongoDB's default is 1.
        weight: u32,
    },
    /// Places on the globe, `"2dsphere"`.
    Sphere,
    /// Points on a plane, `"2d"`.
    Plane,
    /// By a hash, for sharding: `"hashed"`.
    Hashed,
    /// All fields below this one, `"path.$**": 1`.
    Wildcard,
}

/// A condition of a partial index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// The stored names down to the field.
    pub path: &'static [&'static str],
    /// What must hold for it.
    pub operator: Operator,
}

/// What must hold for a field: the operators that MongoDB admits in a partial index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operator {
    /// `$exists: true`
    Exists,
    /// `$eq`
    Equal(Literal),
    /// `$gt`
    Greater(Literal),
    /// `$gte`
    GreaterOrEqual(Literal),
    /// `$lt`
    Less(Literal),
    /// `$lte`
    LessOrEqual(Literal),
    /// `$in`
    OneOf(&'static [Literal]),
}

/// A value in a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// A text.
    Text(&'static str),
}

/// How strings are compared: MongoDB's collation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collation {
    /// ICU locale, such as `en` or `fr_CA`.
    pub locale: &'static str,
    /// What counts as a difference: 1 base letters, 2 also accents, 3 also case (MongoDB's default), 4 and 5 more.
    pub strength: Option<u8>,
    /// Numbers in strings are compared as numbers.
    pub numeric_ordering: Option<bool>,
}

impl Declaration {
    /// An index over nothing, with no options: what is not said of an index.
    pub const PLAIN: Self = Self {
        fields: &[],
        name: None,
        unique: false,
        sparse: false,
        hidden: false,
        expire_after: None,
        partial: &[],
        collation: None,
        default_language: None,
        language_override: None,
        bits: None,
        bounds: None,
    };
}
