//! Records that contradict each other, as a store's own interface leaves them: each is named with whose
//! it is, what nobody has goes with what it has in the kernel, and what only a human can decide stays.

use netberth::model::Difference;
use netberth::store::{Batch, Change, Embedded, Expect, Key, Record, Select, Store, Table};
use serde_json::{Value, json};

use super::common::bed::{Bed, same, snapshot};
use super::common::{on_a_host, sh};
use super::{differences, furnish, words, world};

/// The records behind netberth's back.
struct Behind<'a> {
    bed: &'a Bed<'a>,
    store: Embedded,
}

impl<'a> Behind<'a> {
    fn of(bed: &'a Bed<'a>) -> Self {
        Behind { bed, store: Embedded::open(&bed.host.path("state")).unwrap() }
    }

    fn commit(&self, change: Change) {
        self.store.commit(&Batch { changes: vec![change], durable: true }).unwrap();
    }

    fn delete(&self, key: Key) {
        assert!(self.store.get(&key).unwrap().is_some(), "{key}");
        self.commit(Change::Delete { key, expect: Expect::Any });
    }

    fn put(&self, key: Key, text: &str) {
        self.commit(Change::Put { key, text: text.to_owned(), expect: Expect::Any });
    }

    fn document(&self, key: Key, record: &Value) {
        self.put(key, &json!({"v": 1, "record": record}).to_string());
    }

    fn network(&self, name: &str) -> String {
        self.bed.netberth.network(name, false).unwrap().id
    }

    fn endpoint(&self, network: &str, name: &str) -> (Key, Value) {
        let parent = self.network(network);
        let all = self.store.list(&Select::of(Table::Endpoint, &parent)).unwrap();
        let read = |record: &Record| -> Value { serde_json::from_str(&record.text).unwrap() };
        let found = all.iter().map(|record| (record.key.clone(), read(record)["record"].take()));
        found.into_iter().find(|(_, document)| document["name"] == name).unwrap()
    }

    /// The endpoint where a container behind a service is.
    fn place(&self, network: &str, container: &str) -> Key {
        let parent = self.network(network);
        let all = self.store.list(&Select::of(Table::Endpoint, &parent)).unwrap();
        let joined = format!("\"container\":\"{container}\",\"ns\"");
        all.into_iter().find(|record| record.text.contains(&joined)).unwrap().key
    }

    fn sandbox(&self, container: &str) -> (Key, Value) {
        let key = Key::new(Table::Sandbox, "", container);
        let text = self.store.get(&key).unwrap().unwrap().text;
        (key, serde_json::from_str::<Value>(&text).unwrap()["record"].take())
    }
}

fn told(bed: &Bed<'_>) -> Vec<String> {
    differences(bed).iter().map(words).collect()
}

fn repaired(bed: &Bed<'_>) -> Vec<Difference> {
    let repair = bed.netberth.repair().unwrap();
    assert_eq!(repair.differences, []);
    repair.repaired
}

const NOBODY: &str = "00000000000000000000000000000000000000000000000000000000000000aa";

