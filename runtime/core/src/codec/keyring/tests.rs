use super::*;

const HEX: &str = "5f1d7c34a0be96d2a4ce1f4087bb1e2f6f7f08c1d0a9d3e2b5c4f6a7988e1d03";
const BASE64: &str = "Xx18NKC+ltKkzh9Ah7seL29/CMHQqdPitcT2p5iOHQM=";

fn secret(byte: u8) -> SecretKey {
    SecretKey::new(&[byte; 32]).unwrap()
}

fn message<T>(result: Result<T, Error>) -> String {
    let error = result.err().expect("an error");
    assert!(error.is_bad_setting());
    error.to_string()
}

#[test]
fn a_secret_key_is_read_from_bytes_digits_and_base64() {
    let expected = *HEX.parse::<SecretKey>().unwrap().bytes();
    assert_eq!(expected[..2], [0x5f, 0x1d]);
    for text in [&HEX.to_uppercase(), BASE64, BASE64.trim_end_matches('=')] {
        assert_eq!(*text.parse::<SecretKey>().unwrap().bytes(), expected, "{text}");
    }
    assert_eq!(*SecretKey::new(&expected).unwrap().bytes(), expected);
    assert_eq!(format!("{:?}", HEX.parse::<SecretKey>().unwrap()), "SecretKey(..)");
}

#[test]
fn a_secret_key_of_another_length_is_refused_with_advice_and_not_repeated() {
    for length in [0, 16, 31, 33, 64] {
        let text = message(SecretKey::new(&vec![7; length]));
        assert_eq!(text, "a secret key does not have 32 bytes: give it 32 random ones, and not a password");
    }
    let wrong = [
        "",
        "hunter2",
        &HEX[2..],
        &format!("{HEX}00"),
        &HEX.replace('5', "g"),
        &BASE64[4..],
        &BASE64.replace('X', "*"),
    ];
    for text in wrong.into_iter().chain([&*format!("{BASE64}{BASE64}"), "\u{e9}".repeat(32).as_str()]) {
        let said = message(text.parse::<SecretKey>());
        assert!(said.starts_with("this is not a secret key: write 32 random bytes as 64 hexadecimal digits"), "{said}");
        assert!(text.is_empty() || !said.contains(text), "{said}");
    }
}

#[test]
fn a_keyring_is_read_from_text_and_shows_its_ids_alone() {
    let texts = [
        format!("names={HEX} 2026-12={BASE64} 2026-06={HEX}"),
        format!(" 2026-12={HEX},\n2026-06={HEX}\n,names={BASE64}\n"),
    ];
    for text in texts {
        let keyring: Keyring = text.parse().unwrap();
        assert_eq!(format!("{keyring:?}"), r#"Keyring { current: "2026-12", former: ["2026-06"], .. }"#);
    }
}

#[test]
fn a_keyring_that_is_incomplete_or_ambiguous_is_refused_with_advice() {
    let refused = |text: &str| message(text.parse::<Keyring>());
    for text in ["", HEX, &format!("names={HEX}"), &format!("k={HEX}"), &format!("names={HEX} {HEX}")] {
        assert_eq!(refused(text), SYNTAX, "{text}");
    }
    for text in [format!("names={HEX} k={HEX} k={BASE64}"), format!("names={HEX} k={HEX} names={BASE64}")] {
        assert_eq!(refused(&text), SAME_ID, "{text}");
    }
    for id in ["", "a b", "k/2", "seventeen-letters", "\u{e9}"] {
        assert_eq!(message(Keyring::new(&secret(1), id, &secret(2))), BAD_ID, "{id:?}");
    }
    assert_eq!(message(Keyring::new(&secret(1), NAMES, &secret(2))), BAD_ID);
    let keyring = Keyring::new(&secret(1), "sixteen--letters", &secret(2)).unwrap();
    assert_eq!(message(keyring.former("sixteen--letters", &secret(3))), SAME_ID);
    assert!(refused(&format!("names={HEX} k={}", &HEX[1..])).starts_with("this is not a secret key: "));
}

/// Names must be the same in all versions and after each rotation: otherwise the shared tier is cold, and erasures miss.
#[test]
fn digests_do_not_change() {
    let keyring = Keyring::new(&secret(1), "k", &secret(2)).unwrap();
    assert_eq!(keyring.name("user:7").as_str(), "@1c10bd41889c5bd368b90acab07059aa");
    assert_eq!(keyring.hash(7), 0x71a9_4ce5_4249_8a52);
    let rotated = Keyring::new(&secret(1), "l", &secret(3)).unwrap();
    assert_eq!(rotated.name("user:7"), keyring.name("user:7"));
    let other = Keyring::new(&secret(4), "k", &secret(2)).unwrap();
    assert!(other.name("user:7") != keyring.name("user:7") && other.hash(7) != keyring.hash(7));
}
