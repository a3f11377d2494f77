//! Simulation of breakers: it writes its results into docs/guide/breaker-defaults.md and its plot, and takes about a minute.

use std::fs;
use std::path::Path;

fn main() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
    let page = guide.join("breaker-defaults.md");
    let text = fs::read_to_string(&page).expect("the page is there");
    let (tables, plot) = fastness_tests::breakers::report();
    let (before, rest) = text.split_once("<!-- simulated -->\n").expect("a mark before the tables");
    let (_, after) = rest.split_once("<!-- end -->").expect("a mark after the tables");
    fs::write(&page, format!("{before}<!-- simulated -->\n\n{tables}\n<!-- end -->{after}"))
        .expect("it can be written");
    fs::write(guide.join("breaker-defaults.svg"), plot).expect("it can be written");
    print!("{tables}");
}
