//! Every table of a namespace, as of one moment.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::batch::Batch;
use super::dump::{self, SetType};
use super::read::{Attrs, Message, Messages};
use super::wire::*;
use super::{form, parts, table};
use crate::error::Result;
use crate::plan::rules::{
    Element, Hook, ListedBase, ListedChain, ListedObject, ListedRule, ListedSet, ListedTable,
    State, Table, TableFamily, Verdict,
};

/// nft's types of a name of an interface and of a connection's state.
const IFNAME: u32 = 41;
const CT_STATE: u32 = 26;
const INTERVAL_END: u32 = 1;

/// What a set's key is, as far as it matters to anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OfWhat {
    /// One name of an interface.
    Names,
    /// A connection's state.
    States,
    #[default]
    Others,
}

/// A set with what is in it.
#[derive(Clone, Debug, Default)]
pub(super) struct RawSet {
    name: String,
    form: String,
    pub(super) anonymous: bool,
    pub(super) of_what: OfWhat,
    interval: bool,
    of: Option<SetType>,
    elements: Vec<Element>,
    unread: usize,
    /// Key and verdict of each element of an anonymous set, or of one of states.
    raw: Vec<(Vec<u8>, Vec<u8>, Option<Verdict>)>,
}

impl RawSet {
    fn read(attrs: &Attrs<'_>) -> Self {
        let flags = attrs.u32(NFTA_SET_FLAGS).unwrap_or_default();
        let key = attrs.u32(NFTA_SET_KEY_TYPE).unwrap_or_default();
        RawSet {
            name: attrs.str(NFTA_SET_NAME).unwrap_or_default().to_owned(),
            form: form::of_set(attrs),
            anonymous: flags & NFT_SET_ANONYMOUS != 0,
            of_what: match key {
                IFNAME => OfWhat::Names,
                CT_STATE => OfWhat::States,
                _ => OfWhat::Others,
            },
            interval: flags & NFT_SET_INTERVAL != 0,
            of: dump::of_attrs(attrs).ok(),
            ..RawSet::default()
        }
    }

    /// Elements of one message of a dump, or of a batch.
    fn take(&mut self, message: &Message<'_>) {
        let Some(list) = message.attrs().get(NFTA_SET_ELEM_LIST_ELEMENTS) else { return };
        for one in list.attrs() {
            let attrs = one.attrs();
            if self.anonymous || self.of_what == OfWhat::States {
                let value = |kind| attrs.get(kind)?.attrs().get(NFTA_DATA_VALUE);
                let bytes = |kind| value(kind).map(|value| value.payload.to_vec());
                let data = attrs.get(NFTA_SET_ELEM_DATA).map(|data| data.attrs());
                let verdict = data.and_then(|data| data.get(NFTA_DATA_VERDICT));
                let verdict = verdict.and_then(|data| parts::verdict(&data.attrs())).flatten();
                let key = bytes(NFTA_SET_ELEM_KEY).unwrap_or_default();
                self.raw.push((key, bytes(NFTA_SET_ELEM_DATA).unwrap_or_default(), verdict));
            }
            let ends = attrs.u32(NFTA_SET_ELEM_FLAGS).unwrap_or_default() & INTERVAL_END != 0;
            // A name in a set with spans stands for all that sort behind it.
            let begins = self.interval && self.of_what == OfWhat::Names;
            let element = self.of.as_ref().filter(|_| !ends && !begins);
            match element.and_then(|of| dump::element(&attrs, of)) {
                Some(element) => self.elements.push(element),
                None => self.unread += 1,
            }
        }
    }

    /// Whether what is in it matters to anybody.
    fn is_wanted(&self, own: bool) -> bool {
        own || self.of_what != OfWhat::Others
    }

    /// What is in it, as text to compare.
    pub(super) fn contents(&self) -> String {
        let one = |(key, data, verdict): &(Vec<u8>, Vec<u8>, Option<Verdict>)| {
            let mut text = String::new();
            for byte in key.iter().chain(data) {
                let _ = write!(text, "{byte:02x}");
            }
            let verdict = verdict.as_ref().map(|verdict| format!(":{verdict}"));
            text.push_str(verdict.as_deref().unwrap_or_default());
            text
        };
        let mut all: Vec<String> = self.raw.iter().map(one).collect();
        all.sort();
        format!("{{{}}}", all.join(","))
    }

    /// The connection states in it, each with where it leads.
    pub(super) fn states(&self) -> Option<Vec<(State, Option<Verdict>)>> {
        if self.of_what != OfWhat::States || self.raw.is_empty() {
            return None;
        }
        let mut found = Vec::new();
        for (key, _, verdict) in &self.raw {
            let states = parts::states(key)?;
            found.extend(states.into_iter().map(|state| (state, verdict.clone())));
        }
        Some(found)
    }
}

/// By what a look-up finds a set: in a batch, anonymous ones all have one name.
pub(super) fn anonymous_key(name: &str, id: u32) -> String {
    if name.contains('%') { format!("{name}{id}") } else { name.to_owned() }
}

