//! The words that seed data is made of, in the embedded store and in a database.

/// The word for this number; they come round again.
///
/// # Panics
///
/// The list is empty.
pub fn pick<T: Copy>(list: &[T], n: u64) -> T {
    list[usize::try_from(n % list.len() as u64).expect("an index below the list's length")]
}

/// Names of businesses.
pub const TRADES: &[&str] = &["Orchard", "Harbour", "Meadow", "Foundry", "Lantern"];
/// And what they are.
pub const KINDS: &[&str] = &["Traders", "Goods", "Supply", "Market"];
/// First words of products' names.
pub const ADJECTIVES: &[&str] = &["Green", "Smoked", "Classic", "Golden", "Everyday", "Wild", "Fine"];
/// Second words of products' names, and their categories.
pub const THINGS: &[(&str, &str)] = &[
    ("Tea", "drinks"),
    ("Coffee", "drinks"),
    ("Honey", "food"),
    ("Hammer", "tools"),
    ("Lamp", "home"),
    ("Blanket", "home"),
    ("Notebook", "office"),
    ("Saw", "tools"),
    ("Olives", "food"),
];
/// Users' first names.
pub const FIRST_NAMES: &[&str] =
    &["Ada", "Grace", "Alan", "Barbara", "Edsger", "Frances", "Ken", "Margaret", "Niklaus", "Tony"];
/// And their last ones.
pub const LAST_NAMES: &[&str] = &["Lovelace", "Hopper", "Turing", "Liskov", "Dijkstra", "Allen", "Thompson"];
