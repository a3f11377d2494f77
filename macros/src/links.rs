//! The addresses of the guide's pages in the documentation of the attributes.
//!
//! rustdoc shows an attribute twice: here, and in `fastness`, which re-exports it. Both pages lie one folder below the root of the
//! documentation, so that one relative address leads from both to `fastness::guide`. docs.rs builds the pages of this crate alone,
//! and sets `docs_alone` as Cargo.toml says; the address is then that of the facade on docs.rs.
//!
//! Invariant: a test reads the addresses as `guide!("page")` and as text behind `guide_root!(), `, because rustdoc does not check them.
//!
//! May use: nothing of this crate.

/// The address of the guide.
#[cfg(not(docs_alone))]
macro_rules! guide_root {
    () => {
        "../fastness/guide/"
    };
}

/// The address of the guide.
#[cfg(docs_alone)]
macro_rules! guide_root {
    () => {
        concat!("https://docs.rs/fastness/", env!("CARGO_PKG_VERSION"), "/fastness/guide/")
    };
}

/// A paragraph that links to a page of the guide.
macro_rules! guide {
    ($page:literal) => {
        concat!(
            "See [the guide](",
            guide_root!(),
            $page,
            "/index.html) for behaviour on failure, common mistakes and operation."
        )
    };
}
