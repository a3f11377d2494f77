use super::path::{At, Holds, In, Root, Segment, Segments, Steps};
use super::text::Text;

/// `S` with the fields `a: [..]`, `b`, a flattened `c`, and a field of a long name.
struct S;

const LONG: &str =
    "a name that is quite a bit longer than any that people would give to a field of theirs, I would say";

impl Segments for S {
    const SEGMENTS: &'static [Segment] = &[
        Segment { name: Some("a"), array: true, holds: Holds::Anything },
        Segment { name: Some("b"), array: false, holds: Holds::Bools },
        Segment { name: None, array: false, holds: Holds::Anything },
        Segment { name: Some(LONG), array: false, holds: Holds::Anything },
    ];
}

type A<P> = In<P, S, 0>;
type B<P> = In<P, S, 1>;
type Flat<P> = In<P, S, 2>;
type Long<P> = In<P, S, 3>;

fn dotted(steps: &Steps) -> String {
    steps.dotted().as_str().to_owned()
}

#[test]
fn names_are_those_on_the_way() {
    assert_eq!(B::<A<Root>>::STEPS.names(), ["a", "b"]);
    assert_eq!(dotted(B::<Flat<A<Root>>>::STEPS), "a.b");
    assert_eq!(dotted(Root::STEPS), "");
    assert_eq!(dotted(Long::<Long<Root>>::STEPS), format!("{LONG}.{LONG}"));
    assert!(Flat::<Root>::STEPS.is_flattened());
    assert!(!B::<Flat<Root>>::STEPS.is_flattened());
    assert_eq!(B::<A<Root>>::STEPS.holds, Holds::Bools);
}

#[test]
fn arrays_are_found_on_the_way() {
    assert!(!B::<Root>::STEPS.has_array());
    assert!(B::<A<Root>>::STEPS.has_array() && !B::<A<Root>>::STEPS.ends_in_array());
    assert!(A::<B<Root>>::STEPS.ends_in_array());
}

#[test]
fn arrays_are_parallel_unless_one_lies_in_the_other() {
    let parallel = |left: &Steps, right: &Steps| {
        assert_eq!(left.parallel(right), right.parallel(left));
        left.parallel(right)
    };
    let (a, b_a) = (A::<Root>::STEPS, A::<B<Root>>::STEPS);
    assert!(parallel(a, b_a));
    // Fields of one array's elements, and an array in such an element.
    assert!(!parallel(B::<A<Root>>::STEPS, Long::<A<Root>>::STEPS));
    assert!(!parallel(B::<A<Root>>::STEPS, A::<A<Root>>::STEPS));
    assert!(!parallel(a, A::<A<Root>>::STEPS));
    // Two arrays in such an element.
    assert!(parallel(A::<A<Root>>::STEPS, A::<B<A<Root>>>::STEPS));
    assert!(!parallel(b_a, B::<Root>::STEPS));
}

#[test]
fn text_is_bounded() {
    let half = "x".repeat(Text::ROOM / 2);
    let full = Text::EMPTY.and(&half).and(&half);
    assert_eq!(full.as_str().len(), Text::ROOM);
    assert!(full.try_and("x").is_none());
    assert_eq!(full.and("x").as_str(), full.as_str());
}
