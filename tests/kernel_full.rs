//! A state directory on a disk that is full, more or less: each verb fails in words and has changed
//! nothing, or is done; with room again all goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::fs::{self, File};
use std::io::Write;

use common::bed::{Bed, same, snapshot};
use common::verbs::Verb::{self, Detach, Endpoint, EndpointDelete, Join, Network, NetworkDelete};
use common::{Host, on_a_host, sh};
use netberth::Kind;

/// What is on top of what; each is tried with every amount of room, and then done.
const LIFE: [Verb; 10] = [
    Network(r#"{"name":"foo","options":{"ipv6":true}}"#),
    Endpoint("foo", r#"{"name":"a","port_mapping":[{"proto":6,"port":80,"host_port":8080}]}"#),
    Endpoint("foo", r#"{"name":"b"}"#),
    Join("foo", "b", r#"{"container_id":"b"}"#),
    Join("foo", "a", r#"{"container_id":"a"}"#),
    Detach("foo", "a", "a"),
    Verb::SandboxDelete("a"),
    Verb::SandboxDelete("b"),
    EndpointDelete("foo", "a"),
    EndpointDelete("foo", "b"),
];

/// Leaves room for so many pages and no more. The file is filled by writing: tmpfs keeps no promise.
fn leave(host: &Host, pages: usize) {
    let ballast = host.path("state/ballast");
    let mut file = File::create(&ballast).unwrap();
    let page = [1; 4096];
    while file.write_all(&page).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length - u64::try_from(pages * 4096).unwrap()).unwrap();
}

/// Emptied first: a program that another test starts has its descriptor until it is executed.
fn free(host: &Host) {
    fs::write(host.path("state/ballast"), "").unwrap();
    fs::remove_file(host.path("state/ballast")).unwrap();
}

/// Without the ballast.
fn seen(host: &Host) -> String {
    snapshot(host).lines().filter(|line| !line.contains("ballast")).collect::<Vec<_>>().join("\n")
}

/// How many amounts of room were too little.
fn tried(bed: &Bed<'_>, verb: Verb) -> usize {
    let (records, before) = (bed.records(), seen(bed.host));
    let mut refused = 0;
    for pages in 0..200 {
        leave(bed.host, pages);
        let result = verb.run(&bed.netberth, &bed.host.directory);
        let Err(error) = result else {
            free(bed.host);
            return refused;
        };
        refused += 1;
        let text = error.to_string();
        let full = text.contains("disk is full") || text.contains("ENOSPC");
        assert!(full, "{verb:?} with {pages} pages: {text}");
        if verb.builds() {
            assert_eq!(seen(bed.host), before, "{verb:?} with {pages} pages: {text}");
        }
        free(bed.host);
        // Whoever comes next finishes what could not be written down.
        bed.netberth.network_delete("none such").unwrap_err();
        if verb.builds() {
            same(&before, &seen(bed.host));
            same(&records, &bed.records());
        } else if bed.records() != records {
            // A verb that takes down may have been finished.
            let again = verb.run(&bed.netberth, &bed.host.directory);
            assert!(
                again.as_ref().err().is_none_or(|error| {
                    [Kind::NotFound, Kind::Invalid].contains(&error.kind())
                }),
                "{verb:?}: {again:?}"
            );
            return refused;
        }
    }
    panic!("{verb:?} needs more than 200 pages");
}

#[test]
fn every_verb_on_a_full_disk_and_with_room_again() {
    on_a_host(|host| {
        let state = host.path("state");
        sh(&format!("mkdir {0} && mount -t tmpfs -o size=2m none {0}", state.display()));
        let bed = Bed::new(host);
        let (records, before) = (bed.records(), seen(host));
        for verb in LIFE {
            println!("{verb:?}: {} amounts of room were too little", tried(&bed, verb));
        }
        println!("{}", tried(&bed, NetworkDelete("foo")));
        same(&records, &bed.records());
        same(&before, &seen(host));
        // Opening needs no room where the files are, or says so.
        drop(bed);
        for pages in 0..40 {
            leave(host, pages);
            let opened = netberth::Netberth::open(common::bed::config(host));
            free(host);
            let Err(error) = opened else { continue };
            assert!(
                error.message().contains("full") || error.message().contains("ENOSPC"),
                "{error}"
            );
        }
        let bed = Bed::new(host);
        same(&records, &bed.records());
    });
}

#[test]
fn a_directory_without_room_for_a_store_is_said_and_left_empty() {
    on_a_host(|host| {
        let state = host.path("state");
        sh(&format!("mkdir {0} && mount -t tmpfs -o size=2m none {0}", state.display()));
        let mut refused = 0;
        for pages in 0..100 {
            leave(host, pages);
            let opened = netberth::Netberth::open(common::bed::config(host));
            free(host);
            let Err(error) = opened else { break };
            refused += 1;
            let text = error.message();
            assert!(text.contains("full") || text.contains("ENOSPC"), "{pages} pages: {text}");
        }
        println!("{refused} amounts of room were too little");
        let left = sh(&format!("ls {}", state.display()));
        assert!(!left.contains("new"), "a store half made is left: {left}");
        assert!(refused > 2, "{refused}");
        Bed::new(host).network(r#"{"name":"foo"}"#);
    });
}
