//! Tables as `nft -f` reads them and as `nft list` prints them, without counts.

use std::fmt::{self, Display};

use super::{
    Base, Chain, ChainKind, Data, Family, Field, Hook, Reject, Rule, SEED, Set, State, Statement,
    Table, Test, Type, Verdict,
};

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "table inet {} {{", self.name)?;
        let sets = self.sets.iter().map(ToString::to_string);
        let chains = self.chains.iter().map(ToString::to_string);
        f.write_str(&sets.chain(chains).collect::<Vec<_>>().join("\n"))?;
        f.write_str("}\n")
    }
}

impl Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.data.is_some() { "map" } else { "set" };
        writeln!(f, "\t{word} {} {{", self.name)?;
        let (word, types): (_, fn(&[Type]) -> String) =
            if self.by_example() { ("typeof", examples) } else { ("type", types) };
        write!(f, "\t\t{word} {}", types(&self.key))?;
        match &self.data {
            None => {}
            Some(Data::Verdict) => f.write_str(" : verdict")?,
            Some(Data::Values(data)) => write!(f, " : {}", types(data))?,
        }
        f.write_str(if self.interval { "\n\t\tflags interval\n" } else { "\n" })?;
        f.write_str("\t}\n")
    }
}

fn types(types: &[Type]) -> String {
    types.iter().map(|one| one.name()).collect::<Vec<_>>().join(" . ")
}

fn examples(types: &[Type]) -> String {
    types.iter().map(|one| one.example()).collect::<Vec<_>>().join(" . ")
}

impl Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\tchain {} {{", self.name)?;
        if let Some(base) = &self.base {
            writeln!(f, "\t\t{base}")?;
        }
        for rule in &self.rules {
            writeln!(f, "\t\t{rule}")?;
        }
        f.write_str("\t}\n")
    }
}

impl Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ChainKind::Filter => "filter",
            ChainKind::Nat => "nat",
        };
        let hook = match self.hook {
            Hook::Prerouting => "prerouting",
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
            Hook::Postrouting => "postrouting",
        };
        write!(f, "type {kind} hook {hook} priority {}; policy accept;", priority(*self))
    }
}

/// nft names a few priorities and prints what lies within 10 of one as a difference from it.
fn priority(base: Base) -> String {
    let named = [("raw", -300), ("mangle", -150), ("filter", 0), ("security", 50)];
    let nat = match base.hook {
        Hook::Prerouting => Some(("dstnat", -100)),
        Hook::Postrouting => Some(("srcnat", 100)),
        _ => None,
    };
    let near = named.into_iter().chain(nat).find(|(_, at)| (base.priority - at).abs() <= 10);
    match near.map(|(name, at)| (name, base.priority - at)) {
        None => base.priority.to_string(),
        Some((name, 0)) => name.to_owned(),
        Some((name, off)) if off < 0 => format!("{name} - {}", -off),
        Some((name, off)) => format!("{name} + {off}"),
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }
}

impl Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Ipv4 => "ip",
            Family::Ipv6 => "ip6",
        })
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Iifname => f.write_str("iifname"),
            Field::Oifname => f.write_str("oifname"),
            Field::L4proto => f.write_str("meta l4proto"),
            Field::Saddr(family) => write!(f, "{family} saddr"),
            Field::Daddr(family) => write!(f, "{family} daddr"),
            Field::Dport => f.write_str("th dport"),
            Field::OriginalDaddr(family) => write!(f, "ct original {family} daddr"),
            Field::Turn(modulus) => write!(f, "numgen inc mod {modulus}"),
            Field::Chance(modulus) => write!(f, "numgen random mod {modulus}"),
            Field::Client(family, modulus) => {
                write!(f, "jhash {family} saddr mod {modulus} seed {SEED:#x}")
            }
        }
    }
}

fn fields(key: &[Field]) -> String {
    key.iter().map(ToString::to_string).collect::<Vec<_>>().join(" . ")
}

impl Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Is(value) => write!(f, "{value}"),
            Test::IsNot(value) => write!(f, "!= {value}"),
            Test::Within(prefix) => write!(f, "{prefix}"),
            Test::In(set) => write!(f, "@{set}"),
            Test::NotIn(set) => write!(f, "!= @{set}"),
        }
    }
}

impl Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Invalid => "invalid",
            State::Established => "established",
            State::Related => "related",
            State::New => "new",
            State::Untracked => "untracked",
        })
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Accept => f.write_str("accept"),
            Verdict::Drop => f.write_str("drop"),
            Verdict::Return => f.write_str("return"),
            Verdict::Jump(chain) => write!(f, "jump {chain}"),
            Verdict::Goto(chain) => write!(f, "goto {chain}"),
        }
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Match { key, test } => write!(f, "{} {test}", fields(key)),
            Statement::Nfproto(Family::Ipv4) => f.write_str("meta nfproto ipv4"),
            Statement::Nfproto(Family::Ipv6) => f.write_str("meta nfproto ipv6"),
            Statement::CtState(states) => {
                let states: Vec<String> = states.iter().map(ToString::to_string).collect();
                write!(f, "ct state {}", states.join(","))
            }
            Statement::CtStatusDnat => f.write_str("ct status dnat"),
            Statement::NoRouteBack => f.write_str("fib saddr . iif oif missing"),
            Statement::ToLocal => f.write_str("fib daddr type local"),
            Statement::SameWay => f.write_str("fib daddr . iif oif exists"),
            Statement::EchoRequest(Family::Ipv4) => f.write_str("icmp type echo-request"),
            Statement::EchoRequest(Family::Ipv6) => f.write_str("icmpv6 type echo-request"),
            Statement::IcmpRedirect(Family::Ipv4) => f.write_str("icmp type redirect"),
            Statement::IcmpRedirect(Family::Ipv6) => f.write_str("icmpv6 type nd-redirect"),
            Statement::StateVmap(cases) => {
                let cases: Vec<String> =
                    cases.iter().map(|(state, verdict)| format!("{state} : {verdict}")).collect();
                write!(f, "ct state vmap {{ {} }}", cases.join(", "))
            }
            Statement::Vmap { key, map } => write!(f, "{} vmap @{map}", fields(key)),
            Statement::Dnat { family, key, map } => {
                write!(f, "dnat {family} to {} map @{map}", fields(key))
            }
            Statement::Masquerade => f.write_str("masquerade"),
            Statement::Redirect => f.write_str("redirect"),
            Statement::Reject(Reject::TcpReset) => f.write_str("reject with tcp reset"),
            Statement::Reject(Reject::PortUnreachable) => {
                f.write_str("reject with icmpx port-unreachable")
            }
            Statement::Counter => f.write_str("counter"),
            Statement::Verdict(verdict) => write!(f, "{verdict}"),
        }
    }
}