/// Asks for all there is of a kind, in every family.
pub(super) fn get_all(kind: u16) -> Result<Batch> {
    let mut b = Batch::request_of(kind, NLM_F_DUMP, 0);
    b.check()?;
    Ok(b)
}

/// Asks for the stateful objects of a table, or for its flowtables: both kinds of request have the
/// table's name as their first attribute.
pub(super) fn get_objects(kind: u16, table: &str) -> Result<Batch> {
    let mut b = Batch::request_of(kind, NLM_F_DUMP, NFPROTO_INET);
    b.str(NFTA_OBJ_TABLE, table);
    b.check()?;
    Ok(b)
}

/// Asks by which number the rule-set goes: another after each change.
pub(super) fn get_generation() -> Result<Batch> {
    let mut b = Batch::request_of(NFT_MSG_GETGEN, 0, 0);
    b.check()?;
    Ok(b)
}

pub(super) fn generation(message: &Message<'_>) -> Option<u32> {
    message.attrs().u32(NFTA_GEN_ID)
}

/// Asks for the elements of a set of any family.
pub(super) fn get_elements(wants: &Wants) -> Result<Batch> {
    let mut b = Batch::request_of(NFT_MSG_GETSETELEM, NLM_F_DUMP, number(wants.0));
    b.str(NFTA_SET_ELEM_LIST_TABLE, &wants.1);
    b.str(NFTA_SET_ELEM_LIST_SET, &wants.2);
    b.check()?;
    Ok(b)
}

/// Family, table and name of a set.
pub(super) type Wants = (TableFamily, String, String);

/// Tables as they are read: everything that was listed, in the order of the requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    tables: BTreeMap<(TableFamily, String), Found>,
}

#[derive(Clone, Debug, Default)]
struct Found {
    dormant: bool,
    sets: BTreeMap<String, RawSet>,
    chains: Vec<ListedChain>,
    objects: Vec<ListedObject>,
}

impl Listing {
    /// Takes one message of whatever dump. Rules come after the sets that they name.
    pub(super) fn take(&mut self, message: &Message<'_>) {
        let attrs = message.attrs();
        let Some(family) = message.body.first().and_then(|number| family(*number)) else { return };
        let name = attrs.str(1).unwrap_or_default().to_owned();
        if message.kind == NFT_MSG_NEWTABLE {
            let found = self.tables.entry((family, name)).or_default();
            // NFT_TABLE_F_DORMANT
            found.dormant = attrs.u32(NFTA_TABLE_FLAGS).unwrap_or_default() & 1 != 0;
            return;
        }
        let Some(found) = self.tables.get_mut(&(family, name)) else { return };
        match message.kind {
            NFT_MSG_NEWSET => {
                let set = RawSet::read(&attrs);
                let id = attrs.u32(NFTA_SET_ID).unwrap_or_default();
                found.sets.insert(anonymous_key(&set.name, id), set);
            }
            NFT_MSG_NEWSETELEM => {
                let name = attrs.str(NFTA_SET_ELEM_LIST_SET).unwrap_or_default();
                let id = attrs.u32(NFTA_SET_ELEM_LIST_SET_ID).unwrap_or_default();
                if let Some(set) = found.sets.get_mut(&anonymous_key(name, id)) {
                    set.take(message);
                }
            }
            NFT_MSG_NEWOBJ | NFT_MSG_NEWFLOWTABLE => found.objects.extend(object(message)),
            NFT_MSG_NEWCHAIN => found.chains.extend(chain(&attrs)),
            NFT_MSG_NEWRULE => {
                let of = attrs.str(NFTA_RULE_CHAIN).unwrap_or_default();
                let handle = attrs
                    .get(NFTA_RULE_HANDLE)
                    .and_then(|handle| handle.payload.try_into().ok().map(u64::from_be_bytes));
                let expressions = attrs.get(NFTA_RULE_EXPRESSIONS);
                let expressions = expressions.map_or(Attrs(&[]), |list| list.attrs());
                let (form, parts) = parts::read(expressions, &found.sets);
                if let Some(chain) = found.chains.iter_mut().find(|chain| chain.name == of) {
                    let handle = handle.unwrap_or_default();
                    chain.rules.push(ListedRule { handle, form, parts });
                }
            }
            _ => {}
        }
    }

    /// The sets whose elements are wanted: all of our own, of others' those that rules about
    /// interfaces and connection states look into.
    pub(super) fn wants(&self, own: &str) -> Vec<Wants> {
        let of_table = |((family, table), found): (&(TableFamily, String), &Found)| {
            let ours = *family == TableFamily::Inet && table == own;
            let wanted = found.sets.values().filter(move |set| set.is_wanted(ours));
            let place = (*family, table.clone());
            wanted.map(move |set| (place.0, place.1.clone(), set.name.clone())).collect::<Vec<_>>()
        };
        self.tables.iter().flat_map(of_table).collect()
    }

