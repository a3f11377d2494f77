//! Paths that a layer leaves alone.

use std::sync::Arc;

/// Some whole paths, and some with all that is below them (`/health/*`).
#[derive(Clone, Debug, Default)]
pub(super) struct Paths(
    /// None for none, as services are cloned with each request.
    Option<Arc<[String]>>,
);

impl Paths {
    pub(super) fn new<P: Into<String>>(paths: impl IntoIterator<Item = P>) -> Self {
        let paths: Arc<[String]> = paths.into_iter().map(Into::into).collect();
        Self(Some(paths).filter(|paths| !paths.is_empty()))
    }

    pub(super) fn contain(&self, path: &str) -> bool {
        self.0.iter().flat_map(|paths| paths.iter()).any(|own| match own.strip_suffix("/*") {
            Some(above) => path.strip_prefix(above).is_some_and(|below| below.is_empty() || below.starts_with('/')),
            None => own == path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_all_that_is_below() {
        let paths = Paths::new(["/health", "/internal/*"]);
        for (path, within) in [
            ("/health", true),
            ("/health/", false),
            ("/healthy", false),
            ("/internal", true),
            ("/internal/a/b", true),
            ("/internals", false),
            ("/", false),
        ] {
            assert_eq!(paths.contain(path), within, "{path}");
        }
        assert!(!Paths::default().contain("/health"));
    }
}
