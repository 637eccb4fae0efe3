//! `docs/rules/*.md`: written and checked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::listing::{constant_part, constant_table};
use super::scenarios::{SCENARIOS, Scenario};
use crate::common::bed::{Bed, same};
use crate::common::verbs::{Verb, tear_down};
use crate::common::{on_a_host, sh};

/// The line of HTTP that leads to a verb, and its document.
fn request(verb: Verb) -> (String, &'static str) {
    match verb {
        Verb::Network(json) => ("POST /networks".to_owned(), json),
        Verb::Endpoint(network, json) => (format!("POST /networks/{network}/endpoints"), json),
        Verb::Join(network, endpoint, json) => {
            (format!("POST /networks/{network}/endpoints/{endpoint}/containers"), json)
        }
        Verb::Publish(json) => ("POST /services".to_owned(), json),
        Verb::Attach(service, json) => (format!("POST /services/{service}/backend"), json),
        other => unreachable!("{other:?} builds nothing"),
    }
}

/// The lines of a text that runs on in the source.
fn unindented(text: &str) -> String {
    text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n")
}

/// Two spaces before each further line of a document.
fn document(json: &str) -> String {
    unindented(json).replace('\n', "\n  ")
}

fn page(scenario: &Scenario) -> String {
    let Scenario { title, about, sysctl, verbs, look, .. } = scenario;
    let sysctl = sysctl.map(|line| format!("```sh\nsysctl -w {line}\n```\n\n"));
    let requests = verbs.iter().map(|verb| {
        let (line, json) = request(*verb);
        format!("{line}\n{}\n", document(json))
    });
    let points = look.iter().map(|point| format!("- {}\n", document(point)));
    let parts = [
        format!("# {title}\n\n{}\n\n", unindented(about)),
        sysctl.unwrap_or_default(),
        format!("```http\n{}```\n\n", requests.collect::<Vec<_>>().join("\n")),
        format!("What to look at:\n\n{}\n", points.collect::<String>()),
        "All else is [the constant table](netberth.nft), to the last rule.\n\n".to_owned(),
        format!("```nft\n{}```\n", elements()),
    ];
    parts.concat()
}

/// The sets and maps of the table that have elements, as `nft list` prints them.
fn elements() -> String {
    let listed = sh("nft -s list table inet netberth");
    let inner = listed.split_once("{\n").unwrap().1;
    let blocks = inner.strip_suffix("}\n").unwrap().split("\n\n");
    let filled: Vec<&str> = blocks.filter(|block| block.contains("\t\telements = {")).collect();
    format!("table inet netberth {{\n{}\n}}\n", filled.join("\n\n").trim_end_matches('\n'))
}

/// Plays a scenario on a host of its own; its page, once the constant part has been found constant.
fn played(scenario: &Scenario, constant: &str) -> String {
    let mut text = String::new();
    on_a_host(|host| {
        let bed = Bed::new(host);
        if let Some(sysctl) = scenario.sysctl {
            sh(&format!("sysctl -qw {sysctl}"));
        }
        let before = sh("nft -s list ruleset");
        for verb in scenario.verbs {
            let done = verb.run(&bed.netberth, &host.directory);
            done.unwrap_or_else(|error| panic!("{}: {verb:?}: {error}", scenario.file));
        }
        same(constant, &constant_part());
        text = page(scenario);
        tear_down(&bed.netberth).unwrap();
        same(&before, &sh("nft -s list ruleset"));
    });
    text
}

const HOW_TO_READ: &str = r"# The rules of netberth, scenario by scenario

netberth has one table, `inet netberth`. Its chains and rules are always those of
[netberth.nft](netberth.nft), whatever there is of networks, containers and published ports: only
elements of its sets and maps come and go. So each page here says what leads to the scenario, as the
requests of the HTTP API, and then shows the sets and maps that have elements, as
`nft -s list table inet netberth` prints them. Sets that are empty and everything that is constant
are left out.

Pages are written by a test, on a running kernel: `NETBERTH_BLESS=1 cargo test --test rules`. Without
`NETBERTH_BLESS` it fails where a page is no longer true.

An element is read from left to right. The dots are between the parts of one key, and what stands
after the colon is where the key leads: `tcp . 8080 : 10.1.0.2 . 80` is TCP to port 8080, sent on to
port 80 of 10.1.0.2.

| set or map | an element says | asked in chain |
|---|---|---|
| `br` | this device is a bridge of netberth's | `spoof`, `nat_post`, `forward`, `output` |
| `br_masq` | what leaves from this bridge gets an address of the host | `nat_post` |
| `br_int` | nothing leaves from this bridge | `forward`, `dnatted` |
| `pair` | what goes from this bridge to that one is judged in `icc_on` or `icc_off` | `forward` |
| `pub4`, `pub6` | this port of one address of the host is published | `pub` |
| `pub4_any`, `pub6_any` | this port of all addresses of the host is published | `pub` |
| `span4`, `span6` | the same for a span that keeps its numbers: the port is not rewritten | `pub` |
| `span4_any`, `span6_any` | such a span on all addresses | `pub` |
| `self4`, `self6` | a container that reaches itself by way of another address must be masqueraded | `into_net` |
| `vip4`, `vip6` | this is the virtual address of a service | `nat_pre`, `nat_out`, `icc_on`, `dnatted`, `output` |
| `svc4`, `svc6` | the slot of a new connection to this virtual address is found this way | `vip` |
| `slot4`, `slot6` | this slot of a virtual address leads to this back end | `vip_turn0` and its like |
| `psvc4_any`, `psvc6_any` | the slot of a new connection to this published port is found this way | `svc` |
| `pslot4_any`, `pslot6_any` | this slot of a published port leads to this port of a back end | `svc_turn0` and its like |
| `psvc4`, `pslot4`, `psvc6`, `pslot6` | the same for a port of one address of the host | `svc`, `svc_turn0` and its like |

Elements of published ports are there exactly while a container is joined to the endpoint that has
them. Those of a network are there from its creation to its deletion; those of the network `bridge`
while it has an endpoint.

| scenario | in short |
|---|---|
";

fn index() -> String {
    let row = |scenario: &Scenario| {
        format!("| [{}]({}.md) | {} |\n", scenario.title, scenario.file, scenario.short)
    };
    SCENARIOS.iter().fold(HOW_TO_READ.to_owned(), |text, scenario| text + &row(scenario))
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules")
}

/// What is wrong with a page, once it was written anew if that is asked for.
fn judge(name: &str, text: &str) -> Option<String> {
    let path = directory().join(name);
    if std::env::var_os("NETBERTH_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = |text: &str, other: &str, sign: char| {
        let only = text.lines().filter(|line| !other.lines().any(|there| there == *line));
        only.map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    let differs = || [lines(&found, text, '-'), lines(text, &found, '+')].concat().join("\n");
    (found != text).then(|| format!("docs/rules/{name}:\n{}", differs()))
}

#[test]
fn every_page_is_what_the_kernel_has() {
    let constant = constant_table();
    let mut pages = vec![("README.md".to_owned(), index())];
    for scenario in SCENARIOS {
        pages.push((format!("{}.md", scenario.file), played(scenario, &constant)));
    }
    let wrong: Vec<String> = pages.iter().filter_map(|(name, text)| judge(name, text)).collect();
    assert!(wrong.is_empty(), "NETBERTH_BLESS=1 rewrites them\n{}", wrong.join("\n"));
    let written: BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    let files = std::fs::read_dir(directory()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = names.filter(|name| name != "netberth.nft").collect();
    assert_eq!(there, written, "a page of no scenario");
}
