//! Many clients, and the end.

use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::client::{connect, receive, request};
use super::server::Server;

#[test]
fn many_clients_at_once() {
    let server = Server::start();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let server = &server;
            scope.spawn(move || {
                for number in 0..5 {
                    let name = format!("e{thread}-{number}");
                    let body = format!(r#"{{"name":"{name}"}}"#);
                    server.post("/networks/foo/endpoints", &body).string();
                    server.post("/networks/foo/endpoints", &body).refused(403, "exists");
                    assert_eq!(server.get(&format!("/services/{name}")).ok()["name"], name);
                    server.delete(&format!("/networks/foo/endpoints/{name}")).empty();
                }
            });
        }
    });
    assert_eq!(server.get("/networks/foo/endpoints").text(), "[]\n");
}

#[test]
fn a_signal_lets_requests_finish_and_takes_the_socket_away() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = Server::start();
        let body = br#"{"name":"foo"}"#;
        let bytes = request("POST", "/networks", body);
        let (first, rest) = bytes.split_at(bytes.len() - body.len() + 3);
        let mut under_way = connect(&server.socket());
        under_way.write_all(first).unwrap();
        let idle = connect(&server.socket());
        // The answer of another shows that the server has seen the first.
        assert_eq!(server.get("/_ping").status, 200);
        server.signal(signal);
        server.wait_for(|server| server.log().contains("stopping"));
        server.wait_for(|server| !server.socket().exists());
        under_way.write_all(rest).unwrap();
        let id = receive(&mut under_way).string();
        assert!(server.ended().success());
        assert!(server.log().contains(&format!("network foo created, id {id}")));
        drop(idle);
    }
}

#[test]
fn a_second_signal_ends_the_waiting() {
    let mut server = Server::start();
    let mut under_way = connect(&server.socket());
    let part = b"POST /networks HTTP/1.1\r\nContent-Length: 100\r\n\r\n{";
    under_way.write_all(part).unwrap();
    assert_eq!(server.get("/_ping").status, 200);
    server.signal(Signal::SIGTERM);
    server.wait_for(|server| server.log().contains("stopping"));
    let began = Instant::now();
    server.signal(Signal::SIGTERM);
    assert!(server.ended().success());
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(server.log().contains("second signal"), "{}", server.log());
}

#[test]
fn what_was_made_is_there_after_a_restart() {
    let mut server = Server::start();
    let id = server.post("/networks", r#"{"name":"foo"}"#).string();
    server.signal(Signal::SIGKILL);
    server.ended();
    let state = server.folder().join("state").to_str().unwrap().to_owned();
    let again = Server::with(&["--listen", "unix://{folder}api.sock", "--state-dir", &state]);
    assert_eq!(again.get("/networks/foo").ok()["id"], id.as_str());
}

#[test]
fn the_service_manager_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let prepare = format!("export NOTIFY_SOCKET={}; ", path.display());
    let mut server = Server::unready(&prepare, "exec \"$0\" \"$@\"", &[]);
    let mut bytes = [0; 64];
    let told = manager.recv(&mut bytes).unwrap();
    assert_eq!(&bytes[..told], b"READY=1\n");
    assert_eq!(server.get("/_ping").status, 200);
    server.signal(Signal::SIGTERM);
    let told = manager.recv(&mut bytes).unwrap();
    assert_eq!(&bytes[..told], b"STOPPING=1\n");
    assert!(server.ended().success());
}
