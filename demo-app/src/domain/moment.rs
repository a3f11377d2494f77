//! Points in time.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, to the millisecond: text in JSON and in Redis, a date in MongoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Timestamp);

impl Moment {
    /// A moment that is not known yet: earlier than any that a client can name.
    pub const UNKNOWN: Self = Self(Timestamp::MIN);

    /// The moment `time`, without what is less than a millisecond.
    pub fn new(time: Timestamp) -> Self {
        Self::from_millis(time.as_millisecond())
    }

    /// The moment so many milliseconds after the year 1970 began.
    pub fn from_millis(millis: i64) -> Self {
        Timestamp::from_millisecond(millis).map_or(Self::UNKNOWN, Self)
    }

    /// Milliseconds since the year 1970 began.
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The moment that `text` spells, such as `2030-01-02T03:04:05Z`.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::new)
    }
}

impl Default for Moment {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The driver's bytes are the one format that is not for people.
        #[cfg(feature = "servers")]
        if !serializer.is_human_readable() {
            return bson::DateTime::from_millis(self.as_millis()).serialize(serializer);
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[cfg(feature = "servers")]
        if !deserializer.is_human_readable() {
            return bson::DateTime::deserialize(deserializer).map(|date| Self::from_millis(date.timestamp_millis()));
        }
        Timestamp::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(all(test, feature = "servers"))]
mod tests {
    use super::*;
    use crate::domain::User;

    #[test]
    fn a_document_comes_back_as_it_was_with_dates_and_its_id_by_the_names_of_the_database() {
        let now = Moment::parse("2030-01-02T03:04:05.678Z").expect("a moment");
        let user = User { id: 7, total_votes: 3, created_at: now, ..User::default() };
        let stored = bson::serialize_to_raw_document_buf(&user).expect("a document");
        assert_eq!(stored.get_i64("_id").expect("a number"), 7);
        assert_eq!(stored.get_datetime("createdAt").expect("a date").timestamp_millis(), now.as_millis());
        assert_eq!(bson::deserialize_from_slice::<User>(stored.as_bytes()).expect("a user"), user);
    }
}
