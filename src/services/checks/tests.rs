//! Readings of rules that no test's host can have, and of those that are not clear.

use super::walk::{Device, Packet, accepts};
use super::*;
use crate::plan::rules::{
    Element, Family, Field, Hook, ListedBase, ListedChain, ListedRule, ListedSet, ListedTable,
    Part, Ruleset, State, Statement, TableFamily, Test, Value, Verdict,
};

fn rule(parts: &[Part]) -> ListedRule {
    ListedRule { handle: 1, form: String::new(), parts: parts.to_vec() }
}

fn known(statement: Statement) -> Part {
    Part::Known(statement)
}

fn name(field: Field, pattern: &str) -> Part {
    let test = Test::Is(Value::Ifname(pattern.to_owned()));
    known(Statement::Match { key: vec![field], test })
}

fn verdict(verdict: Verdict) -> Part {
    known(Statement::Verdict(verdict))
}

fn jump(to: &str) -> Part {
    verdict(Verdict::Jump(to.to_owned()))
}

const ACCEPT: Part = Part::Known(Statement::Verdict(Verdict::Accept));

/// A table whose chain `FORWARD` drops what it does not know, and others to jump to.
fn table(chains: &[(&str, Vec<ListedRule>)]) -> ListedTable {
    let chain = |(name, rules): &(&str, Vec<ListedRule>)| ListedChain {
        name: (*name).to_owned(),
        base: (*name == "FORWARD").then(|| ListedBase {
            kind: "filter".to_owned(),
            hook: Some(Hook::Forward),
            priority: 0,
            drops: true,
        }),
        rules: rules.clone(),
    };
    ListedTable {
        family: TableFamily::Ip,
        name: "filter".to_owned(),
        dormant: false,
        sets: vec![ListedSet {
            name: "devices".to_owned(),
            form: String::new(),
            anonymous: false,
            elements: vec![Element {
                key: vec![Value::Ifname("nb-1".to_owned())],
                key_end: None,
                data: vec![Value::Goto("yes".to_owned())],
            }],
            unread: 0,
        }],
        chains: chains.iter().map(chain).collect(),
        objects: Vec::new(),
    }
}

fn outward(carrier: Option<&'static str>) -> Packet<'static> {
    Packet {
        family: Family::Ipv4,
        from: Device::Ours("nb-1"),
        to: Device::Outside,
        state: State::New,
        dnat: false,
        carrier,
        bridges: &["nb-1"],
    }
}

#[track_caller]
fn lets_out(expected: bool, table: &ListedTable) {
    assert_eq!(accepts(table, &table.chains[0], &outward(None)), expected);
}

#[test]
fn what_accepts_and_what_does_not() {
    let forward = |rules: &[&[Part]]| {
        table(&[
            ("FORWARD", rules.iter().map(|parts| rule(parts)).collect()),
            ("yes", vec![rule(&[ACCEPT])]),
            ("no", vec![rule(&[verdict(Verdict::Return)]), rule(&[ACCEPT])]),
            ("loop", vec![rule(&[jump("loop")])]),
        ])
    };
    let iif = || name(Field::Iifname, "nb-*");
    let other = || Part::Other("mark".to_owned());
    let set = |test: fn(String) -> Test| {
        let test = test("devices".to_owned());
        known(Statement::Match { key: vec![Field::Iifname], test })
    };
    let map = known(Statement::Vmap { key: vec![Field::Iifname], map: "devices".to_owned() });
    lets_out(false, &forward(&[]));
    lets_out(true, &forward(&[&[iif(), Part::Passes, ACCEPT]]));
    lets_out(false, &forward(&[&[name(Field::Iifname, "docker0"), ACCEPT]]));
    lets_out(true, &forward(&[&[set(Test::In), ACCEPT]]));
    lets_out(false, &forward(&[&[set(Test::NotIn), ACCEPT]]));
    lets_out(true, &forward(&[&[map]]));
    // What is not understood is a condition that is not met, for good and for bad.
    lets_out(false, &forward(&[&[iif(), other(), ACCEPT]]));
    lets_out(true, &forward(&[&[other(), verdict(Verdict::Drop)], &[iif(), ACCEPT]]));
    lets_out(false, &forward(&[&[iif(), Part::Reject], &[iif(), ACCEPT]]));
    lets_out(true, &forward(&[&[jump("no")], &[jump("yes")]]));
    lets_out(false, &forward(&[&[verdict(Verdict::Goto("no".to_owned()))], &[iif(), ACCEPT]]));
    lets_out(false, &forward(&[&[jump("loop")], &[jump("nowhere")]]));
    // By which device it leaves is known where there is a default route.
    let table = forward(&[&[iif(), name(Field::Oifname, "eth0"), ACCEPT]]);
    let out = |carrier| accepts(&table, &table.chains[0], &outward(carrier));
    assert_eq!([None, Some("eth0"), Some("wlan0")].map(out), [false, true, false]);
}

/// Every jump doubles the way: the reading ends all the same.
#[test]
fn a_maze_is_given_up() {
    let twice = |to: usize| vec![rule(&[jump(&to.to_string())]); 64];
    let mut chains = vec![("FORWARD".to_owned(), twice(0))];
    chains.extend((0..15).map(|at| (at.to_string(), twice(at + 1))));
    let chains: Vec<(&str, Vec<ListedRule>)> =
        chains.iter().map(|(name, rules)| (name.as_str(), rules.clone())).collect();
    lets_out(false, &table(&chains));
}

fn judged(facts: &Facts, unfinished: &[String]) -> Vec<String> {
    let network = serde_json::from_str::<Network>(NETWORK).unwrap();
    let own = table(&[]);
    let known = Known {
        records: &[],
        derived: &[],
        sandboxes: &[],
        looks: &[],
        networks: &[network],
        unfinished,
        table: &own,
        places: &Places::default(),
        tenants: &BTreeMap::new(),
        facts,
    };
    let differences = told(&find(&known)).into_iter();
    differences.map(|one| format!("{} | {}", one.object, one.found)).collect()
}

const NETWORK: &str = r#"{"id":"1111111111111111111111111111111111111111111111111111111111111111",
    "name":"foo","kind":"bridge","created":1,"state":"up","options":{"subnets":[],"ipv6":false,
    "internal":false,"icc":true,"masquerade":true,"mtu":1500,"bridge":"nb-1"}}"#;

#[test]
fn what_cannot_be_read_is_said() {
    assert_eq!(judged(&Facts::default(), &[]), Vec::<String>::new());
    let legacy = ["ip nat", "ip filter", "ip6 filter"].map(str::to_owned).to_vec();
    let rules = Ruleset { tables: Vec::new(), legacy };
    let said = judged(&Facts { rules, ..Facts::default() }, &["join c".to_owned()]);
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said[0].starts_with("join c | interrupted"), "{said:#?}");
    assert!(said[1].starts_with("table ip filter | a table of iptables-legacy"), "{said:#?}");
    assert!(said[2].starts_with("table ip6 filter | "), "{said:#?}");
}
