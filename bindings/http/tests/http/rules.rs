//! The rules that hold for every route.

use std::collections::BTreeSet;

use serde_json::json;

use super::client::{exchange, request};
use super::server::Server;

#[test]
fn one_path_in_many_spellings() {
    let server = Server::start();
    let foo = server.post("/networks", r#"{"name":"foo"}"#).string();
    let pasteur = server.post("/networks/foo/endpoints", r#"{"name":"/lonely_pasteur"}"#).string();
    let umlaut = server.post("/networks", r#"{"name":"straße 1/2"}"#);
    umlaut.refused(400, "invalid");
    server.post("/networks", r#"{"name":"straße %41"}"#).string();
    for path in [
        "/networks/foo",
        "/v1.19/networks/foo",
        "/v1/networks/foo",
        "//networks//foo//",
        "/networks/foo/",
        "///v999.0///networks/foo",
        "/net%77orks/f%6fo",
        "/%76%31/networks/foo",
        "http://anything/networks/foo",
        "http://anything/v1.2/networks/foo?x=1",
    ] {
        assert_eq!(server.get(path).ok()["id"], foo.as_str(), "{path}");
    }
    for selector in [&foo[..64], &foo[..4], &foo[..33], "foo"] {
        assert_eq!(server.get(&format!("/networks/{selector}")).ok()["name"], "foo");
    }
    for path in [
        "/networks/foo/endpoints/%2Flonely_pasteur",
        "/networks/foo/endpoints/%2flonely%5Fpasteur/",
        "/services/%2Flonely_pasteur",
        &format!("/services/{pasteur}"),
    ] {
        assert_eq!(server.get(path).ok()["id"], pasteur.as_str(), "{path}");
    }
    assert_eq!(server.get("/networks/stra%C3%9Fe%20%2541").ok()["name"], "straße %41");
    assert_eq!(server.get("/networks/stra\u{df}e%20%2541").ok()["name"], "straße %41");
    server.get("/networks/stra%C3%9Fe+%2541").refused(404, "not_found");

    for path in [
        "/networks/..",
        "/networks/../networks",
        "/./networks",
        "/networks/%2e%2e/networks",
        "/networks/%2E",
        "/networks/.%2E/x",
        "/v1.19/..",
        "/networks/%zz",
        "/networks/%",
        "/networks/%f",
        "/networks/%ff",
        "/networks/%C3",
        "/..",
    ] {
        server.get(path).refused(400, "invalid");
        server.delete(path).refused(400, "invalid");
    }
    server.get("/networks/foo/endpoints//lonely_pasteur").refused(404, "not_found");
}

#[test]
fn wrong_methods_say_which_are_right() {
    let server = Server::start();
    for (method, path, allowed) in [
        ("PUT", "/networks", "GET,HEAD,POST"),
        ("DELETE", "/networks/", "GET,HEAD,POST"),
        ("PATCH", "/v1.19/networks/foo", "DELETE,GET,HEAD"),
        ("POST", "/networks/foo", "DELETE,GET,HEAD"),
        ("OPTIONS", "/services", "GET,HEAD,POST"),
        ("TRACE", "/services/a/backend", "GET,HEAD,POST"),
        ("GET", "/services/a/backend/c", "DELETE"),
        ("HEAD", "/networks/a/endpoints/b/containers", "POST"),
        ("POST", "/_ping", "GET,HEAD"),
        ("BREW", "/version", "GET,HEAD"),
    ] {
        let reply = server.send(method, path, "");
        assert_eq!(reply.status, 405, "{method} {path}: {reply:?}");
        let found: BTreeSet<&str> = reply.header("allow").unwrap().split(',').collect();
        assert_eq!(found, allowed.split(',').collect(), "{method} {path}");
        if method != "HEAD" {
            assert!(reply.refused(405, "invalid").contains("see the header Allow"));
        }
    }
}

#[test]
fn head_is_get_without_a_body() {
    let server = Server::start();
    for path in ["/networks", "/services", "/_ping", "/version", "/openapi.json", "/nothing", "/.."]
    {
        let (get, head) = (server.get(path), server.send("HEAD", path, ""));
        assert_eq!((head.status, head.text()), (get.status, ""), "{path}");
        for header in ["content-type", "content-length"] {
            assert_eq!(head.header(header), get.header(header), "{path}");
        }
    }
}

#[test]
fn the_server_itself() {
    let server = Server::start();
    let ping = server.get("/_ping");
    assert_eq!((ping.status, ping.text()), (200, "OK"));
    assert!(ping.header("content-type").unwrap().starts_with("text/plain"));
    let kernel = server.inside(&["uname", "-r"]);
    let version = server.get("/version").ok();
    assert_eq!(
        version,
        json!({
            "version": netberth::VERSION,
            "abi": netberth::ABI,
            "kernel": kernel.trim(),
            "commit": netberth::COMMIT,
        })
    );
    for list in ["/sandboxes", "/services", "/networks/bridge/endpoints", "/networks?name=x"] {
        assert_eq!(server.get(list).text(), "[]\n", "{list}");
    }
}

#[test]
fn filters() {
    let server = Server::start();
    let foo = server.post("/networks", r#"{"name":"foo"}"#).string();
    let a = server.post("/networks/foo/endpoints", r#"{"name":"/a"}"#).string();
    let b = server.post("/networks/foo/endpoints", r#"{"name":"b"}"#).string();
    let c = server.post("/networks/none/endpoints", r#"{"name":"b"}"#).string();
    let bridge = server.get("/networks/bridge").ok()["id"].as_str().unwrap().to_owned();
    let ids = |target: &str| -> String {
        let list = server.get(target).ok();
        let ids = list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap());
        ids.collect::<Vec<_>>().join(",")
    };
    let short = |id: &str| id[..16].to_owned();
    assert_eq!(ids("/networks?name=foo"), foo);
    assert_eq!(ids("/networks?name="), bridge);
    assert_eq!(ids("/networks?name"), bridge);
    assert_eq!(ids(&format!("/networks?partial-id={}", short(&foo))), foo);
    assert_eq!(ids("/networks?partial-id=&anything=1&network=x").split(',').count(), 4);
    assert!(ids("/networks?name=FOO").is_empty() && ids("/networks?partial-id=x").is_empty());
    assert_eq!(ids("/networks/foo/endpoints?name=%2Fa"), a);
    assert_eq!(ids("/networks/foo/endpoints?name=/a"), a);
    assert_eq!(ids("/networks/foo/endpoints?name=&network=none"), format!("{a},{b}"));
    assert_eq!(ids(&format!("/networks/foo/endpoints?partial-id={}", short(&b))), b);
    assert_eq!(ids("/services"), format!("{a},{b},{c}"));
    assert_eq!(ids("/services?name=b"), format!("{b},{c}"));
    assert_eq!(ids("/services?network=foo"), format!("{a},{b}"));
    assert_eq!(ids("/services?network=&name=&partial-id="), ids("/services"));
    assert!(ids("/services?network=nowhere").is_empty());
    for bad in [
        "/networks?name=a&partial-id=b",
        "/networks?name=&partial-id=b",
        "/networks?name=%zz",
        "/networks?name=a&name=b",
        "/networks?verbose=yes",
        "/services?name=a&network=b",
        "/services?partial-id=a&network=b",
        "/networks/foo/endpoints?name=a&partial-id=b",
    ] {
        server.get(bad).refused(400, "invalid");
    }
    let message = server.get("/services?name=a&partial-id=b").refused(400, "invalid");
    assert!(message.contains("unsupported query"), "{message}");
}

#[test]
fn bodies() {
    let server = Server::start();
    let pad = |size: usize| {
        let text = r#"{"name":"big"}"#;
        format!("{text}{}", " ".repeat(size - text.len()))
    };
    server.post("/networks", &pad((1 << 20) + 1)).refused(413, "invalid");
    server.post("/networks", &pad(8 << 20)).refused(413, "invalid");
    assert_eq!(server.get("/networks").ok().as_array().unwrap().len(), 3);
    server.post("/networks", &pad(1 << 20)).string();

    let chunked = "POST /networks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                   Transfer-Encoding: chunked\r\nContent-Type: text/nonsense\r\n\r\n\
                   8\r\n{\"name\":\r\n7\r\n\"parts\"\r\n1\r\n}\r\n0\r\n\r\n";
    server.raw(chunked.as_bytes()).string();
    let asking = "POST /networks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                  Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n";
    server.raw(asking.as_bytes()).refused(413, "invalid");
    // What 2015 spelt, and what it left out.
    let old = r#"{"Name":"old","NetworkType":"bridge","Options":null}"#;
    server.post("/networks", old).string();
    let last = r#"{"name":"first","NAME":"last"}"#;
    server.post("/networks", last).string();
    assert_eq!(server.get("/networks/last").ok()["name"], "last");
    server.get("/networks/first").refused(404, "not_found");
}

#[test]
fn connections_are_kept_and_requests_pipelined() {
    let server = Server::start();
    let kept = "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3);
    let bytes = [kept.as_bytes(), &request("GET", "/_ping", b"")].concat();
    let reply = exchange(&mut super::client::connect(&server.socket()), &bytes);
    let all = format!("{}{}", "OK", reply.text());
    assert_eq!(all.matches("HTTP/1.1 200 OK").count(), 3, "{reply:?}");
    let old = server.raw(b"GET /_ping HTTP/1.0\r\n\r\n");
    assert_eq!((old.status, old.text()), (200, "OK"));
    for nonsense in
        ["\r\n\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}x\r\n\r\n"]
    {
        let mut stream = super::client::connect(&server.socket());
        let _ = std::io::Write::write_all(&mut stream, nonsense.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 400"), "{rest:?}");
    }
    let lines = "X-Header: 1\r\n".repeat(200);
    let many = format!("GET /_ping HTTP/1.1\r\nConnection: close\r\n{lines}\r\n");
    assert_eq!(server.raw(many.as_bytes()).status, 431);
}

#[test]
fn one_line_of_log_for_each_request() {
    let server = Server::with(&["--log-format", "json"]);
    server.post("/v1.19/networks", r#"{"name":"foo"}"#).string();
    server.post("/networks", r#"{"name":"foo"}"#).refused(403, "exists");
    let log = server.log();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(requests.len(), 2, "{log}");
    assert_eq!(requests[0]["path"], "/v1.19/networks");
    assert_eq!((&requests[0]["method"], &requests[0]["status"]), (&json!("POST"), &json!(200)));
    assert!(requests[0]["ms"].is_number() && requests[0]["error"].is_null());
    assert!(requests[1]["error"].as_str().unwrap().contains("foo already exists"));
    assert_eq!(log.matches("already exists").count(), 1, "{log}");
    assert_eq!(lines.iter().filter(|line| line["target"] == "netberth").count(), 1, "{log}");
}
