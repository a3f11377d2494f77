//! Patterns of exempt paths, with one meaning in all layers.

use std::sync::Arc;

use http::{Extensions, Uri};

use super::original_uri::original_uri;

/// Patterns of paths. `/health` matches this path only, `/health/*` matches `/health` and everything below it.
///
/// Patterns are compared with the path as the client sent it, before any router stripped a prefix, byte by byte: nothing is decoded or
/// resolved.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths(
    /// `None` for no patterns: cloning it, as services are with each request, then costs nothing.
    Option<Arc<[PathPattern]>>,
);

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathPattern {
    Exact(Arc<str>),
    /// The path above, without its final slash.
    Below(Arc<str>),
}

impl Paths {
    /// Creates the set of paths that these patterns match.
    #[cfg(test)]
    #[track_caller]
    fn new<P: Into<String>>(patterns: impl IntoIterator<Item = P>) -> Self {
        let mut paths = Self::default();
        paths.add(patterns);
        paths
    }

    /// Adds patterns.
    ///
    /// # Panics
    ///
    /// Panics if a pattern cannot match any path.
    #[track_caller]
    pub(super) fn add<P: Into<String>>(&mut self, patterns: impl IntoIterator<Item = P>) {
        let mut all: Vec<PathPattern> = self.0.iter().flat_map(|patterns| patterns.iter().cloned()).collect();
        for pattern in patterns {
            let pattern = PathPattern::new(&pattern.into());
            if !all.contains(&pattern) {
                all.push(pattern);
            }
        }
        self.0 = Some(all.into()).filter(|all: &Arc<[PathPattern]>| !all.is_empty());
    }

    /// Returns the patterns as text.
    pub(super) fn patterns(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|patterns| patterns.iter()).map(|pattern| match pattern {
            PathPattern::Exact(path) => path.to_string(),
            PathPattern::Below(path) => format!("{path}/*"),
        })
    }

    /// Returns whether the path of a request matches one of the patterns.
    #[inline]
    pub(super) fn contain(&self, extensions: &Extensions, uri: &Uri) -> bool {
        let Some(patterns) = &self.0 else { return false };
        let path = original_uri(extensions, uri).path();
        patterns.iter().any(|pattern| pattern.matches(path))
    }
}

impl PathPattern {
    #[track_caller]
    fn new(pattern: &str) -> Self {
        let path = pattern.strip_suffix("/*").unwrap_or(pattern);
        let rooted = path.starts_with('/') || (path.is_empty() && !pattern.is_empty());
        assert!(
            rooted && !path.contains(['*', '?', '#']),
            "`{pattern}` matches no path: write `/health` for this path alone, or `/health/*` for this path and all below it"
        );
        if path.len() == pattern.len() { Self::Exact(path.into()) } else { Self::Below(path.into()) }
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *path,
            Self::Below(above) => {
                path.strip_prefix(&**above).is_some_and(|below| below.is_empty() || below.starts_with('/'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(paths: &Paths, path: &str) -> bool {
        paths.contain(&Extensions::new(), &path.parse().unwrap())
    }

    #[test]
    fn a_star_matches_everything_below() {
        let paths = Paths::new(["/health", "/internal/*"]);
        for (path, within) in [
            ("/health", true),
            ("/health?full=1", true),
            ("http://a.example/health", true),
            ("/health/", false),
            ("/health/live", false),
            ("/healthy", false),
            ("/internal", true),
            ("/internal/", true),
            ("/internal/a/b", true),
            ("/internals", false),
            ("/%69nternal/a", false),
            ("/", false),
        ] {
            assert_eq!(contains(&paths, path), within, "{path}");
        }
        assert!(!contains(&Paths::default(), "/health"));
        assert!(contains(&Paths::new(["/*"]), "/"));
        assert!(contains(&Paths::new(["/*"]), "/a"));
    }

    #[test]
    fn later_patterns_are_added_to_earlier_ones() {
        let mut paths = Paths::new(["/a"]);
        paths.add(["/b/*", "/a"]);
        paths.add(Vec::<String>::new());
        for path in ["/a", "/b", "/b/c"] {
            assert!(contains(&paths, path), "{path}");
        }
        assert!(!contains(&paths, "/c"));
        assert_eq!(paths.patterns().collect::<Vec<_>>(), ["/a", "/b/*"]);
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_an_error() {
        for pattern in ["", "*", "health", "health/*", "/a*", "/*/a", "/a?b", "/a#b"] {
            let refused = std::panic::catch_unwind(|| Paths::new([pattern])).unwrap_err();
            let says = refused.downcast::<String>().unwrap();
            assert!(says.starts_with(&format!("`{pattern}` matches no path: write `/health`")), "{says}");
        }
    }

    #[cfg(feature = "axum")]
    #[test]
    fn a_router_that_strips_prefixes_changes_nothing() {
        let (mut extensions, stripped) = (Extensions::new(), "/health".parse().unwrap());
        extensions.insert(axum::extract::OriginalUri("/api/health".parse().unwrap()));
        assert!(!Paths::new(["/health"]).contain(&extensions, &stripped));
        assert!(Paths::new(["/api/*"]).contain(&extensions, &stripped));
    }
}
