use std::cell::RefCell;
use std::collections::HashMap;

use super::*;

#[derive(Default)]
struct Map(RefCell<HashMap<u32, u8>>);

/// Marks a dead entry, in place of a count of hits.
const DEAD: u8 = u8::MAX;

impl Residents for Map {
    fn residency(&self, hash: u32) -> Residency {
        match self.hits(hash) {
            None => Residency::Absent,
            Some(DEAD) => Residency::Dead,
            Some(hits) => Residency::Living(hits),
        }
    }
    fn set_hits(&self, hash: u32, hits: u8) {
        self.0.borrow_mut().insert(hash, hits);
    }
    fn evict(&self, hash: u32) {
        assert_ne!(self.0.borrow_mut().remove(&hash), Some(DEAD), "the dead are removed as such");
    }
    fn remove_dead(&self, hash: u32) -> bool {
        assert_eq!(self.0.borrow_mut().remove(&hash), Some(DEAD));
        true
    }
}

impl Map {
    fn hits(&self, hash: u32) -> Option<u8> {
        self.0.borrow().get(&hash).copied()
    }

    fn has(&self, hash: u32) -> bool {
        self.0.borrow().contains_key(&hash)
    }

    fn kill(&self, hashes: impl IntoIterator<Item = u32>) {
        self.0.borrow_mut().extend(hashes.into_iter().map(|hash| (hash, DEAD)));
    }

    fn admit(&self, queue: &mut S3Fifo, id: u32, capacity: usize) {
        self.0.borrow_mut().insert(id, 0);
        queue.admit(id, capacity, self);
    }
}

#[test]
fn a_queue_never_has_more_entries_than_its_capacity() {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..10_000 {
        map.admit(&mut queue, id, 100);
        assert!(map.0.borrow().len() <= 100);
    }
    assert_eq!(queue.len(), 100);
}

#[test]
fn a_scan_does_not_evict_entries_in_use() {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..50 {
        map.admit(&mut queue, id, 100);
    }
    for id in 1_000..2_000 {
        for used in 0..50 {
            map.set_hits(used, 3);
        }
        map.admit(&mut queue, id, 100);
    }
    assert!((0..50).all(|id| map.0.borrow().contains_key(&id)));
}

#[test]
fn a_key_that_comes_back_goes_to_main() {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..101 {
        map.admit(&mut queue, id, 100);
    }
    assert!(!map.0.borrow().contains_key(&0), "the first one left");
    map.admit(&mut queue, 0, 100);
    assert!(queue.main.contains(&0));
}

#[test]
fn the_ghost_is_bounded() {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..10_000 {
        map.admit(&mut queue, id, 100);
    }
    assert_eq!((queue.ghost.order.len(), queue.ghost.members.len()), (50, 50));
}

#[test]
fn an_entry_that_was_hit_moves_to_main_and_the_first_of_main_is_evicted() {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..50 {
        map.admit(&mut queue, id, 50);
        map.set_hits(id, 3);
    }
    map.admit(&mut queue, 50, 50);
    assert_eq!((queue.small.len(), queue.main.len()), (1, 49), "small has no turn at its share of 1");
    assert!(!map.0.borrow().contains_key(&0) && map.0.borrow().contains_key(&50));
    assert!(queue.ghost.order.is_empty(), "an entry that leaves main is not remembered");
    assert_eq!(map.hits(1), Some(0), "its hits got it here, and count no more");
}

#[test]
fn an_entry_removed_by_other_means_makes_room_and_is_not_remembered() {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..10 {
        map.admit(&mut queue, id, 10);
    }
    map.evict(0);
    map.admit(&mut queue, 10, 10);
    assert_eq!((queue.len(), map.0.borrow().len()), (10, 10), "no other entry had to go");
    assert!(queue.ghost.order.is_empty());
}

#[test]
fn each_hit_gives_an_entry_of_main_one_more_round() {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..10 {
        map.0.borrow_mut().insert(id, 0);
        queue.main.push_back(id);
    }
    map.set_hits(0, 2);
    for left in [9, 8] {
        queue.shrink(left, &map);
    }
    assert_eq!(map.hits(0), Some(1), "one round");
    assert!(!map.0.borrow().contains_key(&1) && !map.0.borrow().contains_key(&2));
    queue.shrink(1, &map);
    assert_eq!(map.hits(0), Some(1), "the others went");
    queue.shrink(0, &map);
    assert_eq!((map.hits(0), queue.len()), (None, 0));
}

