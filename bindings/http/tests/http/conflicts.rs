//! What is refused because of what is there: containers joined, pools that are full.

use super::server::Server;

/// A network with a joined endpoint `a`, a free one `b`, and a service `s` with a back end.
fn joined() -> Server {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    for name in ["a", "b"] {
        let body = format!(r#"{{"name":"{name}"}}"#);
        server.post("/networks/foo/endpoints", &body).string();
    }
    server.post("/networks/foo/endpoints/a/containers", r#"{"container_id":"c1"}"#).string();
    server.post("/services", r#"{"name":"s","network_name":"foo"}"#).string();
    server.post("/services/s/backend", r#"{"container_id":"c2"}"#).string();
    server
}

#[test]
fn joins_and_detaches() {
    let server = joined();
    let before = server.world();
    let (a, b) = ("/networks/foo/endpoints/a/containers", "/networks/foo/endpoints/b/containers");
    for (target, body, status, kind) in [
        (a, r#"{"container_id":"c1"}"#, 400, "invalid"),
        (a, r#"{"container_id":"c9"}"#, 400, "invalid"),
        ("/services/s/backend", r#"{"container_id":"c2"}"#, 400, "invalid"),
        ("/services/a/backend", r#"{"container_id":"c9"}"#, 400, "invalid"),
        (b, "{}", 400, "invalid"),
        (b, r#"{"container_id":"default"}"#, 400, "invalid"),
        (b, r#"{"container_id":"../x"}"#, 400, "invalid"),
        (b, r#"{"container_id":"c9","hosts_path":"hosts"}"#, 400, "invalid"),
        (b, r#"{"container_id":"c9","hosts_path":"/a/../b"}"#, 400, "invalid"),
        (b, r#"{"container_id":"c9","dns":["here"]}"#, 400, "invalid"),
        (
            b,
            r#"{"container_id":"c9","extra_hosts":[{"name":"x\ny","address":"10.0.0.1"}]}"#,
            400,
            "invalid",
        ),
        (b, r#"{"container_id":"c9","extra_hosts":[{"name":"x","address":"y"}]}"#, 400, "invalid"),
        (
            b,
            r#"{"container_id":"c9","parent_updates":[{"name":"x","address":"10.0.0.1"}]}"#,
            400,
            "invalid",
        ),
        (b, r#"{"container_id":"c9","pid":0}"#, 400, "invalid"),
        (b, r#"{"container_id":"c9","pid":1,"netns":"/x"}"#, 400, "invalid"),
        (b, r#"{"container_id":"c9","interface_name":"a/b"}"#, 400, "invalid"),
        (b, r#"{"container_id":"c9","sysctls":{"kernel.panic":"1"}}"#, 400, "invalid"),
        (b, r#"{"container_id":"c9","use_default_sandbox":"yes"}"#, 400, "invalid"),
        (b, r#"{"container_id":"c1","interface_name":"eth0"}"#, 403, "exists"),
        (
            b,
            r#"{"container_id":"c9","parent_updates":[{"endpoint_id":"no","name":"x","address":"10.0.0.1"}]}"#,
            404,
            "not_found",
        ),
        (
            b,
            r#"{"container_id":"c9","parent_updates":[{"service_id":"b","name":"x","address":"10.0.0.1"}]}"#,
            400,
            "invalid",
        ),
        ("/networks/foo/endpoints/no/containers", r#"{"container_id":"c9"}"#, 404, "not_found"),
        ("/networks/no/endpoints/a/containers", r#"{"container_id":"c9"}"#, 404, "not_found"),
        ("/services/no/backend", r#"{"container_id":"c9"}"#, 404, "not_found"),
    ] {
        let reply = server.post(target, body);
        assert_eq!(reply.status, status, "{target} {body}: {reply:?}");
        reply.refused(status, kind);
    }
    for (target, status) in [
        ("/networks/foo/endpoints/a/containers/c2", 400),
        ("/networks/foo/endpoints/b/containers/c1", 400),
        ("/networks/foo/endpoints/a/containers/-", 400),
        ("/networks/foo/endpoints/no/containers/c1", 404),
        ("/networks/no/endpoints/a/containers/c1", 404),
        ("/services/s/backend/c1", 400),
        ("/services/no/backend/c1", 404),
    ] {
        assert_eq!(server.delete(target).status, status, "{target}");
    }
    before.same(&server.world());
}

#[test]
fn a_namespace_that_is_none() {
    let server = joined();
    let before = server.world();
    let target = "/networks/foo/endpoints/b/containers";
    for place in [r#""netns":"/no/such/file""#, r#""netns":"/etc/passwd""#, r#""pid":4194304"#] {
        let reply = server.post(target, &format!(r#"{{"container_id":"c9",{place}}}"#));
        assert!((400..500).contains(&reply.status), "{place}: {reply:?}");
    }
    before.same(&server.world());
}

#[test]
fn what_is_joined_stays() {
    let server = joined();
    let before = server.world();
    let message = server.delete("/networks/foo/endpoints/a").refused(403, "in_use");
    assert!(message.contains("joined by container c1"), "{message}");
    let message = server.delete("/services/s").refused(403, "in_use");
    assert!(message.contains("joined by container c2"), "{message}");
    let message = server.delete("/networks/foo").refused(403, "in_use");
    assert!(message.ends_with("network foo has active endpoints: a, b, s"), "{message}");
    before.same(&server.world());

    server.delete("/networks/foo/endpoints/a?force=1").empty();
    server.delete("/services/s?force=1").empty();
    server.delete("/networks/foo/endpoints/b?force=0").empty();
    server.delete("/networks/foo").empty();
}

#[test]
fn a_full_pool() {
    let server = Server::start();
    let network = r#"{"name":"small","options":{"subnets":[{"subnet":"10.3.0.0/30"}]}}"#;
    server.post("/networks", network).string();
    server.post("/networks/small/endpoints", r#"{"name":"a"}"#).string();
    let before = server.world();
    let message =
        server.post("/networks/small/endpoints", r#"{"name":"b"}"#).refused(507, "exhausted");
    assert!(message.contains("no free address is left in 10.3.0.0/30"), "{message}");
    before.same(&server.world());
}

#[test]
fn a_prefix_that_several_have() {
    let server = Server::start();
    let mut ids: Vec<String> = Vec::new();
    // Of four hexadecimal digits two in 300 are the same, as likely as not.
    for number in 0..3000 {
        let body = format!(r#"{{"name":"e{number}"}}"#);
        let id = server.post("/networks/none/endpoints", &body).string();
        let twin = ids.iter().any(|other| other[..4] == id[..4]);
        ids.push(id);
        if twin {
            break;
        }
    }
    let last = ids.last().unwrap();
    for list in ["/networks/none/endpoints", "/services"] {
        let message = server.get(&format!("{list}/{}", &last[..4])).refused(400, "invalid");
        assert!(message.contains("ambiguous"), "{message}");
        let found = server.get(&format!("{list}?partial-id={}", &last[..4])).ok();
        assert_eq!(found.as_array().unwrap().len(), 2);
        let found = server.get(&format!("{list}/{}", &last[..32])).ok();
        assert_eq!(found["id"], last.as_str());
        server.get(&format!("{list}/{}", &last[..3])).refused(404, "not_found");
    }
}
