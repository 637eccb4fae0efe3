//! netberth on the running kernel and its own store, both under one script.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

use std::path::PathBuf;
use std::sync::Arc;

use netberth::kernel::Linux;
use netberth::store::Embedded;
use netberth::{Config, Netberth, Result};

use super::faulty::{FaultyKernel, FaultyStore, Script};
use super::sh;
use super::verbs::{Verb, dump};
use super::world::State;

/// A host and its netberth, in the test's namespaces.
pub struct Real {
    pub script: Arc<Script>,
    pub directory: PathBuf,
    netberth: Option<Netberth>,
}

/// What a namespace has. Left out: what the kernel numbers or chooses itself (indexes, the hardware
/// addresses of host ends, link-local addresses), and what comes late (carriers).
const SHOW: &str = r#"
{ ip -j addr; ip -j -4 route show table all; ip -j -6 route show table all; ip -j rule; } | jq -c '
  .[] | if .dst then select(.dst | test("^(fe80|ff00|multicast)") | not) | del(.flags)
    | ["route", .]
  elif .ifname then
    ["link", .ifname, (.flags | index("UP") != null), .mtu, .master,
     (if .ifname | test("^nb[0-9a-f]{12}$") then "" else .address end),
     [.addr_info[] | select(.scope != "link") | [.local, .prefixlen, .scope, .noprefixroute]]]
  else ["rule", .] end'
nft -s list ruleset
grep -rs . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf \
  /proc/sys/net/core/somaxconn | grep -v stable_secret
"#;

impl Real {
    pub fn new(directory: PathBuf, script: Arc<Script>) -> Real {
        let mut real = Real { script, directory, netberth: None };
        real.open().unwrap();
        real
    }

    /// As a new process.
    pub fn open(&mut self) -> Result<()> {
        self.netberth = None;
        let config = Config {
            state_dir: self.directory.join("state"),
            run_dir: self.directory.join("run"),
            ..Config::default()
        };
        let store = Arc::new(Embedded::open(&config.state_dir)?);
        let kernel = FaultyKernel { inner: Arc::new(Linux::open()?), script: self.script.clone() };
        let store = FaultyStore { inner: store, script: self.script.clone() };
        self.netberth = Some(Netberth::open_with(config, Arc::new(kernel), Arc::new(store))?);
        Ok(())
    }

    pub fn netberth(&self) -> &Netberth {
        self.netberth.as_ref().unwrap()
    }

    /// The verb, with the choices that it makes every time.
    pub fn run(&self, verb: Verb) -> Result<()> {
        let text = format!("{verb:?}");
        self.script.choose_from(
            text.bytes().fold(0, |sum, byte| (sum * 31 + u64::from(byte)) % (1 << 48)),
        );
        verb.run(self.netberth(), &self.directory)
    }

    /// The verb without faults.
    pub fn calmly(&self, verb: Verb) {
        self.script.calm(0);
        self.run(verb).unwrap_or_else(|error| panic!("{verb:?}: {error}"));
    }

    /// Everything there is: of the host, of every namespace, of the store.
    pub fn state(&self) -> State {
        super::reaped();
        let at = self.directory.display();
        let files = format!(
            "find {at} -path '*/state/*.db*' -o -printf '%P %y %m\\n'; \
             find {at} -name hosts -o -name resolv.conf | xargs -r grep -H ."
        );
        let inside = format!(
            "for ns in {at}/given {at}/run/netns/*; do [ -e $ns ] || continue; \
             nsenter --net=$ns sh -c \"$SHOW\" | sed \"s,^,$ns ,\"; done"
        );
        let script = format!("({SHOW}\n SHOW='{}'\n{inside}\n{files}) | sort", quoted(SHOW));
        let store = Embedded::open(&self.directory.join("state")).unwrap();
        State { kernel: sh(&script), store: dump(&store) }
    }
}

/// For between single quotes.
fn quoted(text: &str) -> String {
    text.replace('\'', r"'\''")
}
