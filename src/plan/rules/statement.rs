//! What a rule is made of: just what netberth's rules need.

use ipnet::IpNet;

use super::Value;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `ip`.
    Ipv4,
    /// `ip6`.
    Ipv6,
}

/// Something of a packet that is compared or looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `iifname`.
    Iifname,
    /// `oifname`.
    Oifname,
    /// `meta l4proto`.
    L4proto,
    /// `ip saddr`, `ip6 saddr`.
    Saddr(Family),
    /// `ip daddr`, `ip6 daddr`.
    Daddr(Family),
    /// `th dport`.
    Dport,
    /// `ct original ip daddr`: the destination before it was translated.
    OriginalDaddr(Family),
    /// `numgen inc mod N`: each rule counts for itself.
    Turn(u32),
    /// `numgen random mod N`.
    Chance(u32),
    /// `jhash ip saddr mod N seed 0x6e62`: a client's address always gives the same.
    Client(Family, u32),
}

/// So that a client's slot is the same under every table, on every host: the kernel takes one by
/// chance otherwise.
pub const SEED: u32 = 0x6e62;

/// A condition on the fields of a [`Statement::Match`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Equal; for one field.
    Is(Value),
    /// Not equal; for one field.
    IsNot(Value),
    /// Within a prefix; for one address.
    Within(IpNet),
    /// An element of a set.
    In(String),
    /// Not an element of a set.
    NotIn(String),
}

/// A connection's state as conntrack sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Belongs to no connection.
    Invalid,
    /// Packets have been seen in both directions.
    Established,
    /// Belongs to another connection, as an ICMP error does.
    Related,
    /// Opens a connection.
    New,
    /// Not tracked.
    Untracked,
}

/// What becomes of the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `accept`: the end of this hook's chain, not of later ones.
    Accept,
    /// `drop`.
    Drop,
    /// `return` to the chain that jumped here.
    Return,
    /// `jump CHAIN`: comes back.
    Jump(String),
    /// `goto CHAIN`: does not come back.
    Goto(String),
}

/// How a packet is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// `reject with tcp reset`.
    TcpReset,
    /// `reject with icmpx port-unreachable`.
    PortUnreachable,
}

/// One part of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `FIELD [. FIELD…] TEST`.
    Match {
        /// The fields; several only with [`Test::In`] and [`Test::NotIn`].
        key: Vec<Field>,
        /// The condition.
        test: Test,
    },
    /// `meta nfproto ipv4`.
    Nfproto(Family),
    /// `ct state STATE[,STATE…]`: any of them.
    CtState(Vec<State>),
    /// `ct status dnat`: the destination was translated.
    CtStatusDnat,
    /// `fib saddr . iif oif missing`: no route leads back to the sender by where it came from.
    NoRouteBack,
    /// `fib daddr type local`: an address of this host.
    ToLocal,
    /// `fib daddr . iif oif exists`: the way to the destination is by where it came from.
    SameWay,
    /// `icmp type redirect`, `icmpv6 type nd-redirect`.
    IcmpRedirect(Family),
    /// `icmp type echo-request`, `icmpv6 type echo-request`.
    EchoRequest(Family),
    /// `ct state vmap { STATE : VERDICT, … }`.
    StateVmap(Vec<(State, Verdict)>),
    /// `FIELD [. FIELD…] vmap @MAP`.
    Vmap {
        /// The fields.
        key: Vec<Field>,
        /// The verdict map.
        map: String,
    },
    /// `dnat ip to FIELD [. FIELD…] map @MAP`; no element, no translation, and the next rule is
    /// tried.
    Dnat {
        /// The family of the map's addresses.
        family: Family,
        /// The fields.
        key: Vec<Field>,
        /// The map, of address or of address and port.
        map: String,
    },
    /// `masquerade`.
    Masquerade,
    /// `redirect`: to the address of the interface by which it came, of the host's own to loopback.
    Redirect,
    /// `reject with …`.
    Reject(Reject),
    /// `counter`.
    Counter,
    /// A verdict.
    Verdict(Verdict),
}
