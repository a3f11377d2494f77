//! Rules that hold for every store.

use std::collections::BTreeSet;
use std::task::Poll;

use demo_app::domain::{
    Business, EventType, Id, Listing, Location, Manufacturer, Model, Moment, Near, Page, PageRequest, Product,
    ProductQuery, Scalar, SortKey, SupplyChainEvent, User, Vote,
};
use demo_app::store::{Collection, Repository, StoreError, seed};

fn now() -> Moment {
    Moment::parse("2030-01-02T03:04:05.678Z").unwrap()
}

fn later(seconds: i64) -> Moment {
    Moment::from_millis(now().as_millis() + seconds * 1_000)
}

/// The document of this draft, added to the store.
async fn add<M: Model>(store: &dyn Collection<M>, draft: M) -> M {
    let document = draft.created(store.next_id().await.unwrap(), now());
    store.insert(document.clone()).await.unwrap();
    document
}

async fn find<M: Model>(store: &dyn Collection<M>, id: impl Into<M::Id>) -> Option<M> {
    store.find(&id.into()).await.unwrap()
}

async fn list<M: Model>(store: &dyn Collection<M>, listing: &Listing) -> Page<M> {
    store.list(listing).await.unwrap()
}

pub(crate) fn seller(email: &str) -> Business {
    Business { email: email.into(), is_active: true, ..Business::default() }
}

pub(crate) async fn business(store: &dyn Repository, email: &str) -> Business {
    add::<Business>(store, seller(email)).await
}

pub(crate) fn draft(business: Id, name: &str) -> Product {
    let description = "from the hills of Assam".into();
    Product { business, name: name.into(), description, category: "tea".into(), price: 500, ..Product::default() }
}

async fn product(store: &dyn Repository, business: Id, name: &str) -> Product {
    add::<Product>(store, draft(business, name)).await
}

fn customer(business: Id, email: &str) -> User {
    User { business, name: "Ada".into(), email: email.into(), is_active: true, ..User::default() }
}

async fn user(store: &dyn Repository, business: Id, email: &str) -> User {
    add::<User>(store, customer(business, email)).await
}

fn maker(email: &str) -> Manufacturer {
    Manufacturer {
        email: email.into(),
        name: "Kiln".into(),
        industry: "ceramics".into(),
        is_verified: true,
        is_active: true,
        location: Location { country: "PT".into(), city: "Porto".into(), coordinates: [-8.61, 41.15] },
        ..Manufacturer::default()
    }
}

async fn manufacturer(store: &dyn Repository, email: &str) -> Manufacturer {
    add::<Manufacturer>(store, maker(email)).await
}

fn ballot(business: Id, voter: &str, product: Id) -> Vote {
    let (proposal_id, voter_address) = ("autumn".into(), voter.into());
    Vote { business, proposal_id, voter_address, selected_product_id: product, ..Vote::default() }.created(0, now())
}

async fn event(store: &dyn Repository, at: [f64; 2], timestamp: Moment) -> SupplyChainEvent {
    let location = Location { country: "PT".into(), city: "Porto".into(), coordinates: at };
    let event_type = EventType::Shipped;
    let event = SupplyChainEvent { manufacturer: 1, product_id: 1, event_type, timestamp, location, id: 0 };
    add::<SupplyChainEvent>(store, event).await
}

fn listing<M: Model>(filter: &[(&str, Scalar)], sort: &str, page: PageRequest) -> Listing {
    let filter = filter.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let sort: Vec<_> = sort.split(',').filter(|name| !name.is_empty()).map(SortKey::parse).collect();
    Listing::new::<M>(filter, &sort, page).unwrap()
}

fn of(business: Id, page: PageRequest) -> Listing {
    listing::<Product>(&[("business", Scalar::Number(business))], "", page)
}

