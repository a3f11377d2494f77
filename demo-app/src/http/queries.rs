//! Query strings as questions.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::problem::Problem;
use super::query::{FromParams, Params};
use crate::domain::{Id, Listing, Model, Near, PageRequest, Product, ProductQuery, Scalar, SortKey};

impl FromParams for PageRequest {
    fn allowed() -> Vec<&'static str> {
        vec!["page", "limit"]
    }

    fn read(params: &mut Params) -> Self {
        params.page()
    }
}

/// No parameter means anything here.
#[derive(Debug)]
pub(super) struct NoParams;

impl FromParams for NoParams {
    fn allowed() -> Vec<&'static str> {
        Vec::new()
    }

    fn read(_: &mut Params) -> Self {
        Self
    }
}

/// A list of `M`s, without batches.
#[derive(Debug)]
pub(super) struct List<M>(pub(super) Listing, pub(super) PhantomData<M>);

impl<M: Model> FromParams for List<M> {
    fn allowed() -> Vec<&'static str> {
        ["page", "limit", "sort"].into_iter().chain(M::FIELDS.iter().map(|field| field.name)).collect()
    }

    fn read(params: &mut Params) -> Self {
        Self(params.listing::<M>(), PhantomData)
    }
}

/// A question to a collection: a page of it, or some of it by name.
#[derive(Debug)]
pub(super) enum ListQuery<M> {
    Page(Listing, PhantomData<M>),
    Batch(Vec<Id>),
}

impl<M: Model> FromParams for ListQuery<M> {
    fn allowed() -> Vec<&'static str> {
        let mut allowed = List::<M>::allowed();
        allowed.insert(2, "ids");
        allowed
    }

    fn read(params: &mut Params) -> Self {
        let listing = params.listing::<M>();
        let Some(ids) = params.ids() else {
            return Self::Page(listing, PhantomData);
        };
        for name in List::<M>::allowed() {
            if params.get(name).is_some() {
                params.fault(name, "cannot be combined with ids");
            }
        }
        Self::Batch(ids)
    }
}

/// A question to a business's products; the business is in the path.
#[derive(Debug)]
pub(super) struct Catalog {
    filter: BTreeMap<String, Scalar>,
    sort: Vec<SortKey>,
    page: PageRequest,
}

impl Catalog {
    pub(super) fn listing(mut self, business: Id) -> Result<Listing, Problem> {
        self.filter.insert("business".to_owned(), Scalar::Number(business));
        Ok(Listing::new::<Product>(self.filter, &self.sort, self.page)?)
    }
}

impl FromParams for Catalog {
    fn allowed() -> Vec<&'static str> {
        vec!["page", "limit", "sort", "category"]
    }

    fn read(params: &mut Params) -> Self {
        let category = Product::FIELDS.iter().filter(|field| field.name == "category");
        Self { page: params.page(), sort: params.sort(), filter: params.filter(category) }
    }
}

impl FromParams for ProductQuery {
    fn allowed() -> Vec<&'static str> {
        vec!["q", "category", "page", "limit"]
    }

    fn read(params: &mut Params) -> Self {
        let text = params.text("q", 100).unwrap_or_else(|| {
            params.fault("q", "is missing: give words to look for; /api/products lists all");
            String::new()
        });
        Self { text, category: params.text("category", 50), page: params.page() }
    }
}

impl FromParams for Near {
    fn allowed() -> Vec<&'static str> {
        vec!["lng", "lat", "within_km", "limit"]
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within 20 037 km, and no less than 0"
    )]
    fn read(params: &mut Params) -> Self {
        let (longitude, latitude) = (params.decimal("lng", -180.0..=180.0), params.decimal("lat", -90.0..=90.0));
        let metres = params.decimal("within_km", 0.0..=f64::from(Self::MAX_KM)) * 1_000.0;
        let limit = params.number("limit", 1..=PageRequest::MAX_LIMIT, PageRequest::DEFAULT.limit);
        Self::new(longitude, latitude, metres.round() as u32, limit)
    }
}
