//! Which refusal comes first, and what rehearsals, switches and verbose answers say.

use serde_json::{Value, json};

use super::server::Server;

#[test]
fn parsing_then_look_up_then_validity_then_conflict() {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    server.post("/networks/foo/endpoints", r#"{"name":"a"}"#).string();
    server.post("/networks/foo/endpoints/a/containers", r#"{"container_id":"c1"}"#).string();

    let create = "/networks/no/endpoints";
    server.post(create, "{").refused(400, "invalid");
    server.post(create, r#"{"name":"a.b"}"#).refused(400, "invalid");
    server.post(create, r#"{"name":"a"}"#).refused(404, "not_found");
    server.post("/networks/foo/endpoints/no/containers", "{}").refused(400, "invalid");
    server.post("/services", r#"{"name":"s","network_name":"no","x":1}"#).refused(400, "invalid");
    server.post("/services", r#"{"name":"s","network_name":"no"}"#).refused(404, "not_found");
    server.delete("/networks/no?dry_run=maybe").refused(400, "invalid");
    server.get("/networks/no/endpoints?name=a&partial-id=b").refused(400, "invalid");
    server.get("/networks/no/endpoints?name=a").refused(404, "not_found");

    // The network is looked up before the container's id is judged, that before the conflict.
    let detach = |network: &str, id: &str| {
        server.delete(&format!("/networks/{network}/endpoints/a/containers/{id}"))
    };
    detach("no", "-").refused(404, "not_found");
    detach("foo", "-").refused(400, "invalid");
    let body = r#"{"name":"b","ipv4_address":"1.1.1.1"}"#;
    server.post("/networks/foo/endpoints", body).refused(400, "invalid");
}

#[test]
fn a_rehearsal_tells_and_does_not() {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    server.post("/networks/foo/endpoints", r#"{"name":"a"}"#).string();
    server.post("/services", r#"{"name":"s","network_name":"foo"}"#).string();
    server.post("/services/s/backend", r#"{"container_id":"c2"}"#).string();
    let (before, said) = (server.world(), server.log().matches("INFO network").count());
    let endpoint = "/networks/foo/endpoints/a";
    let join = r#"{"container_id":"c1"}"#;
    for (method, target, body, part) in [
        ("POST", "/networks", r#"{"name":"new"}"#, "ip link add nb-"),
        ("DELETE", "/networks/foo", "", ""),
        ("POST", "/networks/bridge/endpoints", r#"{"name":"b"}"#, "ip link add nb-"),
        ("POST", "/networks/foo/endpoints", r#"{"name":"b"}"#, ""),
        ("POST", "/services", r#"{"name":"t","network_name":"foo"}"#, ""),
        ("POST", &format!("{endpoint}/containers"), join, "type veth"),
        ("POST", "/services/a/backend", join, "type veth"),
        ("DELETE", "/services/s/backend/c2", "", "ip link del"),
        ("DELETE", "/sandboxes/c2", "", "netns"),
        ("DELETE", endpoint, "", ""),
    ] {
        let reply = server.send(method, &format!("{target}?dry_run=1"), body);
        if (method, target) == ("DELETE", "/networks/foo") {
            reply.refused(403, "in_use");
            continue;
        }
        let plan = reply.ok();
        assert_eq!(plan.as_object().unwrap().len(), 1, "{plan}");
        let lines: Vec<&str> =
            plan["plan"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert!(lines.join("\n").contains(part), "{method} {target}: {lines:#?}");
    }
    before.same(&server.world());
    assert_eq!(server.log().matches("INFO network").count(), said, "{}", server.log());
    // Off is off.
    server.delete("/services/s/backend/c2?dry_run=0").empty();
}

#[test]
fn verbose_answers() {
    let server = Server::start();
    let network =
        r#"{"name":"foo","options":{"subnets":[{"subnet":"10.4.0.0/24"}],"labels":{"k":"v"}}}"#;
    server.post("/networks", network).string();
    let endpoint = r#"{"name":"a","aliases":["x"],"exposed_ports":[{"proto":"udp","port":53}]}"#;
    server.post("/networks/foo/endpoints", endpoint).string();
    server.post("/networks/foo/endpoints/a/containers", r#"{"container_id":"c1"}"#).string();

    let brief = server.get("/networks/foo?verbose=0").ok();
    assert_eq!(keys(&brief), ["name", "id", "type", "endpoints"]);
    assert_eq!(keys(&brief["endpoints"][0]), ["name", "id", "network"]);
    let all = server.get("/networks/foo?verbose=1").ok();
    assert_eq!(keys(&all), ["name", "id", "type", "endpoints", "options", "created", "labels"]);
    assert_eq!(all["options"]["subnets"][0]["gateway"], "10.4.0.1");
    assert_eq!(all["labels"], json!({"k": "v"}));
    let a = server.get("/networks/foo/endpoints/a?verbose=1").ok();
    assert_eq!(a, all["endpoints"][0]);
    assert_eq!(a["addresses"], json!(["10.4.0.2/24"]));
    assert_eq!(a["exposed_ports"], json!([{"proto": 17, "port": 53}]));
    assert_eq!((&a["container"], &a["interface"]), (&json!("c1"), &json!("eth0")));
    let key = server.folder().join("run/netns/c1");
    assert_eq!(a["sandbox_key"], key.to_str().unwrap());
    assert_eq!(server.get("/networks/foo/endpoints?verbose=1").ok(), json!([a]));
    assert_eq!(server.get("/services?verbose=1&network=foo").ok(), json!([a]));
    let backend = server.get("/services/a/backend?verbose=1").ok();
    assert_eq!(keys(&backend[0]), ["id", "addresses", "mac", "state"]);

    let sandbox = server.get("/sandboxes/c1").ok();
    assert_eq!(server.get("/sandboxes").ok(), json!([sandbox]));
    assert_eq!((&sandbox["container_id"], &sandbox["owned"]), (&json!("c1"), &json!(true)));
    assert_eq!(sandbox["endpoints"], json!([brief["endpoints"][0]]));
    server.delete("/sandboxes/c1").empty();
    assert_eq!(server.get("/sandboxes").ok(), json!([]));
}

/// In the order in which they were written, which this reader does not keep: as a set.
fn keys(value: &Value) -> Set<'_> {
    Set(value.as_object().unwrap().keys().map(String::as_str).collect())
}

#[derive(Debug)]
struct Set<'a>(std::collections::BTreeSet<&'a str>);

impl<const N: usize> PartialEq<[&str; N]> for Set<'_> {
    fn eq(&self, other: &[&str; N]) -> bool {
        self.0 == other.iter().copied().collect()
    }
}
