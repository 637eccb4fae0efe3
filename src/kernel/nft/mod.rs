//! `nf_tables` over raw nfnetlink: what `nft` does, without `nft`.
//!
//! A batch is encoded by appending to one buffer and sent in one call; the kernel takes it whole or
//! not at all. Every error quotes the `nft` line that it answers.

#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "the numbers of a header go by their own names")
)]

mod batch;
mod dump;
mod elements;
mod expr;
mod form;
#[cfg(test)]
mod golden;
mod list;
mod parts;
mod read;
#[cfg(test)]
mod round_trip;
mod rule;
mod set;
mod socket;
mod table;
mod wire;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::error::{Doing, Error, Kind, Result};
use crate::plan::rules::{self, Element, ListedTable, SetElements};
use elements::{ADD, DELETE, DESTROY, Elements, PUT};
use set::Carried;
use socket::{Refusal, Socket};
use wire::{
    NFT_MSG_GETCHAIN, NFT_MSG_GETFLOWTABLE, NFT_MSG_GETOBJ, NFT_MSG_GETRULE, NFT_MSG_GETSET,
    NFT_MSG_GETTABLE,
};

/// `nf_tables` of one network namespace.
///
/// Opened on a thread that is in the namespace; the socket stays there whatever thread uses it.
#[derive(Debug)]
pub struct Nft {
    socket: Mutex<Socket>,
    /// The kernel has `NFT_MSG_DESTROYSETELEM` (Linux 6.3), as far as is known.
    destroys: AtomicBool,
}

/// How often a list is read again that changed while it was read.
const READS: usize = 16;

impl Nft {
    /// A socket in the namespace of the calling thread.
    ///
    /// Kind `unsupported` when the kernel has no netfilter netlink.
    pub fn open() -> Result<Nft> {
        Ok(Nft { socket: Mutex::new(Socket::open()?), destroys: AtomicBool::new(true) })
    }

