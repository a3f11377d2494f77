//! One option as data.
//!
//! Parsing, "did you mean", the lists in errors, the calls of the runtime and the tables of the documentation all follow from
//! a [`Row`]; only rules between options are written by hand.
//!
//! May use: nothing of this crate.

/// The description of one option.
#[cfg_attr(not(test), allow(dead_code))] // `default` and `meaning` are read by the test that writes the documentation
pub(crate) struct Row {
    /// The name, or [`UNNAMED`] for a value without a name.
    pub(crate) name: &'static str,
    /// The attributes that take it.
    pub(crate) of: &'static [&'static str],
    pub(crate) takes: Takes,
    /// The ways to write it. Errors show the first.
    pub(crate) written: &'static [&'static str],
    /// The value of a use that does not give the option, as Markdown.
    pub(crate) default: &'static str,
    /// The meaning, as Markdown.
    pub(crate) meaning: &'static str,
    pub(crate) call: Call,
    /// The effect of the option together with others, by the way in which it is written.
    pub(crate) effects: &'static [Effects],
    /// The names of this option in Rust's other caches and in Resilience4j.
    pub(crate) elsewhere: &'static [&'static str],
}

/// The name in the row of a value that is written without a name. No option has this name.
pub(crate) const UNNAMED: &str = "_";

/// The fields that most rows share: `..PLAIN`.
pub(crate) const PLAIN: Row = Row {
    name: UNNAMED,
    of: &[],
    takes: Takes::Expr,
    written: &[],
    default: "",
    meaning: "",
    call: Call::ByHand,
    effects: &[],
    elsewhere: &[],
};

/// The effect of one way to write an option together with other options and forms, each as Markdown.
#[cfg_attr(not(test), allow(dead_code))] // read by the test that writes the documentation
pub(crate) struct Effects {
    /// One of the ways of its row.
    pub(crate) written: &'static str,
    pub(crate) batch: &'static str,
    pub(crate) fleet: &'static str,
    pub(crate) stale: &'static str,
    pub(crate) early: &'static str,
    pub(crate) tiers: &'static str,
    pub(crate) negatives: &'static str,
    pub(crate) deploy: &'static str,
}

/// Rows of one table in the documentation.
#[cfg_attr(not(test), allow(dead_code))] // `title` is read by the test that writes the documentation
pub(crate) struct Group {
    /// The line above the table; may be empty.
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Row],
}

/// The kinds of values.
pub(crate) enum Takes {
    /// No value: the name stands alone.
    Nothing,
    /// Any expression.
    Expr,
    /// A duration that is evaluated at each call, so that it may name parameters.
    Time,
    /// The same, or a function from what is stored to a duration.
    Lifetime,
    /// `forever`, or a value of this kind.
    OrForever(&'static Takes),
    /// A value of this kind that is evaluated once for all calls, so that it may name neither `self` nor parameters.
    Once(&'static Takes),
    /// A closure, or the path of a function.
    Function,
    /// A string literal.
    Text,
    /// A string literal that names something in metrics.
    Name,
    /// A list of string literals: `["a", "b"]`.
    Texts,
    /// A list of string literals that may hold a function of the value, or such a function alone: `["a", |value| ..]`.
    Tags,
    /// A word of this list.
    Words(&'static [&'static str]),
    /// An identifier.
    Ident,
    /// A path.
    Path,
    /// A whole number from 1, as a `usize`.
    Count,
    /// The same, or an expression.
    AnyCount,
    /// A number of bytes, as a whole number from 1 or as text with a unit.
    Bytes,
    /// A whole number from 1 or an expression, as a `NonZeroU32`.
    Count32,
    /// A share from 0 to 0.5.
    Share,
    /// A share from 1 % to 100 %, or an expression.
    Percent,
    /// `off`, or a value of this kind.
    OrOff(&'static Takes),
    /// A number of calls, or a duration.
    Window,
    /// Names of parameters: `name(a, b)`.
    Params,
    /// A name for the body to use: `name(old)`.
    Binding,
    /// Names and values: `name(tier = user.tier)`.
    Labels,
    /// A list whose elements are read later: `name(..)`.
    List,
    /// String literals: `name("a", "b")`.
    Templates,
    /// A bare name, or `name(weight = 3)`.
    Weight,
    /// A whole number from the first to the second.
    Integer(u32, u32),
    /// `true` or `false`.
    Bool,
    /// A number, which may be negative.
    Number,
}

impl Takes {
    /// The kind of the value where it is not a word.
    pub(crate) fn kind(&self) -> &Self {
        match self {
            Self::Once(takes) | Self::OrOff(takes) | Self::OrForever(takes) => takes.kind(),
            other => other,
        }
    }

    /// Returns whether the value is evaluated once for all calls.
    pub(crate) fn is_once(&self) -> bool {
        match self {
            Self::Once(_) => true,
            Self::OrOff(takes) | Self::OrForever(takes) => takes.is_once(),
            _ => false,
        }
    }
}

/// The tokens that an option becomes.
pub(crate) enum Call {
    /// Written by hand in its attribute.
    ByHand,
    /// A method of this builder.
    Of(Builder, Method),
    /// A field of a struct literal: `name: Some(value)`, or `name: true` for an option without a value.
    Field,
}

/// The builders of the runtime that options are given to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builder {
    /// `Policy` of a call site.
    Policy,
    /// `Policy` of a call site whose values may go to the shared tier.
    Sharing,
    /// `Site`.
    Site,
    /// The settings of a resilience policy.
    Settings,
}

/// The form of the builder call for an option.
pub(crate) enum Method {
    /// `.method(value)`, or `.no_method()` where the value is `off`.
    Value(&'static str),
    /// `.method(value, other)`, where `other` is the value of the option of this name.
    With(&'static str, &'static str),
    /// `.method()`, where the value is the word before it.
    Words(&'static [(&'static str, &'static str)]),
    /// `.method()`, whatever the value.
    Alone(&'static str),
}
