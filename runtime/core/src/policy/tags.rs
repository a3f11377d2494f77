//! The tags that values state: further names by which an invalidation reaches them, known only once they are loaded.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ttl::SiteFigures;
use crate::key::scopes::tag;

/// Largest number of tags that one value may state: each is looked up whenever the value is judged again, and takes eight bytes in the
/// shared tier.
const MAX_TAGS: usize = 1_024;

/// The function that returns the hashes of a value's tags; `None` if the user's function fails. The user's function is in it, so that only
/// call sites whose values state tags have code for them.
pub(crate) type TagsOf<T> = fn(&T, SiteFigures<'_>) -> Option<Vec<u64>>;

/// Returns the hashes of the tags that `of` returns of the value; `None` if it panics or returns too many.
pub fn stated_tags<'a, T, L: TagTexts>(
    value: &'a T,
    site: SiteFigures<'_>,
    of: impl FnOnce(&'a T) -> L,
) -> Option<Vec<u64>> {
    let mut of = Some(of);
    let mut fill = |tags: &mut TagList| {
        if let Some(of) = of.take() {
            of(value).each(&mut |text| tags.add(text));
        }
    };
    collect(&mut fill, site)
}

/// A list of tags, as the function of `tags` returns it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of tags",
    label = "must be a list of texts or keys",
    note = "return an array, a `Vec` or an iterator of `Key`s, `String`s or `&str`s, as `tags = |order| order.products.iter().map(|id| PRODUCT.join(id))`"
)]
pub trait TagTexts {
    /// Calls `add` with each text, until it returns false.
    fn each(self, add: &mut dyn FnMut(&str) -> bool);
}

impl<L: IntoIterator<Item: AsRef<str>>> TagTexts for L {
    fn each(self, add: &mut dyn FnMut(&str) -> bool) {
        let _ = self.into_iter().all(|text| add(text.as_ref()));
    }
}

/// The tags of one value. No more are read than a value may have.
#[derive(Default)]
struct TagList {
    hashes: Vec<u64>,
    is_full: bool,
}

impl TagList {
    fn add(&mut self, text: &str) -> bool {
        self.is_full |= self.hashes.len() == MAX_TAGS;
        if !self.is_full {
            self.hashes.push(tag(text));
        }
        !self.is_full
    }
}

/// Collects the tags. The answer of the caller is there already, so a panic must not take it away.
fn collect(fill: &mut dyn FnMut(&mut TagList), site: SiteFigures<'_>) -> Option<Vec<u64>> {
    let mut tags = TagList::default();
    let ended = catch_unwind(AssertUnwindSafe(|| fill(&mut tags)));
    if ended.is_ok() && !tags.is_full {
        tags.hashes.sort_unstable();
        tags.hashes.dedup();
        return Some(tags.hashes);
    }
    if site.counters.tag_failures.count_first() {
        let function = site.function;
        if tags.is_full {
            tracing::warn!(
                function,
                most = MAX_TAGS,
                "a value states too many tags, so it is not stored: tag it with fewer names, as a group instead of its members"
            );
        } else {
            tracing::warn!(
                function,
                "the function of `tags` panicked, so nothing is stored: return a list for every value, which may be empty"
            );
        }
    }
    None
}
