//! `POST /verify`, `/repair` and `/gc` over HTTP.

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

    let plan = server.post("/repair?dry_run=1", "").ok();
    let line = plan["plan"][0].as_str().unwrap();
    assert!(line.contains("add element inet netberth pub4_any { tcp . 8080 :"), "{line}");
    world.same(&server.world());
    assert_eq!(
        server.post("/repair", "").ok(),
        json!({ "repaired": found["differences"], "differences": [] })
    );
    assert_eq!(server.post("/verify", "").ok(), clean);
    server.get("/repair").refused(405, "invalid");
}

#[test]
fn what_nobody_needs_is_collected() {
    let server = Server::start();
    let nothing = json!({ "collected": [] });
    assert_eq!(server.post("/gc", "").ok(), nothing);
    server.post("/networks", r#"{"name":"foo"}"#).string();
    server.post("/networks/foo/endpoints", r#"{"name":"web"}"#).string();
    let key =
        server.post("/networks/foo/endpoints/web/containers", r#"{"container_id":"c1"}"#).string();
    assert_eq!(server.post("/gc", "").ok(), nothing);
    server.inside(&["umount", "-l", &key]);
    let plan = server.post("/gc?dry_run=1", "").ok();
    assert!(plan["plan"].as_array().is_some_and(|lines| !lines.is_empty()), "{plan}");
    let found = server.post("/gc", "").ok();
    assert_eq!(found["collected"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["collected"][0]["kind"], "sandbox");
    assert_eq!(found["collected"][0]["id"], "c1");
    server.get("/sandboxes/c1").refused(404, "not_found");
    assert_eq!(server.post("/gc", "").ok(), nothing);
    assert_eq!(server.post("/verify", "").ok(), json!({ "differences": [] }));
}
