//! In its own process and through a server: the same documents, the same refusals.

use super::bed::Bed;

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[test]
fn what_is_looked_at_is_the_same_to_the_byte() {
    let bed = Bed::served();
    bed.furnish();
    for line in [
        "network ls",
        "network ls --long",
        "network inspect web db",
        "network inspect web --brief",
        "endpoint ls",
        "endpoint ls web --long",
        "endpoint inspect web front",
        "service ls",
        "service ls --network web --long",
        "service inspect api",
        "service backends api",
        "service backends api --long",
        "sandbox ls",
        "sandbox inspect c1container",
        "sandbox inspect c1co",
        "port ls",
        "port ls web",
        "topology",
        "version",
        "verify",
        "plan join web idle c9",
        "plan sandbox rm c1container",
        "plan endpoint rm -f db client",
    ] {
        for line in [format!("--json {line}"), line.to_owned()] {
            let (own, server) = (bed.run(&words(&line)), bed.ask(&words(&line)));
            // `version` says in words whose versions they are.
            if line != "version" {
                assert_eq!(own, server, "{line}");
            }
            assert!(!own.out.is_empty(), "{line}: {own:?}");
        }
    }
}

#[test]
fn what_is_refused_is_refused_in_the_same_words() {
    let bed = Bed::served();
    bed.furnish();
    for (line, status) in [
        ("network inspect nothing", 3),
        ("network create web", 4),
        ("network create two --request {\"options\":{\"mtu\":\"x\"}}", 2),
        ("network create two --type odd", 3),
        ("network rm web", 5),
        ("plan network rm db", 5),
        ("network rm bridge", 7),
        ("endpoint create web front", 4),
        ("endpoint create web more -p 8080:80", 4),
        ("endpoint create web more --ip 10.1.1.1", 2),
        ("endpoint rm web front", 5),
        ("join web front c2", 2),
        ("join web idle c1container --netns /nothing", 2),
        ("detach web idle c1container", 2),
        ("detach web idle", 2),
        ("service rm api", 5),
        ("service attach nothing c1", 3),
        ("service detach api nobody", 2),
        ("sandbox rm nobody", 3),
        ("sandbox inspect back", 2),
        ("plan network create web", 4),
    ] {
        for line in [format!("--json {line}"), line.to_owned()] {
            let (own, server) = (bed.run(&words(&line)), bed.ask(&words(&line)));
            assert_eq!(own, server, "{line}");
            assert_eq!((own.status, own.out.as_str()), (status, ""), "{line}: {own:?}");
            if line.starts_with("--json") {
                let document: serde_json::Value = serde_json::from_str(&own.err).unwrap();
                assert!(document["message"].is_string() && document["kind"].is_string(), "{line}");
            } else {
                assert!(own.err.starts_with("error: "), "{line}: {own:?}");
            }
        }
    }
}

#[test]
fn a_life_through_a_server_is_a_life() {
    let bed = Bed::served();
    let ask = |line: &str| {
        let said = bed.ask(&words(line));
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{line}: {said:?}");
        said.out.trim_end().to_owned()
    };
    let id = ask("network create web --subnet 10.88.0.0/24");
    assert_eq!(id.len(), 64);
    ask("endpoint create web front -p 8080:80");
    let key = ask("join web front c1container");
    assert!(key.ends_with("/run/netns/c1container"), "{key}");
    assert_eq!(ask("exec c1co -- cat /sys/class/net/eth0/operstate"), "up");
    assert_eq!(ask("network ls -q").lines().last(), Some(id.as_str()));
    ask("service publish api --network web");
    ask("service attach api b1");
    ask("service detach --drain api b1");
    assert!(ask("service backends api").contains("draining"));
    ask("detach web front");
    assert_eq!(ask("sandbox rm c1container b1"), "c1container\nb1");
    assert_eq!(ask("network rm --force web"), "web");
    assert!(!bed.shell("ip -o link").contains("nb-"));
}

#[test]
fn a_server_that_is_not_there() {
    let bed = Bed::new();
    let said = bed.ask(&["network", "ls"]);
    assert_eq!(said.status, 3);
    assert!(said.err.contains("is netberthd running there?"), "{said:?}");
    let remote = bed.run(&["network", "ls", "-H", "tcp://192.0.2.1:2015"]);
    assert_eq!(remote.status, 2, "directories and a server exclude each other: {remote:?}");
}
