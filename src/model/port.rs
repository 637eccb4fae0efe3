//! Ports: what a container exposes, and what of it is published on the host.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::document::document;
use crate::error::{Error, Kind, Result};

/// A transport protocol, by its IANA number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proto {
    /// 6
    Tcp,
    /// 17
    Udp,
    /// 132
    Sctp,
}

impl Proto {
    /// The IANA protocol number.
    pub const fn number(self) -> u8 {
        match self {
            Proto::Tcp => 6,
            Proto::Udp => 17,
            Proto::Sctp => 132,
        }
    }

    fn of_number(number: u64) -> Option<Self> {
        [Proto::Tcp, Proto::Udp, Proto::Sctp].into_iter().find(|p| u64::from(p.number()) == number)
    }

    fn of_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        [Proto::Tcp, Proto::Udp, Proto::Sctp].into_iter().find(|p| p.to_string() == lower)
    }
}

impl fmt::Display for Proto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proto::Tcp => "tcp",
            Proto::Udp => "udp",
            Proto::Sctp => "sctp",
        })
    }
}

impl Serialize for Proto {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Proto {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrName;
        impl serde::de::Visitor<'_> for NumberOrName {
            type Value = Proto;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("6, 17, 132, \"tcp\", \"udp\" or \"sctp\"")
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Proto, E> {
                let unexpected = serde::de::Unexpected::Unsigned(number);
                Proto::of_number(number).ok_or_else(|| E::invalid_value(unexpected, &self))
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Proto, E> {
                let unexpected = serde::de::Unexpected::Str(name);
                Proto::of_name(name).ok_or_else(|| E::invalid_value(unexpected, &self))
            }
        }
        deserializer.deserialize_any(NumberOrName)
    }
}

/// A port that a container says it serves: it changes nothing in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposedPort {
    /// Transport protocol.
    pub proto: Proto,
    /// 1 to 65535.
    pub port: u16,
}

/// A port, or a span of ports, published on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    /// Transport protocol.
    pub proto: Proto,
    /// In the container; 1 to 65535.
    pub port: u16,
    /// The last port of a span in the container, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_end: Option<u16>,
    /// One of the host's addresses; `0.0.0.0` = every IPv4 one, `::` = every IPv6 one; absent = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<IpAddr>,
    /// On the host; 0 = the first free one of the kernel's local port range.
    pub host_port: u16,
    /// A free one from `host_port` to this, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port_end: Option<u16>,
}

document! {
    pub(crate) struct ExposedPortDoc {
        proto: Proto,
        port: u16,
    }
}

document! {
    pub(crate) struct PortMappingDoc {
        proto: Proto,
        ip: String,
        port: u16,
        port_end: u16,
        host_ip: String,
        host_port: u16,
        host_port_end: u16,
    }
}

fn nonzero(port: Option<u16>, path: &str) -> Result<u16> {
    port.filter(|port| *port != 0).ok_or_else(|| {
        Error::new(Kind::Invalid, format!("{path}: a port from 1 to 65535 is required"))
    })
}

fn proto(proto: Option<Proto>, path: &str) -> Result<Proto> {
    proto.ok_or_else(|| {
        Error::new(
            Kind::Invalid,
            format!("{path}: proto is required: 6, 17, 132, tcp, udp or sctp"),
        )
    })
}

impl ExposedPortDoc {
    /// Checks the list of a document.
    pub(crate) fn check_all(docs: Option<Vec<Self>>) -> Result<Vec<ExposedPort>> {
        let docs = docs.unwrap_or_default().into_iter().enumerate();
        docs.map(|(index, doc)| {
            let port = nonzero(doc.port, &format!("exposed_ports[{index}].port"))?;
            Ok(ExposedPort { proto: proto(doc.proto, &format!("exposed_ports[{index}]"))?, port })
        })
        .collect()
    }
}

