//! The mix of requests.

use fastrand::Rng;
use serde::Serialize;

use super::world::World;

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Endpoint {
    Product,
    User,
    Business,
    Catalog,
    Search,
    List,
    Rating,
    Batch,
    LargeList,
    UpdateUser,
    UpdateProduct,
}

impl Endpoint {
    /// Every endpoint, with its number of requests among a thousand, and a name.
    pub(super) const MIX: [(Self, u32, &'static str); 11] = [
        (Self::Product, 340, "GET /api/products/{id}"),
        (Self::User, 160, "GET /api/users/{id}"),
        (Self::Business, 120, "GET /api/businesses/{id}"),
        (Self::Catalog, 100, "GET /api/businesses/{id}/products"),
        (Self::Search, 90, "GET /api/products/search?q="),
        (Self::List, 60, "GET /api/products?page="),
        (Self::Rating, 60, "GET /api/products/{id}/rating"),
        (Self::Batch, 45, "GET /api/products?ids= (20)"),
        (Self::LargeList, 20, "GET /api/products?limit=100"),
        (Self::UpdateUser, 4, "PUT /api/users/{id}"),
        (Self::UpdateProduct, 1, "PUT /api/products/{id}"),
    ];

    /// One of them, as often as the mix says.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let mut left = rng.u32(0..1_000);
        for (endpoint, weight, _) in Self::MIX {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return endpoint,
            }
        }
        Self::Product
    }

    /// The path of the next request of this kind.
    pub(super) fn path(self, world: &World, rng: &mut Rng) -> String {
        match self {
            Self::Product | Self::UpdateProduct => format!("/api/products/{}", world.products.draw(rng)),
            Self::User | Self::UpdateUser => format!("/api/users/{}", world.users.draw(rng)),
            Self::Business => format!("/api/businesses/{}", world.businesses.draw(rng)),
            Self::Catalog => format!("/api/businesses/{}/products", world.businesses.draw(rng)),
            Self::Rating => format!("/api/products/{}/rating", world.products.draw(rng)),
            Self::List => format!("/api/products?page={}", rng.u32(1..=5)),
            Self::LargeList => format!("/api/products?limit=100&page={}", rng.u32(1..=5)),
            Self::Batch => {
                let mut ids: Vec<_> = (0..20).map(|_| world.products.draw(rng)).collect();
                ids.sort_unstable();
                ids.dedup();
                let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
                format!("/api/products?ids={}", ids.join(","))
            }
            Self::Search => {
                let rank = usize::try_from(world.popularity.draw(rng)).unwrap_or(1);
                let wanted = world.words.get(rank - 1).map_or("tea", String::as_str);
                format!("/api/products/search?q={wanted}")
            }
        }
    }

    /// True if it writes back the document that it reads first.
    pub(super) fn is_write(self) -> bool {
        matches!(self, Self::UpdateUser | Self::UpdateProduct)
    }

    /// True if its answers hold many documents.
    pub(super) fn is_large(self) -> bool {
        matches!(self, Self::Batch | Self::LargeList | Self::Search)
    }
}

/// Numbers from 1, of which each is drawn as often as Zipf's law says: the k-th by 1/k^s.
#[derive(Debug)]
pub(super) struct Zipf {
    /// The share of all up to each.
    cumulative: Vec<f64>,
}

impl Zipf {
    /// More numbers than that would cost memory, and hardly ever be drawn.
    const MOST: u64 = 1_000_000;

    pub(super) fn new(count: u64, exponent: f64) -> Self {
        let mut sum = 0.0;
        let weights =
            (1..=u32::try_from(count.clamp(1, Self::MOST)).unwrap_or(1)).map(|k| f64::from(k).powf(-exponent));
        let mut cumulative: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        for share in &mut cumulative {
            *share /= sum;
        }
        Self { cumulative }
    }

    pub(super) fn draw(&self, rng: &mut Rng) -> u64 {
        let share = rng.f64();
        let index = self.cumulative.partition_point(|up_to| *up_to < share).min(self.cumulative.len() - 1);
        1 + index as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_of_a_thousand() {
        assert_eq!(Endpoint::MIX.iter().map(|(_, weight, _)| weight).sum::<u32>(), 1_000);
    }

    #[test]
    fn zipf_draws_by_its_law() {
        let (zipf, mut rng) = (Zipf::new(1_000, 1.0), Rng::with_seed(7));
        let mut counts = [0_u32; 1_001];
        for _ in 0..200_000 {
            counts[usize::try_from(zipf.draw(&mut rng)).unwrap()] += 1;
        }
        assert_eq!(counts[0], 0);
        // 1/H(1000) = 13.4 % for the first, half of that for the second.
        assert!((25_000..28_500).contains(&counts[1]), "{}", counts[1]);
        assert!((12_500..14_300).contains(&counts[2]), "{}", counts[2]);
        assert_eq!(Zipf::new(1, 1.1).draw(&mut rng), 1);
    }
}
