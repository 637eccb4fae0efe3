//! What is malformed, unknown or not allowed is told so, and nothing has changed afterwards.

use std::collections::BTreeMap;

use super::server::Server;

/// Method, path, body, status, kind, and a part of the message.
type Case<'a> = (&'a str, &'a str, &'a str, u16, &'a str, &'a str);

#[track_caller]
fn all_refused(server: &Server, cases: &[Case<'_>]) {
    let before = server.world();
    for (method, target, body, status, kind, part) in cases {
        let reply = server.send(method, target, body);
        assert_eq!(reply.status, *status, "{method} {target} {body}: {reply:?}");
        let message = reply.refused(*status, kind);
        assert!(message.contains(part), "{method} {target} {body}: {message}");
        // What a rehearsal refuses is what the verb refuses.
        if *method != "GET" {
            let rehearsed = server.send(method, &format!("{target}?dry_run=1"), body);
            assert_eq!(rehearsed.refused(*status, kind), message, "{method} {target} {body}");
        }
    }
    before.same(&server.world());
}

#[test]
fn documents_that_are_none() {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    server.post("/networks/foo/endpoints", r#"{"name":"e"}"#).string();
    let targets = [
        "/networks",
        "/networks/foo/endpoints",
        "/networks/foo/endpoints/e/containers",
        "/services",
        "/services/e/backend",
    ];
    let documents = [
        ("", "empty body"),
        (" ", "line 1 column"),
        ("{", "line 1 column 1"),
        ("[]", "expected a JSON object at line 1 column"),
        ("null", "expected a JSON object at line 1 column"),
        ("\"a\"", "expected a JSON object at line 1 column"),
        ("{} x", "trailing characters at line 1 column 4"),
        ("{}{}", "trailing characters at line 1 column 3"),
        ("{\n\"nothing\": 1}", "unknown key `nothing`"),
        ("{\"a\":\u{1}}", "line 1 column"),
        ("name=a", "line 1 column"),
    ];
    let cases: Vec<Case<'_>> = targets
        .iter()
        .flat_map(|target| documents.iter().map(move |(body, part)| (*target, *body, *part)))
        .map(|(target, body, part)| ("POST", target, body, 400, "invalid", part))
        .collect();
    all_refused(&server, &cases);

    let invalid_utf8 = b"POST /networks HTTP/1.1\r\nConnection: close\r\nContent-Length: 12\r\n\r\n{\"name\":\"\xff\"}";
    server.raw(invalid_utf8).refused(400, "invalid");
    let nested = format!("{{\"options\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    server.post("/networks", &nested).refused(400, "invalid");
    let deep = format!(
        "{{\"options\":{{\"com.docker.network.generic\":{{\"AllowNonDefaultBridge\":{}1{}}}}}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    server.post("/networks", &deep).refused(400, "invalid");
}

#[test]
fn networks() {
    let server = Server::start();
    server.inside(&["ip", "link", "add", "theirs", "type", "bridge"]);
    server.inside(&["ip", "addr", "add", "10.99.0.1/16", "dev", "theirs"]);
    server.inside(&["ip", "link", "set", "theirs", "up"]);
    let foo = r#"{"name":"foo","options":{"subnets":[{"subnet":"10.50.0.0/16"}]}}"#;
    server.post("/networks", foo).string();
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(256));
    let bad = |options: &str| format!(r#"{{"name":"new","options":{options}}}"#);
    let options: BTreeMap<&str, (String, u16, &str)> = [
        (r#"{"mtu":67}"#, 400, "invalid"),
        (r#"{"mtu":65536}"#, 400, "invalid"),
        (r#"{"mtu":-1}"#, 400, "invalid"),
        (r#"{"mtu":1.5}"#, 400, "invalid"),
        (r#"{"ipv6":"maybe"}"#, 400, "invalid"),
        (r#"{"internal":"yes"}"#, 400, "invalid"),
        (r#"{"colour":"blue"}"#, 400, "invalid"),
        (r#"{"bridge":"a/b"}"#, 400, "invalid"),
        (r#"{"bridge":"sixteen-bytes-xx"}"#, 400, "invalid"),
        (r#"{"host_binding":"here"}"#, 400, "invalid"),
        (r#"{"labels":{"a":1}}"#, 400, "invalid"),
        (r#"{"subnets":[{}]}"#, 400, "invalid"),
        (r#"{"subnets":[{"subnet":"10.1.0.0/33"}]}"#, 400, "invalid"),
        (r#"{"subnets":[{"subnet":"10.1.0.0/16","gateway":"10.2.0.1"}]}"#, 400, "invalid"),
        (r#"{"subnets":[{"subnet":"10.1.0.0/16","range":"10.2.0.0/24"}]}"#, 400, "invalid"),
        (r#"{"subnets":[{"subnet":"10.1.0.0/16"},{"subnet":"10.1.1.0/24"}]}"#, 400, "invalid"),
        (r#"{"com.docker.network.generic":{"Mtu":"many"}}"#, 400, "invalid"),
        (r#"{"com.docker.network.generic":{"EnableIPTables":false}}"#, 501, "unsupported"),
        (r#"{"subnets":[{"subnet":"10.50.1.0/24"}]}"#, 403, "exists"),
        (r#"{"subnets":[{"subnet":"10.0.0.0/8"}]}"#, 403, "exists"),
        (r#"{"subnets":[{"subnet":"10.99.1.0/24"}]}"#, 403, "exists"),
        (r#"{"bridge":"theirs"}"#, 403, "denied"),
        (r#"{"bridge":"lo"}"#, 403, "denied"),
    ]
    .map(|(text, status, kind)| (text, (bad(text), status, kind)))
    .into();
    let mut cases: Vec<Case<'_>> = options
        .values()
        .map(|(body, status, kind)| ("POST", "/networks", body.as_str(), *status, *kind, ""))
        .collect();
    cases.extend([
        ("POST", "/networks", "{}", 400, "invalid", "network name is empty"),
        ("POST", "/networks", r#"{"name":null}"#, 400, "invalid", "network name is empty"),
        ("POST", "/networks", r#"{"name":1}"#, 400, "invalid", "name: invalid type"),
        ("POST", "/networks", r#"{"name":"a.b"}"#, 400, "invalid", "'.'"),
        ("POST", "/networks", r#"{"name":"../a"}"#, 400, "invalid", "not allowed"),
        ("POST", "/networks", r#"{"name":"/a"}"#, 400, "invalid", "'/'"),
        ("POST", "/networks", r#"{"name":"a\u0000b"}"#, 400, "invalid", "not allowed"),
        ("POST", "/networks", r#"{"name":"\ud800"}"#, 400, "invalid", "line 1"),
        ("POST", "/networks", &long, 400, "invalid", "at most 255"),
        ("POST", "/networks", r#"{"name":"foo"}"#, 403, "exists", "foo already exists"),
        ("POST", "/networks", r#"{"name":"bridge"}"#, 403, "exists", "bridge already exists"),
        (
            "POST",
            "/networks",
            r#"{"name":"a","network_type":"macrame"}"#,
            404,
            "not_found",
            "driver not found: `macrame`; known are null, host, bridge",
        ),
        ("POST", "/networks", r#"{"name":"a","network_type":"host"}"#, 403, "denied", "once"),
        ("POST", "/networks", r#"{"name":"a","network_type":"null"}"#, 403, "denied", "once"),
        ("GET", "/networks/nowhere", "", 404, "not_found", "network nowhere not found"),
        ("GET", "/networks/FOO", "", 404, "not_found", "network FOO not found"),
        ("GET", "/networks/%00", "", 404, "not_found", "not found"),
        ("DELETE", "/networks/nowhere", "", 404, "not_found", "nowhere not found"),
        ("DELETE", "/networks/bridge", "", 403, "denied", "predefined"),
        ("DELETE", "/networks/none", "", 403, "denied", "predefined"),
        ("DELETE", "/networks/host", "", 403, "denied", "predefined"),
    ]);
    all_refused(&server, &cases);
    assert_eq!(server.inside(&["ip", "-br", "link", "show", "theirs"]).lines().count(), 1);
}

#[test]
fn endpoints() {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo","options":{"subnets":[{"subnet":"10.7.0.0/24"}]}}"#);
    server.post("/networks/foo/endpoints", r#"{"name":"a","ipv4_address":"10.7.0.9"}"#).string();
    let create = "/networks/foo/endpoints";
    let mut cases: Vec<Case<'_>> = [
        "{}",
        r#"{"name":""}"#,
        r#"{"name":"/"}"#,
        r#"{"name":"//a"}"#,
        r#"{"name":"a/b"}"#,
        r#"{"name":"a.b"}"#,
        r#"{"name":"b","exposed_ports":{}}"#,
        r#"{"name":"b","exposed_ports":[{}]}"#,
        r#"{"name":"b","exposed_ports":[{"proto":1,"port":80}]}"#,
        r#"{"name":"b","exposed_ports":[{"proto":"icmp","port":80}]}"#,
        r#"{"name":"b","exposed_ports":[{"proto":6}]}"#,
        r#"{"name":"b","exposed_ports":[{"proto":6,"port":0}]}"#,
        r#"{"name":"b","exposed_ports":[{"proto":6,"port":65536}]}"#,
        r#"{"name":"b","exposed_ports":[{"proto":6,"port":"80"}]}"#,
        r#"{"name":"b","port_mapping":[{"proto":6,"port":80,"host_port":-1}]}"#,
        r#"{"name":"b","port_mapping":[{"proto":6,"port":80,"host_port":9,"host_port_end":8}]}"#,
        r#"{"name":"b","port_mapping":[{"proto":6,"port":80,"host_ip":"localhost"}]}"#,
        r#"{"name":"b","ipv4_address":"fd00::1"}"#,
        r#"{"name":"b","ipv4_address":"10.7.0.256"}"#,
        r#"{"name":"b","ipv4_address":"10.8.0.2"}"#,
        r#"{"name":"b","ipv6_address":"fd00::1"}"#,
        r#"{"name":"b","mac_address":"01:00:5e:00:00:01"}"#,
        r#"{"name":"b","mac_address":"02:00"}"#,
        r#"{"name":"b","aliases":["x y"]}"#,
        r#"{"name":"b","aliases":"x"}"#,
        r#"{"name":"b","priority":"high"}"#,
    ]
    .map(|body| ("POST", create, body, 400, "invalid", ""))
    .into();
    cases.extend([
        ("POST", create, r#"{"name":"a"}"#, 403, "exists", "endpoint a already exists"),
        ("POST", create, r#"{"name":"b","ipv4_address":"10.7.0.9"}"#, 403, "exists", "endpoint a"),
        ("POST", "/networks/no/endpoints", r#"{"name":"b"}"#, 404, "not_found", "network no"),
        ("GET", "/networks/no/endpoints", "", 404, "not_found", "network no"),
        ("GET", "/networks/foo/endpoints/b", "", 404, "not_found", "endpoint b not found"),
        ("GET", "/networks/bridge/endpoints/a", "", 404, "not_found", "network bridge"),
        ("GET", "/networks/foo/endpoints/%2Fa", "", 404, "not_found", "/a"),
        ("DELETE", "/networks/foo/endpoints/b", "", 404, "not_found", "endpoint b"),
        ("DELETE", "/networks/foo", "", 403, "in_use", "network foo has active endpoints: a"),
    ]);
    all_refused(&server, &cases);
}

#[test]
fn sandboxes_and_unknown_paths() {
    let server = Server::start();
    let mut cases: Vec<Case<'_>> = vec![
        ("GET", "/sandboxes/nobody", "", 404, "not_found", "sandbox nobody not found"),
        ("DELETE", "/sandboxes/nobody", "", 404, "not_found", "sandbox nobody not found"),
        ("GET", "/sandboxes/default", "", 400, "invalid", "container_id"),
        ("GET", "/sandboxes/%2e%2e%2fx", "", 400, "invalid", "container_id"),
        ("DELETE", "/sandboxes/-x", "", 400, "invalid", "container_id"),
        ("GET", "/verify", "", 405, "invalid", "method GET is not allowed here"),
    ];
    for path in [
        "/",
        "/v1.19",
        "/v1.19/",
        "/Networks",
        "/network",
        "/networks/a/b",
        "/joins/a",
        "/verify/all",
        "/networks/none/endpoints/e/containers/c/d",
        "/services/a/backends",
        "/v1.2.3/networks",
        "/v1/v1/networks",
        "/metrics",
        "/info",
        "/%2Fnetworks",
        "/networks%2F",
    ] {
        cases.push(("GET", path, "", 404, "not_found", "page not found"));
    }
    all_refused(&server, &cases);
}
