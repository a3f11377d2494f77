//! Indexes declared beside the fields that they cover: `cargo run -p fastness --features mongodb --example indexes`.
//!
//! Without a server it prints the declarations. `MONGODB_URI=mongodb://127.0.0.1/example` compares them with that database, and `apply`
//! as an argument creates the missing ones.

use fastness::Indexed;
use fastness::mongo::{self, IndexManager, plan};

#[derive(Indexed)]
#[indexed(collection = "products")]
#[index(keys(business = 1, price = -1))]
#[expect(dead_code, reason = "the example never reads a product")]
struct Product {
    business: i64,
    price: i64,
    #[index(unique, partial(type(sku) = "string"))]
    sku: Option<String>,
    #[index(text)]
    description: String,
}

#[tokio::main]
async fn main() -> Result<(), mongo::Error> {
    let Ok(uri) = std::env::var("MONGODB_URI") else {
        println!("the collection `{}` declares {} indexes", Product::COLLECTION, Product::INDEXES.len());
        println!("requests may sort by {:?}", Product::sortable());
        println!("set MONGODB_URI to compare them with a database");
        return Ok(());
    };
    let client = mongo::Settings::from_uri(&uri).await?.connect()?;
    let indexes = IndexManager::new(&client.database("example")).model::<Product>();
    println!("{}", indexes.plan().await?);
    if std::env::args().any(|argument| argument == "apply") {
        println!("{}", indexes.apply(&plan::Settings::default()).await?);
    }
    Ok(())
}
