use super::{Target, below_docs, linked};

fn shown(page: &str, text: &str) -> String {
    linked(page, text, |file| Ok(format!("<svg>\n{file}</svg>\n"))).unwrap()
}

#[test]
fn links_between_pages_are_paths_of_modules() {
    for (page, link, path) in [
        ("guide/cacheable.md", "keys.md", "crate::guide::keys"),
        ("guide/cacheable.md", "keys.md#namespaces", "crate::guide::keys#namespaces"),
        ("guide/cacheable.md", "README.md#pages", "crate::guide#pages"),
        ("guide/README.md", "coming-from/spring.md", "crate::guide::coming_from::spring"),
        ("guide/coming-from/spring.md", "../http-cache.md", "crate::guide::http_cache"),
        ("guide/monitor.md", "../metrics.md", "crate::guide::metrics"),
        ("events.md", "guide/codecs.md", "crate::guide::codecs"),
    ] {
        assert_eq!(Target::new(page, link), Target::Module(path.to_owned()), "{link} on {page}");
    }
}

#[test]
fn links_that_lead_out_of_the_guide_are_text() {
    for link in
        ["../../DESIGN.md#2-coherence", "../../../x.md", "../behaviours.md", "../guide", "../../runtime/src/lib.rs"]
    {
        assert_eq!(Target::new("guide/keys.md", link), Target::File, "{link}");
    }
    assert_eq!(below_docs("guide/keys.md", "../../DESIGN.md"), None);
    let text = "See [`DESIGN` [2]](../../DESIGN.md), and [keys](keys.md).";
    assert_eq!(shown("guide/a.md", text), "See `DESIGN` [2], and [keys](crate::guide::keys).\n");
    let over_lines = "[the\ndesign](../../DESIGN.md), `code [\nand` [more]\n\nno code `\n\n[keys](keys.md)";
    let expected = "the\ndesign, `code [\nand` [more]\n\nno code `\n\n[keys](crate::guide::keys)\n";
    assert_eq!(shown("guide/a.md", over_lines), expected);
}

#[test]
fn code_headings_and_sites_stay() {
    let text = "[a](#b) [c](https://d.e/f.md) `[g](h.md)`\n```text\n[i](j.md)\n```\n[`#[k]`](k.md)";
    assert_eq!(shown("guide/a.md", text), text.replace("k.md", "crate::guide::k") + "\n");
}

#[test]
fn a_picture_is_put_into_the_page() {
    let address = "data:image/svg+xml,%3Csvg%3E%0Aguide%2Fb%2Esvg%3C%2Fsvg%3E";
    assert_eq!(shown("guide/a.md", "![text](b.svg) here"), format!("![text]({address}) here\n"));
}
