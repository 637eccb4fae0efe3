//! One call of apply or undo: namespaces are opened once, and steps that follow each other in one
//! namespace are one run: one thread there at most, one `sendmsg` where they are rtnetlink requests.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::linux::Linux;
use super::netns::{self, Handle};
use super::place::{Place, cookie, open};
use super::space::Space;
use super::sysctl::Interfaces;
use super::{announce, edit, file, inode, requests, sysctl, undoing};
use crate::error::{Error, Kind, Result};
use crate::kernel::route::link::{self, Link};
use crate::kernel::route::neighbour;
use crate::plan::{Ns, Step};

/// The name of netberth's table, in which [`Step::Elements`] are.
pub(super) const TABLE: &str = "netberth";

/// Which way steps go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Done; the first failure ends it.
    Do,
    /// Undone; failures do not end it.
    Undo,
}

/// One call.
pub(super) struct Call<'h> {
    linux: &'h Linux,
    host: Option<Space<'h>>,
    places: HashMap<Ns, Place>,
    way: Way,
    /// Namespaces of netberth's own that are unmounted in this call, after all that is in them.
    leaving: HashSet<PathBuf>,
}

/// Results in the order of the steps; shorter than the steps where a failure ended it.
pub(super) type Results = Vec<Result<()>>;

impl<'h> Call<'h> {
    pub(super) fn new(linux: &'h Linux, way: Way) -> Self {
        Call { linux, host: None, places: HashMap::new(), way, leaving: HashSet::new() }
    }

    /// Takes the steps in the order given.
    pub(super) fn steps(&mut self, steps: &[&Step]) -> Results {
        if self.way == Way::Undo {
            self.leaving = steps.iter().filter_map(|step| own_netns(step)).cloned().collect();
        }
        let mut results = Results::with_capacity(steps.len());
        for run in steps.chunk_by(|one, next| one.place() == next.place()) {
            results.extend(self.run(run));
            if self.way == Way::Do && results.iter().any(Result::is_err) {
                break;
            }
        }
        results
    }

    fn run(&mut self, run: &[&Step]) -> Results {
        let Some(first) = run.first() else { return Results::new() };
        let ns = first.place();
        let done = match ns {
            Ns::Host => self.run_at_host(run),
            Ns::At { .. } => self.run_elsewhere(ns, run),
        };
        done.unwrap_or_else(|error| match self.way {
            Way::Undo if error.kind() == Kind::NotFound => run.iter().map(|_| Ok(())).collect(),
            Way::Undo => {
                run.iter().map(|step| Err(error.clone().doing(step.to_string()))).collect()
            }
            Way::Do => vec![Err(error.doing(first.to_string()))],
        })
    }

    fn run_at_host(&mut self, run: &[&Step]) -> Result<Results> {
        let linux = self.linux;
        let mut space = self.host.take().unwrap_or_else(|| Space::shared(linux.rtnl()));
        let results =
            if run.iter().any(|step| needs_thread(step, &space)) && !linux.namespace().is_here() {
                linux.namespace().run(|| Ok(self.work(&mut space, run)))
            } else {
                Ok(self.work(&mut space, run))
            };
        self.host = Some(space);
        results
    }

    fn run_elsewhere(&mut self, ns: &Ns, run: &[&Step]) -> Result<Results> {
        let Place { handle, space } = self.place(ns)?;
        let (space, results) = match space {
            Some(mut space) if !run.iter().any(|step| needs_thread(step, &space)) => {
                let results = self.work(&mut space, run);
                (space, results)
            }
            other => handle.run(|| {
                let mut space = match other {
                    Some(space) => space,
                    None => Space::here(cookie(ns))?,
                };
                let results = self.work(&mut space, run);
                Ok((space, results))
            })?,
        };
        self.places.insert(ns.clone(), Place { handle, space: Some(space) });
        Ok(results)
    }

    /// A namespace, taken out of those that are open.
    fn place(&mut self, ns: &Ns) -> Result<Place> {
        if let Some(place) = self.places.remove(ns) {
            return Ok(place);
        }
        self.linux.kept(ns).map_or_else(|| Place::open(ns), |(_, place)| Ok(place))
    }

    /// Whether the step's link goes with a namespace that is given up.
    fn is_leaving(&self, step: &Step) -> bool {
        matches!(step, Step::Veth { ns: Ns::At { path, .. }, .. } if self.leaving.contains(path))
    }

    /// The steps of one run, on a thread that is where they need it.
    fn work(&mut self, space: &mut Space<'_>, run: &[&Step]) -> Results {
        space.changes();
        let mut results = Results::with_capacity(run.len());
        for part in run.chunk_by(|one, next| requests::is_one(one) && requests::is_one(next)) {
            let one = part.first().is_some_and(|step| requests::is_one(step));
            results.extend(match (one, self.way) {
                (true, Way::Do) => self.send(space, part),
                (true, Way::Undo) => undoing::send(space, part, |step| self.is_leaving(step)),
                (false, way) => part.iter().map(|step| self.alone(space, step, way)).collect(),
            });
            if self.way == Way::Do && results.iter().any(Result::is_err) {
                break;
            }
        }
        results
    }

