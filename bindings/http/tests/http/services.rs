//! Services with several back ends: every route, and what each says.

use serde_json::{Value, json};

use super::server::Server;

/// A network `foo` with a service `s` on it, and two containers behind that.
fn served() -> Server {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    server.post("/services", r#"{"name":"s","network_name":"foo"}"#).string();
    for container in ["c1", "c2"] {
        server.post("/services/s/backend", &joining(container)).string();
    }
    server
}

fn joining(container: &str) -> String {
    json!({ "container_id": container }).to_string()
}

/// The back ends, each as `id state`.
#[track_caller]
fn states(server: &Server) -> Vec<String> {
    let list = server.get("/services/s/backend?verbose=1").ok();
    let said =
        |one: &Value| format!("{} {}", one["id"].as_str().unwrap(), one["state"].as_str().unwrap());
    list.as_array().unwrap().iter().map(said).collect()
}

#[test]
fn a_whole_life() {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    let before = server.world();
    let id = server
        .post(
            "/services",
            r#"{"name":"s","network_name":"foo","balance":"random","aliases":["www"],
                "virtual_address":"172.17.0.99",
                "port_mapping":[{"proto":"tcp","port":80,"host_port":8080}]}"#,
        )
        .string();
    assert_eq!(server.get("/services/s").ok(), json!({"name":"s","id":id,"network":"foo"}));
    assert_eq!(server.get("/services").ok().as_array().unwrap().len(), 1);
    assert_eq!(server.get("/services/s/backend").ok(), json!([]));
    for container in ["z", "a", "m"] {
        let key = server.post("/services/s/backend", &joining(container)).string();
        assert!(key.ends_with(&format!("/netns/{container}")), "{key}");
    }
    assert_eq!(
        server.get(&format!("/services/{id}/backend")).ok(),
        json!([{"id":"z"}, {"id":"a"}, {"id":"m"}])
    );
    let shown = server.get("/services/s?verbose=1").ok();
    assert_eq!(shown["virtual_addresses"], json!(["172.17.0.99/24"]));
    assert_eq!((&shown["balance"], &shown["aliases"]), (&json!("random"), &json!(["www"])));
    assert_eq!(shown["container"], Value::Null);
    assert_eq!(shown["backends"], server.get("/services/s/backend?verbose=1").ok());
    for (at, backend) in shown["backends"].as_array().unwrap().iter().enumerate() {
        assert_eq!(backend["addresses"], json!([format!("172.17.0.{}/24", at + 2)]));
        assert_eq!(backend["mac"], json!(format!("02:6e:ac:11:00:0{}", at + 2)));
        assert_eq!(backend["state"], "attached");
    }
    // What is behind a service has no endpoint of its own to be seen.
    assert_eq!(server.get("/networks/foo/endpoints").ok().as_array().unwrap().len(), 1);
    assert_eq!(server.get("/sandboxes/a").ok()["endpoints"][0]["id"], id.as_str());
    let rules = server.inside(&["nft", "list", "map", "inet", "netberth", "slot4"]);
    assert_eq!(rules.matches("172.17.0.99 .").count(), 60, "{rules}");

    server.delete("/services/s/backend/a").empty();
    assert_eq!(server.get("/services/s/backend").ok(), json!([{"id":"z"}, {"id":"m"}]));
    server.post("/services/s/backend", &joining("a")).string();
    assert_eq!(states(&server), ["z attached", "m attached", "a attached"]);
    server.delete("/services/s?force=1").empty();
    server.get("/services/s/backend").refused(404, "not_found");
    for container in ["z", "a", "m"] {
        server.delete(&format!("/sandboxes/{container}")).empty();
    }
    before.same(&server.world());
}

#[test]
fn draining() {
    let server = served();
    server.delete("/services/s/backend/c1?drain=1").empty();
    assert_eq!(states(&server), ["c1 draining", "c2 attached"]);
    assert_eq!(server.get("/services/s/backend").ok(), json!([{"id":"c1"}, {"id":"c2"}]));
    server.delete("/services/s/backend/c1?drain=1").empty();
    server.delete("/services/s/backend/c2?drain=true").empty();
    assert_eq!(states(&server), ["c1 draining", "c2 draining"]);
    // It is behind the service still.
    server.delete("/services/s").refused(403, "in_use");
    server.post("/services/s/backend", &joining("c1")).string();
    assert_eq!(states(&server), ["c1 attached", "c2 draining"]);
    server.post("/services/s/backend", &joining("c1")).refused(400, "invalid");
    server.delete("/services/s/backend/c2?drain=0").empty();
    assert_eq!(states(&server), ["c1 attached"]);
    server.delete("/services/s/backend/c1").empty();
    server.delete("/services/s/backend/c1?drain=1").refused(400, "invalid");
    server.delete("/services/s").empty();
}

