//! Labels, which separate the calls of one site.

/// A value that can be a label of a timing: one of a few values that are known when the program is written.
///
/// `bool` is a label, and so is an enum that derives the trait; a variant is written in snake case, without its fields. Text and
/// numbers are not: each new value would be a new series that stays in memory and in the monitoring system for ever.
///
/// ```
/// use fastness::timing::Label;
/// use fastness::timed;
///
/// #[derive(Clone, Copy, Label)]
/// enum Tier { Free, EarlyBird }
///
/// #[timed(name = "doc.quote", labels(tier = tier, cached = cached))]
/// fn quote(tier: Tier, cached: bool) -> u32 { if cached { 1 } else { 2 } }
///
/// quote(Tier::EarlyBird, false);
/// let stats = fastness::timing::snapshots().into_iter().find(|stats| stats.name == "doc.quote").unwrap();
/// assert_eq!(stats.labels, [("tier", "early_bird"), ("cached", "false")]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a label",
    label = "a label must be one of a few known values",
    note = "each value of a label becomes a series that is stored for ever, so text and numbers, which have no bound, cannot be labels",
    note = "use a `bool`, or an enum with `#[derive(fastness::timing::Label)]`"
)]
pub trait Label {
    /// Returns the value as it is written in metrics.
    fn label(&self) -> &'static str;
}

impl Label for bool {
    #[inline]
    fn label(&self) -> &'static str {
        if *self { "true" } else { "false" }
    }
}

impl<L: Label + ?Sized> Label for &L {
    #[inline]
    fn label(&self) -> &'static str {
        (**self).label()
    }
}

/// `None` is written `none`.
impl<L: Label> Label for Option<L> {
    fn label(&self) -> &'static str {
        self.as_ref().map_or("none", Label::label)
    }
}
