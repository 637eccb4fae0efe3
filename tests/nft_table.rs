//! netberth's table in real network namespaces, told by `nft` what is there.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what helps a test may fail as a test does"
)]

use std::net::IpAddr;
use std::process::Command;
use std::thread;

use netberth::Kind;
use netberth::kernel::nft::Nft;
use netberth::plan::rules::{self, Element, SetElements, Value};
use nix::sched::{CloneFlags, unshare};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/table.nft");

/// Runs on a thread of its own in a network namespace of its own; children inherit it.
fn in_a_namespace(test: impl FnOnce() + Send + 'static) {
    let thread = thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace takes CAP_SYS_ADMIN");
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn nft(arguments: &str) -> String {
    let out = Command::new("nft").args(arguments.split(' ')).output().expect("nft is installed");
    assert!(out.status.success(), "nft {arguments}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn addr(text: &str) -> Value {
    Value::Addr(text.parse::<IpAddr>().unwrap())
}

fn ifname(name: &str) -> Value {
    Value::Ifname(name.to_owned())
}

fn set(name: &str, elements: Vec<(Vec<Value>, Vec<Value>)>) -> SetElements {
    let one = |(key, data)| Element { key, key_end: None, data };
    SetElements { set: name.to_owned(), elements: elements.into_iter().map(one).collect() }
}

fn bridge(name: &str) -> SetElements {
    set("br", vec![(vec![ifname(name)], vec![])])
}

/// One network with two published ports, and a peering.
fn network() -> Vec<SetElements> {
    let (on, off) = (Value::Goto("icc_on".into()), Value::Jump("icc_off".into()));
    let (tcp, udp) = (Value::Proto(6), Value::Proto(17));
    let web = vec![addr("172.17.0.2"), Value::Port(8080)];
    let pair = |a, b| vec![ifname(a), ifname(b)];
    vec![
        bridge("nb-1"),
        set("pair", vec![(pair("nb-1", "nb-1"), vec![on]), (pair("nb-1", "nb-2"), vec![off])]),
        set("pub4", vec![(vec![addr("192.0.2.1"), tcp.clone(), Value::Port(80)], web.clone())]),
        set("pub4_any", vec![(vec![tcp, Value::Port(80)], web)]),
        set(
            "pub6_any",
            vec![(vec![udp, Value::Port(53)], vec![addr("fd00::2"), Value::Port(5353)])],
        ),
        set("vip6", vec![(vec![addr("fd00::7")], vec![])]),
        set("self4", vec![(vec![addr("172.17.0.2"), addr("172.17.0.2")], vec![])]),
    ]
}

fn ports(count: u16) -> SetElements {
    let to = || vec![addr("172.17.0.2"), Value::Port(80)];
    let one = |port| (vec![Value::Proto(6), Value::Port(port)], to());
    set("pub4_any", (0..count).map(one).collect())
}

#[test]
fn the_table_is_what_nft_makes_of_its_text() {
    in_a_namespace(|| {
        let before = nft("list ruleset");
        let host = Nft::open().unwrap();
        assert!(!host.table_exists("netberth").unwrap());
        host.add_table("netberth").unwrap();
        assert!(host.table_exists("netberth").unwrap());
        let ours = nft("list table inet netberth");
        if std::env::var_os("NETBERTH_BLESS").is_some() {
            std::fs::write(GOLDEN, &ours).unwrap();
        }
        assert_eq!(ours, std::fs::read_to_string(GOLDEN).unwrap(), "NETBERTH_BLESS=1 rewrites it");

        let twice = host.add_table("netberth").unwrap_err();
        assert_eq!((twice.kind(), twice.errno()), (Kind::Exists, Some(libc::EEXIST)));
        assert!(twice.to_string().contains("nft create table inet netberth: "), "{twice}");

        host.delete_table("netberth").unwrap();
        host.delete_table("netberth").unwrap();
        assert!(!host.table_exists("netberth").unwrap());
        assert_eq!(nft("list ruleset"), before);

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), rules::table("netberth").to_string()).unwrap();
        nft(&format!("-f {}", file.path().display()));
        assert_eq!(nft("list table inet netberth"), ours);
    });
}

