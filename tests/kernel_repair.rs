//! `repair` and `gc` against the running kernel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use common::bed::{Bed, same, snapshot};
use common::{on_a_host, sh};

#[test]
fn the_table_comes_back_whole() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.endpoint(
            "foo",
            r#"{"name":"web","port_mapping":[{"proto":6,"port":80,"host_port":80}]}"#,
        );
        bed.join("foo", "web", r#"{"container_id":"web"}"#);
        let before = (snapshot(host), bed.records());
        for damage in [
            "flush ruleset",
            "delete element inet netberth pub4_any { tcp . 80 }",
            "flush chain inet netberth forward",
        ] {
            sh(&format!("nft '{damage}'"));
            let found = bed.netberth.verify().unwrap().differences;
            assert!(!found.is_empty(), "{damage}");
            let (_, plan) = bed.netberth.rehearse(|stage| stage.repair()).unwrap();
            assert_eq!(plan.len(), 1, "{plan:?}");
            let repair = bed.netberth.repair().unwrap();
            assert_eq!((repair.repaired, repair.differences), (found, vec![]), "{damage}");
            same(&before.0, &snapshot(host));
            same(&before.1, &bed.records());
        }
    });
}
