//! `POST /verify` over HTTP.

use serde_json::json;

use super::server::Server;

#[test]
fn differences_and_whose_they_are() {
    let server = Server::start();
    let clean = json!({ "differences": [] });
    assert_eq!(server.post("/verify", "").ok(), clean);
    server.get("/verify").refused(405, "invalid");

    let ports = r#"{"name":"web","port_mapping":[{"proto":6,"port":80,"host_port":8080}]}"#;
    server.post("/networks", r#"{"name":"foo"}"#).string();
    let web = server.post("/networks/foo/endpoints", ports).string();
    server.post("/networks/foo/endpoints/web/containers", r#"{"container_id":"c1"}"#).string();
    assert_eq!(server.post("/v1.19/verify", "{}").ok(), clean);

    server.inside(&["nft", "delete element inet netberth pub4_any { tcp . 8080 }"]);
    let world = server.world();
    let found = server.post("/verify", "").ok();
    assert_eq!(
        found["differences"][0],
        json!({
            "owner": { "kind": "endpoint", "id": web, "name": "web" },
            "object": "element inet netberth pub4_any { tcp . 8080 }",
            "expected": "tcp . 8080 : 172.17.0.2 . 80",
            "found": "nothing",
        })
    );
    assert_eq!(found["differences"].as_array().unwrap().len(), 1);
    world.same(&server.world());
}