#[test]
fn elements_come_and_go() {
    in_a_namespace(|| {
        let host = Nft::open().unwrap();
        host.add_table("netberth").unwrap();
        let empty = nft("list table inet netberth");
        host.add_elements("netberth", &network()).unwrap();

        let ours = nft("-j list table inet netberth");
        let listed: Vec<Element> = host.list_elements("netberth", "pair").unwrap();
        assert_eq!(sorted(listed), sorted(network()[1].elements.clone()));
        for set in network() {
            assert_eq!(
                sorted(host.list_elements("netberth", &set.set).unwrap()),
                sorted(set.elements)
            );
        }
        host.delete_elements("netberth", &network()).unwrap();
        assert_eq!(nft("list table inet netberth"), empty);
        host.delete_elements("netberth", &network()).unwrap();

        for set in network() {
            nft(&format!("create element inet netberth {set}"));
        }
        let theirs = nft("-j list table inet netberth");
        assert_eq!(sets(&ours), sets(&theirs));

        // One that is there, one that is not.
        host.delete_elements("netberth", &[bridge("nb-9"), bridge("nb-1")]).unwrap();
        assert!(host.list_elements("netberth", "br").unwrap().is_empty());
        let nosuch = SetElements { set: "nosuch".to_owned(), ..bridge("nb-1") };
        host.delete_elements("netberth", &[nosuch]).unwrap();
        host.delete_table("netberth").unwrap();
        host.delete_elements("netberth", &network()).unwrap();
        let gone = host.list_elements("netberth", "br").unwrap_err();
        assert_eq!(gone.kind(), Kind::NotFound);
        let line = "nft list set inet netberth br: no such file or directory (ENOENT)";
        assert_eq!(gone.to_string(), line);
    });
}

/// The sets of `nft -j list`.
fn sets(json: &str) -> Vec<serde_json::Value> {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let all = json["nftables"].as_array().unwrap().iter();
    all.filter_map(|one| one.get("set").or(one.get("map"))).cloned().collect()
}

fn sorted(mut elements: Vec<Element>) -> Vec<Element> {
    elements.sort_by_key(ToString::to_string);
    elements
}