pub(crate) async fn documents_are_stored_changed_listed_and_deleted(store: &dyn Repository) {
    let (one, two) = (business(store, "one@example.com").await, business(store, "two@example.com").await);
    assert_eq!((one.id, two.id), (1, 2));
    assert_eq!(find::<Business>(store, 1_u64).await, Some(one.clone()));
    assert_eq!(Collection::<Business>::find_many(store, &[2, 7, 1]).await.unwrap().len(), 2);

    let changed = Business { business_name: Some("One".into()), ..seller("one@example.org") };
    let changed = store.update(&1, changed, None).await.unwrap().unwrap();
    assert_eq!((changed.email.as_str(), changed.created_at), ("one@example.org", one.created_at));
    assert_eq!(store.update(&9, seller("x@example.com"), None).await.unwrap(), None);

    for number in 0..5 {
        product(store, 1, &format!("tea {number}")).await;
    }
    let page = list::<Product>(store, &of(1, PageRequest { number: 2, limit: 2 })).await;
    assert_eq!((page.items.len(), page.total, page.pages, page.items[0].id), (2, 5, 3, 3));
    user(store, 1, "ada@example.com").await;
    store.insert(ballot(1, "ada@example.com", 1)).await.unwrap();
    assert!(store.delete_business(1, None).await.unwrap());
    assert_eq!(list::<Product>(store, &of(1, PageRequest::DEFAULT)).await.total, 0, "they went with their business");
    assert_eq!(list::<User>(store, &Listing::all(PageRequest::DEFAULT)).await.total, 0);
    assert_eq!(store.tally(1, "autumn").await.unwrap().total_votes, 0);
    assert!(!store.delete_business(1, None).await.unwrap());
}

/// A change and a deletion of `$made`, each once with the document that is there and once with that of before.
macro_rules! depends_on_the_document {
    ($store:expr, $model:ty, $made:expr, $draft:expr) => {{
        let (store, before): (&dyn Collection<$model>, $model) = ($store, $made);
        let id = before.id;
        let after = store.update(&id, $draft, Some(&before)).await.unwrap().expect("it is there");
        assert_ne!(before, after);
        assert!(matches!(store.update(&id, $draft, Some(&before)).await, Err(StoreError::Changed)));
        assert!(matches!(store.delete(&id, Some(&before)).await, Err(StoreError::Changed)));
        assert_eq!(store.update(&id, $draft, Some(&after)).await.unwrap(), Some(after.clone()), "nothing is new");
        assert!(store.delete(&id, Some(&after)).await.unwrap());
        assert!(matches!(store.delete(&id, Some(&after)).await, Err(StoreError::Changed)), "it is gone");
    }};
}

pub(crate) async fn a_change_may_depend_on_the_document(store: &dyn Repository) {
    let owner = business(store, "owner@example.com").await.id;
    let tea = product(store, owner, "tea").await;
    depends_on_the_document!(store, Product, tea, draft(owner, "mate"));
    let ada = user(store, owner, "ada@example.com").await;
    let other = User { name: "Eve".into(), is_active: false, ..customer(owner, "eve@example.com") };
    depends_on_the_document!(store, User, ada, other.clone());
    let kiln = manufacturer(store, "kiln@example.com").await;
    let moved = Manufacturer { name: "Oven".into(), ..maker("oven@example.com") };
    depends_on_the_document!(store, Manufacturer, kiln, moved.clone());
    // The one field that is left out where there is none: it comes, and it goes.
    let named = Business { business_name: Some("Shop".into()), ..seller("shop@example.com") };
    let shop = business(store, "shop@example.com").await;
    depends_on_the_document!(store, Business, shop, named.clone());
    let nameless = business(store, "shop@example.org").await;
    let shop = store.update(&nameless.id, named, Some(&nameless)).await.unwrap().expect("it is there");
    depends_on_the_document!(store, Business, shop, seller("shop@example.org"));
}

pub(crate) async fn a_manufacturer_is_stored_changed_and_deleted(store: &dyn Repository) {
    let (one, two) = (manufacturer(store, "one@example.com").await, manufacturer(store, "two@example.com").await);
    assert_eq!(find::<Manufacturer>(store, 1_u64).await, Some(one.clone()));
    assert_eq!(Collection::<Manufacturer>::find_many(store, &[2, 7, 1]).await.unwrap().len(), 2);
    let again = maker("one@example.com").created(3, now());
    assert_eq!(store.insert(again).await, Err(StoreError::Taken("email")));
    assert_eq!(store.update(&two.id, maker("one@example.com"), None).await, Err(StoreError::Taken("email")));
    let changed = store.update(&1, maker("one@example.org"), None).await.unwrap().unwrap();
    assert_eq!(changed, Manufacturer { email: "one@example.org".into(), ..one });
    assert_eq!(store.update(&9, maker("x@example.com"), None).await, Ok(None));
    let delete = async || Collection::<Manufacturer>::delete(store, &1, None).await.unwrap();
    assert!(delete().await && !delete().await);
    assert_eq!(find::<Manufacturer>(store, 1_u64).await, None);
}

