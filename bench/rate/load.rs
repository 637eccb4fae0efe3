//! Loads: many first packets, or many handshakes.

use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, sendmsg, setsockopt, sockopt};

use super::site::{Client, Site};
use crate::common::net::within;
use crate::common::sh;

/// So many before the clock starts: caches are warm, neighbours known.
const WARM: usize = 256;
/// UDP packets of a round, each of a client of its own: few, so that most rounds end before anybody
/// else is given the processor.
const PACKETS: usize = 1024;
/// The host is waited for each time: the queue of a processor has room for 1000 packets.
const WINDOW: usize = 256;
const CONNECTIONS: usize = 128;
/// After so many rounds the host forgets all connections; until then they must not be alike.
const FRESH: usize = 16;

/// Who does what.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// One packet from each of many addresses: the whole price is that of a first packet.
    UdpToVip,
    UdpFromOutside,
    /// Connections that are made and reset, so that none lingers.
    TcpToVip,
    TcpFromOutside,
}

impl Load {
    pub(crate) const ALL: [Load; 4] =
        [Load::UdpToVip, Load::UdpFromOutside, Load::TcpToVip, Load::TcpFromOutside];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Load::UdpToVip => "UDP, container to VIP",
            Load::UdpFromOutside => "UDP, outside to port",
            Load::TcpToVip => "TCP, container to VIP",
            Load::TcpFromOutside => "TCP, outside to port",
        }
    }

    /// What one round took.
    pub(crate) fn round(self, site: &Site, round: usize) -> Took {
        let client = match self {
            Load::UdpToVip | Load::TcpToVip => &site.client,
            Load::UdpFromOutside | Load::TcpFromOutside => &site.outside,
        };
        if round.is_multiple_of(FRESH) {
            within(&site.host.path(), || sh("conntrack -F 2>/dev/null"));
        }
        let took = match self {
            Load::UdpToVip | Load::UdpFromOutside => packets(site, client, round % FRESH),
            Load::TcpToVip | Load::TcpFromOutside => connections(client),
        };
        site.drain();
        took
    }
}

/// On the host's thread, because what it knows of connections is shown to its own; the sockets are in
/// the client's namespace all the same.
fn packets(site: &Site, client: &Client, round: usize) -> Took {
    within(&site.host.path(), || {
        let known = Known::new();
        let from = round * (WARM + PACKETS);
        sent(client, &known, (from, from + WARM));
        let clock = Clock::start();
        sent(client, &known, (from + WARM, from + WARM + PACKETS));
        clock.stop(PACKETS)
    })
}

/// One packet from each client of `from..to`; returns when the host knows all their connections.
fn sent(client: &Client, known: &Known, (from, to): (usize, usize)) {
    let before = known.count();
    let target = SockaddrIn::from(client.to);
    for number in from..to {
        let info = libc::in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: libc::in_addr { s_addr: u32::from(client.source(number)).to_be() },
            ipi_addr: libc::in_addr { s_addr: 0 },
        };
        let (text, source) = ([IoSlice::new(b"?")], [ControlMessage::Ipv4PacketInfo(&info)]);
        let fd = client.socket.as_raw_fd();
        sendmsg(fd, &text, &source, MsgFlags::empty(), Some(&target)).expect("a packet");
        if (number + 1) % WINDOW == 0 {
            known.reach(before + number + 1 - from);
        }
    }
}

/// The host's count of connections.
struct Known(std::fs::File);

impl Known {
    fn new() -> Self {
        Known(std::fs::File::open("/proc/sys/net/netfilter/nf_conntrack_count").unwrap())
    }

    fn count(&self) -> usize {
        let mut text = [0; 32];
        let length = self.0.read_at(&mut text, 0).unwrap();
        std::str::from_utf8(&text[..length]).unwrap().trim().parse().unwrap()
    }

    fn reach(&self, count: usize) {
        let began = Instant::now();
        while self.count() < count {
            assert!(began.elapsed() < Duration::from_secs(5), "{} of {count}", self.count());
        }
    }
}

fn connections(client: &Client) -> Took {
    let one = || {
        let stream = TcpStream::connect(client.to).expect("a connection");
        let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
        setsockopt(&stream, sockopt::Linger, &at_once).unwrap();
    };
    within(&client.ns.path(), || {
        (0..WARM / 8).for_each(|_| one());
        let clock = Clock::start();
        (0..CONNECTIONS).for_each(|_| one());
        clock.stop(CONNECTIONS)
    })
}

impl Client {
    /// One of the addresses that this client has.
    fn source(&self, number: usize) -> Ipv4Addr {
        let base = u32::from(self.sources) + 257;
        Ipv4Addr::from(base + u32::try_from(number).unwrap())
    }

    pub(crate) fn to(address: &str, port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(address.parse().unwrap(), port)
    }
}

/// Connections a second, by the clock and by what this thread had of the processor: nearly all that
/// the kernel does for a connection, it does on the thread that begins it.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) by_clock: f64,
    pub(crate) by_processor: f64,
}

struct Clock {
    began: Instant,
    had: Duration,
}

impl Clock {
    fn start() -> Self {
        Clock { began: Instant::now(), had: processor() }
    }

    fn stop(&self, count: usize) -> Took {
        let rate = |took: Duration| count as f64 / took.as_secs_f64();
        let by_clock = rate(self.began.elapsed());
        Took { by_clock, by_processor: rate(processor().saturating_sub(self.had)) }
    }
}

/// What this thread had of the processor: `/proc/thread-self/schedstat`. It is brought up to date when the
/// thread gives way.
fn processor() -> Duration {
    std::thread::sleep(Duration::from_micros(1));
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// What the rounds took.
#[derive(Clone, Default)]
pub(crate) struct Rates(Vec<Took>);

impl Rates {
    pub(crate) fn push(&mut self, took: Took) {
        self.0.push(took);
    }

    /// Connections a second, by the clock.
    pub(crate) fn rate(&self) -> f64 {
        median(self.0.iter().map(|took| took.by_clock))
    }

    /// How these compare with those: the median of the ratios of each round.
    pub(crate) fn ratio(&self, those: &Rates, of: impl Fn(&Took) -> f64) -> f64 {
        median(self.0.iter().zip(&those.0).map(|(this, that)| of(this) / of(that)))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
