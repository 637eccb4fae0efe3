//! TLS: beyond loopback, and only with those who show a certificate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::server::Server;

const RUN: &str = "exec \"$0\" \"$@\"";
/// The server's address on a cable to a neighbour, who is a namespace within its own.
const CABLE: &str = "ip netns add neighbour && \
    ip link add cable type veth peer name cable netns neighbour && \
    ip addr add 10.99.0.1/24 dev cable && ip link set cable up && \
    ip -n neighbour addr add 10.99.0.2/24 dev cable && ip -n neighbour link set cable up";

/// Somebody who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), root }
    }

    /// Writes `NAME.pem` and `NAME.key`.
    fn sign(&self, folder: &Path, name: &str) {
        let mut params = CertificateParams::new(vec!["10.99.0.1".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(folder.join(format!("{name}.pem")), signed.pem()).unwrap();
        let path = folder.join(format!("{name}.key"));
        fs::write(&path, key.serialize_pem()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// A folder of certificates.
struct Papers {
    folder: TempDir,
}

impl Papers {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let (ours, other) = (Authority::new("ours"), Authority::new("other"));
        fs::write(folder.path().join("ca.pem"), &ours.root).unwrap();
        fs::write(folder.path().join("other.ca"), &other.root).unwrap();
        ours.sign(folder.path(), "server");
        ours.sign(folder.path(), "alice");
        other.sign(folder.path(), "mallory");
        Papers { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let (cert, key, ca) = (path("server.pem"), path("server.key"), path("ca.pem"));
        let words = ["--tlscert", &cert, "--tlskey", &key, "--tlscacert", &ca];
        words.map(str::to_owned).to_vec()
    }

    fn server(&self, more: &[&str]) -> Server {
        let own = self.arguments();
        let mut all: Vec<&str> = own.iter().map(String::as_str).collect();
        all.extend(more);
        Server::with(&all)
    }

    /// What curl says to a neighbour who shows these papers, or none.
    fn curl(&self, server: &Server, url: &str, papers: &str) -> Result<String, String> {
        let path = |name: String| self.path(&name).to_str().unwrap().to_owned();
        let (cert, key) = (path(format!("{papers}.pem")), path(format!("{papers}.key")));
        let (ca, all) = (path("ca.pem".into()), ["--max-time", "30", "-sS", "--cacert"]);
        let mut line = vec!["ip", "netns", "exec", "neighbour", "curl"];
        line.extend(all);
        line.push(&ca);
        if !papers.is_empty() {
            line.extend(["--cert", &cert, "--key", &key]);
        }
        line.push(url);
        server.try_inside(&line)
    }
}

fn port(server: &Server) -> String {
    let log = server.log();
    let address = log.split("listening on tcp://").nth(1).expect("it listens").lines().next();
    address.unwrap().rsplit(':').next().unwrap().to_owned()
}

/// A server on every address, with a neighbour.
fn neighboured(papers: &Papers, more: &[&str]) -> (Server, String) {
    let mut all = vec!["--listen", "tcp://0.0.0.0:0"];
    all.extend(more);
    let server = papers.server(&all);
    server.inside(&["sh", "-c", CABLE]);
    let url = format!("https://10.99.0.1:{}/networks", port(&server));
    (server, url)
}

#[test]
fn who_shows_a_certificate_is_served_and_named() {
    let papers = Papers::new();
    let (server, url) = neighboured(&papers, &[]);
    let answer = papers.curl(&server, &url, "alice").unwrap();
    assert!(answer.starts_with("[{\"name\":\"none\""), "{answer}");
    let log = server.log();
    let line = log.lines().find(|line| line.contains("path=\"/networks\"")).expect("it is logged");
    assert!(line.contains("peer=10.99.0.2:") && line.contains(" CN=alice"), "{line}");
}

#[test]
fn who_shows_none_or_another_is_not() {
    let papers = Papers::new();
    let (server, url) = neighboured(&papers, &[]);
    for other in ["", "mallory"] {
        let refused = papers.curl(&server, &url, other).unwrap_err();
        assert!(refused.contains("curl: ("), "{other}: {refused}");
    }
    // In plain words nothing is said at all.
    let plain = papers.curl(&server, &url.replace("https", "http"), "").unwrap_err();
    assert!(plain.contains("curl: ("), "{plain}");
    assert!(!server.log().contains("path="), "{}", server.log());
    papers.curl(&server, &url, "alice").unwrap();
}

#[test]
fn papers_change_while_it_runs() {
    let papers = Papers::new();
    let (mut server, url) = neighboured(&papers, &[]);
    let good = fs::read(papers.path("server.key")).unwrap();
    // What is broken changes nothing.
    fs::write(papers.path("server.key"), "nonsense").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for(|server| server.log().contains("going on with what there was"));
    papers.curl(&server, &url, "alice").unwrap();
    // Others are trusted now.
    fs::write(papers.path("server.key"), good).unwrap();
    let ca = fs::read(papers.path("ca.pem")).unwrap();
    fs::rename(papers.path("other.ca"), papers.path("ca.pem")).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for(|server| server.log().matches("read again").count() == 2);
    fs::write(papers.path("ca.pem"), ca).unwrap();
    assert!(papers.curl(&server, &url, "alice").is_err());
    papers.curl(&server, &url, "mallory").unwrap();
}

#[test]
fn a_handshake_that_stalls_ends_and_holds_up_nobody() {
    let papers = Papers::new();
    let (mut server, url) = neighboured(&papers, &["--header-timeout", "1"]);
    let _silent: Vec<_> =
        (0..20).map(|_| server.tcp(&format!("127.0.0.1:{}", port(&server)))).collect();
    papers.curl(&server, &url, "alice").unwrap();
    server.wait_for(|server| server.log().matches("handshake: it took too long").count() == 20);
}

#[test]
fn papers_that_are_none() {
    let papers = Papers::new();
    let start = |change: &dyn Fn(&mut Vec<String>)| {
        let mut all = papers.arguments();
        all.extend(["--listen".to_owned(), "tcp://0.0.0.0:0".to_owned()]);
        change(&mut all);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut server = Server::unready("", RUN, &all);
        (server.ended().code(), server.log())
    };
    let path = |name: &str| papers.path(name).to_str().unwrap().to_owned();
    fs::write(papers.path("empty.pem"), "").unwrap();
    for (at, file, code, why) in [
        (1, path("missing.pem"), 9, "no such file"),
        (1, path("empty.pem"), 2, "there is no certificate in it"),
        (1, path("server.key"), 2, "there is no certificate in it"),
        (3, path("empty.pem"), 2, "no private key in it"),
        (3, path("alice.key"), 2, "server.pem"),
        (5, path("empty.pem"), 2, "there is no certificate in it"),
    ] {
        let (status, log) = start(&|all| all[at].clone_from(&file));
        assert_eq!(status, Some(code), "{file}: {log}");
        assert!(log.contains(why) && log.contains("set up TLS"), "{file}: {log}");
    }
    // One without the others is a mistake of the command line.
    let (status, _) = start(&|all| drop(all.drain(2..4)));
    assert_eq!(status, Some(2));
}

#[test]
fn a_key_that_everybody_can_read_is_pointed_out() {
    let papers = Papers::new();
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(papers.path("server.key"), open).unwrap();
    let server = papers.server(&["--listen", "tcp://127.0.0.1:0"]);
    assert!(server.log().contains("is open to every user (mode 644)"), "{}", server.log());
}

/// The lines of docs/operations.md, as they stand there.
#[test]
fn the_manual_is_right() {
    let manual = include_str!("../../../../docs/operations.md");
    let chapter = manual.split("## Serving other machines").nth(1).expect("the chapter");
    let mut blocks = chapter.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let (recipe, run) = (blocks.next().unwrap(), blocks.next().unwrap());
    let folder = TempDir::new().unwrap();
    let made = std::process::Command::new("sh")
        .args(["-e", "-c", recipe])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let (serve, ask) = run.trim().split_once('\n').unwrap();
    let here = |line: &str| -> Vec<String> {
        let file = |word: &str| {
            let path = folder.path().join(word);
            if path.is_file() { path.to_str().unwrap().to_owned() } else { word.to_owned() }
        };
        line.split(' ').skip(1).map(file).collect()
    };
    let serve = here(serve);
    let serve: Vec<&str> = serve.iter().map(String::as_str).collect();
    let mut server = Server::unready(&format!("{CABLE} && "), RUN, &serve);
    server.wait_for(|server| server.log().contains("listening on"));
    let ask = here(ask);
    let mut line = vec!["ip", "netns", "exec", "neighbour", "curl", "-sS"];
    line.extend(ask.iter().map(String::as_str));
    assert!(server.inside(&line).starts_with("[{"));
}