impl PortMappingDoc {
    /// Checks the list of a document.
    pub(crate) fn check_all(docs: Option<Vec<Self>>) -> Result<Vec<PortMapping>> {
        let docs = docs.unwrap_or_default().into_iter().enumerate();
        docs.map(|(index, doc)| doc.check(&format!("port_mapping[{index}]"))).collect()
    }

    fn check(self, path: &str) -> Result<PortMapping> {
        let invalid = |what: String| Err(Error::new(Kind::Invalid, format!("{path}: {what}")));
        let port = nonzero(self.port, &format!("{path}.port"))?;
        let host_port = self.host_port.unwrap_or(0);
        let port_end = self.port_end.filter(|end| *end != 0);
        let host_port_end = self.host_port_end.filter(|end| *end != 0);
        if port_end.is_some_and(|end| end < port) {
            return invalid("port_end is below port".into());
        }
        if host_port_end.is_some_and(|end| end < host_port) {
            return invalid("host_port_end is below host_port".into());
        }
        if host_port_end.is_some() && host_port == 0 {
            return invalid("host_port_end needs a host_port to begin at".into());
        }
        let span = port_end.map_or(0, |end| end - port);
        if span > 0 && host_port_end.is_some_and(|end| end - host_port != span) {
            return invalid("the spans of host and container ports differ in length".into());
        }
        if span > 0 && host_port != 0 && host_port.checked_add(span).is_none() {
            return invalid("the span of host ports goes beyond 65535".into());
        }
        let host_ip = match self.host_ip.as_deref() {
            None | Some("") => None,
            Some(text) => Some(text.parse::<IpAddr>().map_err(|_| {
                Error::new(Kind::Invalid, format!("{path}.host_ip: `{text}` is not an IP address"))
            })?),
        };
        // What comes to `::ffff:192.0.2.1` comes as an IPv4 packet.
        let host_ip = host_ip.map(|ip| ip.to_canonical());
        let proto = proto(self.proto, path)?;
        Ok(PortMapping { proto, port, port_end, host_ip, host_port, host_port_end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse;

    fn mapping(text: &str) -> Result<PortMapping> {
        parse::<PortMappingDoc>(text.as_bytes())?.check("port_mapping[0]")
    }

    #[test]
    fn old_and_new_spellings() {
        let old = mapping(r#"{"Proto":6,"IP":"x","Port":80,"HostPort":8080,"HostPortEnd":8090}"#);
        let new = mapping(r#"{"proto":"TCP","port":80,"host_port":8080,"host_port_end":8090}"#);
        assert_eq!(old.unwrap(), new.unwrap());
    }

    #[test]
    fn host_addresses() {
        let of = |ip: &str| {
            let text = format!("{{\"proto\":17,\"port\":53,\"host_ip\":\"{ip}\"}}");
            mapping(&text).unwrap().host_ip.map(|ip| ip.to_string())
        };
        assert_eq!(of(""), None);
        for (given, kept) in [("0.0.0.0", "0.0.0.0"), ("::", "::"), ("::ffff:1.2.3.4", "1.2.3.4")] {
            assert_eq!(of(given).as_deref(), Some(kept));
        }
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            r#"{"proto":1,"port":80}"#,
            r#"{"proto":6}"#,
            r#"{"port":80}"#,
            r#"{"proto":6,"port":0}"#,
            r#"{"proto":6,"port":80,"host_port":9,"host_port_end":8}"#,
            r#"{"proto":6,"port":80,"host_port_end":8}"#,
            r#"{"proto":6,"port":80,"port_end":79}"#,
            r#"{"proto":6,"port":80,"port_end":90,"host_port":65530}"#,
            r#"{"proto":6,"port":80,"port_end":90,"host_port":80,"host_port_end":91}"#,
            r#"{"proto":6,"port":80,"host_ip":"localhost"}"#,
        ] {
            assert_eq!(mapping(bad).unwrap_err().kind(), Kind::Invalid, "{bad}");
        }
    }
}