#[test]
fn what_is_refused() {
    let server = served();
    server.post("/networks/foo/endpoints", r#"{"name":"e"}"#).string();
    server.post("/networks/foo/endpoints/e/containers", &joining("c3")).string();
    let before = server.world();
    for (target, body, status, kind) in [
        ("/services", r#"{"name":"t","network_name":"foo","balance":"fair"}"#, 400, "invalid"),
        ("/services", r#"{"name":"t","network_name":"foo","balance":7}"#, 400, "invalid"),
        ("/services", r#"{"name":"t","network_name":"foo","balance":"Random"}"#, 400, "invalid"),
        ("/services", r#"{"name":"s","network_name":"foo"}"#, 403, "exists"),
        ("/services", r#"{"name":"e","network_name":"foo"}"#, 403, "exists"),
        ("/services", r#"{"name":"t","network_name":"no"}"#, 404, "not_found"),
        (
            "/services",
            r#"{"name":"t","network_name":"foo","virtual_address":"172.17.0.2"}"#,
            403,
            "exists",
        ),
        (
            "/services",
            r#"{"name":"t","network_name":"foo","virtual_address":"10.1.1.1"}"#,
            400,
            "invalid",
        ),
        (
            "/services",
            r#"{"name":"t","network_name":"foo","virtual_address":"here"}"#,
            400,
            "invalid",
        ),
        ("/services/s/backend", r#"{"container_id":"c2"}"#, 400, "invalid"),
        ("/services/s/backend", r#"{"container_id":"default"}"#, 400, "invalid"),
        ("/services/s/backend", r#"{"name":"c4"}"#, 400, "invalid"),
        ("/services/e/backend", r#"{"container_id":"c4"}"#, 400, "invalid"),
    ] {
        let reply = server.post(target, body);
        assert_eq!(reply.status, status, "{target} {body}: {reply:?}");
        reply.refused(status, kind);
    }
    let message = server.delete("/services/s").refused(403, "in_use");
    assert!(message.contains("c1"), "{message}");
    server.delete("/services/e/backend/c3?drain=1").refused(400, "invalid");
    server.delete("/services/s/backend/c1?drain=perhaps").refused(400, "invalid");
    server.delete("/services/s/backend/c3").refused(400, "invalid");
    server.delete("/services/s?force=perhaps").refused(400, "invalid");
    before.same(&server.world());
    // Its place is an endpoint's.
    server.post("/services/s/backend", &joining("c3")).string();
    let detach = "/networks/foo/endpoints/e/containers/c3";
    let message = server.delete(detach).refused(403, "in_use");
    assert!(message.contains("behind service s"), "{message}");
    server.delete("/services/s/backend/c3").empty();
    server.delete(detach).empty();
}

#[test]
fn ways_to_balance() {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    let balance = |name: &str| server.get(&format!("/services/{name}?verbose=1")).ok();
    for way in ["round-robin", "random", "source"] {
        let body = json!({"name": way, "network_name": "foo", "balance": way});
        server.post("/services", &body.to_string()).string();
        assert_eq!(balance(way)["balance"], way);
    }
    for (name, way) in
        [("absent", ""), ("empty", r#","balance":"""#), ("null", r#","balance":null"#)]
    {
        let body = format!(r#"{{"name":"{name}","network_name":"foo"{way}}}"#);
        server.post("/services", &body).string();
        assert_eq!(balance(name)["balance"], "round-robin");
    }
}

#[test]
fn rehearsals() {
    let server = served();
    server.post("/services", r#"{"name":"t","network_name":"foo"}"#).string();
    let before = server.world();
    let third = joining("c3");
    let first = joining("c1");
    for (method, target, body, parts) in [
        ("POST", "/services/s/backend", third.as_str(), &["type veth", "slot4"][..]),
        ("POST", "/services/t/backend", first.as_str(), &["slot4"]),
        ("DELETE", "/services/s/backend/c1?drain=1", "", &["slot4"]),
        ("DELETE", "/services/s/backend/c1", "", &["slot4", "ip link del", "conntrack -D"]),
        ("DELETE", "/services/s?force=1", "", &["slot4", "vip4", "ip link del"]),
        ("POST", "/services", r#"{"name":"new","network_name":"foo"}"#, &["vip4", "svc4"]),
    ] {
        let sign = if target.contains('?') { '&' } else { '?' };
        let said = server.send(method, &format!("{target}{sign}dry_run=1"), body).ok();
        let lines: Vec<&str> =
            said["plan"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let all = lines.join("\n");
        for part in parts {
            assert!(all.contains(part), "{method} {target}: no {part} in {all}");
        }
        before.same(&server.world());
    }
    // A container that is there already needs no interface.
    let said = server.post("/services/t/backend?dry_run=1", &first).ok().to_string();
    assert!(!said.contains("type veth"), "{said}");
}
