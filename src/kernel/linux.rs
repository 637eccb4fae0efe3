//! The kernel that we run on.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use ipnet::IpNet;
use parking_lot::Mutex;

use super::call::{Call, Way};
use super::conntrack::Conntrack;
use super::netlink::socket::Socket;
use super::netns::Handle;
use super::nft::Nft;
use super::place::{Place, cookie, open};
use super::space::Space;
use super::{Kernel, Outcome, facts, procfs, sys, sysctl};
use crate::error::{Doing, Error, Kind, Result};
use crate::plan::{Ask, Facts, Ns, Step, without_doomed};

/// The running kernel, seen from the network namespace in which it was opened.
///
/// It may be used from any number of threads, wherever they are: it holds its own namespace.
pub struct Linux {
    namespace: Handle,
    rtnl: Mutex<Socket>,
    firewall: Nft,
    connections: Conntrack,
    /// The namespace that was looked at last and is worked in next: opened once for both.
    kept: Mutex<Kept>,
    _proc: procfs::Use,
}

#[derive(Default)]
struct Kept {
    /// Grows when a verb is over: who took the place before does not bring it back.
    verbs: u64,
    place: Option<(Ns, Place)>,
}

impl Linux {
    /// Takes hold of the network namespace of the calling thread: [`Ns::Host`] is this one.
    ///
    /// Errors: `kernel` where `/proc` is not mounted or a socket cannot be had.
    pub fn open() -> Result<Self> {
        Ok(Linux {
            namespace: Handle::current()?,
            rtnl: Mutex::new(Socket::open()?),
            firewall: Nft::open()?,
            connections: Conntrack::open()?,
            kept: Mutex::default(),
            _proc: procfs::Use::new(),
        })
    }

    pub(super) fn namespace(&self) -> &Handle {
        &self.namespace
    }

    pub(super) fn rtnl(&self) -> &Mutex<Socket> {
        &self.rtnl
    }

    pub(super) fn firewall(&self) -> &Nft {
        &self.firewall
    }

    pub(super) fn connections(&self) -> &Conntrack {
        &self.connections
    }

    /// Runs `work` where `ns` is, with a socket there.
    pub(super) fn within<T: Send>(
        &self,
        ns: &Ns,
        work: impl FnOnce(&mut Space<'_>) -> Result<T> + Send,
    ) -> Result<T> {
        match ns {
            Ns::Host if self.namespace.is_here() => work(&mut Space::shared(&self.rtnl)),
            Ns::Host => self.namespace.run(|| work(&mut Space::shared(&self.rtnl))),
            Ns::At { .. } => self.at(ns, |Place { handle, space }| match space {
                Some(space) => handle.run(|| work(space)),
                None => handle.run(|| work(&mut Space::here(cookie(ns))?)),
            }),
        }
    }

    /// The same for work that looks by the socket alone: no thread is needed where one is open.
    pub(super) fn by_socket<T>(
        &self,
        ns: &Ns,
        work: impl FnOnce(&mut Space<'_>) -> Result<T>,
    ) -> Result<T> {
        if *ns == Ns::Host {
            return work(&mut Space::shared(&self.rtnl));
        }
        self.at(ns, |place| work(place.entered(ns)?))
    }

    /// Uses the place that is kept, if it is that namespace, or one that is opened for this.
    fn at<T>(&self, ns: &Ns, work: impl FnOnce(&mut Place) -> Result<T>) -> Result<T> {
        if let Some((verbs, mut place)) = self.kept(ns) {
            let done = work(&mut place);
            let mut kept = self.kept.lock();
            if kept.verbs == verbs {
                kept.place = Some((ns.clone(), place));
            }
            return done;
        }
        work(&mut Place::open(ns)?)
    }

    /// Takes the place that is kept, if it is that namespace.
    pub(super) fn kept(&self, ns: &Ns) -> Option<(u64, Place)> {
        let mut kept = self.kept.lock();
        let (_, place) = kept.place.take_if(|(of, place)| place.is_meant(of, ns))?;
        Some((kept.verbs, place))
    }

    /// Keeps a place for what comes next in this verb.
    pub(super) fn keep(&self, ns: &Ns, place: Place) {
        self.kept.lock().place = Some((ns.clone(), place));
    }
}

impl Kernel for Linux {
    fn random(&self) -> Result<[u8; 32]> {
        sys::random()
    }

    fn facts(&self, ask: &Ask) -> Result<Facts> {
        facts::look(self, ask)
    }

    fn holds(&self, step: &Step) -> Result<bool> {
        let held = match step {
            Step::Directory { path } => Ok(path.is_dir()),
            Step::Netns { path, of: Some(Ns::Host) } => {
                Handle::open(path).map(|there| there.is(&self.namespace))
            }
            Step::Netns { path, of: Some(of) } => {
                open(of).and_then(|of| Ok(Handle::open(path)?.is(&of)))
            }
            Step::Sysctl { ns, key, value, .. } => self.within(ns, |_| sysctl::holds(key, value)),
            Step::Up { ns, dev } => self.by_socket(ns, |space| space.is_up(dev)),
            Step::Table { name } => self.firewall().table_exists(name),
            _ => Ok(false),
        };
        match held {
            // The namespace or the device is made by an earlier step of the same plan.
            Err(error) if error.kind() == Kind::NotFound => Ok(false),
            Err(error) if error.errno() == Some(libc::ENODEV) => Ok(false),
            held => held.doing(|| format!("see whether it is so: {step}")),
        }
    }

    fn apply(&self, steps: &[Step]) -> Outcome {
        let steps: Vec<&Step> = steps.iter().collect();
        let mut outcome = Outcome::default();
        for (index, result) in Call::new(self, Way::Do).steps(&steps).into_iter().enumerate() {
            // Whoever does not answer may have done it.
            let unknown = |error: &Error| error.kind() == Kind::Timeout;
            outcome.done.push(result.as_ref().err().is_none_or(unknown));
            if let Err(error) = result {
                outcome.failed.get_or_insert((index, error));
            }
        }
        outcome
    }

    fn rest(&self) {
        let mut kept = self.kept.lock();
        kept.verbs += 1;
        kept.place = None;
    }

    fn undo(&self, steps: &[Step]) -> Vec<Result<()>> {
        let kept = without_doomed(steps.iter());
        let mut backwards: Vec<(usize, Cow<'_, Step>)> = Vec::with_capacity(kept.len() + 1);
        for (index, step) in kept.into_iter().rev() {
            backwards.push((index, Cow::Borrowed(step)));
            backwards.extend(brought_by(step).map(|more| (index, Cow::Owned(more))));
        }
        let sent: Vec<&Step> = backwards.iter().map(|(_, step)| &**step).collect();
        let undone = Call::new(self, Way::Undo).steps(&sent);
        let mut results: Vec<Result<()>> = steps.iter().map(|_| Ok(())).collect();
        for ((index, _), result) in backwards.iter().zip(undone) {
            if let Some(slot) = results.get_mut(*index).filter(|slot| slot.is_ok()) {
                *slot = result;
            }
        }
        results
    }
}

/// What a step makes the kernel do besides: a loopback device that comes up is given 127.0.0.1/8
/// (`inetdev_event`), and keeps it when it goes down.
fn brought_by(step: &Step) -> Option<Step> {
    let Step::Up { ns, dev } = step else { return None };
    let address = IpNet::new(Ipv4Addr::LOCALHOST.into(), 8).ok()?;
    let (ns, dev) = (ns.clone(), dev.clone());
    (dev == "lo").then_some(Step::Address { ns, dev, address, noprefixroute: false })
}
