//! Who listens: `ss -ln`, over raw `SOCK_DIAG`.

mod diag;
mod holder;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

pub use self::diag::Socket;
pub use self::holder::{Holder, holder};

use super::netlink;
use crate::error::{Doing, Error, Kind, Result};
use crate::model::Proto;

/// A program that has a port which a mapping is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The lowest port that is taken.
    pub port: u16,
    /// Where the program listens; unspecified where it listens on all addresses.
    pub address: IpAddr,
    /// Who it is: `nginx (pid 812)`.
    pub holder: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conflict { port, address, holder } = self;
        write!(f, "{holder} has {}", SocketAddr::new(*address, *port))
    }
}

/// The sockets of the calling thread's namespace that take what is sent to a port: TCP and SCTP
/// sockets that listen, UDP sockets that are bound and not connected. `ss -ln sport = PORT`.
///
/// A kernel without SCTP has no such sockets. Kind `unsupported` where the kernel cannot tell.
pub fn listening(proto: Proto, port: u16) -> Result<Vec<Socket>> {
    among(proto, &(port..=port))
}

fn among(proto: Proto, ports: &RangeInclusive<u16>) -> Result<Vec<Socket>> {
    let doing = || format!("ss -ln # {proto}");
    let mut netlink = netlink::socket::Socket::open_for(netlink_sys::protocols::NETLINK_SOCK_DIAG)
        .doing(doing)?;
    let mut found = Vec::new();
    for ipv6 in [false, true] {
        let request = diag::request(proto, ipv6, ports);
        match netlink.dump(&request, diag::read) {
            Ok(sockets) => found.extend(sockets.into_iter().flatten()),
            // Nobody answers for the protocol, and the kernel has found no module that would.
            Err(error) if error.errno() == Some(libc::ENOENT) => match proto {
                Proto::Sctp => {}
                Proto::Tcp | Proto::Udp => return Err(cannot_tell(proto)).doing(doing),
            },
            Err(error) => return Err(error.doing(doing())),
        }
    }
    found.retain(|socket: &Socket| ports.contains(&socket.port));
    Ok(found)
}

fn cannot_tell(proto: Proto) -> Error {
    let what = format!("the kernel does not tell of {proto} sockets: load the module {proto}_diag");
    Error::new(Kind::Unsupported, what).with_errno(libc::ENOENT)
}

/// The first port of a span at which a program of the calling thread's namespace listens for what a
/// mapping on `host_ip` (all addresses where absent, all of a family where unspecified) is to have. [`PortAsk`](crate::plan::PortAsk)
/// says what is in the way of what.
pub fn conflict(
    proto: Proto,
    host_ip: Option<IpAddr>,
    ports: &RangeInclusive<u16>,
) -> Result<Option<Conflict>> {
    let mut sockets = among(proto, ports)?;
    sockets.retain(|socket| clash(host_ip, socket.address, socket.v6only));
    let Some(first) = sockets.into_iter().min_by_key(|socket| socket.port) else {
        return Ok(None);
    };
    let holder = match holder(first.inode) {
        Some(holder) => holder.to_string(),
        // A server in the kernel, or a process of a PID namespace that is not seen from here.
        None => format!("a socket of user {} whose process is not to be seen", first.uid),
    };
    Ok(Some(Conflict { port: first.port, address: first.address, holder }))
}

/// A datagram of `SOCK_DIAG`, for the fuzz targets; how many sockets it tells of.
#[cfg(feature = "testing")]
pub fn read_anything(datagram: &[u8]) -> usize {
    let sockets = netlink::read::frames(datagram).filter_map(|frame| diag::read(frame.payload));
    sockets.flatten().filter(|socket| clash(None, socket.address, socket.v6only)).count()
}

/// Whether a mapping on `host_ip` and a socket at `address` want the same packets.
pub(super) fn clash(host_ip: Option<IpAddr>, address: IpAddr, v6only: bool) -> bool {
    // Chain nat_out leaves the rest of 127.0.0.0/8 alone: a resolver on 127.0.0.53 keeps its port.
    let apart =
        address.is_ipv4() && address.is_loopback() && address != IpAddr::from([127, 0, 0, 1]);
    let Some(ip) = host_ip.map(|ip| ip.to_canonical()) else { return !apart };
    let wide = ip.is_unspecified() || address.is_unspecified();
    let both = address.is_unspecified() && address.is_ipv6() && !v6only;
    ip == address || both || (wide && !apart && ip.is_ipv6() == address.is_ipv6())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clashes() {
        let all = ["0.0.0.0", "::", "127.0.0.1", "127.0.0.53", "192.0.2.1", "::1", "fd00::1"];
        let clashing = |host_ip: Option<&str>, v6only| {
            let host_ip = host_ip.map(|ip| ip.parse().unwrap());
            let clashes = |text: &&str| clash(host_ip, text.parse().unwrap(), v6only);
            all.into_iter().filter(clashes).collect::<Vec<_>>()
        };
        let rest = ["0.0.0.0", "::", "127.0.0.1", "192.0.2.1", "::1", "fd00::1"];
        assert_eq!(clashing(None, true), rest);
        let four = ["0.0.0.0", "127.0.0.1", "192.0.2.1"];
        assert_eq!(clashing(Some("0.0.0.0"), true), four);
        assert_eq!(clashing(Some("0.0.0.0"), false), ["0.0.0.0", "::", "127.0.0.1", "192.0.2.1"]);
        for v6only in [false, true] {
            assert_eq!(clashing(Some("::"), v6only), ["::", "::1", "fd00::1"]);
        }
        assert_eq!(clashing(Some("192.0.2.1"), false), ["0.0.0.0", "::", "192.0.2.1"]);
        assert_eq!(clashing(Some("192.0.2.1"), true), ["0.0.0.0", "192.0.2.1"]);
        assert_eq!(clashing(Some("fd00::1"), false), ["::", "fd00::1"]);
        assert_eq!(clashing(Some("fd00::1"), true), ["::", "fd00::1"]);
        assert_eq!(clashing(Some("::ffff:127.0.0.1"), true), ["0.0.0.0", "127.0.0.1"]);
    }
}
