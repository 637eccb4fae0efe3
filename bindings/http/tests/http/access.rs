//! Who asked what: one line for each request.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::server::Server;

#[test]
fn a_request_is_a_line_of_the_log() {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    server.get("/networks/a%0Astatus=200%22").refused(404, "not_found");
    let log = server.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("method=")).collect();
    let [created, missed] = lines.as_slice() else { panic!("{log}") };
    // That of this process, which has connected.
    let me = format!("peer=pid={},uid=0,gid=0", std::process::id());
    for part in
        [me.as_str(), "method=POST", "path=\"/networks\"", "status=200", "took=14", "gave=67"]
    {
        assert!(created.contains(part), "{part}: {created}");
    }
    assert!(missed.contains("status=404") && missed.contains("error="), "{missed}");
    // What was asked for is not taken for something else.
    assert!(missed.contains("a%0Astatus=200%22"), "{missed}");
}

#[test]
fn requests_have_a_file_of_their_own_that_can_be_moved_away() {
    let arguments = ["--access-log", "{folder}access", "--log-format", "json"];
    let mut server = Server::with(&arguments);
    let file = |server: &Server, name: &str| {
        fs::read_to_string(server.folder().join(name)).unwrap_or_default()
    };
    server.get("/networks").ok();
    let line: Value = serde_json::from_str(file(&server, "access").trim()).unwrap();
    assert_eq!((&line["method"], &line["status"]), (&"GET".into(), &200.into()));
    assert!(line["peer"].as_str().unwrap().starts_with("pid="), "{line}");
    assert!(line["timestamp"].is_string() && line["ms"].is_number(), "{line}");
    assert!(!server.log().contains("/networks"), "{}", server.log());

    let (from, to) = (server.folder().join("access"), server.folder().join("access.1"));
    fs::rename(from, to).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for(|server| server.log().contains("read again"));
    server.get("/services").ok();
    assert!(file(&server, "access").contains("/services"));
    assert!(!file(&server, "access.1").contains("/services"));
}

#[test]
fn requests_may_go_unnoted() {
    let server = Server::with(&["--access-log", "none"]);
    server.get("/networks").ok();
    assert!(!server.log().contains("method="), "{}", server.log());
}
