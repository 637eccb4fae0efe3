//! How it looks: tables, colours, drawings.

use std::process::Stdio;

use super::bed::{Bed, NETBERTH, said};

#[test]
fn tables_are_for_people_and_for_pipes() {
    let bed = Bed::new();
    bed.furnish();
    let ports = bed.ok(&["port", "ls"]);
    let expected = "\
HOST                 PROTO  CONTAINER PORT  NETWORK  ENDPOINT  LEADS TO             STATE
*:8080               tcp    80              web      front     c1container          live
127.0.0.1:5000-5010  udp    5000-5010       web      front     c1container          live
*:81                 tcp    81              web      idle      -                    waiting
*:80                 tcp    8080            web      api       backend-1,backend-2  live";
    assert_eq!(ports, expected);
    let services = bed.ok(&["service", "ls"]);
    assert_eq!(services.lines().count(), 2, "{services}");
    assert_eq!(bed.ok(&["service", "ls", "--all"]).lines().count(), 5);
    let id = bed.ok(&["service", "ls", "-q"]);
    assert_eq!(id.len(), 64);
    for prefix in [&id[..4], &id[..12], &id] {
        assert!(bed.ok(&["service", "inspect", prefix]).contains(&id));
    }
    let short = bed.ok(&["network", "ls"]);
    let whole = bed.ok(&["network", "ls", "--no-trunc"]);
    assert!(whole.len() > short.len());
}

#[test]
fn colours_are_for_terminals() {
    let bed = Bed::new();
    let escape = '\u{1b}';
    assert!(!bed.ok(&["network", "ls"]).contains(escape));
    assert!(bed.ok(&["network", "ls", "--color", "always"]).contains(escape));
    assert!(!bed.ok(&["network", "ls", "--color", "never"]).contains(escape));
    // On a terminal, which script(1) makes, and which NO_COLOR makes a plain one.
    let dirs = format!("--state-dir {0}/state --run-dir {0}/run", bed.folder.path().display());
    let line = format!("script -qec '{NETBERTH} {dirs} network ls' /dev/null </dev/null");
    assert!(bed.shell(&line).contains(escape));
    assert!(!bed.shell(&format!("NO_COLOR=1 {line}")).contains(escape));
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let bed = Bed::new();
    for words in [["network", "ls"], ["completion", "bash"]] {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        drop(reader);
        let mut command = bed.typed(&words);
        let child = command.stdout(Stdio::from(writer)).stderr(Stdio::piped()).spawn().unwrap();
        let said = said(child.wait_with_output().unwrap());
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{words:?}");
    }
}

#[test]
fn everything_is_drawn() {
    let bed = Bed::new();
    bed.furnish();
    let tree = bed.ok(&["topology"]);
    for part in
        ["web  bridge  10.88.0.0/24\n├─ front  10.88.0.2", "└─ c1container  eth0", "on web/front"]
    {
        assert!(tree.contains(part), "{part}\n{tree}");
    }
    bed.ok(&["topology", "--svg", "net.svg"]);
    let check = "import sys, xml.dom.minidom as m; \
        print(len(m.parse('net.svg').getElementsByTagName('path')))";
    // Four published ports, and four containers at their places.
    assert_eq!(bed.shell(&format!("python3 -c \"{check}\"")), "8\n");
    let dot = bed.ok(&["topology", "--dot", "-"]);
    assert!(dot.starts_with("graph netberth {") && dot.ends_with('}'), "{dot}");
    assert_eq!(bed.run(&["topology", "--svg", "/nowhere/at/all"]).status, 9);
}

#[test]
fn each_step_is_said_as_it_is_done() {
    let bed = Bed::new();
    let said = bed.run(&["-v", "network", "create", "web", "--subnet", "10.88.0.0/24"]);
    assert_eq!(said.status, 0);
    assert!(said.err.contains("ip addr add 10.88.0.1/24 dev nb-"), "{said:?}");
    assert_eq!(said.out.len(), 65);
}
