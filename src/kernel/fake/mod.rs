//! A kernel in memory: the same steps with the same meaning, and failures on demand.

mod apply;
mod seen;
mod space;
mod text;
mod undo;
mod world;

use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use parking_lot::Mutex;

use self::world::{Listener, World};
use super::{Kernel, Outcome, requests};
use crate::error::{Doing, Error, Result};
use crate::model::Proto;
use crate::plan::{Ask, Facts, HostFacts, Ns, Step};

/// A host that exists only here.
pub struct Fake {
    state: Mutex<State>,
}

struct State {
    world: World,
    /// Steps until one fails; 1 is the next.
    fail_in: Option<usize>,
    /// Undoings until one fails; 1 is the next.
    fail_undo_in: Option<usize>,
    randoms: u64,
}

impl Default for Fake {
    fn default() -> Self {
        Self::new()
    }
}

impl Fake {
    /// A host with `lo`, `eth0` (MTU 1500, the default route), IPv6 and nothing of netberth's.
    pub fn new() -> Self {
        let world = World::new();
        Fake { state: Mutex::new(State { world, fail_in: None, fail_undo_in: None, randoms: 0 }) }
    }

    /// The whole world as text: equal for equal worlds.
    pub fn snapshot(&self) -> String {
        text::of(&self.state.lock().world)
    }

    /// The `n`-th step applied from now fails and changes nothing; 1 is the next one.
    pub fn fail_at(&self, n: usize) {
        self.state.lock().fail_in = Some(n);
    }

    /// The `n`-th step undone from now fails and changes nothing; 1 is the next one.
    pub fn fail_undo_at(&self, n: usize) {
        self.state.lock().fail_undo_in = Some(n);
    }

    /// Calls off failures that have not happened.
    pub fn fail_no_more(&self) {
        let mut state = self.state.lock();
        (state.fail_in, state.fail_undo_in) = (None, None);
    }

    /// Replaces what the host has besides what steps make: [`Ask::host`] answers both together.
    pub fn set_host(&self, host: HostFacts) {
        self.state.lock().world.host = host;
    }

    /// Gives the host a sysctl, with its value of the moment.
    pub fn set_sysctl(&self, key: &str, value: &str) {
        self.state.lock().world.set_preset(key, value);
    }

    /// The value of a sysctl in a namespace.
    pub fn sysctl(&self, ns: &Ns, key: &str) -> Option<String> {
        let state = self.state.lock();
        state.world.space(ns).ok()?.sysctl(&state.world, key)
    }

    /// A program of the host listens; unspecified = on all addresses, IPv4 as well on `::`. `words`
    /// are what [`Facts::ports`] says of it.
    pub fn set_listener(&self, proto: Proto, ip: IpAddr, port: u16, words: &str) {
        let listener = Listener { proto, address: ip, port, words: words.to_owned() };
        self.state.lock().world.listeners.push(listener);
    }

    /// Writes a file as somebody else would; its directory comes with it.
    pub fn set_file(&self, path: &Path, text: &str) {
        let mut state = self.state.lock();
        state.world.directories.extend(path.parent().map(Path::to_path_buf));
        state.world.files.insert(path.to_owned(), text.to_owned());
    }

    /// The text of a file.
    pub fn file(&self, path: &Path) -> Option<String> {
        self.state.lock().world.files.get(path).cloned()
    }

    /// Makes a directory as somebody else would.
    pub fn add_directory(&self, path: &Path) {
        self.state.lock().world.directories.insert(path.to_owned());
    }

    /// Makes a namespace as somebody else would, reached by a path; its cookie.
    pub fn add_namespace(&self, path: &Path) -> u64 {
        let mut state = self.state.lock();
        let id = state.world.new_space();
        state.world.mounts.insert(path.to_owned(), id);
        id
    }

    /// Takes a namespace away with everything in it, as the death of its last process does.
    pub fn remove_namespace(&self, path: &Path) {
        self.state.lock().world.unmount(path);
    }

