//! After an operator's `nft flush ruleset`: what still works, what `verify` says, and the ways back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use common::bed::{Bed, Container, HOST4, HOST6, OUTSIDE4, OUTSIDE6, same, snapshot};
use common::foreign::{
    answer, clean, clear, differences, furnish, host_path, without_br_netfilter,
};
use common::net::{Echo, PORT, reaches, silent, talks};
use common::{on_a_host, sh};
use netberth::Kind;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules/netberth.nft");

/// The line of docs/operations.md that puts back what the records say: without the program that
/// asks, and with its answer in `verify.json`.
const AGAIN: &str = r#"jq -r '.differences[] | select((.object | startswith("element inet netberth ")) and .found == "nothing")
  | "add element inet netberth " + (.object | split(" ")[3]) + " { " + .expected + " }"' verify.json | nft -f -"#;

#[test]
fn the_line_is_that_of_the_document() {
    let document = include_str!("../docs/operations.md");
    assert!(document.contains(&AGAIN.replace(" verify.json", "")), "{AGAIN}");
}

fn stranger(bed: &Bed<'_>) -> Container {
    bed.network(r#"{"name":"bar","options":{"ipv6":true}}"#);
    bed.container("bar", "stranger")
}

#[test]
fn what_a_flush_leaves() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        let (web, sibling) = furnish(&bed);
        let stranger = stranger(&bed);
        let _echoes = [&web.key, &outside].map(|ns| Echo::new(ns));
        silent(&stranger.key, &web.v4);
        sh("nft flush ruleset");
        // What is routed goes on: siblings, the host. Outside sees the container's own address, to
        // which it has no route unless somebody gave it one, as this bed did.
        talks(&sibling.key, &web.v4, &sibling.v4);
        talks(&sibling.key, &web.v6, &sibling.v6);
        talks(&host_path(), &web.v4, "172.17.0.1");
        talks(&web.key, OUTSIDE4, &web.v4);
        // Nothing is published, nor kept apart.
        assert_eq!(answer(&outside, HOST4, PORT), None);
        assert_eq!(answer(&outside, HOST6, PORT), None);
        reaches(&stranger.key, &web.v4, &stranger.v4);
        reaches(&outside, &web.v4, OUTSIDE4);

        // That everything in it is gone, too, goes without saying.
        let said = differences(&bed);
        let [table] = said.as_slice() else { panic!("{said:#?}") };
        assert_eq!(table.object, "table inet netberth");
        assert_eq!((table.owner.kind.as_str(), table.found.as_str()), ("host", "nothing"));
    });
}

#[test]
fn elements_put_back_as_verify_says() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        let (web, sibling) = furnish(&bed);
        let stranger = stranger(&bed);
        bed.endpoint(
            "foo",
            r#"{"name":"span","port_mapping":[{"proto":6,"port":100,"port_end":120,"host_port":100}]}"#,
        );
        bed.join("foo", "span", r#"{"container_id":"span"}"#);
        let before = sh("nft -s list table inet netberth");
        let _echoes = [&web.key, &outside].map(|ns| Echo::new(ns));
        sh("nft flush ruleset");
        sh(&format!("nft -f {TABLE}"));
        let said = serde_json::to_string(&bed.netberth.verify().unwrap()).unwrap();
        std::fs::write(host.path("verify.json"), said).unwrap();
        sh(&format!("cd {} && {AGAIN}", host.directory.display()));
        clean(&bed);
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text
                .split([',', '\n', '{', '}'])
                .map(|line| line.replace("elements =", "").trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect();
            lines.sort();
            lines.join("\n")
        };
        same(&sorted(&before), &sorted(&sh("nft -s list table inet netberth")));
        // Connections that were made without the table go on without it.
        sh("conntrack -F 2>/dev/null");
        talks(&outside, HOST4, OUTSIDE4);
        talks(&outside, HOST6, OUTSIDE6);
        talks(&web.key, OUTSIDE4, HOST4);
        talks(&sibling.key, &web.v4, &sibling.v4);
        silent(&stranger.key, &web.v4);
        bed.remove("foo", "span");
        clear(&bed);
        bed.remove("bar", "stranger");
        bed.netberth.network_delete("bar").unwrap();
        assert!(!sh("nft list tables").contains("netberth"));
    });
}

#[test]
fn verbs_without_the_table() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        let outside = bed.outside();
        let before = snapshot(host).replace(&sh("nft -s list ruleset"), "");
        furnish(&bed);
        sh("nft flush ruleset");
        let join = |endpoint: &str| {
            bed.try_join("foo", endpoint, &format!("{{\"container_id\":\"{endpoint}\"}}"))
        };
        // Without published ports a join needs no table; with them it says what is missing, and
        // leaves nothing.
        bed.netberth.detach("foo", "sibling", "sibling").unwrap();
        join("sibling").unwrap();
        bed.netberth.detach("foo", "web", "web").unwrap();
        let error = join("web").unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound, "{error}");
        assert!(error.to_string().contains("nft add element inet netberth "), "{error}");

        // A new network brings the table, and its own elements: not those of the others.
        bed.network(r#"{"name":"bar"}"#);
        let said = differences(&bed);
        assert!(!said.iter().any(|one| one.object.starts_with("table ")), "{said:#?}");
        assert!(said.iter().all(|one| one.owner.name == "foo"), "{said:#?}");
        join("web").unwrap();
        bed.netberth.network_delete("bar").unwrap();

        // All deletions succeed, and what is made anew is whole.
        sh("nft flush ruleset");
        clear(&bed);
        same(&before, &snapshot(host));
        clean(&bed);
        let (web, _) = furnish(&bed);
        let _echo = Echo::new(&web.key);
        clean(&bed);
        talks(&outside, HOST4, OUTSIDE4);
    });
}

/// A file of the operator's own that replaces its own table only.
#[test]
fn a_firewall_that_is_loaded_anew_and_flushes_nothing() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        without_br_netfilter();
        furnish(&bed);
        for _ in 0..3 {
            common::foreign::nft(
                "table inet filter
                 delete table inet filter
                 table inet filter { chain input { type filter hook input priority filter; }; }",
            );
            clean(&bed);
        }
        assert_eq!(sh("nft list tables").lines().count(), 2);
        clear(&bed);
    });
}
