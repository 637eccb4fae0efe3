//! Whatever the host does meanwhile, nothing is left in the end.

use netberth::Kind;

use super::removal::{STAYS, Seeded, beside_others, round};
use crate::common::bed::{Bed, same, snapshot};
use crate::common::sh;
use crate::common::verbs::Verb::{self, *};

fn rules() -> String {
    sh("nft -s list ruleset")
}

/// Builds everything, lets the host do its worst, removes everything in two orders: as it was.
/// Beside `stays`, which it does not touch.
fn after(what: &str, stays: Option<Verb>, damage: impl Fn(&Bed<'_>) + Sync) {
    beside_others(|bed| {
        let mut seeded = Seeded::of(what);
        if let Some(stays) = stays {
            run(bed, stays).unwrap();
        }
        for _ in 0..2 {
            round(bed, &mut seeded, &damage);
        }
    });
}

fn given(bed: &Bed<'_>) -> String {
    bed.host.path("given").display().to_string()
}

fn run(bed: &Bed<'_>, verb: Verb) -> netberth::Result<()> {
    verb.run(&bed.netberth, &bed.host.directory)
}

#[test]
fn an_interface_that_was_deleted_by_hand() {
    after("host ends deleted", Some(STAYS), |bed| {
        for bridge in ["br-a", "br-b"] {
            sh(&format!(
                "ip -o link show master {bridge} | sed 's/^[0-9]*: \\([^@:]*\\).*/\\1/' | \
                 xargs -n 1 ip link del"
            ));
        }
        sh(&format!("nsenter --net={} ip link del eth0", given(bed)));
    });
}

#[test]
fn a_namespace_that_is_gone() {
    after("namespaces gone", Some(STAYS), |bed| {
        let own = bed.netberth.sandbox("c1").unwrap().key;
        for path in [given(bed), own.display().to_string()] {
            sh(&format!("umount {path} && rm {path}"));
        }
    });
}

#[test]
fn a_table_that_was_deleted_by_hand() {
    after("table deleted", None, |_| drop(sh("nft delete table inet netberth")));
    after("table flushed", None, |_| drop(sh("nft flush table inet netberth")));
    after("table made by somebody else", None, |_| {
        drop(sh("nft delete table inet netberth; nft add table inet netberth"));
    });
}

#[test]
fn elements_that_were_deleted_or_added_by_hand() {
    after("elements deleted", None, |_| {
        drop(sh("nft flush map inet netberth pub4_any; nft flush set inet netberth br"));
        drop(sh("nft delete element inet netberth self4 '{ 192.0.2.3 . 192.0.2.3 }' || true"));
    });
    after("elements added", None, |_| {
        drop(sh("nft add element inet netberth pub4_any '{ tcp . 1 : 192.0.2.3 . 1 }'"));
        drop(sh("nft add element inet netberth br '{ \"somebody\" }'"));
    });
}

#[test]
fn a_bridge_that_was_deleted_by_hand() {
    after("bridge deleted", Some(STAYS), |_| drop(sh("ip link del br-a")));
}

/// That nothing changed, of whatever can be seen.
fn unchanged(bed: &Bed<'_>, verb: impl FnOnce()) {
    let at_first = (rules(), snapshot(bed.host), bed.records());
    verb();
    same(&at_first.0, &rules());
    same(&at_first.1, &snapshot(bed.host));
    same(&at_first.2, &bed.records());
}

/// The second of two mappings leads into what is there already: the first is not published either.
#[test]
fn a_foreign_element_in_the_map() {
    beside_others(|bed| {
        round(bed, &mut Seeded::of("foreign element"), |bed| {
            let foreign = "tcp . 8090 : 192.0.2.3 . 1";
            sh(&format!("nft add element inet netberth pub4_any '{{ {foreign} }}'"));
            let two = r#"{"name":"two","port_mapping":[{"proto":"tcp","port":80,"host_port":8089},
                {"proto":"tcp","port":80,"host_port":8090}]}"#;
            run(bed, Endpoint("a", two)).unwrap();
            let join = Join("a", "two", r#"{"container_id":"two"}"#);
            unchanged(bed, || {
                let error = run(bed, join).unwrap_err();
                assert_eq!(error.kind(), Kind::Exists, "{error}");
                assert!(error.to_string().contains("tcp . 8090"), "{error}");
                assert_eq!(error.cleanup(), [], "{error}");
            });
            sh(&format!("nft delete element inet netberth pub4_any '{{ {foreign} }}'"));
            run(bed, join).unwrap();
            assert!(rules().contains("tcp . 8089"));
            run(bed, SandboxDelete("two")).unwrap();
            run(bed, EndpointDelete("a", "two")).unwrap();
        });
    });
}

/// A program of the host has the second of two ports: neither is claimed, and a network that the
/// endpoint would have brought up stays down.
#[test]
fn a_port_that_is_taken() {
    beside_others(|bed| {
        round(bed, &mut Seeded::of("port taken"), |bed| {
            let listener = std::net::TcpListener::bind("127.0.0.1:8090").unwrap();
            let two = r#"{"name":"two","port_mapping":[{"proto":"tcp","port":80,"host_port":8089},
                {"proto":"tcp","port":80,"host_port":8090}]}"#;
            for network in ["a", "bridge"] {
                unchanged(bed, || {
                    let error = run(bed, Endpoint(network, two)).unwrap_err();
                    assert_eq!(error.kind(), Kind::Exists, "{error}");
                    assert!(error.to_string().contains("port_mapping[1]"), "{error}");
                });
            }
            drop(listener);
            run(bed, Endpoint("a", two)).unwrap();
            run(bed, EndpointDelete("a", "two")).unwrap();
        });
    });
}
