//! Tables as the kernel lists them, whoever made them.

use std::fmt;

use super::{Element, Hook, Statement, Verdict};

/// The tables of a namespace that see IP packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruleset {
    /// Those of `nf_tables`, iptables-nft's among them.
    pub tables: Vec<ListedTable>,
    /// Those of the older iptables (`ip filter`): that they are there is all that can be known.
    pub legacy: Vec<String>,
}

/// The family of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableFamily {
    /// `inet`: IPv4 and IPv6.
    Inet,
    /// `ip`.
    Ip,
    /// `ip6`.
    Ip6,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTable {
    /// Its family.
    pub family: TableFamily,
    /// Its name.
    pub name: String,
    /// `flags dormant`: its chains see no packet.
    pub dormant: bool,
    /// Its sets and maps.
    pub sets: Vec<ListedSet>,
    /// Its chains.
    pub chains: Vec<ListedChain>,
    /// Its stateful objects and flowtables: of netberth's own table only.
    pub objects: Vec<ListedObject>,
}

/// What has a name in a table and is neither chain nor set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// In the words of nft: `counter`, `ct helper`, `flowtable`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A set or map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSet {
    /// Its name.
    pub name: String,
    /// Types and flags: equal texts for equal sets.
    pub form: String,
    /// It belongs to one rule, and the kernel has named it.
    pub anonymous: bool,
    /// Its elements, in no order: all of netberth's own sets, those of others where they matter.
    pub elements: Vec<Element>,
    /// How many elements more there are, of a form that cannot be told.
    pub unread: usize,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedChain {
    /// Its name.
    pub name: String,
    /// Where it is hooked in.
    pub base: Option<ListedBase>,
    /// Its rules, in order.
    pub rules: Vec<ListedRule>,
}

/// Where a chain is hooked in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedBase {
    /// `filter`, `nat` or `route`.
    pub kind: String,
    /// The hook; absent for one that is none of IP's.
    pub hook: Option<Hook>,
    /// Lower comes first.
    pub priority: i32,
    /// `policy drop`.
    pub drops: bool,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRule {
    /// By which `nft delete rule` knows it.
    pub handle: u64,
    /// Equal texts for equal rules, whatever they are made of.
    pub form: String,
    /// What it is made of, as far as it can be told.
    pub parts: Vec<Part>,
}

/// A part of a rule that somebody else may have written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What netberth's rules are made of, too. A name that ends in `*` stands for all that begin so.
    Known(Statement),
    /// `reject`, however.
    Reject,
    /// `dnat`, `snat`, `redirect`: an address is translated.
    Nat,
    /// Neither tests nor decides: `counter`, `log`, a mark that is set.
    Passes,
    /// A condition, or something else that is not understood, in a word or two.
    Other(String),
}

impl ListedTable {
    /// The chain of that name.
    pub fn chain(&self, name: &str) -> Option<&ListedChain> {
        self.chains.iter().find(|chain| chain.name == name)
    }

    /// The set or map of that name.
    pub fn set(&self, name: &str) -> Option<&ListedSet> {
        self.sets.iter().find(|set| set.name == name)
    }
}

impl ListedRule {
    /// The verdict of a rule without any condition.
    pub fn unconditional(&self) -> Option<&Part> {
        let mut last = None;
        for part in &self.parts {
            match part {
                Part::Passes | Part::Known(Statement::Counter) => {}
                Part::Reject | Part::Known(Statement::Verdict(_) | Statement::Reject(_)) => {
                    last = Some(part);
                    break;
                }
                _ => return None,
            }
        }
        last
    }

    /// Whether it ends every packet that comes to it.
    pub fn refuses_all(&self) -> bool {
        matches!(
            self.unconditional(),
            Some(
                Part::Reject
                    | Part::Known(Statement::Reject(_) | Statement::Verdict(Verdict::Drop))
            )
        )
    }
}

impl fmt::Display for TableFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TableFamily::Inet => "inet",
            TableFamily::Ip => "ip",
            TableFamily::Ip6 => "ip6",
        })
    }
}

impl fmt::Display for ListedTable {
    /// `inet netberth`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family, self.name)
    }
}

impl fmt::Display for ListedRule {
    /// As nft would print it, with `[…]` for what cannot be told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.parts.iter().filter(|part| **part != Part::Passes);
        f.write_str(&shown.map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Known(statement) => write!(f, "{statement}"),
            Part::Reject => f.write_str("reject"),
            Part::Nat => f.write_str("[nat]"),
            Part::Passes => Ok(()),
            Part::Other(what) => write!(f, "[{what}]"),
        }
    }
}
