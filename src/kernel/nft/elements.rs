//! Adding and deleting elements: what is sent, and what a refusal means.

use std::collections::HashSet;

use super::batch::{Batch, GENERIC, HEADER};
use super::read::Attrs;
use super::set::{self, Carried, Sending};
use super::socket::Refusal;
use super::wire::*;
use crate::error::{Doing, Error, Result};
use crate::plan::rules::SetElements;

/// Elements that are there already are refused, whatever they lead to.
pub(super) const ADD: Sending = Sending {
    kind: NFT_MSG_NEWSETELEM,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    data: true,
    at_most: usize::MAX,
};
/// Elements that are there already and lead to the same are passed over.
pub(super) const PUT: Sending = Sending { flags: NLM_F_CREATE, ..ADD };
/// Elements that are not there are passed over.
pub(super) const DESTROY: Sending =
    Sending { kind: NFT_MSG_DESTROYSETELEM, flags: 0, data: false, at_most: usize::MAX };
/// Before Linux 6.3: the elements that are not there are refused, one by one.
pub(super) const DELETE: Sending =
    Sending { kind: NFT_MSG_DELSETELEM, flags: 0, data: false, at_most: 1 };

/// Bytes of a port's element, which is the one there are thousands of.
const TYPICAL: usize = 40;

/// A batch of elements, with the account of which message carries which.
#[derive(Debug)]
pub(super) struct Elements<'a> {
    table: &'a str,
    parts: Vec<(&'a [SetElements], Sending)>,
    pub(super) batch: Batch,
    /// By part.
    carried: Vec<(usize, Carried)>,
}

impl<'a> Elements<'a> {
    /// The batch.
    pub(super) fn encode(
        table: &'a str,
        sets: &'a [SetElements],
        sending: Sending,
    ) -> Result<Self> {
        Elements::encode_all(table, vec![(sets, sending)])
    }

    /// Several parts one after the other, as one batch.
    pub(super) fn encode_all(
        table: &'a str,
        parts: Vec<(&'a [SetElements], Sending)>,
    ) -> Result<Self> {
        let mut batch = Batch::new();
        let mut all = Vec::new();
        for (number, (sets, sending)) in parts.iter().enumerate() {
            let count: usize = sets.iter().map(|set| set.elements.len()).sum();
            batch.reserve(count.saturating_mul(TYPICAL));
            let mut carried = Vec::new();
            for (index, one) in sets.iter().enumerate() {
                set::elements(&mut batch, table, (index, one), *sending, &mut carried)
                    .doing(|| line(table, *sending, one))?;
            }
            all.extend(carried.into_iter().map(|one| (number, one)));
        }
        batch.end()?;
        Ok(Elements { table, parts, batch, carried: all })
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.carried.is_empty()
    }

    /// What the message that was refused carried, and of which part; nothing if the batch was refused
    /// as a whole.
    pub(super) fn at(&self, refusal: &Refusal) -> Option<(usize, Carried)> {
        self.carried.get(refusal.message.checked_sub(1)?).copied()
    }

    /// The error that names the element at fault, where the kernel has said which.
    pub(super) fn error(&self, refusal: &Refusal) -> Error {
        let Some((part, carried)) = self.at(refusal) else {
            return refusal.error().doing(self.whole());
        };
        let Some((sets, sending)) = self.parts.get(part) else { return refusal.error() };
        let Some(set) = sets.get(carried.set) else { return refusal.error() };
        let elements = set.elements.iter().skip(carried.first).take(carried.count);
        let at_fault = self.at_fault(refusal).and_then(|at| elements.clone().nth(at));
        let elements = match at_fault {
            Some(one) => vec![one.clone()],
            None => elements.cloned().collect(),
        };
        let set = SetElements { set: set.set.clone(), elements };
        refusal.error().doing(line(self.table, *sending, &set))
    }

    /// The lines of the whole batch.
    pub(super) fn whole(&self) -> String {
        let parts = self.parts.iter();
        let lines = parts
            .flat_map(|(sets, sending)| sets.iter().map(|set| line(self.table, *sending, set)));
        lines.collect::<Vec<_>>().join("; ")
    }

    /// The place of the element that the kernel's offset points at, in its message.
    fn at_fault(&self, refusal: &Refusal) -> Option<usize> {
        let offset = refusal.ack.offset?;
        let message = self.batch.message_bytes(refusal.message)?;
        let attrs = Attrs(message.get(HEADER + GENERIC..)?);
        let list = attrs.get(NFTA_SET_ELEM_LIST_ELEMENTS)?.payload;
        // The list is the last attribute, so it ends where the message does.
        let mut at = message.len().checked_sub(list.len())?;
        Attrs(list).position(|one| {
            let start = at;
            at += (4 + one.payload.len()).next_multiple_of(4);
            (start..at).contains(&offset)
        })
    }
}

/// The line an operator would type, cut short where there are many.
fn line(table: &str, sending: Sending, set: &SetElements) -> String {
    let verb = if sending.data { "add" } else { "delete" };
    let shown = 3;
    if set.elements.len() <= shown {
        return format!("nft {verb} element inet {table} {set}");
    }
    let some = set.elements.iter().take(shown).map(|one| format!("{one}, "));
    let more = set.elements.len() - shown;
    let some: String = some.collect();
    format!("nft {verb} element inet {table} {} {{ {some}and {more} more }}", set.set)
}

/// What is left when the kernel has said which are not there.
pub(super) fn without(sets: &[SetElements], gone: &[Carried]) -> Vec<SetElements> {
    let places = |one: &Carried| {
        let set = one.set;
        (one.first..one.first + one.count).map(move |at| (set, at))
    };
    let gone: HashSet<(usize, usize)> = gone.iter().flat_map(places).collect();
    let kept = sets.iter().enumerate().map(|(index, set)| {
        let elements = set.elements.iter().enumerate();
        let elements = elements.filter(|(at, _)| !gone.contains(&(index, *at)));
        SetElements {
            set: set.set.clone(),
            elements: elements.map(|(_, one)| one.clone()).collect(),
        }
    });
    kept.filter(|set| !set.elements.is_empty()).collect()
}

/// Two halves, or nothing where there is but one element.
pub(super) fn halves(sets: &[SetElements]) -> Option<[Vec<SetElements>; 2]> {
    let count: usize = sets.iter().map(|set| set.elements.len()).sum();
    let mut left = count / 2;
    if left == 0 {
        return None;
    }
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for set in sets {
        let (a, b) = set.elements.split_at(left.min(set.elements.len()));
        left -= a.len();
        for (into, part) in [(&mut first, a), (&mut second, b)] {
            if !part.is_empty() {
                into.push(SetElements { set: set.set.clone(), elements: part.to_vec() });
            }
        }
    }
    Some([first, second])
}
