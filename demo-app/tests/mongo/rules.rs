//! Rules that hold for every store.

use std::collections::BTreeSet;
use std::task::Poll;

use demo_app::domain::{
    Business, BusinessDraft, EventType, Id, Listing, Location, Manufacturer, ManufacturerDraft, Near, PageRequest,
    Product, ProductDraft, ProductQuery, Scalar, SortKey, Subscription, SupplyChainEvent, User, UserDraft, Vote,
    VoteDraft,
};
use demo_app::store::{Collection, Repository, StoreError, seed};
use jiff::{SignedDuration, Timestamp};

fn now() -> Timestamp {
    "2030-01-02T03:04:05.678Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

pub(crate) fn seller(email: &str) -> BusinessDraft {
    BusinessDraft { email: email.into(), business_name: None, is_active: true, subscription: Subscription::default() }
}

pub(crate) async fn business(store: &dyn Repository, email: &str) -> Business {
    let id = store.next_id(Collection::Businesses).await.unwrap();
    let business = seller(email).into_business(id, now());
    store.insert_business(business.clone()).await.unwrap();
    business
}

pub(crate) fn draft(business: Id, name: &str) -> ProductDraft {
    let description = "from the hills of Assam".into();
    ProductDraft { business, name: name.into(), description, category: "tea".into(), price: 500 }
}

async fn product(store: &dyn Repository, business: Id, name: &str) -> Product {
    let id = store.next_id(Collection::Products).await.unwrap();
    let product = draft(business, name).into_product(id, now());
    store.insert_product(product.clone()).await.unwrap();
    product
}

async fn user(store: &dyn Repository, business: Id, email: &str) -> User {
    let id = store.next_id(Collection::Users).await.unwrap();
    let user = UserDraft { business, name: "Ada".into(), email: email.into(), is_active: true }.into_user(id, now());
    store.insert_user(user.clone()).await.unwrap();
    user
}

fn maker(email: &str) -> ManufacturerDraft {
    ManufacturerDraft {
        email: email.into(),
        name: "Kiln".into(),
        industry: "ceramics".into(),
        is_verified: true,
        is_active: true,
        location: Location { country: "PT".into(), city: "Porto".into(), coordinates: [-8.61, 41.15] },
    }
}

async fn manufacturer(store: &dyn Repository, email: &str) -> Manufacturer {
    let id = store.next_id(Collection::Manufacturers).await.unwrap();
    let manufacturer = maker(email).into_manufacturer(id);
    store.insert_manufacturer(manufacturer.clone()).await.unwrap();
    manufacturer
}

fn ballot(business: Id, voter: &str, product: Id) -> Vote {
    let draft =
        VoteDraft { business, proposal_id: "autumn".into(), voter_address: voter.into(), selected_product_id: product };
    draft.into_vote(now())
}

async fn event(store: &dyn Repository, at: [f64; 2], timestamp: Timestamp) -> SupplyChainEvent {
    let id = store.next_id(Collection::Events).await.unwrap();
    let location = Location { country: "PT".into(), city: "Porto".into(), coordinates: at };
    let event_type = EventType::Shipped;
    let event = SupplyChainEvent { id, manufacturer: 1, product_id: 1, event_type, timestamp, location };
    store.insert_event(event.clone()).await.unwrap();
    event
}

fn listing(collection: Collection, filter: &[(&str, Scalar)], sort: &str, page: PageRequest) -> Listing {
    let filter = filter.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let key =
        |name: &str| SortKey { field: name.trim_start_matches('-').to_owned(), descending: name.starts_with('-') };
    let sort: Vec<_> = sort.split(',').filter(|name| !name.is_empty()).map(key).collect();
    collection.listing(filter, &sort, page).unwrap()
}

fn of(business: Id, page: PageRequest) -> Listing {
    listing(Collection::Products, &[("business", Scalar::Number(business))], "", page)
}

pub(crate) async fn documents_are_stored_changed_listed_and_deleted(store: &dyn Repository) {
    let (one, two) = (business(store, "one@example.com").await, business(store, "two@example.com").await);
    assert_eq!((one.id, two.id), (1, 2));
    assert_eq!(store.business(1).await.unwrap(), Some(one.clone()));
    assert_eq!(store.businesses(&[2, 7, 1]).await.unwrap().len(), 2);

    let changed = BusinessDraft { business_name: Some("One".into()), ..seller("one@example.org") };
    let changed = store.update_business(1, changed, None).await.unwrap().unwrap();
    assert_eq!((changed.email.as_str(), changed.created_at), ("one@example.org", one.created_at));
    assert_eq!(store.update_business(9, seller("x@example.com"), None).await.unwrap(), None);

    for number in 0..5 {
        product(store, 1, &format!("tea {number}")).await;
    }
    let page = store.list_products(&of(1, PageRequest { number: 2, limit: 2 })).await.unwrap();
    assert_eq!((page.items.len(), page.total, page.pages, page.items[0].id), (2, 5, 3, 3));
    user(store, 1, "ada@example.com").await;
    store.insert_vote(ballot(1, "ada@example.com", 1)).await.unwrap();
    assert!(store.delete_business(1, None).await.unwrap());
    assert_eq!(
        store.list_products(&of(1, PageRequest::DEFAULT)).await.unwrap().total,
        0,
        "they went with their business"
    );
    assert_eq!(store.list_users(&Listing::all(PageRequest::DEFAULT)).await.unwrap().total, 0);
    assert_eq!(store.tally(1, "autumn").await.unwrap().total_votes, 0);
    assert!(!store.delete_business(1, None).await.unwrap());
}

/// A change and a deletion of `$made`, each once with the document that is there and once with that of before.
macro_rules! depends_on_the_document {
    ($store:expr, $made:expr, $draft:expr, $update:ident, $delete:ident) => {{
        let (store, before) = ($store, $made);
        let id = before.id;
        let after = store.$update(id, $draft, Some(&before)).await.unwrap().expect("it is there");
        assert_ne!(before, after);
        assert!(matches!(store.$update(id, $draft, Some(&before)).await, Err(StoreError::Changed)));
        assert!(matches!(store.$delete(id, Some(&before)).await, Err(StoreError::Changed)));
        assert_eq!(store.$update(id, $draft, Some(&after)).await.unwrap(), Some(after.clone()), "nothing is new");
        assert!(store.$delete(id, Some(&after)).await.unwrap());
        assert!(matches!(store.$delete(id, Some(&after)).await, Err(StoreError::Changed)), "it is gone");
    }};
}

pub(crate) async fn a_change_may_depend_on_the_document(store: &dyn Repository) {
    let owner = business(store, "owner@example.com").await.id;
    let tea = product(store, owner, "tea").await;
    depends_on_the_document!(store, tea, draft(owner, "mate"), update_product, delete_product);
    let ada = user(store, owner, "ada@example.com").await;
    let other = UserDraft { business: owner, name: "Eve".into(), email: "eve@example.com".into(), is_active: false };
    depends_on_the_document!(store, ada, other.clone(), update_user, delete_user);
    let kiln = manufacturer(store, "kiln@example.com").await;
    let moved = ManufacturerDraft { name: "Oven".into(), ..maker("oven@example.com") };
    depends_on_the_document!(store, kiln, moved.clone(), update_manufacturer, delete_manufacturer);
    // The one field that is left out where there is none: it comes, and it goes.
    let named = BusinessDraft { business_name: Some("Shop".into()), ..seller("shop@example.com") };
    let shop = business(store, "shop@example.com").await;
    depends_on_the_document!(store, shop, named.clone(), update_business, delete_business);
    let nameless = business(store, "shop@example.org").await;
    let shop = store.update_business(nameless.id, named, Some(&nameless)).await.unwrap().expect("it is there");
    depends_on_the_document!(store, shop, seller("shop@example.org"), update_business, delete_business);
}

pub(crate) async fn a_manufacturer_is_stored_changed_and_deleted(store: &dyn Repository) {
    let (one, two) = (manufacturer(store, "one@example.com").await, manufacturer(store, "two@example.com").await);
    assert_eq!(store.manufacturer(1).await.unwrap(), Some(one.clone()));
    assert_eq!(store.manufacturers(&[2, 7, 1]).await.unwrap().len(), 2);
    let again = maker("one@example.com").into_manufacturer(3);
    assert_eq!(store.insert_manufacturer(again).await, Err(StoreError::Taken("email")));
    assert_eq!(
        store.update_manufacturer(two.id, maker("one@example.com"), None).await,
        Err(StoreError::Taken("email"))
    );
    let changed = store.update_manufacturer(1, maker("one@example.org"), None).await.unwrap().unwrap();
    assert_eq!(changed, Manufacturer { email: "one@example.org".into(), ..one });
    assert_eq!(store.update_manufacturer(9, maker("x@example.com"), None).await, Ok(None));
    assert!(store.delete_manufacturer(1, None).await.unwrap() && !store.delete_manufacturer(1, None).await.unwrap());
    assert_eq!(store.manufacturer(1).await, Ok(None));
}

pub(crate) async fn rules_across_documents_are_kept(store: &dyn Repository) {
    let one = business(store, "one@example.com").await;
    let two = business(store, "two@example.com").await;
    let again = seller("one@example.com").into_business(3, now());
    assert_eq!(store.insert_business(again).await, Err(StoreError::Taken("email")));
    assert_eq!(store.update_business(two.id, seller("one@example.com"), None).await, Err(StoreError::Taken("email")));

    let orphan = draft(9, "tea").into_product(1, now());
    assert_eq!(store.insert_product(orphan).await, Err(StoreError::Dangling("business")));
    let lost = UserDraft { business: 9, name: "Ada".into(), email: "ada@example.com".into(), is_active: true };
    assert_eq!(store.insert_user(lost.into_user(1, now())).await, Err(StoreError::Dangling("business")));

    let tea = product(store, one.id, "tea").await;
    assert_eq!(store.update_product(tea.id, draft(two.id, "tea"), None).await, Err(StoreError::Fixed("business")));
    assert_eq!(store.update_product(99, draft(one.id, "tea"), None).await, Ok(None));
    assert_eq!(store.update_product(tea.id, draft(one.id, "chai"), None).await.unwrap().unwrap().name, "chai");

    for vote in [ballot(two.id, "ada", tea.id), ballot(one.id, "ada", 99)] {
        assert_eq!(store.insert_vote(vote).await, Err(StoreError::Dangling("selectedProductId")));
    }
    assert_eq!(store.insert_vote(ballot(9, "ada", tea.id)).await, Err(StoreError::Dangling("business")));
    let location = Location::default();
    let lost = SupplyChainEvent {
        id: 1,
        manufacturer: 9,
        product_id: tea.id,
        event_type: EventType::Packed,
        timestamp: now(),
        location,
    };
    assert_eq!(store.insert_event(lost.clone()).await, Err(StoreError::Dangling("manufacturer")));
    manufacturer(store, "works@example.com").await;
    let lost = SupplyChainEvent { manufacturer: 1, product_id: 99, ..lost };
    assert_eq!(store.insert_event(lost).await, Err(StoreError::Dangling("productId")));
}

pub(crate) async fn a_search_is_for_all_of_its_words(store: &dyn Repository) {
    let seller = business(store, "one@example.com").await;
    product(store, seller.id, "Green tea").await;
    product(store, seller.id, "Black tea").await;
    let found = async |text: &str, category: Option<&str>| {
        let (text, category) = (text.to_owned(), category.map(str::to_owned));
        let page = store.search_products(&ProductQuery { text, category, page: PageRequest::DEFAULT }).await.unwrap();
        // They come as the store finds them.
        page.items.into_iter().map(|product| product.name).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(found("tea", None).await, ["Black tea", "Green tea"]);
    assert_eq!(found("green tea", None).await, ["Green tea"]);
    assert_eq!(found("green assam", Some("tea")).await, ["Green tea"]);
    assert!(found("green", Some("coffee")).await.is_empty());
}

pub(crate) async fn a_voter_has_one_vote_on_a_proposal_however_many_try(store: &dyn Repository) {
    let seller = business(store, "one@example.com").await;
    let (tea, chai) = (product(store, seller.id, "tea").await, product(store, seller.id, "chai").await);
    let tries = (0..8).map(|at| store.insert_vote(ballot(1, "ada", if at % 2 == 0 { tea.id } else { chai.id })));
    let ends = join_all(tries).await;
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1, "{ends:?}");
    assert!(ends.iter().all(|end| matches!(end, Ok(()) | Err(StoreError::Voted))), "{ends:?}");
    assert_eq!(store.tally(1, "autumn").await.unwrap().total_votes, 1);

    store.insert_vote(ballot(1, "bob", chai.id)).await.unwrap();
    store.insert_vote(ballot(1, "eve", chai.id)).await.unwrap();
    let tally = store.tally(1, "autumn").await.unwrap();
    assert_eq!((tally.total_votes, tally.results[0].product), (3, chai.id));
    assert_eq!(store.tally(1, "spring").await.unwrap().results, []);
    let vote = store.vote("1:autumn:bob").await.unwrap();
    assert_eq!(vote, Some(ballot(1, "bob", chai.id)));
    assert_eq!(store.vote("1:autumn:unknown").await, Ok(None));
}

pub(crate) async fn votes_count_for_those_who_have_the_address(store: &dyn Repository) {
    let (one, two) = (business(store, "one@example.com").await, business(store, "two@example.com").await);
    let tea = product(store, one.id, "tea").await;
    let ada = user(store, one.id, "ada@example.com").await;
    user(store, two.id, "ada@example.com").await;
    assert_eq!(store.voters(one.id, "ada@example.com").await.unwrap(), [ada.id]);
    store.insert_vote(ballot(one.id, "ada@example.com", tea.id)).await.unwrap();
    // Two at a time count the same.
    join_all((0..4).map(|_| store.recount_votes(ada.id))).await.into_iter().for_each(|end| end.unwrap());
    store.recount_votes(99).await.unwrap();
    assert_eq!(store.user(ada.id).await.unwrap().unwrap().total_votes, 1);
    assert_eq!(store.user(2).await.unwrap().unwrap().total_votes, 0);
}

pub(crate) async fn what_happened_is_found_by_product_and_place(store: &dyn Repository) {
    let seller = business(store, "one@example.com").await;
    product(store, seller.id, "tea").await;
    manufacturer(store, "works@example.com").await;
    let lisbon = event(store, [-9.14, 38.72], later(20)).await;
    let porto = event(store, [-8.61, 41.15], later(10)).await;
    let suva = event(store, [179.9, -18.0], later(30)).await;
    assert_eq!(store.event(porto.id).await.unwrap().as_ref(), Some(&porto));
    assert_eq!(store.event(99).await, Ok(None));

    let trace = listing(Collection::Events, &[("productId", Scalar::Number(1))], "timestamp", PageRequest::DEFAULT);
    assert_eq!(store.list_events(&trace).await.unwrap().items, [porto.clone(), lisbon.clone(), suva.clone()]);

    let near = async |longitude, latitude, km: u32, limit| {
        let found = store.events_near(Near::new(longitude, latitude, km * 1_000, limit)).await.unwrap();
        found.into_iter().map(|near| (near.event.id, format!("{:.0}", near.distance_km))).collect::<Vec<_>>()
    };
    assert_eq!(near(-8.61, 41.15, 100, 20).await, [(porto.id, "0".into())]);
    assert_eq!(near(-8.61, 41.15, 300, 20).await, [(porto.id, "0".into()), (lisbon.id, "274".into())]);
    assert_eq!(near(-8.61, 41.15, 300, 1).await.len(), 1);
    assert_eq!(near(-179.9, -18.0, 30, 20).await, [(suva.id, "21".into())], "the date line is no wall");
    assert_eq!(near(0.0, 90.0, Near::MAX_KM, 20).await.len(), 3);
}

/// Every order of every list that the indexes serve, over the seed: whole, without overlap, and sorted.
pub(crate) async fn lists_come_in_the_order_asked_for(store: &dyn Repository) {
    seed(store).await.unwrap();
    let totals = async |sort: &str| {
        let page = PageRequest { number: 1, limit: 100 };
        let users = store.list_users(&listing(Collection::Users, &[], sort, page)).await.unwrap();
        users.items.into_iter().map(|user| (user.total_votes, user.created_at, user.id)).collect::<Vec<_>>()
    };
    let mut expected = totals("").await;
    assert_eq!(expected.len(), 100);
    expected.sort_unstable();
    assert_eq!(totals("totalVotes").await, expected);
    expected.reverse();
    assert_eq!(totals("-totalVotes").await, expected);
    assert_eq!(totals("-totalVotes,-createdAt").await, expected);

    let by_plan = [("subscription.plan", Scalar::from("pro")), ("subscription.status", Scalar::from("active"))];
    for (sort, filter) in [("", &by_plan[..]), ("-createdAt", &[]), ("email", &[]), ("-_id", &[])] {
        let all = listing(Collection::Businesses, filter, sort, PageRequest { number: 1, limit: 100 });
        let all = store.list_businesses(&all).await.unwrap();
        let mut paged = Vec::new();
        for number in 1..=all.total.div_ceil(3) {
            let page = PageRequest { number: u32::try_from(number).unwrap(), limit: 3 };
            paged.extend(
                store.list_businesses(&listing(Collection::Businesses, filter, sort, page)).await.unwrap().items,
            );
        }
        assert!(!paged.is_empty() && paged == all.items, "{sort}");
    }
    let food = [("industry", Scalar::from("food")), ("isVerified", Scalar::Flag(true))];
    let food = listing(Collection::Manufacturers, &food, "", PageRequest::DEFAULT);
    let food = store.list_manufacturers(&food).await.unwrap();
    assert!(food.total > 0 && food.items.iter().all(|maker| maker.is_verified && maker.industry == "food"));
    let porto = [("location.country", Scalar::from("PT")), ("location.city", Scalar::from("Porto"))];
    let porto = listing(Collection::Manufacturers, &porto, "", PageRequest::DEFAULT);
    assert_eq!(store.list_manufacturers(&porto).await.unwrap().total, 5);
    let idle =
        listing(Collection::Manufacturers, &[("isActive", Scalar::Flag(true))], "lastLoginAt", PageRequest::DEFAULT);
    let idle = store.list_manufacturers(&idle).await.unwrap();
    assert!(idle.items[0].last_login_at.is_none(), "who never came is first");
    assert!(idle.items.is_sorted_by_key(|maker| maker.last_login_at));
}

/// The ids of every list that the demo serves, in order: one store is held against the other by them.
pub(crate) async fn every_list(store: &dyn Repository) -> Vec<(String, Vec<String>)> {
    let page = PageRequest { number: 1, limit: 100 };
    let number = |name: &'static str| (name, Scalar::Number(2));
    let mut lists = Vec::new();
    for (collection, filter, sort) in [
        (Collection::Users, vec![], ""),
        (Collection::Users, vec![], "-totalVotes"),
        (Collection::Users, vec![number("business")], "createdAt"),
        (Collection::Users, vec![("isActive", Scalar::Flag(true))], "-lastLoginAt"),
        (Collection::Businesses, vec![("isActive", Scalar::Flag(true))], "createdAt"),
        (Collection::Businesses, vec![("subscription.plan", Scalar::from("pro"))], ""),
        (Collection::Manufacturers, vec![], "industry,isVerified"),
        (Collection::Manufacturers, vec![("location.country", Scalar::from("PT"))], "-location.city"),
        (Collection::Products, vec![number("business"), ("category", Scalar::from("food"))], ""),
        (Collection::Products, vec![number("business")], "category"),
        (Collection::Votes, vec![], ""),
        (Collection::Votes, vec![number("business")], "timestamp"),
        (Collection::Votes, vec![number("business"), ("proposalId", Scalar::from("spring-2025"))], ""),
        (Collection::Events, vec![("eventType", Scalar::from("inspected"))], "-timestamp"),
        (Collection::Events, vec![number("manufacturer")], ""),
        (Collection::Events, vec![number("productId")], "timestamp"),
    ] {
        let asked = listing(collection, &filter, sort, page);
        let ids: Vec<String> = match collection {
            Collection::Users => {
                store.list_users(&asked).await.unwrap().items.iter().map(|user| user.id.to_string()).collect()
            }
            Collection::Businesses => {
                store.list_businesses(&asked).await.unwrap().items.iter().map(|one| one.id.to_string()).collect()
            }
            Collection::Manufacturers => {
                store.list_manufacturers(&asked).await.unwrap().items.iter().map(|one| one.id.to_string()).collect()
            }
            Collection::Products => {
                store.list_products(&asked).await.unwrap().items.iter().map(|one| one.id.to_string()).collect()
            }
            Collection::Votes => {
                store.list_votes(&asked).await.unwrap().items.iter().map(|one| one.id.clone()).collect()
            }
            Collection::Events => {
                store.list_events(&asked).await.unwrap().items.iter().map(|one| one.id.to_string()).collect()
            }
        };
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{collection:?} {sort}");
        assert!(!ids.is_empty(), "{collection:?} {filter:?} {sort}");
        lists.push((format!("{collection:?} {filter:?} {sort}"), ids));
    }
    lists
}

/// All at once.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, end) in &mut pinned {
            // What has ended must not be polled again.
            if end.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *end = Some(value);
            }
        }
        if pinned.iter().all(|(_, end)| end.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    pinned.into_iter().filter_map(|(_, end)| end).collect()
}
