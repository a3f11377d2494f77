//! An index as a model declares it, as constants.

/// An index as a model declares it, written by `#[derive(Indexed)]`.
///
/// Partial filters and collations are declared by the derive alone; their fields are hidden and may change in any release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeclaredIndex {
    /// The indexed fields, in the order of the index; 1 to 32.
    pub fields: &'static [IndexField],
    /// Name of the index; `None` for the name that MongoDB derives from the fields, such as `email_1_createdAt_-1`.
    pub name: Option<&'static str>,
    /// True if no two documents may have the same values.
    pub unique: bool,
    /// True if documents without the fields are left out of the index.
    pub sparse: bool,
    /// True if queries do not use the index; writes keep it up to date.
    pub hidden: bool,
    /// Seconds from the date in the (only) indexed field until the document is deleted; `None`: never.
    pub expire_after: Option<u32>,
    /// Conditions that a document must meet to be in the index; empty for all documents.
    #[doc(hidden)]
    pub partial: &'static [Condition],
    /// Fields that a wildcard index on the whole document includes or leaves out; empty for all.
    #[doc(hidden)]
    pub wildcard_projection: &'static [Projection],
    /// Options of the existing index that no attribute declares, and that do not count as differences.
    #[doc(hidden)]
    pub as_is: &'static [&'static str],
    /// String comparison rules; `None` for those of the collection.
    #[doc(hidden)]
    pub collation: Option<Collation>,
    /// Language of a text index's stop words and stems; `None` for MongoDB's default, English.
    pub default_language: Option<&'static str>,
    /// Field that names the language of a document in a text index; `None` for MongoDB's default, `language`.
    pub language_override: Option<&'static str>,
    /// Geohash precision of a `2d` index in bits, 1 to 32; `None` for MongoDB's default, 26.
    pub bits: Option<u32>,
    /// Lower and upper bound of a `2d` index's coordinates; `None` for MongoDB's default, -180 and 180.
    pub bounds: Option<(f64, f64)>,
}

/// A field of an index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndexField {
    /// The stored names from the document down to the field: `["location", "country"]`. Empty for a wildcard index on the whole document.
    pub path: &'static [&'static str],
    /// The index kind of the field.
    pub kind: IndexKind,
}

/// The way in which a field is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// Ascending, `1`.
    Ascending,
    /// Descending, `-1`.
    Descending,
    /// Words of a text: `"text"`.
    Text {
        /// Weight of a word that is found in this field, 1 to 99 999. MongoDB's default is 1.
        weight: u32,
    },
    /// `GeoJSON` geometry on a sphere: `"2dsphere"`.
    Sphere,
    /// Points on a plane: `"2d"`.
    Plane,
    /// Hash of the value, for hashed sharding: `"hashed"`.
    Hashed,
    /// All fields below this one: `"path.$**": 1`.
    Wildcard,
}

/// A field in the projection of a wildcard index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    /// The stored names from the document down to the field.
    pub path: &'static [&'static str],
    /// True if the index includes the field, false if it leaves it out.
    pub included: bool,
}

/// A condition in the filter of a partial index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// The stored names from the document down to the field; empty for a choice between conditions.
    pub path: &'static [&'static str],
    /// The comparison that must hold for the field.
    pub operator: Operator,
}

/// A comparison that MongoDB allows in the filter of a partial index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operator {
    /// `$exists: true`
    Exists,
    /// `$type`, with MongoDB's names of types.
    Type(&'static [&'static str]),
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
    /// `$or` of groups, of which one must hold; a group holds if all of its conditions do. Its path is empty.
    AnyOf(&'static [&'static [Condition]]),
}

/// A value in a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// `null`, which a missing field equals too.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// A string.
    Text(&'static str),
    /// A date, in milliseconds since 1970.
    Date(i64),
    /// The bytes of an object id.
    Id([u8; 12]),
}

/// MongoDB's collation: the rules by which strings are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collation {
    /// ICU locale, such as `en` or `fr_CA`.
    pub locale: &'static str,
    /// Differences that count: 1 base letters, 2 also accents, 3 also case (MongoDB's default), 4 and 5 further details.
    pub strength: Option<u8>,
    /// True if case is compared at strength 1 and 2 too.
    pub case_level: Option<bool>,
    /// Order of equal letters by case: `upper`, `lower` or `off`.
    pub case_first: Option<&'static str>,
    /// True if numbers in strings are compared as numbers; `None` for MongoDB's default, false.
    pub numeric_ordering: Option<bool>,
    /// Comparison of spaces and punctuation: `non-ignorable` or `shifted`.
    pub alternate: Option<&'static str>,
    /// Characters that `shifted` ignores: `punct` or `space`.
    pub max_variable: Option<&'static str>,
    /// True if strings are normalized before they are compared.
    pub normalization: Option<bool>,
    /// True if accents are compared from the end.
    pub backwards: Option<bool>,
}

impl Collation {
    /// The base for struct update syntax: binary comparison.
    pub const DEFAULT: Self = Self {
        locale: "simple",
        strength: None,
        case_level: None,
        case_first: None,
        numeric_ordering: None,
        alternate: None,
        max_variable: None,
        normalization: None,
        backwards: None,
    };
}

impl DeclaredIndex {
    /// The base for struct update syntax: no fields, and MongoDB's default for every option.
    pub const DEFAULT: Self = Self {
        fields: &[],
        name: None,
        unique: false,
        sparse: false,
        hidden: false,
        expire_after: None,
        partial: &[],
        wildcard_projection: &[],
        as_is: &[],
        collation: None,
        default_language: None,
        language_override: None,
        bits: None,
        bounds: None,
    };
}