#[test]
fn steady_hits_do_not_stall_an_insert() {
    struct Hot(Map);
    impl Residents for Hot {
        fn residency(&self, hash: u32) -> Residency {
            self.0.hits(hash).map_or(Residency::Absent, |_| Residency::Living(3))
        }
        fn set_hits(&self, hash: u32, hits: u8) {
            self.0.set_hits(hash, hits);
        }
        fn evict(&self, hash: u32) {
            self.0.evict(hash);
        }
        fn remove_dead(&self, hash: u32) -> bool {
            self.0.remove_dead(hash)
        }
    }
    let (hot, mut queue) = (Hot(Map::default()), S3Fifo::default());
    for id in 0..=100 {
        hot.0.0.borrow_mut().insert(id, 0);
        queue.admit(id, 100, &hot);
    }
    assert!(!hot.0.0.borrow().contains_key(&64), "after 64 second chances the next in line goes");
    assert_eq!(hot.0.0.borrow().len(), 100);
}

/// A put replaces a dead entry between its judgement and its removal: the new entry keeps the position.
#[test]
fn an_entry_that_is_replaced_while_the_dead_are_removed_keeps_its_place() {
    struct Replacing(Map);
    impl Residents for Replacing {
        fn residency(&self, hash: u32) -> Residency {
            self.0.residency(hash)
        }
        fn set_hits(&self, hash: u32, hits: u8) {
            self.0.set_hits(hash, hits);
        }
        fn evict(&self, hash: u32) {
            self.0.evict(hash);
        }
        fn remove_dead(&self, hash: u32) -> bool {
            self.0.0.borrow_mut().insert(hash, 0);
            false
        }
    }
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..10 {
        map.admit(&mut queue, id, 10);
    }
    map.kill(0..10);
    let map = Replacing(map);
    let mut left = Some(Pass::default());
    while let Some(pass) = left {
        left = queue.sweep(pass, &map);
    }
    assert_eq!((queue.len(), map.0.0.borrow().len()), (10, 10), "swept");
    map.0.kill(0..10);
    queue.shrink(5, &map);
    assert_eq!((queue.len(), map.0.0.borrow().len()), (5, 5), "evicted, and none left without a place");
}

#[test]
fn shrinking_to_nothing_empties_the_queues() {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..100 {
        map.admit(&mut queue, id, 100);
    }
    queue.shrink(0, &map);
    assert!(map.0.borrow().is_empty());
    assert_eq!(queue.len(), 0);
}

/// A queue of 100 in main, each of them hit three times.
fn busy() -> (Map, S3Fifo) {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..100 {
        map.0.borrow_mut().insert(id, 3);
        queue.main.push_back(id);
    }
    (map, queue)
}

fn later() -> SearchStart {
    SearchStart { position: 1, time: 0 }
}

#[test]
fn dead_entries_give_up_their_room_in_every_queue() {
    for dead in [(0..60).collect::<Vec<_>>(), (40..100).collect(), (0..100).step_by(2).collect()] {
        let (map, mut queue) = busy();
        map.kill(dead.iter().copied());
        queue.search(later());
        let news = 1_000..1_000 + u32::try_from(dead.len()).unwrap();
        for id in news.clone() {
            map.admit(&mut queue, id, 100);
        }
        assert!(news.clone().all(|id| map.has(id)), "none had to go while there were dead ones");
        assert!((0..100).all(|id| map.has(id) != dead.contains(&id)));
        assert_eq!((queue.len(), map.0.borrow().len()), (100, 100));
    }
}

#[test]
fn hits_of_dead_entries_do_not_count() {
    let (map, mut queue) = busy();
    map.kill(0..64);
    // Without a search, dead entries are removed at their turn.
    queue.small.push_back(1_000);
    queue.small.push_back(1_001);
    map.0.borrow_mut().extend([(1_000, DEAD), (1_001, 0)]);
    queue.shrink(37, &map);
    assert!((64..100).all(|id| map.has(id)) && map.has(1_001), "no living one went");
    assert_eq!(queue.main.len(), 36, "none had a second chance");
}

