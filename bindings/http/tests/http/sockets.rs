//! Where it listens, and who may connect.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};

use nix::sys::signal::Signal;

use super::client::{exchange, request};
use super::server::Server;

const RUN: &str = "exec \"$0\" \"$@\"";

#[test]
fn the_socket_is_for_its_owner_and_group() {
    let server = Server::start();
    let found = fs::metadata(server.socket()).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o660, 0, 0));

    let grouped = Server::with(&["--group", "daemon"]);
    let found = fs::metadata(grouped.socket()).unwrap();
    assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o660, 0, 1));

    // Whatever the mask.
    let mut open = Server::unready("umask 0; ", RUN, &[]);
    open.wait_for(|server| server.log().contains("listening on"));
    assert_eq!(fs::metadata(open.socket()).unwrap().mode() & 0o7777, 0o660);

    let mut nobody = Server::unready("", RUN, &["--group", "no-such-group"]);
    assert_eq!(nobody.ended().code(), Some(3));
    assert!(nobody.log().contains("no group no-such-group"), "{}", nobody.log());
}

#[test]
fn without_a_word_it_listens_where_the_documents_say() {
    let mut server = Server::unready("", "exec \"$0\" # LISTEN_FDS is not set", &[]);
    server.wait_for(|server| server.log().contains("listening on"));
    let said = "listening on unix:///run/netberth/netberthd.sock";
    assert!(server.log().contains(said), "{}", server.log());
    let found = server.inside(&["stat", "-c", "%a %F", "/run/netberth/netberthd.sock"]);
    assert_eq!(found.trim(), "660 socket");
}

#[test]
fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
    let mut first = Server::start();
    let path = format!("unix://{}", first.socket().display());
    let mut second = Server::unready("", RUN, &["--listen", &path]);
    assert_eq!(second.ended().code(), Some(4));
    assert!(second.log().contains("somebody listens"), "{}", second.log());
    assert_eq!(first.get("/_ping").status, 200);

    first.signal(Signal::SIGKILL);
    first.ended();
    assert!(first.socket().exists());
    let mut third = Server::unready("", RUN, &["--listen", &path]);
    third.wait_for(|server| server.log().contains("listening on"));
    assert_eq!(first.get("/_ping").status, 200);
    third.signal(Signal::SIGTERM);
    assert!(third.ended().success());
    assert!(!first.socket().exists());
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let path = format!("unix://{}", file.display());
    let mut server = Server::unready("", RUN, &["--listen", &path]);
    assert_eq!(server.ended().code(), Some(4));
    assert!(server.log().contains("not a socket"), "{}", server.log());
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_socket_of_someone_else_is_not_removed_at_the_end() {
    let mut server = Server::start();
    fs::remove_file(server.socket()).unwrap();
    let _theirs = UnixListener::bind(server.socket()).unwrap();
    server.signal(Signal::SIGTERM);
    assert!(server.ended().success());
    assert!(UnixStream::connect(server.socket()).is_ok());
}

#[test]
fn tcp_on_loopback_and_the_port_that_was_chosen() {
    let server = Server::with(&[
        "--listen",
        "unix://{folder}api.sock",
        "--listen",
        "tcp://127.0.0.1:0",
        "--listen",
        "tcp://[::1]:0",
    ]);
    let log = server.log();
    let addresses: Vec<&str> =
        log.lines().filter_map(|line| line.split("listening on tcp://").nth(1)).collect();
    assert_eq!(addresses.len(), 2, "{log}");
    for address in addresses {
        assert!(!address.ends_with(":0"));
        let ask = request("GET", "/_ping", b"");
        let reply = exchange(&mut server.tcp(address), &ask);
        assert_eq!(reply.text(), "OK");
        // A web page that a user of this host looks at must not command its network.
        let page = "POST /networks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                    Origin: http://example.org\r\nContent-Length: 12\r\n\r\n{\"name\":\"a\"}";
        let reply = exchange(&mut server.tcp(address), page.as_bytes());
        reply.refused(403, "denied");
    }
    assert_eq!(server.get("/networks").ok().as_array().unwrap().len(), 3);
}

#[test]
fn tcp_elsewhere_is_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.168.7.1:80", "[::ffff:127.0.0.1]:0"] {
        let mut server = Server::unready("", RUN, &["--listen", &format!("tcp://{address}")]);
        assert_eq!(server.ended().code(), Some(7), "{address}");
        assert!(server.log().contains("is not a loopback address"), "{}", server.log());
    }
}

/// Makes a listening socket as descriptor 3 and becomes the server.
fn activated(python: &str) -> String {
    format!(
        "exec python3 -c 'import os, socket, sys\n{python}\nos.dup2(s.fileno(), 3)\nos.set_inheritable(3, True)\n\
         os.environ[\"LISTEN_FDS\"] = \"1\"\nos.environ[\"LISTEN_PID\"] = str(os.getpid())\n\
         os.execv(sys.argv[1], sys.argv[1:])' \"$0\" \"$@\""
    )
}

#[test]
fn sockets_of_a_service_manager() {
    let unix = "s = socket.socket(socket.AF_UNIX)\n\
                s.bind(os.environ[\"FOLDER\"] + \"/api.sock\")\ns.listen()";
    let mut server = Server::unready("", &activated(unix), &[]);
    server.wait_for(|server| server.log().contains("listening on"));
    assert_eq!(server.get("/_ping").text(), "OK");
    assert_eq!(server.log().matches("listening on").count(), 1);
    server.signal(Signal::SIGTERM);
    assert!(server.ended().success());
    assert!(server.socket().exists(), "it belongs to the service manager");

    let tcp = "s = socket.create_server((\"127.0.0.1\", 0))";
    let mut server = Server::unready("", &activated(tcp), &[]);
    server.wait_for(|server| server.log().contains("listening on tcp://127.0.0.1:"));

    let everywhere = "s = socket.create_server((\"0.0.0.0\", 0))";
    let mut server = Server::unready("", &activated(everywhere), &[]);
    assert_eq!(server.ended().code(), Some(7));
    assert!(server.log().contains("is not a loopback address"), "{}", server.log());
}