    /// Adds an address to a link of the host, as somebody else would.
    pub fn add_host_address(&self, address: IpNet) {
        self.state.lock().world.host.addresses.push(address);
    }

    /// Names of the links in a namespace; none where there is no such namespace.
    pub fn links(&self, ns: &Ns) -> Vec<String> {
        let state = self.state.lock();
        state.world.space(ns).map(|space| space.links.keys().cloned().collect()).unwrap_or_default()
    }

    /// Addresses of a link, in the order in which they sort.
    pub fn addresses(&self, ns: &Ns, dev: &str) -> Vec<IpNet> {
        let state = self.state.lock();
        let Ok(space) = state.world.space(ns) else { return Vec::new() };
        let of_dev = space.addresses.iter().filter(|((owner, _), _)| owner == dev);
        of_dev.map(|((_, address), _)| *address).collect()
    }

    /// The gateway of a namespace's default route.
    pub fn default_route(&self, ns: &Ns, ipv6: bool) -> Option<IpAddr> {
        let state = self.state.lock();
        state.world.space(ns).ok()?.defaults.get(&ipv6).map(|hop| hop.via)
    }

    /// The elements of a set or map, as text.
    pub fn elements(&self, set: &str) -> Vec<String> {
        self.state.lock().world.elements(set)
    }
}

impl State {
    /// Whether this is the one that fails.
    fn fails(countdown: &mut Option<usize>) -> bool {
        match countdown {
            Some(1) => {
                *countdown = None;
                true
            }
            Some(left) => {
                *left = left.saturating_sub(1);
                false
            }
            None => false,
        }
    }
}

/// What a failure on demand looks like.
fn on_demand() -> Error {
    Error::os(libc::EIO).because("on demand")
}

impl Kernel for Fake {
    fn random(&self) -> Result<[u8; 32]> {
        let mut state = self.state.lock();
        state.randoms += 1;
        // Spread, so that prefixes differ: Knuth's multiplicative hash of a counter.
        let mut bytes = [0; 32];
        let mut word = state.randoms;
        for chunk in bytes.chunks_exact_mut(8) {
            word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        Ok(bytes)
    }

    fn facts(&self, ask: &Ask) -> Result<Facts> {
        self.state.lock().world.facts(ask)
    }

    fn holds(&self, step: &Step) -> Result<bool> {
        Ok(self.state.lock().world.holds(step))
    }

    fn apply(&self, steps: &[Step]) -> Outcome {
        let mut state = self.state.lock();
        let State { world, fail_in, .. } = &mut *state;
        let mut outcome = Outcome::default();
        for (index, step) in steps.iter().enumerate() {
            if let Some((failed, _)) = &outcome.failed
                && !sent_together(steps.get(*failed..=index).unwrap_or_default())
            {
                break;
            }
            let result = if State::fails(fail_in) { Err(on_demand()) } else { world.apply(step) };
            outcome.done.push(result.is_ok());
            if let Err(error) = result.doing(|| step.to_string()) {
                outcome.failed.get_or_insert((index, error));
            }
        }
        outcome
    }

    fn undo(&self, steps: &[Step]) -> Vec<Result<()>> {
        let mut state = self.state.lock();
        let State { world, fail_undo_in, .. } = &mut *state;
        let undo = |step: &Step| {
            if State::fails(fail_undo_in) {
                return Err(on_demand()).doing(|| format!("undo {step}"));
            }
            world.undo(step).doing(|| format!("undo {step}"))
        };
        let mut results: Vec<Result<()>> = steps.iter().rev().map(undo).collect();
        results.reverse();
        results
    }
}

/// Whether the running kernel would get them in one `sendmsg`: then those after a failure happen.
fn sent_together(steps: &[Step]) -> bool {
    let one_place = |pair: &[Step]| match pair {
        [one, next] => one.place() == next.place(),
        _ => true,
    };
    steps.iter().all(requests::is_one) && steps.windows(2).all(one_place)
}
