//! Places, and searches around one.

use serde::{Deserialize, Serialize};

use super::Fields;

/// A place on Earth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "servers", derive(fastness::Indexed))]
pub struct Location {
    /// The country, as people there write it or as its code.
    pub country: String,
    /// The town.
    pub city: String,
    /// Longitude from -180 to 180, then latitude from -90 to 90, in degrees.
    pub coordinates: [f64; 2],
}

impl Location {
    pub(super) fn read(fields: &mut Fields) -> Self {
        fields.nested("location", |fields| Self {
            country: fields.text("country", 60),
            city: fields.text("city", 100),
            coordinates: fields.coordinates("coordinates"),
        })
    }
}

/// A search around a place. Positions are whole steps of a hundred-thousandth of a degree, about a metre: so they can be
/// compared, and neighbours in one room share one cached answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Near {
    longitude: i32,
    latitude: i32,
    /// The largest distance, in metres.
    pub within: u32,
    /// The most that may be found.
    pub limit: u32,
}

const STEPS: f64 = 100_000.0;

/// The radius that MongoDB computes with, in metres.
const EARTH_RADIUS: f64 = 6_378_100.0;

impl Near {
    /// The most that can be asked for, in kilometres: half way round the earth.
    pub const MAX_KM: u32 = 20_037;

    /// Around this place, given in degrees that are within their ranges.
    #[expect(clippy::cast_possible_truncation, reason = "180 degrees have 18 million steps")]
    pub fn new(longitude: f64, latitude: f64, within: u32, limit: u32) -> Self {
        let steps = |degrees: f64| (degrees * STEPS).round() as i32;
        Self { longitude: steps(longitude), latitude: steps(latitude), within, limit }
    }

    /// Longitude and latitude, in degrees.
    pub fn coordinates(self) -> [f64; 2] {
        [f64::from(self.longitude) / STEPS, f64::from(self.latitude) / STEPS]
    }

    /// The way from here to `place` over a round earth, in metres.
    pub fn distance(self, place: [f64; 2]) -> f64 {
        let [from, to] = [self.coordinates(), place].map(|place| place.map(f64::to_radians));
        let half = |a: f64, b: f64| ((b - a) / 2.0).sin().powi(2);
        let chord = half(from[1], to[1]) + from[1].cos() * to[1].cos() * half(from[0], to[0]);
        2.0 * EARTH_RADIUS * chord.clamp(0.0, 1.0).sqrt().asin()
    }
}

#[cfg(test)]
mod tests {
    use super::Near;

    #[test]
    fn the_way_is_over_the_globe() {
        let porto = Near::new(-8.61, 41.15, 0, 1);
        let lisbon = porto.distance([-9.14, 38.72]);
        assert!((273_000.0..276_000.0).contains(&lisbon), "{lisbon}");
        assert!(porto.distance([-8.61, 41.15]) < 0.1);
        let across = Near::new(179.9, 0.0, 0, 1).distance([-179.9, 0.0]);
        assert!((22_000.0..22_500.0).contains(&across), "the date line is no wall: {across}");
        let antipode = Near::new(0.0, 90.0, 0, 1).distance([0.0, -90.0]);
        assert!(antipode <= f64::from(Near::MAX_KM) * 1_000.0 + 1_000.0, "{antipode}");
    }
}
