//! What no client may go beyond, and that the others do not notice.

use std::io::{ErrorKind, Read, Write};

use super::client::{connect, exchange, receive, request};
use super::server::Server;

const PING: &str = "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_head_or_a_body_that_does_not_come_ends_the_connection() {
    let server = Server::with(&["--header-timeout", "1", "--body-timeout", "1"]);
    let half = b"GET /networks HTT".as_slice();
    let body = b"POST /networks HTTP/1.1\r\nContent-Length: 100\r\n\r\n{".as_slice();
    let mut slow: Vec<_> = [b"".as_slice(), half, body]
        .iter()
        .cycle()
        .take(30)
        .map(|part| {
            let mut stream = connect(&server.socket());
            stream.write_all(part).unwrap();
            stream
        })
        .collect();
    server.post("/networks", r#"{"name":"foo"}"#).string();
    for (index, stream) in slow.iter_mut().enumerate() {
        let mut said = String::new();
        // It ends; whether with words or without.
        let _ = stream.read_to_string(&mut said);
        if index % 3 == 2 {
            assert!(said.starts_with("HTTP/1.1 408"), "{said}");
            assert!(said.contains("the body did not arrive in 1 s"), "{said}");
        }
    }
}

#[test]
fn who_does_not_read_is_dropped() {
    let mut server = Server::with(&["--write-timeout", "1", "--log-level", "debug"]);
    let mut deaf = connect(&server.socket());
    deaf.set_nonblocking(true).unwrap();
    // Answers pile up until no buffer has room.
    let ask = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    for _ in 0..2000 {
        match deaf.write(ask.as_bytes()) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    server.post("/networks", r#"{"name":"foo"}"#).string();
    server.wait_for(|server| server.log().contains("connection: "));
}

#[test]
fn one_peer_does_not_take_all_the_room() {
    let server = Server::with(&[
        "--listen",
        "unix://{folder}api.sock",
        "--listen",
        "tcp://127.0.0.1:0",
        "--max-connections-per-peer",
        "4",
    ]);
    let tcp = server.log();
    let tcp = tcp.split("listening on tcp://").nth(1).unwrap().lines().next().unwrap();
    let mut idle: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = connect(&server.socket());
            stream.write_all(PING.as_bytes()).unwrap();
            let mut some = [0; 15];
            stream.read_exact(&mut some).unwrap();
            assert_eq!(&some, b"HTTP/1.1 200 OK");
            stream
        })
        .collect();
    let reply = server.get("/_ping");
    assert_eq!(reply.json()["kind"], "busy");
    assert_eq!((reply.status, reply.header("connection")), (503, Some("close")));
    // Somebody else is served meanwhile.
    let other = exchange(&mut server.tcp(tcp), &request("GET", "/_ping", b""));
    assert_eq!(other.text(), "OK");
    // The server sees that a connection has ended when it reads of it.
    idle.pop();
    let at_last = (0..1000).any(|_| server.get("/_ping").status == 200);
    assert!(at_last, "{}", server.log());
}

#[test]
fn more_than_there_is_room_for_wait_and_are_served() {
    let server = Server::with(&["--max-connections", "2", "--header-timeout", "1"]);
    let _idle: Vec<_> = (0..8).map(|_| connect(&server.socket())).collect();
    assert_eq!(server.get("/_ping").status, 200);
}

#[test]
fn a_peer_that_is_gone_is_asked_for() {
    let server = Server::with(&["--listen", "tcp://127.0.0.1:0"]);
    let log = server.log();
    let address = log.split("listening on tcp://").nth(1).unwrap().lines().next().unwrap();
    let mut stream = server.tcp(address);
    stream.write_all(PING.as_bytes()).unwrap();
    let mut some = [0; 15];
    stream.read_exact(&mut some).unwrap();
    let port = address.rsplit(':').next().unwrap();
    let sockets = server.inside(&["ss", "-tnoH", "sport", "=", port]);
    assert!(sockets.contains("timer:(keepalive"), "{sockets}");
}

#[test]
fn bounds_are_checked() {
    for line in [["--header-timeout", "0"], ["--body-timeout", "3601"], ["--max-connections", "0"]]
    {
        let mut server = Server::unready("", "exec \"$0\" \"$@\"", &line);
        assert_eq!(server.ended().code(), Some(2), "{line:?}");
    }
}

/// A connection that is kept does not wait longer than the head of a request may.
#[test]
fn a_pause_between_requests_is_bounded() {
    let server = Server::with(&["--header-timeout", "1"]);
    let mut stream = connect(&server.socket());
    stream.write_all(PING.as_bytes()).unwrap();
    let said = receive(&mut stream);
    assert_eq!((said.status, said.text()), (200, "OK"));
}