    /// Requests, together. A step that names a device which another of them makes waits for the
    /// answers.
    fn send(&mut self, space: &mut Space<'_>, steps: &[&Step]) -> Results {
        let mut results = Results::with_capacity(steps.len());
        let mut rest = steps;
        while !rest.is_empty() {
            let mut made: Vec<&str> = Vec::new();
            let mut batch = Vec::new();
            let mut failed = None;
            for step in rest {
                if requests::names(step).is_some_and(|name| made.contains(&name)) {
                    break;
                }
                match requests::doing(step, space, || self.peer_netns(step)) {
                    Ok(request) => batch.push(request),
                    Err(error) => {
                        failed = Some(error.doing(step.to_string()));
                        break;
                    }
                }
                made.extend(requests::makes(step));
            }
            let (sent, later) = rest.split_at_checked(batch.len()).unwrap_or((rest, &[]));
            let mut answers = space.with(|socket| socket.exchange(batch));
            self.again_where_swept(space, sent, &mut answers);
            for (step, answer) in sent.iter().zip(&answers) {
                self.note_ends(space, step, answer);
            }
            results.extend(sent.iter().zip(answers).map(|(step, answer)| match answer {
                Err(error) if !requests::is_so(step, &error) => {
                    Err(requests::refused(step, error).doing(step.to_string()))
                }
                _ => Ok(()),
            }));
            if results.iter().any(Result::is_err) {
                break;
            }
            if let Some(error) = failed {
                results.push(Err(error));
                break;
            }
            rest = later;
        }
        results
    }

    /// Where a link stood in the way that waits to be reaped, it is deleted, and what was asked of its
    /// name is asked again.
    fn again_where_swept(
        &mut self,
        space: &mut Space<'_>,
        sent: &[&Step],
        answers: &mut [Result<Vec<u8>>],
    ) {
        for (step, answer) in sent.iter().zip(answers.iter_mut()) {
            let name = match (step, &answer) {
                (Step::Veth { name, .. }, Err(error)) if error.errno() == Some(libc::EEXIST) => {
                    name
                }
                _ => continue,
            };
            if sweep(space, name) {
                let again = requests::doing(step, space, || self.peer_netns(step));
                *answer = again.and_then(|request| space.with(|socket| socket.ask(request)));
            }
        }
    }

    /// The indexes of a new veth's ends, where the kernel tells of them.
    fn note_ends(&mut self, space: &mut Space<'_>, step: &Step, answer: &Result<Vec<u8>>) {
        let Step::Veth { name, peer, ns, .. } = step else { return };
        let Some(link) = answer.as_ref().ok().and_then(|told| link::read(told)) else { return };
        space.note(name, link.index);
        let there = self.places.get_mut(ns).and_then(|place| place.space.as_mut());
        if let Some(there) = there {
            there.note(peer, link.peer);
        }
    }

    /// The descriptor of a veth's other namespace; it stays open as long as this call.
    fn peer_netns(&mut self, step: &Step) -> Result<i32> {
        let Step::Veth { ns, .. } = step else {
            return Err(Error::new(Kind::Bug, format!("{step} has no peer")));
        };
        if *ns == Ns::Host {
            return Ok(requests::raw(self.linux.namespace()));
        }
        let mut place = self.place(ns)?;
        if cookie(ns).is_some() {
            place.entered(ns)?;
        }
        let fd = requests::raw(&place.handle);
        self.places.insert(ns.clone(), place);
        Ok(fd)
    }

    fn alone(&mut self, space: &mut Space<'_>, step: &Step, way: Way) -> Result<()> {
        let result = match way {
            Way::Do => self.one(space, step),
            Way::Undo => self.one_back(space, step),
        };
        result.map_err(|error| match (step, way) {
            // These say their own line.
            (
                Step::Table { .. }
                | Step::Reload { .. }
                | Step::Elements { .. }
                | Step::Swap { .. }
                | Step::Conntrack { .. },
                _,
            ) => error,
            (_, Way::Do) => error.doing(step.to_string()),
            (_, Way::Undo) => error.doing(format!("undo {step}")),
        })
    }

