//! Everything that a verb may change, as text to compare.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use netberth::Netberth;
use netberth::store::Embedded;

use super::super::common::verbs::{difference, dump};
use super::super::common::{Host, sh};

/// How long the kernel may take to clear away a namespace that was dropped.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) kernel: String,
    pub(crate) store: String,
}

/// Links, addresses, rules and routes.
const NETWORK: &str = "printf 'link\naddr\nrule\nroute show table all\n' | ip -o -batch -; \
     printf 'rule\nroute show table all\n' | ip -6 -o -batch -";

impl Look {
    /// The host, every namespace and every file, and every record.
    pub(crate) fn at(host: &Host, netberth: &Netberth) -> Look {
        let mut script = format!("({NETWORK}; nft -s list ruleset) | sed 's,^,host ,'");
        let mut lines = settings();
        for sandbox in netberth.sandboxes().unwrap() {
            let (name, key) = (&sandbox.container_id, sandbox.key.display());
            let looks = NETWORK.replace('\\', "\\\\");
            write!(
                script,
                "; nsenter --net={key} sh -c \"{looks}; cat /proc/sys/net/core/somaxconn\" \
                 | sed 's,^,{name} ,'"
            )
            .unwrap();
            for path in [&sandbox.hosts_path, &sandbox.resolv_conf_path] {
                let text = std::fs::read_to_string(path).unwrap();
                lines.extend(text.lines().map(|line| format!("{name} {line}")));
            }
        }
        let said = sh(&script);
        lines.extend(said.lines().filter(|line| !is_by_the_kernel(line)).map(plain));
        files(&host.directory, &mut lines);
        lines.sort_unstable();
        let store = Embedded::open(&host.directory.join("state")).unwrap();
        // The last automatic port of a protocol outlives its endpoint.
        let store = dump(&store);
        let store: Vec<&str> = store.lines().filter(|line| !line.starts_with("cursor/")).collect();
        Look { kernel: lines.join("\n"), store: store.join("\n") }
    }

    /// The same without what is drawn by lot: ids, what is named or numbered after them, cookies.
    pub(crate) fn without_ids(&self) -> Look {
        Look { kernel: masked(&self.kernel), store: masked(&self.store) }
    }

    pub(crate) fn difference(&self, found: &Look) -> String {
        difference(&self.kernel, &found.kernel) + &difference(&self.store, &found.store)
    }
}

/// Link-local addresses and what belongs to them come late and by themselves, and so do an address's own
/// routes (IPv6 makes them in a work item); the addresses are compared.
fn is_by_the_kernel(line: &str) -> bool {
    let late = ["fe80:", "ff00:", " table local proto kernel"];
    late.iter().any(|part| line.contains(part))
}

/// Sysctls of the host and its mounts.
fn settings() -> Vec<String> {
    let mut lines = Vec::new();
    let net = Path::new("/proc/sys/net");
    for of in ["all", "default", "lo"] {
        for family in ["ipv4", "ipv6"] {
            for entry in std::fs::read_dir(net.join(family).join("conf").join(of)).unwrap() {
                let path = entry.unwrap().path();
                let value = std::fs::read_to_string(&path).unwrap_or_default();
                lines.push(format!("{} {}", path.display(), value.trim()));
            }
        }
    }
    lines.push(std::fs::read_to_string(net.join("ipv4/ip_forward")).unwrap());
    let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    lines.extend(mounts.lines().filter_map(|line| line.split(' ').nth(4)).map(str::to_owned));
    lines
}

/// Every file but those of the store.
fn files(directory: &Path, lines: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("netberth.") {
            continue;
        }
        let path = entry.path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        lines.push(format!("{} {mode:o}", path.display()));
        if metadata.is_dir() {
            files(&path, lines);
        }
    }
}

/// A line without numbers of interfaces, and without what comes late.
fn plain(line: &str) -> String {
    let (of, line) = line.split_once(' ').unwrap_or_default();
    let mut kept = without_index(line);
    for late in ["NO-CARRIER,", ",LOWER_UP", " linkdown", "-netnsid"] {
        kept = kept.replace(late, "");
    }
    let kept = kept.replace("state UP", "state DOWN").replace("state LOWERLAYERDOWN", "state DOWN");
    let kept = kept.split(" link-netns").next().unwrap_or_default();
    let kept = kept.split(" valid_lft").next().unwrap_or_default();
    format!("{of} {kept}")
}

/// `7: eth0@if9:` without its numbers.
fn without_index(line: &str) -> String {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(": ");
    let mut kept = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("@if") {
        kept += before;
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    kept + rest
}

fn masked(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(mask).collect();
    lines.sort();
    lines.join("\n")
}

/// Ids and what is named after them (eleven or more hexadecimal digits), hardware addresses, and the
/// metric of a route that a bridge has by lot.
fn mask(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let is_part = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c) || c == ':';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end.max(c.len_utf8()));
        let word = run.trim_matches(':');
        let is_id = word.len() >= 11 && !word.contains(':');
        let is_mac = word.len() == 17 && word.split(':').all(|byte| byte.len() == 2);
        let is_lot = ["\"local\"", "metric "].iter().any(|before| kept.ends_with(before));
        kept += &if is_id || is_mac || is_lot && word.len() > 2 {
            run.replace(word, "#")
        } else {
            run.to_owned()
        };
        rest = after;
    }
    kept
}

/// Waits until all looks as it should.
pub(crate) fn eventually(what: &dyn Fn() -> String, expected: &Look, look: impl Fn() -> Look) {
    let started = Instant::now();
    loop {
        let found = look();
        if found == *expected {
            return;
        }
        let late = started.elapsed() > PATIENCE;
        assert!(!late, "{}:\n{}", what(), expected.difference(&found));
        std::thread::sleep(Duration::from_millis(5));
    }
}
