//! What the marketplace does: one service per model, each a handle on the repository.
//!
//! May use: `clock`, `domain`, `store`.

mod businesses;
mod products;
mod users;

pub use businesses::BusinessService;
pub use products::ProductService;
pub use users::UserService;
