//! Typed handles in implementations of traits, and beside functions of an `impl` without `Self::`.

use fastness::cacheable;

trait Prices {
    fn price(&self, id: u64) -> u64;
}

struct Shop;

impl Prices for Shop {
    #[cacheable(ttl = 60, key = "price:{id}", skip(self), handle = price_entry)]
    fn price(&self, id: u64) -> u64 { id }
}

impl Shop {
    #[cacheable(ttl = 60, key = "tax:{id}", handle = tax_entry)]
    fn tax(id: u64) -> u64 { id }
}

fn main() {}
