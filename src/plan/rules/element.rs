//! Elements of sets and maps.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One field of a key or of a map's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// `type ifname`: 16 bytes, zero-padded.
    Ifname(String),
    /// `type ipv4_addr` or `ipv6_addr`.
    Addr(IpAddr),
    /// `type inet_proto`.
    Proto(u8),
    /// `type inet_service`.
    Port(u16),
    /// `typeof numgen inc mod 60`.
    Slot(u32),
    /// `goto CHAIN`, in a verdict map.
    Goto(String),
    /// `jump CHAIN`, in a verdict map.
    Jump(String),
}

/// One element: `KEY [. KEY…] [: DATA [. DATA…]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// The key's fields, in the order of the set's type.
    pub key: Vec<Value>,
    /// The last key of an interval, inclusive; absent = a single key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_end: Option<Vec<Value>>,
    /// What a map leads to; empty for a set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Value>,
}

/// Elements of one set or map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetElements {
    /// The set or map in netberth's table.
    pub set: String,
    /// Its elements.
    pub elements: Vec<Element>,
}

impl std::fmt::Display for SetElements {
    /// `SET { "nb-1" . "nb-2" : goto icc_on, … }`, as after `nft add element inet netberth`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let elements: Vec<String> = self.elements.iter().map(ToString::to_string).collect();
        write!(f, "{} {{ {} }}", self.set, elements.join(", "))
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&concatenation(&self.key))?;
        if let Some(end) = &self.key_end {
            write!(f, " - {}", concatenation(end))?;
        }
        if self.data.is_empty() { Ok(()) } else { write!(f, " : {}", concatenation(&self.data)) }
    }
}

fn concatenation(values: &[Value]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" . ")
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Ifname(name) => write!(f, "\"{name}\""),
            Value::Addr(address) => write!(f, "{address}"),
            Value::Proto(6) => f.write_str("tcp"),
            Value::Proto(17) => f.write_str("udp"),
            Value::Proto(132) => f.write_str("sctp"),
            Value::Proto(other) => write!(f, "{other}"),
            Value::Port(port) => write!(f, "{port}"),
            Value::Slot(slot) => write!(f, "{slot}"),
            Value::Goto(chain) => write!(f, "goto {chain}"),
            Value::Jump(chain) => write!(f, "jump {chain}"),
        }
    }
}
