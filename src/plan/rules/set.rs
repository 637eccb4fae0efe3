//! Tables, sets and maps.

use super::Chain;

/// A table of family `inet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Sets and maps, in the order in which they are made.
    pub sets: Vec<Set>,
    /// Chains; one that is jumped to may stand anywhere.
    pub chains: Vec<Chain>,
}

impl Table {
    /// The set or map of that name.
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|set| set.name == name)
    }
}

/// The type of one field of a key or of a map's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `ifname`.
    Ifname,
    /// `ipv4_addr`.
    Ipv4Addr,
    /// `ipv6_addr`.
    Ipv6Addr,
    /// `inet_proto`.
    InetProto,
    /// `inet_service`.
    InetService,
    /// A slot of a service, 32 bits in host byte order. nft has no word for the type: it is told by
    /// an example, `typeof numgen inc mod 60`.
    Slot,
}

impl Type {
    /// The word in nft.
    pub const fn name(self) -> &'static str {
        match self {
            Type::Ifname => "ifname",
            Type::Ipv4Addr => "ipv4_addr",
            Type::Ipv6Addr => "ipv6_addr",
            Type::InetProto => "inet_proto",
            Type::InetService => "inet_service",
            Type::Slot => "integer",
        }
    }

    /// What `typeof` names as an example of the type.
    pub const fn example(self) -> &'static str {
        match self {
            Type::Ifname => "meta iifname",
            Type::Ipv4Addr => "ip daddr",
            Type::Ipv6Addr => "ip6 daddr",
            Type::InetProto => "meta l4proto",
            Type::InetService => "th dport",
            Type::Slot => "numgen inc mod 60",
        }
    }
}

/// What a map leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A verdict.
    Verdict,
    /// Values, for example of address and port.
    Values(Vec<Type>),
}

/// A set, or a map when it has data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// The fields of its key.
    pub key: Vec<Type>,
    /// What it leads to; absent for a set.
    pub data: Option<Data>,
    /// `flags interval`: an element may span from one key to another. The key has two fields or
    /// more, because only then does the kernel take both ends in one element.
    pub interval: bool,
}

impl Set {
    /// `set NAME { type KEY; }`.
    pub fn of(name: &str, key: &[Type]) -> Self {
        Set { name: name.to_owned(), key: key.to_vec(), data: None, interval: false }
    }

    /// `map NAME { type KEY : DATA; }`.
    pub fn map(name: &str, key: &[Type], data: &[Type]) -> Self {
        Set { data: Some(Data::Values(data.to_vec())), ..Set::of(name, key) }
    }

    /// `map NAME { type KEY : verdict; }`.
    pub fn vmap(name: &str, key: &[Type]) -> Self {
        Set { data: Some(Data::Verdict), ..Set::of(name, key) }
    }

    /// Whether nft knows its types by examples only.
    pub fn by_example(&self) -> bool {
        self.key.contains(&Type::Slot)
    }

    /// The same with `flags interval`.
    #[must_use]
    pub fn with_intervals(self) -> Self {
        Set { interval: true, ..self }
    }
}
