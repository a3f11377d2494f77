use super::path::{
    DocumentRoot, FieldLocation, ListElement, MapKey, PathSteps, StoredField, StoredFields, StructField, ValueKind,
};
use super::text::ConstText;

/// `S` with the fields `a: [..]`, `b`, a flattened `c`, and a field of a long name.
struct S;

const LONG: &str =
    "a name that is longer than any name that a person would give to a field of a stored document in a database";

impl StoredFields for S {
    const SEGMENTS: &'static [StoredField] = &[
        StoredField { array: true, ..StoredField::unknown("a") },
        StoredField { holds: ValueKind::Bools, ..StoredField::unknown("b") },
        StoredField { name: None, ..StoredField::unknown("") },
        StoredField::unknown(LONG),
    ];
}

struct First;

impl MapKey for First {
    const KEY: &'static str = "0";
}

struct Second;

impl MapKey for Second {
    const KEY: &'static str = "1";
}

type A<P> = StructField<P, S, 0>;
type B<P> = StructField<P, S, 1>;
type Flat<P> = StructField<P, S, 2>;
type Long<P> = StructField<P, S, 3>;

fn dotted(steps: &PathSteps) -> String {
    steps.dotted().as_str().to_owned()
}

#[test]
fn a_path_has_the_names_of_its_fields() {
    assert_eq!(B::<A<DocumentRoot>>::STEPS.names(), ["a", "b"]);
    assert_eq!(dotted(B::<Flat<A<DocumentRoot>>>::STEPS), "a.b");
    assert_eq!(dotted(DocumentRoot::STEPS), "");
    assert_eq!(dotted(Long::<Long<DocumentRoot>>::STEPS), format!("{LONG}.{LONG}"));
    assert!(Flat::<DocumentRoot>::STEPS.is_flattened());
    assert!(!B::<Flat<DocumentRoot>>::STEPS.is_flattened());
    assert_eq!(B::<A<DocumentRoot>>::STEPS.holds, ValueKind::Bools);
}

#[test]
fn arrays_are_found_along_a_path() {
    assert!(!B::<DocumentRoot>::STEPS.has_array());
    assert!(B::<A<DocumentRoot>>::STEPS.has_array() && !B::<A<DocumentRoot>>::STEPS.ends_in_array());
    assert!(A::<B<DocumentRoot>>::STEPS.ends_in_array());
}

#[test]
fn arrays_are_parallel_unless_one_is_inside_the_other() {
    let parallel = |left: &PathSteps, right: &PathSteps| {
        assert_eq!(left.parallel(right), right.parallel(left));
        left.parallel(right)
    };
    let (a, b_a) = (A::<DocumentRoot>::STEPS, A::<B<DocumentRoot>>::STEPS);
    assert!(parallel(a, b_a));
    // Fields of one array's elements, and an array in such an element.
    assert!(!parallel(B::<A<DocumentRoot>>::STEPS, Long::<A<DocumentRoot>>::STEPS));
    assert!(!parallel(B::<A<DocumentRoot>>::STEPS, A::<A<DocumentRoot>>::STEPS));
    assert!(!parallel(a, A::<A<DocumentRoot>>::STEPS));
    // Two arrays in such an element.
    assert!(parallel(A::<A<DocumentRoot>>::STEPS, A::<B<A<DocumentRoot>>>::STEPS));
    assert!(!parallel(b_a, B::<DocumentRoot>::STEPS));
}

#[test]
fn a_position_in_an_array_is_one_value_and_enters_the_array() {
    let (first, second) = (ListElement::<A<DocumentRoot>, First>::STEPS, ListElement::<A<DocumentRoot>, Second>::STEPS);
    assert!(!first.has_array() && first.enters_array() && !B::<DocumentRoot>::STEPS.enters_array());
    let elsewhere = ListElement::<A<B<DocumentRoot>>, First>::STEPS;
    assert!(first.parallel(elsewhere) && first.parallel(A::<B<DocumentRoot>>::STEPS));
    // Two positions of one array, and an array in an element.
    assert!(!first.parallel(second) && !first.parallel(A::<DocumentRoot>::STEPS));
    let (inside, beside) = (
        A::<ListElement<A<DocumentRoot>, First>>::STEPS,
        ListElement::<A<ListElement<A<DocumentRoot>, Second>>, First>::STEPS,
    );
    assert!(!inside.parallel(second) && inside.parallel(beside));
}

#[test]
fn constant_text_is_bounded() {
    let half = "x".repeat(ConstText::CAPACITY / 2);
    let full = ConstText::EMPTY.append(&half).append(&half);
    assert_eq!(full.as_str().len(), ConstText::CAPACITY);
    assert!(full.try_append("x").is_none());
    assert_eq!(full.append("x").as_str(), full.as_str());
}
