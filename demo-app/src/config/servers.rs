//! Servers that the environment names to a build without their drivers.

use super::reader::Reader;

/// Variables that name a server.
const NAMES: [&str; 3] = ["MONGODB_URI", "REDIS_URL", "REDIS_HOST"];

/// Reports the servers that are named: the build has no drivers, and the embedded parts in their place would be a surprise.
pub(super) fn refuse<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) {
    let named: Vec<_> = NAMES.into_iter().filter(|name| reader.text(name).is_some()).collect();
    if !named.is_empty() {
        reader.fault(fault(&named));
    }
}

fn fault(named: &[&str]) -> String {
    let (name, them) = if named.len() == 1 { ("names a server", "it") } else { ("name servers", "them") };
    format!(
        "{} {name}, and this build has no driver for {them}: run `cargo run --features servers`, or unset {them}",
        named.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(variables: &[(&str, &str)]) -> String {
        let given = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let mut reader = Reader::new(given);
        refuse(&mut reader);
        reader.finish(()).err().map(|faults| faults.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_server_without_its_driver_is_named_with_what_to_run() {
        assert_eq!(faults(&[("PORT", "0"), ("REDIS_DB", "1"), ("REDIS_URL", "")]), "");
        assert_eq!(
            faults(&[("MONGODB_URI", "mongodb://me:s3cret@host")]),
            "MONGODB_URI names a server, and this build has no driver for it: run `cargo run --features servers`, or unset it"
        );
        assert_eq!(
            faults(&[("MONGODB_URI", "mongodb://host"), ("REDIS_HOST", "host")]),
            "MONGODB_URI and REDIS_HOST name servers, and this build has no driver for them: run `cargo run --features servers`, \
             or unset them"
        );
    }
}
