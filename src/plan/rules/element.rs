//! Elements of sets and maps.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One field of a key or of a map's data.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

impl SetElements {
    /// Adds elements to those that are gathered, each set once.
    pub(crate) fn gather(into: &mut Vec<Self>, sets: Vec<Self>) {
        for SetElements { set, elements } in sets {
            match into.iter_mut().find(|known| known.set == set) {
                Some(known) => known.elements.extend(elements),
                None => into.push(SetElements { set, elements }),
            }
        }
    }
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
        match &self.key_end {
            None => f.write_str(&concatenation(&self.key))?,
            Some(end) => f.write_str(&spans(&self.key, end))?,
        }
        if self.data.is_empty() { Ok(()) } else { write!(f, " : {}", concatenation(&self.data)) }
    }
}

/// A field that does not span is written once: `tcp . 8000-8010`.
fn spans(first: &[Value], last: &[Value]) -> String {
    let field = |(first, last): (&Value, &Value)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    first.iter().zip(last).map(field).collect::<Vec<_>>().join(" . ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_reads_as_nft_takes_it() {
        let key = |port| vec![Value::Proto(17), Value::Port(port)];
        let to = vec![Value::Addr(IpAddr::from([10, 0, 0, 2]))];
        let one = Element { key: key(100), key_end: Some(key(120)), data: to };
        assert_eq!(one.to_string(), "udp . 100-120 : 10.0.0.2");
    }
}