/// What was wrong, what is told of it.
type Row = (&'static str, fn(&Behind<'_>), fn(&Behind<'_>) -> Vec<String>);

const MENDED: &[Row] = &[
    (
        "an address that nobody has claimed",
        |behind| {
            let address = behind.endpoint("db", "replica").1["addresses"][0].clone();
            let address = address.as_str().unwrap().split('/').next().unwrap().to_owned();
            behind.delete(Key::new(Table::Lease, behind.network("db"), address));
        },
        |behind| {
            let (key, _) = behind.endpoint("db", "replica");
            let at = format!("lease/{}/10.2.0.2", key.parent);
            vec![format!("endpoint replica: record {at} | {} | nothing", key.id)]
        },
    ),
    (
        "claims of nobody",
        |behind| {
            behind.put(Key::new(Table::Lease, behind.network("web"), "10.1.0.200"), NOBODY);
            behind.put(Key::new(Table::Lease, "port/tcp", "09999/*"), NOBODY);
            behind.put(Key::new(Table::Name, behind.network("web"), "ghost"), NOBODY);
        },
        |behind| {
            let web = behind.network("web");
            let one = |at: String| format!("host: record {at} | {NOBODY}, who has it | nothing");
            let lease = format!("lease/{web}/10.1.0.200");
            [format!("name/{web}/ghost"), lease, "lease/port/tcp/09999/*".to_owned()]
                .map(one)
                .into()
        },
    ),
    (
        "a sandbox that does not list where it is joined",
        |behind| {
            let (key, mut sandbox) = behind.sandbox("given");
            sandbox["joined"] = json!([]);
            behind.document(key, &sandbox);
        },
        |_| {
            let expected = "endpoint given, which it is joined to | a list without it";
            vec![format!("sandbox given: record sandbox/given | {expected}")]
        },
    ),
    (
        "a sandbox that lists what is not there",
        |behind| {
            let (key, mut sandbox) = behind.sandbox("given");
            let more = json!([behind.network("web"), NOBODY]);
            sandbox["joined"].as_array_mut().unwrap().push(more);
            behind.document(key, &sandbox);
        },
        |_| {
            let expected = format!("endpoint {NOBODY}, which it lists | nothing");
            vec![format!("sandbox given: record sandbox/given | {expected}")]
        },
    ),
    (
        "a plan of nobody",
        |behind| {
            sh("ip link add br-ghost address 02:00:00:00:00:09 type bridge");
            let step = json!({"step": "bridge", "name": "br-ghost", "mac": "02:00:00:00:00:09",
                "mtu": 1500});
            let key = Key::new(Table::Steps, "network", NOBODY);
            behind.document(key, &json!([{"step": step}]));
        },
        |_| {
            let at = format!("steps/network/{NOBODY}");
            vec![format!("host: record {at} | network {NOBODY} | nothing")]
        },
    ),
    (
        "an intent of nobody",
        |behind| {
            let intent = json!({"intent": "take_down", "doing": "haunt", "adjust": [], "undo": [],
                "batch": {"changes": [], "durable": false}});
            behind.document(Key::new(Table::Intent, "ghost", "1"), &intent);
        },
        |_| {
            let found = "interrupted: the next change sees to it";
            vec![format!("host: haunt | finished or undone | {found}")]
        },
    ),
];

#[test]
fn what_has_one_right_answer_is_as_before() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        furnish(&bed);
        let behind = Behind::of(&bed);
        assert_eq!(differences(&bed), []);
        let before = world(&bed);
        for (what, damage, expected) in MENDED {
            damage(&behind);
            assert_eq!(told(&bed), expected(&behind), "{what}");
            let (_, lines) = bed.netberth.rehearse(netberth::Netberth::repair).unwrap();
            assert!(lines.len() <= 1, "{what}: {lines:#?}");
            assert_eq!(repaired(&bed).len(), expected(&behind).len(), "{what}");
            assert_eq!(differences(&bed), [], "{what}");
            assert_eq!(bed.netberth.gc().unwrap().collected, [], "{what}");
            same(&before, &world(&bed));
        }
    });
}

/// What nobody has goes, with what it has in the kernel and in the files of the others.
#[test]
fn an_endpoint_without_a_record() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        furnish(&bed);
        let behind = Behind::of(&bed);
        let (key, _) = behind.endpoint("web", "front");
        let c1 = bed.netberth.sandbox("c1").unwrap();
        behind.delete(key.clone());
        let expected = format!("endpoint {}, which it lists | nothing", key.id);
        assert_eq!(told(&bed), [format!("sandbox c1: record sandbox/c1 | {expected}")]);
        repaired(&bed);
        assert_eq!(differences(&bed), []);
        let rest = snapshot(host) + &bed.records();
        assert!(!rest.contains("8080") && !rest.contains("front"), "{rest}");
        let hosts = std::fs::read_to_string(c1.hosts_path).unwrap();
        assert!(!hosts.contains("front") && hosts.contains("10.2.0.3\tc1"), "{hosts}");
        // Its name and its ports are free.
        bed.container("web", "front");
        assert_eq!(differences(&bed), []);
    });
}

#[test]
fn a_network_without_a_record() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        furnish(&bed);
        let behind = Behind::of(&bed);
        let web = behind.network("web");
        behind.delete(Key::new(Table::Network, "", web.clone()));
        let told = told(&bed);
        let plan = format!("host: record steps/network/{web} | network web | nothing");
        assert_eq!(told[0], plan, "{told:#?}");
        let at = format!("record endpoint/{web}/");
        let of_web =
            |line: &String| line.contains(&at) && line.ends_with(" | network web | nothing");
        // front, given, the service and its two places.
        assert!(told.len() == 6 && told[1..].iter().all(of_web), "{told:#?}");
        repaired(&bed);
        assert_eq!(differences(&bed), []);
        let rest = snapshot(host) + &bed.records();
        assert!(!rest.contains("br-web") && !rest.contains("10.1.0."), "{rest}");
        bed.network(r#"{"name":"web","options":{"bridge":"br-web"}}"#);
        bed.container("web", "front");
        assert_eq!(differences(&bed), []);
    });
}

