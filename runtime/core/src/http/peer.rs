//! Network of a client, as the key of a limit.

use std::net::{IpAddr, Ipv6Addr};

/// Returns the address by which limits should count a client: an IPv4 address unchanged (also if it is mapped into IPv6), and the `/64`
/// network of an IPv6 address, because a client that has one address of it has all 2^64.
///
/// ```
/// use fastness::http::peer_network;
///
/// assert_eq!(peer_network("2001:db8::1:2:3:4".parse()?), "2001:db8::".parse::<std::net::IpAddr>()?);
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
pub fn peer_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_client_and_an_address_of_ipv4_is_one() {
        let network = |text: &str| peer_network(text.parse().unwrap()).to_string();
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
            ("2001:db8:1:3::", "2001:db8:1:3::"),
            ("fe80::1", "fe80::"),
            ("::1", "::"),
        ] {
            assert_eq!(network(address), expected, "{address}");
        }
    }
}
