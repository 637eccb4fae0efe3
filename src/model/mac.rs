//! Hardware addresses.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// An Ethernet address: unicast and not zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// Locally administered, with the IPv4 address inside: an address that is used again keeps its
    /// MAC, so a neighbour's cache stays true. `02` sets the local bit (IEEE 802, 8.2.2).
    pub fn of_address(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        Mac([0x02, 0x6e, a, b, c, d])
    }

    /// Locally administered, from an even number.
    pub fn of_number(number: u64) -> Self {
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&(number << 16).to_be_bytes()[..6]);
        // 0x06 keeps these apart from those of IPv4 addresses.
        bytes[0] = 0x06;
        Mac(bytes)
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.0.map(|byte| format!("{byte:02x}"));
        f.write_str(&pairs.join(":"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mac {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(
                Kind::Invalid,
                format!("mac_address `{text}` {why}: write 02:00:00:00:00:01"),
            )
        };
        let mut bytes = [0_u8; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2);
            let part = part.ok_or_else(|| wrong("is not six pairs of hex digits"))?;
            let digits = part.bytes().all(|digit| digit.is_ascii_hexdigit());
            let parsed = digits.then(|| u8::from_str_radix(part, 16).ok()).flatten();
            *byte = parsed.ok_or_else(|| wrong("is not six pairs of hex digits"))?;
        }
        if parts.next().is_some() {
            return Err(wrong("is longer than six pairs"));
        }
        // The lowest bit of the first byte marks a group address (IEEE 802, 8.2.2).
        if bytes[0] & 1 == 1 {
            return Err(wrong("is a multicast address"));
        }
        if bytes == [0; 6] {
            return Err(wrong("is all zero"));
        }
        Ok(Mac(bytes))
    }
}

impl Serialize for Mac {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_unicast_addresses_only() {
        let mac: Mac = "02:6E-ac:11:00:02".parse().unwrap();
        assert_eq!(mac.to_string(), "02:6e:ac:11:00:02");
        assert_eq!(mac, Mac::of_address(Ipv4Addr::new(172, 17, 0, 2)));
        let wrong = ["", "02:00", "01:00:00:00:00:01", "00:00:00:00:00:00", "02:00:00:00:00:+1"];
        for text in wrong.iter().chain(&["02:00:00:00:00:01:02", "gg:00:00:00:00:01"]) {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }
}
