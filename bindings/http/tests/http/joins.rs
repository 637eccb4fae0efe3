//! `POST /joins` over HTTP.

use serde_json::{Value, json};

use super::server::Server;

fn one(name: &str, host_port: u16) -> Value {
    json!({
        "network": "foo",
        "endpoint": {
            "name": name,
            "port_mapping": [{ "proto": 6, "port": 80, "host_port": host_port }],
        },
        "container": { "container_id": name },
    })
}

#[test]
fn results_are_in_order_and_each_is_for_itself() {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    let three = json!([one("a", 8081), one("b", 8081), one("c", 8083)]).to_string();
    let before = server.world();
    let plan = server.post("/joins?dry_run=1", &three).ok();
    assert!(plan["plan"].to_string().contains("pub4_any"), "{plan}");
    let refusal = server.post("/joins?atomic=1", &three);
    assert!(refusal.refused(403, "exists").contains("joins[1]"));
    before.same(&server.world());

    let results = server.post("/joins", &three).ok();
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!(results[1]["error"]["kind"], "exists");
    for (at, name) in [(0, "a"), (2, "c")] {
        let endpoint = results[at]["endpoint"].as_str().unwrap();
        let key = results[at]["key"].as_str().unwrap();
        assert_eq!(server.get(&format!("/sandboxes/{name}")).ok()["key"], key);
        assert_eq!(server.get(&format!("/networks/foo/endpoints/{endpoint}")).ok()["name"], name);
    }
    assert_eq!(server.get("/networks/foo/endpoints").ok().as_array().unwrap().len(), 2);
    server.post("/joins", r#"{"network":"foo"}"#).refused(400, "invalid");
    server.post("/joins", r#"[{"netwrk":"foo"}]"#).refused(400, "invalid");
    server.get("/joins").refused(405, "invalid");
    assert_eq!(server.post("/joins", "[]").ok(), json!([]));
}
