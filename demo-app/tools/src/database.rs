//! The database that a command works on.

use std::time::Duration;

use fastness::mongo;

use demo_app::config::Config;
use demo_app::store::MongoRepository;

/// The time to wait for a server that takes commands.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database in `MONGODB_URI`, which must answer.
pub(super) async fn connect(config: &Config) -> Result<MongoRepository, String> {
    let Some(uri) = &config.mongodb else {
        return Err(
            "MONGODB_URI is not set, and the embedded store has no indexes and forgets what it is filled with; \
                    write MONGODB_URI=mongodb://127.0.0.1:27017/shop before the command"
                .to_owned(),
        );
    };
    let options = mongo::Settings::from_uri(uri.expose()).await.map_err(|error| error.to_string())?;
    let options = options.app_name("fastness-demo").driver(|options| {
        options.server_selection_timeout.get_or_insert(PATIENCE);
    });
    let store = MongoRepository::new(options.connect().map_err(|error| error.to_string())?);
    let ping = store.database().run_command(bson::doc! { "ping": 1 }).await;
    match ping {
        Ok(_) => Ok(store),
        // The driver's own words name addresses only.
        Err(error) => Err(format!("the database in MONGODB_URI does not answer: {}", error.kind)),
    }
}