#[test]
fn what_is_taken_is_named_and_nothing_else_is_added() {
    in_a_namespace(|| {
        let host = Nft::open().unwrap();
        host.add_table("netberth").unwrap();
        host.add_elements("netberth", &[bridge("nb-1"), ports(5000)]).unwrap();
        let before = nft("list table inet netberth");

        let taken = host.add_elements("netberth", &[bridge("nb-0"), bridge("nb-1")]).unwrap_err();
        assert_eq!((taken.kind(), taken.errno()), (Kind::Exists, Some(libc::EEXIST)));
        let line = r#"nft add element inet netberth br { "nb-1" }: file exists (EEXIST)"#;
        assert_eq!(taken.to_string(), line);

        // The last of thousands, in the last of several messages, and leading elsewhere.
        let mut more = ports(6000);
        more.elements.drain(..4999);
        more.elements.rotate_left(1);
        more.elements[1000].data = vec![addr("172.17.0.3"), Value::Port(80)];
        let taken = host.add_elements("netberth", &[more]).unwrap_err();
        assert_eq!(taken.kind(), Kind::Exists);
        assert!(taken.to_string().contains("pub4_any { tcp . 4999 : 172.17.0.3 . 80 }"), "{taken}");

        let missing = set("pair", vec![(vec![ifname("a"); 2], vec![Value::Goto("nosuch".into())])]);
        let missing = host.add_elements("netberth", &[missing]).unwrap_err();
        assert_eq!(missing.kind(), Kind::NotFound);
        assert!(missing.to_string().contains(r#"{ "a" . "a" : goto nosuch }"#), "{missing}");
        assert_eq!(nft("list table inet netberth"), before);
    });
}

#[test]
fn tens_of_thousands_at_once() {
    in_a_namespace(|| {
        let host = Nft::open().unwrap();
        host.add_table("netberth").unwrap();
        host.add_elements("netberth", &[ports(u16::MAX)]).unwrap();
        assert_eq!(host.list_elements("netberth", "pub4_any").unwrap().len(), 65_535);
        // Every one of them is refused: the answers fill the socket's buffer.
        let taken = host.add_elements("netberth", &[ports(u16::MAX)]).unwrap_err();
        assert_eq!(taken.kind(), Kind::Exists);
        host.delete_elements("netberth", &[ports(u16::MAX)]).unwrap();
        assert!(host.list_elements("netberth", "pub4_any").unwrap().is_empty());
    });
}

#[test]
fn a_span_of_ports_is_one_element() {
    in_a_namespace(|| {
        let host = Nft::open().unwrap();
        let key = "ipv4_addr . inet_proto . inet_service";
        nft("add table inet spans");
        nft(&format!("add map inet spans span {{ type {key} : ipv4_addr; flags interval; }}"));
        let key = |port| vec![addr("192.0.2.1"), Value::Proto(6), Value::Port(port)];
        let to = |last| vec![addr(last)];
        let elements = vec![
            Element { key: key(8000), key_end: Some(key(8010)), data: to("172.17.0.2") },
            Element { key: key(9000), key_end: None, data: to("172.17.0.3") },
        ];
        let span = [SetElements { set: "span".to_owned(), elements }];
        host.add_elements("spans", &span).unwrap();
        let listed = nft("list map inet spans span");
        assert!(listed.contains("192.0.2.1 . tcp . 8000-8010 : 172.17.0.2"), "{listed}");
        assert!(listed.contains("192.0.2.1 . tcp . 9000 : 172.17.0.3"), "{listed}");
        let found = host.list_elements("spans", "span").unwrap();
        assert_eq!(sorted(found), sorted(span[0].elements.clone()));

        let mut overlap = span.clone();
        overlap[0].elements.truncate(1);
        overlap[0].elements[0].key = key(8005);
        let taken = host.add_elements("spans", &overlap).unwrap_err();
        assert_eq!(taken.kind(), Kind::Exists);
        host.delete_elements("spans", &span).unwrap();
        assert!(host.list_elements("spans", "span").unwrap().is_empty());
    });
}

/// Before Linux 6.3 every element that is not there is refused, and undoes the batch.
#[test]
fn an_older_kernel_deletes_as_well() {
    in_a_namespace(|| {
        let host = Nft::open().unwrap().as_before_linux_6_3();
        host.add_table("netberth").unwrap();
        host.add_elements("netberth", &[bridge("nb-1"), ports(10)]).unwrap();
        let both = [bridge("nb-0"), bridge("nb-1"), ports(u16::MAX)];
        host.delete_elements("netberth", &both).unwrap();
        assert!(host.list_elements("netberth", "br").unwrap().is_empty());
        assert!(host.list_elements("netberth", "pub4_any").unwrap().is_empty());
        host.delete_table("netberth").unwrap();
        host.delete_elements("netberth", &[bridge("nb-1"), ports(10)]).unwrap();
    });
}

#[test]
fn a_socket_stays_in_its_namespace_whatever_thread_uses_it() {
    let inside = thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace takes CAP_SYS_ADMIN");
        let inside = Nft::open().unwrap();
        inside.add_table("netberth").unwrap();
        inside
    });
    let inside = inside.join().unwrap();
    in_a_namespace(move || {
        assert!(inside.table_exists("netberth").unwrap());
        assert!(!Nft::open().unwrap().table_exists("netberth").unwrap());
        thread::scope(|scope| {
            for worker in 0..8 {
                let inside = &inside;
                scope.spawn(move || {
                    for turn in 0..50 {
                        let one = bridge(&format!("nb-{worker}-{turn}"));
                        inside.add_elements("netberth", std::slice::from_ref(&one)).unwrap();
                        inside.delete_elements("netberth", &[one]).unwrap();
                    }
                });
            }
        });
        assert!(inside.list_elements("netberth", "br").unwrap().is_empty());
    });
}
