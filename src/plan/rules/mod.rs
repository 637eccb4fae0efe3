//! `nf_tables` as data: a table of sets, maps and chains of rules, and the elements that come and go.
//!
//! `Display` of a [`Table`] is what `nft -f` reads. [`table`] is the one table netberth has: its
//! rules never change, only elements of its sets do.

mod chain;
mod element;
mod listed;
mod netberth;
mod set;
mod spread;
mod statement;
mod text;

pub use self::netberth::table;
pub use self::spread::{TURNS, Way};
pub use chain::{Base, Chain, ChainKind, Hook, Rule};
pub use element::{Element, SetElements, Value};
pub use listed::{
    ListedBase, ListedChain, ListedObject, ListedRule, ListedSet, ListedTable, Part, Ruleset,
    TableFamily,
};
pub use set::{Data, Set, Table, Type};
pub use statement::{Family, Field, Reject, SEED, State, Statement, Test, Verdict};
