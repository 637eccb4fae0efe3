//! Other programs that have rules on the host.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test bed says so and ends")]

use std::io::Read;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use netberth::model::Difference;

use super::bed::{Bed, Container, HOST4, inside};
use super::net::{PORT, within};
use super::sh;

pub const DOCKER: &str = include_str!("../foreign/docker.nft");
pub const UFW: &str = include_str!("../foreign/ufw.nft");
pub const FIREWALLD: &str = include_str!("../foreign/firewalld.nft");

pub fn nft(script: &str) {
    sh(&format!("nft -f - <<'END'\n{script}\nEND"));
}

/// Every table but netberth's, byte for byte, without counts.
pub fn others() -> String {
    let tables = sh("nft list tables");
    let others = tables.lines().filter(|line| !line.ends_with("inet netberth"));
    others.map(|table| sh(&format!("nft -s list {table}"))).collect()
}

/// Where `br_netfilter` is built in, a new namespace has it on.
pub fn without_br_netfilter() {
    sh("for call in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do \
        [ ! -e $call ] || echo 0 > $call; done");
}

/// The host's own namespace.
pub fn host_path() -> PathBuf {
    std::fs::canonicalize("/proc/thread-self").unwrap().join("ns/net")
}

/// A network `foo` of both families, with `web` that publishes [`PORT`], and its sibling.
pub fn furnish(bed: &Bed<'_>) -> (Container, Container) {
    bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
    let map =
        |proto: &str| format!("{{\"proto\":\"{proto}\",\"port\":{PORT},\"host_port\":{PORT}}}");
    let ports = [map("tcp"), map("udp")].join(",");
    bed.endpoint("foo", &format!("{{\"name\":\"web\",\"port_mapping\":[{ports}]}}"));
    (bed.join("foo", "web", r#"{"container_id":"web"}"#), bed.container("foo", "sibling"))
}

/// And away with it.
pub fn clear(bed: &Bed<'_>) {
    bed.remove("foo", "web");
    bed.remove("foo", "sibling");
    bed.netberth.network_delete("foo").unwrap();
}

pub fn differences(bed: &Bed<'_>) -> Vec<Difference> {
    bed.netberth.verify().unwrap().differences
}

#[track_caller]
pub fn clean(bed: &Bed<'_>) {
    assert_eq!(differences(bed), []);
}

/// What an [`super::net::Echo`] says that is reached by another port than its own.
pub fn answer(from: &Path, to: &str, port: u16) -> Option<String> {
    let to = SocketAddr::new(to.parse().unwrap(), port);
    within(from, || {
        let wait = Duration::from_millis(1500);
        let mut stream = TcpStream::connect_timeout(&to, wait).ok()?;
        stream.set_read_timeout(Some(wait)).ok()?;
        let mut seen = String::new();
        stream.read_to_string(&mut seen).ok()?;
        Some(seen)
    })
}

/// Whether somebody listens who can be reached.
pub fn connects(from: &Path, to: &str, port: u16) -> bool {
    let to = SocketAddr::new(to.parse().unwrap(), port);
    within(from, || TcpStream::connect_timeout(&to, Duration::from_millis(500)).is_ok())
}

/// Docker's bridge with one container, and its rules.
pub fn docker(bed: &Bed<'_>) -> PathBuf {
    let path = bed.namespace("docked");
    let p = path.display();
    sh(&format!(
        "echo 1 > /proc/sys/net/ipv4/ip_forward; \
         ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && \
         ip link set docker0 up && \
         ip link add vethd master docker0 type veth peer name eth0 netns {p} && \
         ip link set vethd up"
    ));
    inside(
        &path,
        "ip addr add 172.17.0.2/16 dev eth0; ip link set lo up; ip link set eth0 up; \
         ip route add default via 172.17.0.1",
    );
    nft(DOCKER);
    path
}

/// Does what a difference says is to be done, line by line.
pub fn follow(difference: &Difference) {
    for line in difference.expected.split("; ") {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [program @ ("iptables" | "ip6tables"), "-I", chain, way, name, "-j", "ACCEPT"] => {
                let family = if *program == "iptables" { "ip" } else { "ip6" };
                let field = if *way == "-i" { "iifname" } else { "oifname" };
                let name = name.replace('+', "*");
                nft(&format!("insert rule {family} filter {chain} {field} \"{name}\" accept"));
            }
            [program @ ("iptables" | "ip6tables"), "-I", chain, "-m", "conntrack", ..] => {
                let family = if *program == "iptables" { "ip" } else { "ip6" };
                nft(&format!(
                    "insert rule {family} filter {chain} ct state related,established accept"
                ));
            }
            ["firewall-cmd", "--zone=trusted", interface] => {
                let name = interface.strip_prefix("--add-interface=").unwrap().replace('+', "*");
                for (chains, zone) in
                    [("filter_INPUT_ZONES", "IN"), ("filter_FORWARD_ZONES", "FWD")]
                {
                    nft(&format!(
                        "insert rule inet firewalld {chains} iifname \"{name}\" \
                         goto filter_{zone}_trusted"
                    ));
                }
            }
            ["nft", ..] => nft(line.strip_prefix("nft ").unwrap()),
            _ => panic!("{line}: not a line that can be followed"),
        }
    }
}

/// How many of the datagrams of one flow to the published port have no answer while `work` goes on.
pub fn while_it_flows(from: &Path, work: impl FnOnce()) -> usize {
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flow = scope.spawn(|| {
            within(from, || {
                let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
                socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
                socket.connect((HOST4, PORT)).unwrap();
                let (mut sent, mut lost) = (0, 0);
                // At most as many as two minutes have.
                while sent < 50 || (!ends.load(Ordering::Relaxed) && sent < 100_000) {
                    socket.send(b"?").unwrap();
                    lost += usize::from(socket.recv(&mut [0; 64]).is_err());
                    sent += 1;
                }
                lost
            })
        });
        work();
        ends.store(true, Ordering::Relaxed);
        flow.join().unwrap()
    })
}
