//! The ways back that docs/operations.md tells of, to the letter, after the records were damaged.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::fs;

use common::bed::{Bed, config, same, snapshot};
use common::net::ping;
use common::{Host, on_a_host, sh};
use netberth::{Kind, Netberth};

/// The lines of the document that stand in one block with `word`, with the paths of this host.
fn lines(host: &Host, word: &str) -> String {
    let document = include_str!("../docs/operations.md");
    let section = document.split("\n## ").find(|part| part.starts_with("When the state is"));
    let blocks = section.unwrap().split("```\n").skip(1).step_by(2);
    let mut found = blocks.filter(|block| block.contains(word));
    let (block, None) = (found.next().expect(word), found.next()) else {
        panic!("{word} is in more than one block")
    };
    block
        .replace("/var/lib/netberth", &host.path("state").display().to_string())
        .replace("/run/netberth", &host.path("run").display().to_string())
        .replace("/var/backups", &host.directory.display().to_string())
}

fn furnished(host: &Host) -> Bed<'_> {
    let bed = Bed::new(host);
    bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
    bed.container("foo", "a");
    bed.container("foo", "b");
    bed
}

/// Turns over what `place` says of the file of records, all of which is in it.
fn damage(host: &Host, place: impl Fn(&mut [u8])) {
    let file = host.path("state/netberth.db");
    sh(&format!(
        "sqlite3 {} 'pragma wal_checkpoint(truncate); vacuum; pragma wal_checkpoint(truncate)'",
        file.display()
    ));
    let mut bytes = fs::read(&file).unwrap();
    place(&mut bytes);
    fs::write(&file, bytes).unwrap();
    let error = Netberth::open(config(host)).err().expect("opened");
    assert_eq!(error.kind(), Kind::Store, "{error}");
    assert!(error.message().contains("netberth.db: "), "{error}");
}

/// A letter of a record, the last there is: pages that are no longer used have copies of others.
fn a_letter(bytes: &mut [u8]) {
    let place = bytes.windows(15).rposition(|some| some == b"{\"v\":1,\"record\"").unwrap();
    bytes[place + 3] ^= 1;
}

/// All but the header of a page that has keys only.
fn an_index(bytes: &mut [u8]) {
    // The leaf of an index, by its first byte.
    let page = (1..bytes.len() / 4096).find(|page| bytes[page * 4096] == 10).unwrap();
    bytes[page * 4096 + 8..(page + 1) * 4096].fill(0xa5);
}

fn whole(host: &Host, records: &str, before: &str) {
    let bed = Bed::new(host);
    assert_eq!(bed.netberth.gc().unwrap().collected, []);
    bed.netberth.repair().unwrap();
    same(records, &bed.records());
    let after = snapshot(host);
    let after: Vec<&str> = after.lines().filter(|line| !line.contains("damaged")).collect();
    same(before, &after.join("\n"));
    let more = bed.more("foo", "b");
    let b = more.addresses.iter().find(|address| !address.contains(':')).unwrap();
    assert!(ping(&host.path("run/netns/a"), b.split('/').next().unwrap(), 5));
    common::verbs::tear_down(&bed.netberth).unwrap();
}

#[test]
fn a_copy_is_put_back_while_containers_run() {
    on_a_host(|host| {
        let bed = furnished(host);
        let (records, before) = (bed.records(), snapshot(host));
        // While it is in use.
        sh(&lines(host, ".backup"));
        drop(bed);
        damage(host, a_letter);
        sh(&lines(host, "mkdir"));
        sh(&lines(host, "cp "));
        sh(&format!("rm {}", host.path("netberth.db").display()));
        whole(host, &records, before.trim_end());
    });
}

#[test]
fn what_has_lost_its_index_is_salvaged() {
    on_a_host(|host| {
        let bed = furnished(host);
        let (records, before) = (bed.records(), snapshot(host));
        drop(bed);
        damage(host, an_index);
        sh(&lines(host, "mkdir"));
        sh(&lines(host, ".dump"));
        whole(host, &records, before.trim_end());
    });
}

#[test]
fn what_lost_a_record_is_not_taken_for_salvaged() {
    on_a_host(|host| {
        drop(furnished(host));
        damage(host, a_letter);
        sh(&lines(host, "mkdir"));
        sh(&lines(host, ".dump"));
        let error = Netberth::open(config(host)).err().expect("opened");
        assert!(error.message().contains("not as it was written"), "{error}");
    });
}

#[test]
fn a_log_that_lost_its_end_is_taken_when_that_is_said() {
    on_a_host(|host| {
        drop(furnished(host));
        let log = host.path("state/netberth.db-wal");
        let length = fs::metadata(&log).unwrap().len();
        fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(length - 1).unwrap();
        let error = Netberth::open(config(host)).err().expect("opened");
        assert!(error.message().contains("ends at revision"), "{error}");
        sh(&format!("rm {}", host.path("state/netberth.mark").display()));
        // The last commit dropped the intent of a join: the join is undone, or collected.
        let bed = Bed::new(host);
        bed.netberth.gc().unwrap();
        // That the host filters bridged packets is the operator's to change.
        let left = bed.netberth.repair().unwrap().differences;
        assert!(left.iter().all(|one| one.owner.kind == "host"), "{left:?}");
        assert!(ping(&host.path("run/netns/a"), "172.17.0.1", 5));
        common::verbs::tear_down(&bed.netberth).unwrap();
    });
}

#[test]
fn everything_is_begun_anew() {
    on_a_host(|host| {
        drop(furnished(host));
        damage(host, a_letter);
        sh(&lines(host, "mkdir"));
        sh(&lines(host, "nft delete table"));
        assert!(!sh("ip -o link").contains(" nb"), "{}", sh("ip -o link"));
        assert_eq!(sh("nft list ruleset"), "");
        let bed = furnished(host);
        let more = bed.more("foo", "b");
        let b = more.addresses[0].split('/').next().unwrap();
        assert!(ping(&host.path("run/netns/a"), b, 5));
        common::verbs::tear_down(&bed.netberth).unwrap();
    });
}
