//! Tags from values that the types do not allow.

use fastness::{cache_put, cacheable};

#[derive(Clone)]
struct Order {
    products: Vec<u64>,
}

impl Order {
    fn tags(&self) -> Vec<u64> {
        self.products.clone()
    }
}

fn order() -> Order { Order { products: Vec::new() } }

#[cacheable(ttl = 60, tags = |order| order.products.len(), tag_patterns = ["product:{id}"])]
async fn a_number() -> Order { order() }

#[cacheable(ttl = 60, tags = Order::tags, tag_patterns = ["product:{id}"])]
async fn a_list_of_numbers() -> Order { order() }

#[cacheable(ttl = 60, tags = |text: &String| [text.clone()], tag_patterns = ["product:{id}"])]
async fn of_another_type() -> Option<Order> { Some(order()) }

#[cacheable(ttl = 60, tags = |_| [shop.clone()], tag_patterns = ["shop:{id}"], skip(shop))]
async fn of_an_argument(shop: String) -> Order { order() }

#[cache_put(ttl = 60, tags = |order| order.shop.clone(), tag_patterns = ["product:{id}"], key = "order")]
async fn of_no_field() -> Order { order() }

fn main() {}
