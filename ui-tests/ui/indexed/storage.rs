//! Options of collections.

use bson::DateTime;
use fastness::Indexed;

#[derive(Indexed)]
#[indexed(collection = "series", time_series(time = at), capped(bytes = "1MiB"), validator, scopes("reading:{sensor}"))]
struct Series {
    at: DateTime,
    sensor: u64,
}

#[derive(Indexed)]
#[indexed(collection = "indexes", time_series(time = at))]
struct Indexes {
    at: DateTime,
    #[index(unique)]
    sensor: u64,
    #[index(text)]
    place: String,
}

#[derive(Indexed)]
#[indexed(collection = "times", time_series(meta = sensor))]
struct NoTime {
    sensor: u64,
}

#[derive(Indexed)]
#[indexed(collection = "fields", time_series(time = att, granularity = days, tiem = at))]
struct NoField {
    at: DateTime,
}

#[derive(Indexed)]
#[indexed(collection = "dates", time_series(time = at))]
struct NoDate {
    at: u64,
}

#[derive(Indexed)]
#[indexed(collection = "log", capped(documents = 5), clustered)]
struct NoSize {
    text: String,
}

#[derive(Indexed)]
#[indexed(capped(bytes = 4096), pre_images = true)]
struct NoCollection {
    text: String,
}

fn main() {}
