use super::*;

const HERE: Database = Database(0);

fn id(text: &str) -> StreamId {
    StreamId::parse(text.as_bytes()).unwrap()
}

fn bytes(text: &[u8]) -> Value {
    Value::BulkString(text.to_vec())
}

fn sample() -> Record {
    let mut record = Record::default();
    record.push(7, 3);
    record
}

#[test]
fn stream_ids_keep_their_order_in_64_bits() {
    let ids = ["0-1", "5-0", "5-65534", "6-0", "1760000000000-3"].map(id);
    assert!(ids.is_sorted_by_key(|id| id.packed_up()));
    assert!(ids.iter().all(|id| id.packed_up() == id.packed_down() && id.is_exact()));
    // With a number that does not fit, a load is before every invalidation of its millisecond.
    assert!(id("5-70000").packed_down() < id("5-65535").packed_up());
    assert!(id("5-70000").packed_up() < id("6-0").packed_down());
    assert!(!id("5-70000").is_exact() && !id("5-65535").is_exact());
}

#[test]
fn messages_are_read_or_refused_whole() {
    let message = [b"0f 5-1 4-0 2a ".as_slice(), &sample().to_bytes()].concat();
    let entry = Appended { life: 15, id: id("5-1") };
    let published = Published { entry, previous: id("4-0"), token: 42, record: Some(sample()) };
    assert_eq!(Published::parse(&message, HERE), Some(published));
    for bad in ["", "x 5-1 4-0 0 ", "0f 5 4-0 0 ", "0f 5-1 4-0", "0f 5-1 4-0 +x ", "hello"] {
        assert_eq!(Published::parse(bad.as_bytes(), HERE), None, "{bad}");
    }
    assert_eq!(Published::parse(b"0f 5-1 4-0 0 junk", HERE).unwrap().record, None);
}

#[test]
fn a_message_of_another_database_is_not_taken_for_one_of_this() {
    let token = 0xFFFF_FFFF_FFFF;
    for (theirs, ours) in [(0, 0), (0, 1), (7, 7), (7, 0), (65_535, 99_999), (-1, 65_535)] {
        let message = format!("0f 5-1 4-0 {} ", Database::new(theirs).token(token));
        let read = Published::parse(message.as_bytes(), Database::new(ours)).map(|published| published.token);
        let same = Database::new(theirs) == Database::new(ours);
        assert_eq!(read, same.then_some(token), "from {theirs} in {ours}");
    }
    // Parsed as a build of format 1 does.
    assert_eq!(u64::from_str_radix(&Database(7).token(42), 16), Ok((7 << 48) + 42));
    assert!(
        Published::parse(b"0f 5-1 4-0 00000000000000ff ", Database(7)).is_some(),
        "it does not say where it is from"
    );
}

#[test]
fn a_foreign_entry_has_neither_life_nor_record() {
    let (life, record) = (b"00000000000000ab".as_slice(), sample().to_bytes());
    let entry = |fields: &[&[u8]]| {
        let fields = fields.iter().map(|field| bytes(field)).collect();
        parse_entry(&Value::Array(vec![bytes(b"5-1"), Value::Array(fields)])).unwrap()
    };
    let ours = StreamEntry { id: id("5-1"), life: Some(0xAB), record: Some(sample()) };
    assert_eq!(entry(&[b"l", life, b"r", &record]), ours);
    assert_eq!(entry(&[b"l", life, b"r", &record, b"more", b"of it"]), ours, "a newer build may add fields");
    let unreadable = StreamEntry { record: None, ..ours };
    assert_eq!(entry(&[b"l", life, b"r", b"junk"]), unreadable);
    let foreign = StreamEntry { id: id("5-1"), life: None, record: None };
    for fields in [
        &[b"a".as_slice(), b"b"][..],
        &[],
        &[b"l", life],
        &[b"l", b"ab", b"r", &record],
        &[b"l", b"+0000000000000ab", b"r", &record],
        &[b"l", b"junk", b"r", b"junk"],
        &[b"x", life, b"y", &record],
    ] {
        assert_eq!(entry(fields), foreign, "{fields:?}");
    }
}

#[test]
fn the_last_entry_is_read_from_the_servers_description_of_a_stream() {
    let entry = || Value::Array(vec![bytes(b"5-1"), Value::Array(vec![bytes(b"a"), bytes(b"b")])]);
    let (name, other) = (|| bytes(b"last-entry"), || bytes(b"length"));
    let map = Value::Map(vec![(other(), Value::Int(1)), (name(), entry())]);
    let array = Value::Array(vec![other(), Value::Int(1), name(), entry()]);
    for info in [map, array] {
        assert_eq!(last_entry(&info).unwrap(), Some(StreamEntry { id: id("5-1"), life: None, record: None }));
    }
    assert_eq!(last_entry(&Value::Map(vec![(name(), Value::Nil)])).unwrap(), None);
    assert!(last_entry(&Value::Map(vec![(other(), Value::Int(0))])).is_err() && last_entry(&Value::Okay).is_err());
}

#[test]
fn a_life_names_its_first_server() {
    for server in [0, 7, 0xDEAD_BEEF_1234_5678, u64::MAX] {
        let life = new_life(server);
        assert!(names_server(life, server) && !names_server(life, server ^ 1), "{life:016x}");
        assert_ne!(life, new_life(server), "each life has a name of its own");
    }
}