pub(crate) async fn rules_across_documents_are_kept(store: &dyn Repository) {
    let one = business(store, "one@example.com").await;
    let two = business(store, "two@example.com").await;
    let again = seller("one@example.com").created(3, now());
    assert_eq!(store.insert(again).await, Err(StoreError::Taken("email")));
    assert_eq!(store.update(&two.id, seller("one@example.com"), None).await, Err(StoreError::Taken("email")));

    let orphan = draft(9, "tea").created(1, now());
    assert_eq!(store.insert(orphan).await, Err(StoreError::Dangling("business")));
    let lost = customer(9, "ada@example.com").created(1, now());
    assert_eq!(store.insert(lost).await, Err(StoreError::Dangling("business")));

    let tea = product(store, one.id, "tea").await;
    assert_eq!(store.update(&tea.id, draft(two.id, "tea"), None).await, Err(StoreError::Fixed("business")));
    assert_eq!(store.update(&99, draft(one.id, "tea"), None).await, Ok(None));
    assert_eq!(store.update(&tea.id, draft(one.id, "chai"), None).await.unwrap().unwrap().name, "chai");

    for vote in [ballot(two.id, "ada", tea.id), ballot(one.id, "ada", 99)] {
        assert_eq!(store.insert(vote).await, Err(StoreError::Dangling("selectedProductId")));
    }
    assert_eq!(store.insert(ballot(9, "ada", tea.id)).await, Err(StoreError::Dangling("business")));
    let location = Location::default();
    let lost = SupplyChainEvent {
        id: 1,
        manufacturer: 9,
        product_id: tea.id,
        event_type: EventType::Packed,
        timestamp: now(),
        location,
    };
    assert_eq!(store.insert(lost.clone()).await, Err(StoreError::Dangling("manufacturer")));
    manufacturer(store, "works@example.com").await;
    let lost = SupplyChainEvent { manufacturer: 1, product_id: 99, ..lost };
    assert_eq!(store.insert(lost).await, Err(StoreError::Dangling("productId")));
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
    let tries = (0..8).map(|at| store.insert(ballot(1, "ada", if at % 2 == 0 { tea.id } else { chai.id })));
    let ends = join_all(tries).await;
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1, "{ends:?}");
    assert!(ends.iter().all(|end| matches!(end, Ok(()) | Err(StoreError::Voted))), "{ends:?}");
    assert_eq!(store.tally(1, "autumn").await.unwrap().total_votes, 1);

    store.insert(ballot(1, "bob", chai.id)).await.unwrap();
    store.insert(ballot(1, "eve", chai.id)).await.unwrap();
    let tally = store.tally(1, "autumn").await.unwrap();
    assert_eq!((tally.total_votes, tally.results[0].product), (3, chai.id));
    assert_eq!(store.tally(1, "spring").await.unwrap().results, []);
    let vote = find::<Vote>(store, "1:autumn:bob".to_owned()).await;
    assert_eq!(vote, Some(ballot(1, "bob", chai.id)));
    assert_eq!(find::<Vote>(store, "1:autumn:unknown".to_owned()).await, None);
}

pub(crate) async fn votes_count_for_those_who_have_the_address(store: &dyn Repository) {
    let (one, two) = (business(store, "one@example.com").await, business(store, "two@example.com").await);
    let tea = product(store, one.id, "tea").await;
    let ada = user(store, one.id, "ada@example.com").await;
    user(store, two.id, "ada@example.com").await;
    assert_eq!(store.voters(one.id, "ada@example.com").await.unwrap(), [ada.id]);
    store.insert(ballot(one.id, "ada@example.com", tea.id)).await.unwrap();
    // Two at a time count the same.
    join_all((0..4).map(|_| store.recount_votes(ada.id))).await.into_iter().for_each(|end| end.unwrap());
    store.recount_votes(99).await.unwrap();
    assert_eq!(find::<User>(store, ada.id).await.unwrap().total_votes, 1);
    assert_eq!(find::<User>(store, 2_u64).await.unwrap().total_votes, 0);
}