    fn one(&mut self, space: &mut Space<'_>, step: &Step) -> Result<()> {
        match step {
            Step::Directory { path } => file::make_directory(path),
            Step::Netns { path, of } => self.make_netns(path, of.as_ref()),
            Step::Sysctl { key, value, .. } => match space.interfaces() {
                Some(interfaces) if Interfaces::has(key) => interfaces.write(key, value),
                _ => sysctl::write(key, value),
            },
            Step::Announce { mac, addresses, port, bridge } => {
                announce::send(space, port, bridge, link::mac(mac)?, addresses)
            }
            Step::Table { name } => self.linux.firewall().add_table(name),
            Step::Reload { name, sets } => self.linux.firewall().reload_table(name, sets),
            Step::Elements { sets } => self.linux.firewall().add_elements(TABLE, sets),
            Step::Swap { remove, add } => self.linux.firewall().swap(TABLE, remove, add),
            Step::Conntrack { leaving: true, .. } | Step::Neighbour { .. } => Ok(()),
            Step::Conntrack { flows, .. } => self.linux.connections().forget(flows),
            Step::File { path, text, .. } => file::write(path, text),
            Step::Mode { path, mode, .. } => inode::change_mode(path, *mode),
            Step::Owner { path, uid, .. } => inode::change_owner(path, *uid),
            Step::Lines { paths, add, remove } => edit::edit(paths, add, remove),
            _ => Err(Error::new(Kind::Bug, "an rtnetlink step is not sent alone")),
        }
    }

    fn one_back(&self, space: &mut Space<'_>, step: &Step) -> Result<()> {
        match step {
            Step::Directory { path } => file::remove_directory(path),
            Step::Netns { path, .. } => netns::remove(path),
            Step::Sysctl { key, before: Some(before), .. } => sysctl::restore(key, before),
            Step::Sysctl { before: None, .. }
            | Step::Announce { .. }
            | Step::Reload { .. }
            | Step::Conntrack { leaving: false, .. } => Ok(()),
            Step::Table { name } => self.linux.firewall().delete_table(name),
            Step::Elements { sets } => self.linux.firewall().delete_elements(TABLE, sets),
            Step::Swap { remove, add } => self.linux.firewall().swap(TABLE, add, remove),
            Step::Conntrack { flows, .. } => self.linux.connections().forget(flows),
            Step::Neighbour { dev, address } => forget_neighbour(space, dev, *address),
            Step::File { path, before, .. } => file::put_back(path, before.as_deref()),
            Step::Mode { path, before, .. } => inode::change_mode(path, *before),
            Step::Owner { path, before, .. } => inode::change_owner(path, *before),
            Step::Lines { paths, add, remove } => edit::edit_back(paths, add, remove),
            _ => Err(Error::new(Kind::Bug, "an rtnetlink step is not sent alone")),
        }
    }

    /// A new one is worked in next: its socket is opened on the thread that makes it.
    fn make_netns(&mut self, path: &Path, of: Option<&Ns>) -> Result<()> {
        let source = self.source(of)?;
        let ns = Ns::At { path: path.to_owned(), cookie: None };
        if let Some(Ok(place)) = netns::create(path, source.as_ref(), || Place::here(&ns))? {
            self.places.insert(ns, place);
        }
        Ok(())
    }

    /// The namespace that [`Step::Netns`] mounts, if not a new one.
    fn source(&self, of: Option<&Ns>) -> Result<Option<Handle>> {
        match of {
            None => Ok(None),
            Some(Ns::Host) => self.linux.namespace().again().map(Some),
            Some(ns) => {
                let handle = open(ns)?;
                if cookie(ns).is_some() {
                    handle.run(|| Space::here(cookie(ns)).map(drop))?;
                }
                Ok(Some(handle))
            }
        }
    }
}

/// Deletes a link that was unplugged, because its namespace was given up, and which the kernel has not
/// reaped: that takes some milliseconds, or as long as somebody is in the namespace. Says whether the
/// name is free.
fn sweep(space: &mut Space<'_>, name: &str) -> bool {
    let unplugged = |link: &Link| !link.up && link.master == 0;
    match space.link(name) {
        Ok(link) if unplugged(&link) => {}
        Ok(_) => return false,
        Err(error) => return requests::is_gone(&error),
    }
    let deleted =
        link::delete(name).and_then(|request| space.with(|socket| socket.ask(request)).map(drop));
    deleted.is_ok_and(|()| true) || space.link(name).is_err()
}

/// A device or a neighbour that is gone has nothing waiting.
fn forget_neighbour(space: &mut Space<'_>, dev: &str, address: IpAddr) -> Result<()> {
    let forgotten = space.index(dev).and_then(|index| {
        space.with(|socket| {
            socket.exchange(vec![neighbour::delete(index, address)]).pop().transpose()
        })
    });
    match forgotten {
        Err(error) if !requests::is_gone(&error) => Err(error),
        _ => Ok(()),
    }
}

/// The file of a namespace that was made by the step.
fn own_netns(step: &Step) -> Option<&PathBuf> {
    match step {
        Step::Netns { path, of: None } => Some(path),
        _ => None,
    }
}

/// Whether a step looks at the namespace of the thread that does it.
fn needs_thread(step: &Step, space: &Space<'_>) -> bool {
    let Step::Sysctl { key, before, .. } = step else { return false };
    let elsewhere = before.is_none() && space.interfaces().is_some() && Interfaces::has(key);
    !elsewhere && !requests::is_one(step)
}