#[test]
fn a_key_that_died_in_main_comes_back_to_main_and_one_that_died_in_small_does_not() {
    let (map, mut queue) = busy();
    map.admit(&mut queue, 1_000, 101);
    map.kill([5, 1_000]);
    queue.search(later());
    map.admit(&mut queue, 1_001, 101);
    map.admit(&mut queue, 1_002, 101);
    while queue.find_dead(&map) {}
    assert!(!map.has(5) && !map.has(1_000));
    map.admit(&mut queue, 5, 200);
    map.admit(&mut queue, 1_000, 200);
    assert_eq!((queue.main.back(), queue.small.back()), (Some(&5), Some(&1_000)));
}

#[test]
fn an_entry_removed_by_other_means_makes_room_in_main_too() {
    let (map, mut queue) = busy();
    (0..10).for_each(|id| map.evict(id));
    queue.search(later());
    for id in 1_000..1_010 {
        map.admit(&mut queue, id, 100);
    }
    assert_eq!((queue.len(), map.0.borrow().len()), (100, 100), "no other entry had to go");
}

#[test]
fn a_search_passes_each_place_once_and_none_begins_until_something_may_have_died() {
    struct Watched(Map, std::cell::Cell<u32>);
    impl Residents for Watched {
        fn residency(&self, hash: u32) -> Residency {
            self.1.set(self.1.get() + 1);
            self.0.residency(hash)
        }
        fn set_hits(&self, hash: u32, hits: u8) {
            self.0.set_hits(hash, hits);
        }
        fn evict(&self, hash: u32) {
            self.0.evict(hash);
        }
        fn remove_dead(&self, hash: u32) -> bool {
            self.0.remove_dead(hash)
        }
    }
    let (map, mut queue) = busy();
    let map = Watched(map, std::cell::Cell::default());
    let looks = |queue: &mut S3Fifo| {
        let before = map.1.get();
        assert!(!queue.find_dead(&map));
        map.1.get() - before
    };
    assert_eq!(looks(&mut queue), 0);
    queue.search(later());
    assert_eq!(looks(&mut queue), u32::try_from(SEARCHED_AT_A_TIME).unwrap(), "some at a time");
    while looks(&mut queue) > 0 {}
    assert_eq!(map.1.get(), 100);
    queue.search(later());
    assert_eq!(looks(&mut queue), 0, "nothing can have died since");
    queue.search(SearchStart { time: 1, ..later() });
    assert!(looks(&mut queue) > 0);
}

#[test]
fn a_pass_goes_in_steps_and_leaves_no_gaps() {
    let (map, mut queue) = (Map::default(), S3Fifo::default());
    for id in 0..1_000 {
        map.0.borrow_mut().insert(id, 0);
        if id % 4 == 0 { queue.main.push_back(id) } else { queue.small.push_back(id) }
    }
    map.kill((0..1_000).filter(|id| id % 3 > 0));
    let (mut left, mut steps) = (Some(Pass::default()), 0);
    while let Some(pass) = left {
        let before = map.0.borrow().len();
        left = queue.sweep(pass, &map);
        steps += 1;
        assert!(before - map.0.borrow().len() <= SWEPT_AT_A_TIME);
    }
    assert_eq!(steps, 750_usize.div_ceil(SWEPT_AT_A_TIME) + 250_usize.div_ceil(SWEPT_AT_A_TIME));
    assert!((0..1_000).all(|id| map.has(id) == (id % 3 == 0)));
    assert_eq!((queue.len(), queue.positions()), (334, 334));
}

/// Entries go, come, and come back between two steps of a pass; all that were dead when it began are gone at its end.
#[test]
fn a_pass_misses_no_dead_entry() {
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..50 {
        let (map, mut queue) = (Map::default(), S3Fifo::default());
        for id in 0..300 {
            map.0.borrow_mut().insert(id, random.u8(..4));
            if random.bool() { queue.main.push_back(id) } else { queue.small.push_back(id) }
        }
        map.kill((0..300).filter(|_| random.u8(..3) == 0).collect::<Vec<_>>());
        let (mut left, mut next) = (Some(Pass::default()), 1_000);
        while let Some(pass) = left {
            for _ in 0..random.u32(..40) {
                map.admit(&mut queue, next, 290);
                next += 1;
            }
            left = queue.sweep(pass, &map);
        }
        assert!(map.0.borrow().values().all(|hits| *hits != DEAD));
        assert_eq!(queue.len(), map.0.borrow().len());
    }
}