pub(crate) async fn what_happened_is_found_by_product_and_place(store: &dyn Repository) {
    let seller = business(store, "one@example.com").await;
    product(store, seller.id, "tea").await;
    manufacturer(store, "works@example.com").await;
    let lisbon = event(store, [-9.14, 38.72], later(20)).await;
    let porto = event(store, [-8.61, 41.15], later(10)).await;
    let suva = event(store, [179.9, -18.0], later(30)).await;
    assert_eq!(find::<SupplyChainEvent>(store, porto.id).await.as_ref(), Some(&porto));
    assert_eq!(find::<SupplyChainEvent>(store, 99_u64).await, None);

    let trace = listing::<SupplyChainEvent>(&[("productId", Scalar::Number(1))], "timestamp", PageRequest::DEFAULT);
    assert_eq!(list::<SupplyChainEvent>(store, &trace).await.items, [porto.clone(), lisbon.clone(), suva.clone()]);

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
        let users = list::<User>(store, &listing::<User>(&[], sort, page)).await;
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
        let all = listing::<Business>(filter, sort, PageRequest { number: 1, limit: 100 });
        let all = list::<Business>(store, &all).await;
        let mut paged = Vec::new();
        for number in 1..=all.total.div_ceil(3) {
            let page = PageRequest { number: u32::try_from(number).unwrap(), limit: 3 };
            paged.extend(list::<Business>(store, &listing::<Business>(filter, sort, page)).await.items);
        }
        assert!(!paged.is_empty() && paged == all.items, "{sort}");
    }
    let food = [("industry", Scalar::from("food")), ("isVerified", Scalar::Flag(true))];
    let food = listing::<Manufacturer>(&food, "", PageRequest::DEFAULT);
    let food = list::<Manufacturer>(store, &food).await;
    assert!(food.total > 0 && food.items.iter().all(|maker| maker.is_verified && maker.industry == "food"));
    let porto = [("location.country", Scalar::from("PT")), ("location.city", Scalar::from("Porto"))];
    let porto = listing::<Manufacturer>(&porto, "", PageRequest::DEFAULT);
    assert_eq!(list::<Manufacturer>(store, &porto).await.total, 5);
    let idle = listing::<Manufacturer>(&[("isActive", Scalar::Flag(true))], "lastLoginAt", PageRequest::DEFAULT);
    let idle = list::<Manufacturer>(store, &idle).await;
    assert!(idle.items[0].last_login_at.is_none(), "who never came is first");
    assert!(idle.items.is_sorted_by_key(|maker| maker.last_login_at));
}

/// The ids of every list that the demo serves, in order: one store is held against the other by them.
pub(crate) async fn every_list(store: &dyn Repository) -> Vec<(String, Vec<String>)> {
    let number = |name: &'static str| (name, Scalar::Number(2));
    vec![
        ids::<User>(store, &[], "").await,
        ids::<User>(store, &[], "-totalVotes").await,
        ids::<User>(store, &[number("business")], "createdAt").await,
        ids::<User>(store, &[("isActive", Scalar::Flag(true))], "-lastLoginAt").await,
        ids::<Business>(store, &[("isActive", Scalar::Flag(true))], "createdAt").await,
        ids::<Business>(store, &[("subscription.plan", Scalar::from("pro"))], "").await,
        ids::<Manufacturer>(store, &[], "industry,isVerified").await,
        ids::<Manufacturer>(store, &[("location.country", Scalar::from("PT"))], "-location.city").await,
        ids::<Product>(store, &[number("business"), ("category", Scalar::from("food"))], "").await,
        ids::<Product>(store, &[number("business")], "category").await,
        ids::<Vote>(store, &[], "").await,
        ids::<Vote>(store, &[number("business")], "timestamp").await,
        ids::<Vote>(store, &[number("business"), ("proposalId", Scalar::from("spring-2025"))], "").await,
        ids::<SupplyChainEvent>(store, &[("eventType", Scalar::from("inspected"))], "-timestamp").await,
        ids::<SupplyChainEvent>(store, &[number("manufacturer")], "").await,
        ids::<SupplyChainEvent>(store, &[number("productId")], "timestamp").await,
    ]
}

/// The ids of one list.
async fn ids<M: Model>(store: &dyn Collection<M>, filter: &[(&str, Scalar)], sort: &str) -> (String, Vec<String>) {
    let listed = list(store, &listing::<M>(filter, sort, PageRequest { number: 1, limit: 100 })).await;
    let ids: Vec<_> = listed.items.iter().map(|document| document.id().to_string()).collect();
    let name = format!("{} {filter:?} {sort}", M::MANY);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}");
    assert!(!ids.is_empty(), "{name}");
    (name, ids)
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