    pub(super) fn into_tables(self) -> Vec<ListedTable> {
        let table = |((family, name), found): ((TableFamily, String), Found)| ListedTable {
            family,
            name,
            dormant: found.dormant,
            sets: found.sets.into_values().map(listed).collect(),
            chains: found.chains,
            objects: found.objects,
        };
        self.tables.into_iter().map(table).collect()
    }
}

fn listed(set: RawSet) -> ListedSet {
    let RawSet { name, form, anonymous, elements, unread, .. } = set;
    ListedSet { name, form, anonymous, elements, unread }
}

fn family(number: u8) -> Option<TableFamily> {
    match number {
        NFPROTO_INET => Some(TableFamily::Inet),
        NFPROTO_IPV4 => Some(TableFamily::Ip),
        NFPROTO_IPV6 => Some(TableFamily::Ip6),
        _ => None,
    }
}

fn number(family: TableFamily) -> u8 {
    match family {
        TableFamily::Inet => NFPROTO_INET,
        TableFamily::Ip => NFPROTO_IPV4,
        TableFamily::Ip6 => NFPROTO_IPV6,
    }
}

/// What `NFT_OBJECT_*` are called by nft.
const OBJECTS: [&str; 10] = [
    "counter",
    "quota",
    "ct helper",
    "limit",
    "connlimit",
    "tunnel",
    "ct timeout",
    "secmark",
    "ct expectation",
    "synproxy",
];

fn object(message: &Message<'_>) -> Option<ListedObject> {
    let attrs = message.attrs();
    if message.kind == NFT_MSG_NEWFLOWTABLE {
        let name = attrs.str(NFTA_FLOWTABLE_NAME)?.to_owned();
        return Some(ListedObject { kind: "flowtable".to_owned(), name });
    }
    let number = attrs.u32(NFTA_OBJ_TYPE)?;
    let at = usize::try_from(number).ok()?.checked_sub(1);
    let known = at.and_then(|at| OBJECTS.get(at)).map(ToString::to_string);
    let kind = known.unwrap_or_else(|| format!("object of type {number}"));
    Some(ListedObject { kind, name: attrs.str(NFTA_OBJ_NAME)?.to_owned() })
}

fn chain(attrs: &Attrs<'_>) -> Option<ListedChain> {
    let name = attrs.str(NFTA_CHAIN_NAME)?.to_owned();
    let base = attrs.get(NFTA_CHAIN_HOOK).map(|hook| {
        let hook = hook.attrs();
        let number = hook.u32(NFTA_HOOK_HOOKNUM).unwrap_or_default();
        let hooks = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];
        ListedBase {
            kind: attrs.str(NFTA_CHAIN_TYPE).unwrap_or_default().to_owned(),
            hook: usize::try_from(number).ok().and_then(|number| hooks.get(number)).copied(),
            priority: hook.u32(NFTA_HOOK_PRIORITY).unwrap_or_default().cast_signed(),
            // NF_DROP; without one it is NF_ACCEPT.
            drops: attrs.u32(NFTA_CHAIN_POLICY) == Some(0),
        }
    });
    Some(ListedChain { name, base, rules: Vec::new() })
}

/// A table as the kernel will list it when it has been made, without elements.
pub(super) fn as_listed(table: &Table) -> Result<ListedTable> {
    let (batch, _) = table::encode(table)?;
    let mut listing = Listing::default();
    Messages(batch.as_bytes()).for_each(|message| listing.take(&message));
    let empty = ListedTable {
        family: TableFamily::Inet,
        name: table.name.clone(),
        dormant: false,
        sets: Vec::new(),
        chains: Vec::new(),
        objects: Vec::new(),
    };
    let mut listed = listing.into_tables().pop().unwrap_or(empty);
    listed.sets.retain(|set| table.set(&set.name).is_some());
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The types have the same numbers in both kinds of message.
    fn read(kind: u16, of: u32) -> String {
        let mut b = Batch::request_of(kind, 0, NFPROTO_INET);
        b.str(NFTA_OBJ_TABLE, "netberth");
        b.str(NFTA_OBJ_NAME, "more");
        b.u32(NFTA_OBJ_TYPE, of);
        b.check().unwrap();
        let mut found = String::new();
        Messages(b.as_bytes()).for_each(|message| {
            let one = object(&message).unwrap();
            found = format!("{} {}", one.kind, one.name);
        });
        found
    }

    #[test]
    fn objects_have_the_names_that_nft_gives_them() {
        assert_eq!(read(NFT_MSG_NEWOBJ, 1), "counter more");
        assert_eq!(read(NFT_MSG_NEWOBJ, 3), "ct helper more");
        assert_eq!(read(NFT_MSG_NEWOBJ, 10), "synproxy more");
        assert_eq!(read(NFT_MSG_NEWOBJ, 11), "object of type 11 more");
        assert_eq!(read(NFT_MSG_NEWFLOWTABLE, 0), "flowtable more");
    }
}
