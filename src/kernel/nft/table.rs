//! A whole table in one batch.

use super::batch::Batch;
use super::elements::PUT;
use super::rule::{Rules, state_maps};
use super::set;
use super::wire::*;
use crate::error::Result;
use crate::plan::rules::{Base, Chain, ChainKind, Hook, Rule, SetElements, Table};

/// What a message of the batch makes, for the error that refuses it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Makes<'a> {
    /// Nothing: the batch begins.
    Nothing,
    Table(&'a Table),
    Chain(&'a Table, &'a Chain),
    Set(&'a Table, &'a str),
    Rule(&'a Table, &'a Chain, &'a Rule),
}

impl std::fmt::Display for Makes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Makes::Nothing => f.write_str("nft -f -"),
            Makes::Table(table) => write!(f, "nft create table inet {}", table.name),
            Makes::Chain(table, chain) => {
                write!(f, "nft add chain inet {} {}", table.name, chain.name)?;
                chain.base.as_ref().map_or(Ok(()), |base| write!(f, " {{ {base} }}"))
            }
            Makes::Set(table, set) => write!(f, "nft add set inet {} {set}", table.name),
            Makes::Rule(table, chain, rule) => {
                write!(f, "nft add rule inet {} {} {rule}", table.name, chain.name)
            }
        }
    }
}

/// The batch that makes the table, which must not be there yet, and what each message makes.
pub(super) fn encode(table: &Table) -> Result<(Batch, Vec<Makes<'_>>)> {
    let mut b = Batch::new();
    let mut makes = vec![Makes::Nothing];
    append(&mut b, table, &mut makes)?;
    b.end()?;
    Ok((b, makes))
}

/// The batch that makes the table with elements in its sets, whether there was one or not.
pub(super) fn encode_anew<'t>(
    table: &'t Table,
    sets: &[SetElements],
) -> Result<(Batch, Vec<Makes<'t>>)> {
    let mut b = Batch::new();
    // One that is not there is made first, so that there is one to delete on every kernel.
    b.message(NFT_MSG_NEWTABLE, NLM_F_CREATE);
    b.str(NFTA_TABLE_NAME, &table.name);
    b.u32(NFTA_TABLE_FLAGS, 0);
    b.message(NFT_MSG_DELTABLE, 0);
    b.str(NFTA_TABLE_NAME, &table.name);
    let mut makes = vec![Makes::Nothing, Makes::Table(table), Makes::Table(table)];
    append(&mut b, table, &mut makes)?;
    let mut carried = Vec::new();
    for (index, one) in sets.iter().enumerate() {
        set::elements(&mut b, &table.name, (index, one), PUT, &mut carried)?;
    }
    b.end()?;
    Ok((b, makes))
}

fn append<'t>(b: &mut Batch, table: &'t Table, makes: &mut Vec<Makes<'t>>) -> Result<()> {
    b.message(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
    b.str(NFTA_TABLE_NAME, &table.name);
    b.u32(NFTA_TABLE_FLAGS, 0);
    makes.push(Makes::Table(table));

    for chain in &table.chains {
        new_chain(b, &table.name, chain);
        makes.push(Makes::Chain(table, chain));
    }
    let mut id = 0;
    for one in &table.sets {
        id += 1;
        set::new_set(b, &table.name, one, id);
        makes.push(Makes::Set(table, &one.name));
    }
    for chain in &table.chains {
        for rule in &chain.rules {
            let mut anonymous = Vec::new();
            for cases in state_maps(rule) {
                id += 1;
                anonymous.push(id);
                set::anonymous_map(b, &table.name, id, cases);
                makes.extend([Makes::Rule(table, chain, rule); 2]);
            }
            new_rule(b, table, chain, rule, anonymous)?;
            makes.push(Makes::Rule(table, chain, rule));
        }
    }
    Ok(())
}

fn new_chain(b: &mut Batch, table: &str, chain: &Chain) {
    b.message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    b.str(NFTA_CHAIN_TABLE, table);
    b.str(NFTA_CHAIN_NAME, &chain.name);
    if let Some(base) = chain.base {
        new_base(b, base);
    }
}

fn new_base(b: &mut Batch, base: Base) {
    let kind = match base.kind {
        ChainKind::Filter => "filter",
        ChainKind::Nat => "nat",
    };
    // NF_INET_PRE_ROUTING and on.
    let hook = match base.hook {
        Hook::Prerouting => 0,
        Hook::Input => 1,
        Hook::Forward => 2,
        Hook::Output => 3,
        Hook::Postrouting => 4,
    };
    b.str(NFTA_CHAIN_TYPE, kind);
    // NF_ACCEPT
    b.u32(NFTA_CHAIN_POLICY, 1);
    b.nest(NFTA_CHAIN_HOOK, |b| {
        b.u32(NFTA_HOOK_HOOKNUM, hook);
        b.bytes(NFTA_HOOK_PRIORITY, &base.priority.to_be_bytes());
    });
}

fn new_rule(
    b: &mut Batch,
    table: &Table,
    chain: &Chain,
    rule: &Rule,
    anonymous: Vec<u32>,
) -> Result<()> {
    b.message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    b.str(NFTA_RULE_TABLE, &table.name);
    b.str(NFTA_RULE_CHAIN, &chain.name);
    b.try_nest(NFTA_RULE_EXPRESSIONS, |b| Rules::new(table, anonymous).write(b, rule))
}

/// `nft delete table inet NAME`.
pub(super) fn delete(name: &str) -> Result<Batch> {
    let mut b = Batch::new();
    b.message(NFT_MSG_DELTABLE, 0);
    b.str(NFTA_TABLE_NAME, name);
    b.end()?;
    Ok(b)
}

/// `nft list table inet NAME`, of the table itself only.
pub(super) fn get(name: &str) -> Result<Batch> {
    let mut b = Batch::request(NFT_MSG_GETTABLE, 0);
    b.str(NFTA_TABLE_NAME, name);
    b.check()?;
    Ok(b)
}
