//! A host with services, a client on their network and one outside.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use netberth::model::{JoinSpec, ServiceSpec};
use nix::sys::socket::{Backlog, listen};

use super::linear;
use crate::common::bed::{Bed, HOST4, OUTSIDE4, inside};
use crate::common::net::{PORT, within};
use crate::common::sh;

/// How many back ends a service has; the same containers are behind all of them.
const BACKENDS: usize = 10;
/// The host's port of the first service.
pub(crate) const FIRST: usize = 20_000;

/// By whose rules.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rules {
    Netberth,
    Linear,
}

/// A namespace, kept by its descriptor: paths are seen by their own host only.
pub(crate) struct Space(File);

impl Space {
    fn of(path: &Path) -> Self {
        Space(File::open(path).unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

/// Who asks whom.
pub(crate) struct Client {
    pub(crate) ns: Space,
    /// The network of addresses that it may ask from, a /16.
    pub(crate) sources: Ipv4Addr,
    pub(crate) socket: UdpSocket,
    pub(crate) to: SocketAddrV4,
}

impl Client {
    fn new(ns: &Path, sources: [u8; 4], to: SocketAddrV4) -> Self {
        let socket = within(ns, || UdpSocket::bind("0.0.0.0:0").unwrap());
        Client { ns: Space::of(ns), sources: sources.into(), socket, to }
    }
}

pub(crate) struct Site {
    pub(crate) host: Space,
    pub(crate) client: Client,
    pub(crate) outside: Client,
    servers: Vec<(TcpListener, UdpSocket)>,
}

impl Site {
    pub(crate) fn new(bed: &Bed<'_>, rules: Rules, services: usize) -> Self {
        let outside = bed.outside();
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.88.0.0/16"}]}}"#);
        let backs: Vec<_> =
            (0..BACKENDS).map(|at| bed.container("foo", &format!("b{at}"))).collect();
        let servers = backs.iter().map(|back| server(&back.key)).collect();
        let client = bed.container("foo", "client");
        for (ns, sources) in [(&client.key, "10.99.0.0/16"), (&outside, "10.98.0.0/16")] {
            inside(ns, &format!("ip route add local {sources} dev lo"));
        }
        sh(&format!(
            "ip route add 10.99.0.0/16 via {} dev {} && ip route add 10.98.0.0/16 via {OUTSIDE4}",
            client.v4,
            bed.bridge("foo")
        ));
        // The host counts what it knows: it must not forget before it is told to.
        sh("cd /proc/sys/net/netfilter && for it in udp_timeout tcp_timeout_close; do \
            echo 3600 > nf_conntrack_$it; done");
        let vip = match rules {
            Rules::Netberth => published(bed, services),
            Rules::Linear => {
                let addresses: Vec<&str> = backs.iter().map(|back| back.v4.as_str()).collect();
                linear::load(bed, services, &addresses)
            }
        };
        let published = Client::to(HOST4, u16::try_from(FIRST + services - 1).unwrap());
        Site {
            host: Space::of(Path::new("/proc/thread-self/ns/net")),
            client: Client::new(&client.key, [10, 99, 0, 0], Client::to(&vip, PORT)),
            outside: Client::new(&outside, [10, 98, 0, 0], published),
            servers,
        }
    }

    /// Takes what waits, so that the next round finds room; everybody must have got something.
    pub(crate) fn drain(&self) {
        for (tcp, udp) in &self.servers {
            let mut taken = 0;
            while tcp.accept().is_ok() {
                taken += 1;
            }
            while udp.recv(&mut [0; 8]).is_ok() {
                taken += 1;
            }
            assert!(taken > 0, "a back end got nothing");
        }
    }
}

/// Nobody takes connections while the clock runs: the kernel shakes hands by itself.
fn server(ns: &Path) -> (TcpListener, UdpSocket) {
    let any = ("0.0.0.0", PORT);
    let (tcp, udp) =
        within(ns, || (TcpListener::bind(any).unwrap(), UdpSocket::bind(any).unwrap()));
    listen(&tcp, Backlog::new(4096).unwrap()).unwrap();
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    (tcp, udp)
}

/// Publishes services and attaches all containers to each; tells the last one's address.
fn published(bed: &Bed<'_>, services: usize) -> String {
    let mut took = Vec::new();
    for number in 0..services {
        let began = Instant::now();
        publish(bed, number);
        took.push(began.elapsed());
    }
    if services > 1 {
        let ten = 10.min(services);
        let mean = |part: &[Duration]| part.iter().sum::<Duration>() / u32::try_from(ten).unwrap();
        let (first, last) = (mean(&took[..ten]), mean(&took[services - ten..]));
        println!(
            "to publish a service and attach {BACKENDS} back ends: the first {ten} {first:.1?} \
             each, the last {ten} of {services} {last:.1?} each, {:.1} times as long",
            last.as_secs_f64() / first.as_secs_f64()
        );
    }
    let last = bed.netberth.service(&name(services - 1), true).unwrap().more.unwrap();
    last.addresses[0].split('/').next().unwrap().to_owned()
}

/// Two words cannot stand in a hosts file: files of ten thousand lines, each written anew ten thousand
/// times, would take longer than all the rest.
fn name(number: usize) -> String {
    format!("number {number}")
}

fn publish(bed: &Bed<'_>, number: usize) {
    let host_port = FIRST + number;
    let json = format!(
        "{{\"name\":\"{}\",\"network_name\":\"foo\",\"balance\":\"random\",\"port_mapping\":[\
         {{\"proto\":6,\"port\":{PORT},\"host_port\":{host_port}}},\
         {{\"proto\":17,\"port\":{PORT},\"host_port\":{host_port}}}]}}",
        name(number)
    );
    let spec = ServiceSpec::from_json(json.as_bytes()).unwrap();
    let id = bed.netberth.service_publish(&spec).unwrap().to_string();
    for at in 0..BACKENDS {
        let spec = JoinSpec::from_json(format!("{{\"container_id\":\"b{at}\"}}").as_bytes());
        bed.netberth.service_attach(&id, &spec.unwrap()).unwrap();
    }
}
