//! Chains and rules.

use super::Statement;

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// Where it is hooked in; absent for one that is jumped to.
    pub base: Option<Base>,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

impl Chain {
    /// A chain that is jumped to.
    pub fn of(name: &str, rules: impl IntoIterator<Item = Rule>) -> Self {
        let rules = rules.into_iter().collect();
        Chain { name: name.to_owned(), base: None, rules }
    }

    /// The same chain, hooked in.
    #[must_use]
    pub fn hooked(self, kind: ChainKind, hook: Hook, priority: i32) -> Self {
        Chain { base: Some(Base { kind, hook, priority }), ..self }
    }
}

/// `type KIND hook HOOK priority PRIORITY; policy accept;`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its kind.
    pub kind: ChainKind,
    /// Its hook.
    pub hook: Hook,
    /// Lower comes first.
    pub priority: i32,
}

/// What a base chain may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainKind {
    /// `filter`: sees every packet.
    Filter,
    /// `nat`: sees the first packet of each connection.
    Nat,
}

/// Where packets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Every packet that arrives, before it is routed.
    Prerouting,
    /// To this host.
    Input,
    /// Through this host.
    Forward,
    /// From this host.
    Output,
    /// Every packet that leaves.
    Postrouting,
}

/// A rule: its statements are evaluated from the left until one does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(pub Vec<Statement>);

impl Rule {
    /// A rule.
    pub fn of(statements: impl IntoIterator<Item = Statement>) -> Self {
        Rule(statements.into_iter().collect())
    }
}