#[test]
fn a_sandbox_without_a_record() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        furnish(&bed);
        let behind = Behind::of(&bed);
        let key = bed.netberth.sandbox("c1").unwrap().key;
        behind.delete(behind.sandbox("c1").0);
        let line = |network: &str, name: &str| {
            let (key, _) = behind.endpoint(network, name);
            let expected = "sandbox c1, which is joined to it | nothing";
            format!("endpoint {name}: record {key} | {expected}")
        };
        let mut found = told(&bed);
        found.sort();
        assert_eq!(found, [line("web", "front"), line("db", "second")]);
        repaired(&bed);
        assert_eq!(differences(&bed), []);
        assert!(!key.exists());
        assert!(!sh("nft list table inet netberth").contains("8080"));
        // The endpoints are there, with their ports, for another one.
        bed.join("web", "front", r#"{"container_id":"c1"}"#);
        assert!(sh("nft list table inet netberth").contains("8080"));
        assert_eq!(differences(&bed), []);
    });
}

#[test]
fn a_back_end_without_a_place() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        furnish(&bed);
        let behind = Behind::of(&bed);
        let place = behind.place("web", "b2");
        let service = behind.endpoint("web", "api").0;
        behind.delete(place.clone());
        let told = told(&bed);
        let of_sandbox = format!("endpoint {}, which it lists | nothing", place.id);
        let of_service = format!("endpoint {}, the place of b2 | nothing", place.id);
        let expected = [
            format!("sandbox b2: record sandbox/b2 | {of_sandbox}"),
            format!("service api: record {service} | {of_service}"),
        ];
        assert_eq!(told, expected);
        repaired(&bed);
        assert_eq!(differences(&bed), []);
        let left = bed.netberth.service_backends("api", true).unwrap();
        assert_eq!(left.len(), 1, "{left:#?}");
    });
}

/// Who is to keep it only a human can say.
#[test]
fn what_two_have() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        furnish(&bed);
        let behind = Behind::of(&bed);
        let (key, mut ghost) = behind.endpoint("web", "front");
        ghost["id"] = json!(NOBODY);
        ghost["name"] = json!("ghost");
        ghost["attachments"] = json!([]);
        ghost["mac"] = json!("02:00:00:00:00:77");
        // 8000-8100 beside the 8080 of the other: another claim, and the same port.
        ghost["port_mapping"][0]["port_end"] = json!(180);
        ghost["port_mapping"][0]["host_port"] = json!(8000);
        ghost["port_mapping"].as_array_mut().unwrap().truncate(1);
        let web = key.parent.clone();
        let ghosts = Key::new(Table::Endpoint, web.clone(), NOBODY);
        behind.document(ghosts.clone(), &ghost);
        behind.put(Key::new(Table::Name, web.clone(), "ghost"), NOBODY);
        behind.put(Key::new(Table::Lease, web.clone(), "02:00:00:00:00:77"), NOBODY);
        behind.put(Key::new(Table::Lease, "span/tcp", "08000-08100/*"), NOBODY);
        let before = world(&bed);
        let more = bed.more("web", "front").addresses;
        let mut twice: Vec<String> = more
            .iter()
            .map(|cidr| {
                let address = cidr.split('/').next().unwrap();
                let found = "endpoint front has it too: delete one of them";
                format!("endpoint ghost: record lease/{web}/{address} | one who has it | {found}")
            })
            .collect();
        let both = told(&bed);
        let (port, addresses): (Vec<&String>, Vec<&String>) =
            both.iter().partition(|line| line.contains("host ports of its own"));
        twice.sort();
        assert_eq!(addresses, twice.iter().collect::<Vec<_>>());
        assert!(port.len() == 1 && port[0].contains("8080"), "{port:#?}");
        let left = bed.netberth.repair().unwrap();
        assert_eq!((left.repaired.len(), left.differences.len()), (0, 3));
        same(&before, &world(&bed));
        bed.netberth.endpoint_delete("web", "ghost", false).unwrap();
        // It took the claims of the address along, which were front's.
        repaired(&bed);
        assert_eq!(differences(&bed), []);
    });
}
