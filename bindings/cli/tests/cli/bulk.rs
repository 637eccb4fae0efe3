//! Many at once.

use serde_json::{Value, json};

use super::bed::Bed;

fn joins(names: &[(&str, u16)]) -> String {
    let one = |(name, port): &(&str, u16)| {
        json!({
            "network": "web",
            "endpoint": {"name": name, "port_mapping": [{"proto": 6, "port": 80, "host_port": port}]},
            "container": {"container_id": name},
        })
    };
    names.iter().map(one).collect::<Value>().to_string()
}

#[test]
fn each_of_many_joins_has_a_result() {
    let bed = Bed::new();
    bed.ok(&["network", "create", "web"]);
    let three = joins(&[("a", 8081), ("b", 8081), ("c", 8083)]);
    let before = bed.world();
    let atomic = bed.fed(&["join", "--from", "-", "--atomic"], &three);
    assert_eq!((atomic.status, atomic.out.as_str()), (4, ""), "{atomic:?}");
    assert!(atomic.err.contains("joins[1]: "), "{atomic:?}");
    before.same(&bed.world(), "what was refused or rehearsed");

    let said = bed.fed(&["join", "--from", "-"], &three);
    assert_eq!((said.status, said.out.lines().count()), (4, 4), "{said:?}");
    assert_eq!(said.err, "error: 1 of 3 were refused\n");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[1].contains("/netns/a") && lines[3].contains("/netns/c"), "{said:?}");
    assert!(lines[2].contains("port 8081"), "{said:?}");
    assert_eq!(bed.ok(&["sandbox", "ls", "-q"]), "a\nc");

    std::fs::write(bed.path("more"), joins(&[("d", 8084), ("c", 8085)])).unwrap();
    let json = bed.run(&["--json", "join", "--from", "more"]);
    let results: Value = serde_json::from_str(&json.out).unwrap();
    assert!(results[0]["key"].is_string() && results[1]["error"]["kind"] == "exists", "{json:?}");
    assert_eq!((json.status, json.err.as_str()), (4, ""));
    assert_eq!(bed.fed(&["join", "--from", "-"], "{}").status, 2);
    assert_eq!(bed.run(&["join", "--from", "nothing"]).status, 9);
}

#[test]
fn what_can_be_deleted_of_several_is() {
    let bed = Bed::new();
    bed.furnish();
    let said = bed.run(&["sandbox", "rm", "backend-1", "nobody", "c1co"]);
    assert_eq!((said.status, said.out.as_str()), (3, "backend-1\nc1co\n"), "{said:?}");
    assert_eq!(said.err, "error: sandbox nobody not found\n");
    let ambiguous = bed.run(&["endpoint", "rm", "web", "front", "idle", "nothing", "nobody"]);
    assert_eq!((ambiguous.status, ambiguous.out.as_str()), (3, "front\nidle\n"), "{ambiguous:?}");
    assert_eq!(ambiguous.err.matches("not found").count(), 2, "{ambiguous:?}");
    assert_eq!(bed.ok(&["network", "rm", "--force", "web", "db"]), "web\ndb");
    assert_eq!(bed.ok(&["sandbox", "ls", "-q"]), "backend-2");
}