    /// The same on a kernel before Linux 6.3, which cannot pass over elements that are not there.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn as_before_linux_6_3(self) -> Nft {
        self.destroys.store(false, Ordering::Relaxed);
        self
    }

    /// Whether `nft list table inet NAME` would find it.
    pub fn table_exists(&self, name: &str) -> Result<bool> {
        let mut request = table::get(name)?;
        match self.socket.lock().ask(&mut request, |_| {}) {
            Ok(_) => Ok(true),
            Err(error) if error.errno() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error.doing(format!("nft list table inet {name}"))),
        }
    }

    /// Makes netberth's table with all its rules: `nft -f -` with the text of [`rules::table`].
    ///
    /// Kind `exists` when there is a table of that name.
    pub fn add_table(&self, name: &str) -> Result<()> {
        let table = rules::table(name);
        let doing = || format!("nft -f - # table inet {name}");
        let (mut batch, makes) = table::encode(&table).doing(doing)?;
        let refusals = self.socket.lock().commit(&mut batch).doing(doing)?;
        match refusals.first() {
            None => Ok(()),
            Some(refusal) => match makes.get(refusal.message) {
                None | Some(table::Makes::Nothing) => Err(refusal.error().doing(doing())),
                Some(made) => Err(refusal.error().doing(made.to_string()).doing(doing())),
            },
        }
    }

    /// `nft -f -` with `destroy table inet NAME`, netberth's table and elements in its sets, as one
    /// batch: what is there is replaced between two packets.
    pub fn reload_table(&self, name: &str, sets: &[SetElements]) -> Result<()> {
        let table = rules::table(name);
        let doing = || format!("nft -f - # destroy table inet {name}; table inet {name}");
        let (mut batch, makes) = table::encode_anew(&table, sets).doing(doing)?;
        let refusals = self.socket.lock().commit(&mut batch).doing(doing)?;
        let Some(refusal) = refusals.first() else { return Ok(()) };
        match makes.get(refusal.message) {
            None | Some(table::Makes::Nothing) => Err(refusal.error().doing(doing())),
            Some(made) => Err(refusal.error().doing(made.to_string()).doing(doing())),
        }
    }

    /// `nft delete table inet NAME`: with everything in it. One that is not there is no error.
    pub fn delete_table(&self, name: &str) -> Result<()> {
        let doing = || format!("nft delete table inet {name}");
        let mut batch = table::delete(name).doing(doing)?;
        let refusals = self.socket.lock().commit(&mut batch).doing(doing)?;
        match refusals.first() {
            Some(refusal) if refusal.ack.errno != libc::ENOENT => {
                Err(refusal.error().doing(doing()))
            }
            _ => Ok(()),
        }
    }

    /// `nft create element inet TABLE SET { … }` for each set, all of them or none.
    ///
    /// Kind `exists` when one is there already, whatever it leads to: the message names it. Kind
    /// `exhausted` for more than the kernel takes at once, a million elements.
    pub fn add_elements(&self, table: &str, sets: &[SetElements]) -> Result<()> {
        let mut elements = Elements::encode(table, sets, ADD)?;
        if elements.is_empty() {
            return Ok(());
        }
        let refusals = self.commit(&mut elements)?;
        refusals.first().map_or(Ok(()), |refusal| Err(elements.error(refusal)))
    }

    /// `nft delete element inet TABLE SET { … }` for each set, in one batch unless that is longer
    /// than the kernel takes at once. Elements that are not there are no error, nor is a set or the
    /// table that is not there.
    pub fn delete_elements(&self, table: &str, sets: &[SetElements]) -> Result<()> {
        let result = self.exchange(table, sets, &[]);
        match result {
            Err(error) if error.errno() == Some(libc::EMSGSIZE) => match elements::halves(sets) {
                None => Err(error),
                Some(halves) => {
                    halves.iter().try_for_each(|half| self.delete_elements(table, half))
                }
            },
            result => result,
        }
    }

    /// `nft 'delete element …; add element …'`: deletes the elements of `remove` that are there, and
    /// adds those of `add` that are not, in one batch. An element in the way of `add` that leads
    /// elsewhere is an error unless `remove` has its key.
    pub fn swap(&self, table: &str, remove: &[SetElements], add: &[SetElements]) -> Result<()> {
        if add.is_empty() {
            self.delete_elements(table, remove)
        } else {
            self.exchange(table, remove, add)
        }
    }

    fn exchange(&self, table: &str, remove: &[SetElements], add: &[SetElements]) -> Result<()> {
        let by = if self.destroys.load(Ordering::Relaxed) { DESTROY } else { DELETE };
        match self.exchange_by(table, remove, add, by) {
            // An older kernel knows no message of that number.
            Err(error) if by.kind == DESTROY.kind && error.errno() == Some(libc::EINVAL) => {
                self.exchange_by(table, remove, add, DELETE)?;
                self.destroys.store(false, Ordering::Relaxed);
                Ok(())
            }
            result => result,
        }
    }

    /// One refusal undoes the batch, but all refusals are told: so the next try is without them.
    /// Each is shorter than the one before; only answers that were lost make it more than two.
    fn exchange_by(
        &self,
        table: &str,
        remove: &[SetElements],
        add: &[SetElements],
        by: set::Sending,
    ) -> Result<()> {
        let mut left = Cow::Borrowed(remove);
        loop {
            let mut elements = Elements::encode_all(table, vec![(&*left, by), (add, PUT)])?;
            if elements.is_empty() {
                return Ok(());
            }
            let refusals = self.commit(&mut elements)?;
            let mut gone: Vec<Carried> = Vec::new();
            for refusal in &refusals {
                match elements.at(refusal) {
                    Some((0, carried)) if refusal.ack.errno == libc::ENOENT => gone.push(carried),
                    _ => return Err(elements.error(refusal)),
                }
            }
            if gone.is_empty() {
                return Ok(());
            }
            let rest = elements::without(&left, &gone);
            left = Cow::Owned(rest);
        }
    }

    fn commit(&self, elements: &mut Elements<'_>) -> Result<Vec<Refusal>> {
        let result = self.socket.lock().commit(&mut elements.batch);
        result.map_err(|error| error.doing(elements.whole()))
    }

    /// The elements of a set or map, in no order, as of one moment: `nft list set inet TABLE SET`.
    ///
    /// Elements of a form that netberth never makes (a verdict `accept`, say) are left out. Kind
    /// `not_found` when there is no such set; `busy` when it never stands still.
    pub fn list_elements(&self, table: &str, set: &str) -> Result<Vec<Element>> {
        let doing = || format!("nft list set inet {table} {set}");
        let mut socket = self.socket.lock();
        for _ in 0..READS {
            let mut found = None;
            socket
                .ask(&mut dump::get_set(table, set)?, |answer| {
                    found = Some(dump::set_type(answer));
                })
                .doing(doing)?;
            let Some(of) = found.transpose().doing(doing)? else {
                return Err(Error::new(Kind::Kernel, "the kernel did not say its type"))
                    .doing(doing);
            };
            let mut list = Vec::new();
            let again = socket
                .ask(&mut dump::get_elements(table, set)?, |answer| {
                    dump::elements(answer, &of, &mut list);
                })
                .doing(doing)?;
            if !again {
                return Ok(list);
            }
        }
        Err(Error::new(Kind::Busy, "it changes faster than it can be read: try again")).doing(doing)
    }

    /// Every table that sees IP packets, as of one moment: `nft list ruleset`. Elements are read of
    /// the sets of `own`, and of others' where they tell interfaces or connection states.
    ///
    /// Kind `busy` when the rule-set never stands still.
    pub fn list_tables(&self, own: &str) -> Result<Vec<ListedTable>> {
        let doing = || "nft list ruleset";
        let mut socket = self.socket.lock();
        for _ in 0..READS {
            if let Some(tables) = list_once(&mut socket, own).doing(doing)? {
                return Ok(tables);
            }
        }
        Err(Error::new(Kind::Busy, "it changes faster than it can be read: try again")).doing(doing)
    }
}

