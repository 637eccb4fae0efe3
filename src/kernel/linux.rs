//! The kernel that we run on.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use ipnet::IpNet;
use parking_lot::Mutex;

use super::call::{Call, Way, cookie, open};
use super::conntrack::Conntrack;
use super::netlink::socket::Socket;
use super::netns::Handle;
use super::nft::Nft;
use super::space::Space;
use super::{Kernel, Outcome, facts, sys, sysctl};
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
            Ns::At { .. } => open(ns)?.run(|| work(&mut Space::here(cookie(ns))?)),
        }
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
            Step::Up { ns, dev } => self.within(ns, |space| Ok(space.link(dev)?.up)),
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

    fn undo(&self, steps: &[Step]) -> Vec<Result<()>> {
        let kept = without_doomed(steps);
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