/// How long the batch is that adds elements, for `cargo bench`.
#[cfg(feature = "testing")]
pub(super) fn batch_length(sets: &[SetElements]) -> Result<usize> {
    Ok(Elements::encode("netberth", sets, ADD)?.batch.len())
}

/// A datagram of `nf_tables`, for the fuzz targets, as what each kind of request might be answered
/// with; how much of it was understood.
///
/// # Panics
/// Where a list of elements, read, is not what it says.
#[cfg(feature = "testing")]
pub fn read_anything(datagram: &[u8]) -> usize {
    let mut understood = 0;
    let mut listing = list::Listing::default();
    for message in read::Messages(datagram) {
        understood += usize::from(read::Ack::read(&message).is_some_and(|ack| ack.text.is_some()));
        understood += usize::from(list::generation(&message).is_some());
        if let Ok(of) = dump::set_type(&message) {
            let mut elements = Vec::new();
            for message in read::Messages(datagram) {
                dump::elements(&message, &of, &mut elements);
            }
            // Each can be said, as an error would.
            understood += elements.iter().filter(|one| !one.to_string().is_empty()).count();
        }
        listing.take(&message);
    }
    understood + listing.wants("netberth").len() + listing.into_tables().len()
}

/// Netberth's table as the kernel lists it when nobody has changed it, without elements.
pub fn as_listed(name: &str) -> Result<ListedTable> {
    list::as_listed(&rules::table(name))
}

/// Nothing if a change came in between.
fn list_once(socket: &mut Socket, own: &str) -> Result<Option<Vec<ListedTable>>> {
    let mut listing = list::Listing::default();
    let before = generation(socket)?;
    let mut torn = false;
    for kind in [NFT_MSG_GETTABLE, NFT_MSG_GETSET] {
        torn |= socket.ask(&mut list::get_all(kind)?, |answer| listing.take(answer))?;
    }
    for set in listing.wants(own) {
        match socket.ask(&mut list::get_elements(&set)?, |answer| listing.take(answer)) {
            Ok(again) => torn |= again,
            // It went in between.
            Err(error) if error.errno() == Some(libc::ENOENT) => torn = true,
            Err(error) => return Err(error),
        }
    }
    for kind in [NFT_MSG_GETCHAIN, NFT_MSG_GETRULE] {
        torn |= socket.ask(&mut list::get_all(kind)?, |answer| listing.take(answer))?;
    }
    for kind in [NFT_MSG_GETOBJ, NFT_MSG_GETFLOWTABLE] {
        match socket.ask(&mut list::get_objects(kind, own)?, |answer| listing.take(answer)) {
            Ok(again) => torn |= again,
            // A kernel that knows no message of that number (before Linux 4.16) has none of them.
            Err(error) if error.errno() == Some(libc::EINVAL) => {}
            Err(error) => return Err(error),
        }
    }
    let same = !torn && before == generation(socket)?;
    Ok(same.then(|| listing.into_tables()))
}

fn generation(socket: &mut Socket) -> Result<Option<u32>> {
    let mut found = None;
    socket.ask(&mut list::get_generation()?, |answer| found = list::generation(answer))?;
    Ok(found)
}
