//! `linux/inet_diag.h` by the byte.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::kernel::netlink::build::{self, Manner};
use crate::kernel::netlink::read::{self, attributes};
use crate::model::Proto;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `struct inet_diag_req_v2` up to the port: family, protocol, no extensions, padding, states.
const REQUEST: usize = 56;
/// `struct inet_diag_msg`.
const MESSAGE: usize = 72;
const INET_DIAG_SKV6ONLY: u16 = 11;
/// All addresses that an SCTP socket is bound to, as `struct sockaddr_storage`.
const INET_DIAG_LOCALS: u16 = 12;
const SOCKADDR_STORAGE: usize = 128;
/// States by which TCP and SCTP sockets listen, and UDP sockets are not connected.
const TCP_CLOSE: u32 = 7;
const TCP_LISTEN: u32 = 10;

/// A socket that takes what is sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where it is bound: unspecified for all addresses. An IPv4 address that an IPv6 socket is bound
    /// to (`::ffff:192.0.2.1`) is told as IPv4.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// What `holder` finds its process by.
    pub inode: u32,
    /// Whose it is.
    pub uid: u32,
    /// On `::`, whether it leaves IPv4 out.
    pub v6only: bool,
}

/// `ss -ln` for one protocol and family; of a span of ports the kernel looks for the first only if it
/// is the only one.
pub(super) fn request(proto: Proto, ipv6: bool, ports: &RangeInclusive<u16>) -> Vec<u8> {
    let family = if ipv6 { libc::AF_INET6 } else { libc::AF_INET };
    let state = match proto {
        Proto::Tcp | Proto::Sctp => TCP_LISTEN,
        Proto::Udp => TCP_CLOSE,
    };
    // 0 = any.
    let port = if ports.start() == ports.end() { *ports.start() } else { 0 };
    let mut body = vec![u8::try_from(family).unwrap_or_default(), proto.number(), 0, 0];
    body.extend_from_slice(&(1_u32 << state).to_ne_bytes());
    body.extend_from_slice(&port.to_be_bytes());
    body.resize(REQUEST, 0);
    build::plain(Manner::Dump, SOCK_DIAG_BY_FAMILY, &body)
}

/// Reads what follows the header of a message: a socket, once for each address that it is bound to.
pub(super) fn read(payload: &[u8]) -> Option<Vec<Socket>> {
    let port = read::network_half(payload, 4)?;
    let address = address(payload, read::byte(payload, 0)?, 8)?;
    let (uid, inode) = (read::word(payload, 64)?, read::word(payload, 68)?);
    let mut v6only = false;
    let mut addresses = Vec::new();
    for (kind, value) in attributes(payload.get(MESSAGE..)?) {
        match kind {
            INET_DIAG_SKV6ONLY => v6only = read::byte(value, 0).is_some_and(|byte| byte != 0),
            INET_DIAG_LOCALS => {
                addresses.extend(value.chunks_exact(SOCKADDR_STORAGE).filter_map(sockaddr));
            }
            _ => {}
        }
    }
    if addresses.is_empty() {
        addresses.push(address);
    }
    let socket = |address| Socket { address, port, inode, uid, v6only };
    Some(addresses.into_iter().map(socket).collect())
}

/// `struct sockaddr_in` or `sockaddr_in6`.
fn sockaddr(bytes: &[u8]) -> Option<IpAddr> {
    let family = u8::try_from(read::half(bytes, 0)?).ok()?;
    address(bytes, family, if i32::from(family) == libc::AF_INET { 4 } else { 8 })
}

fn address(bytes: &[u8], family: u8, at: usize) -> Option<IpAddr> {
    let length = match i32::from(family) {
        libc::AF_INET => 4,
        libc::AF_INET6 => 16,
        _ => return None,
    };
    read::address(bytes.get(at..at + length)?).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::captured;
    use crate::kernel::netlink::read::frames;

    /// `ss` asks for sockets that are closed, too, and numbers its request.
    #[test]
    fn requests_are_those_of_ss() {
        let theirs = [
            (Proto::Tcp, false, include_str!("../../../tests/golden/sockets/tcp4_request.hex")),
            (Proto::Tcp, true, include_str!("../../../tests/golden/sockets/tcp6_request.hex")),
            (Proto::Udp, false, include_str!("../../../tests/golden/sockets/udp4_request.hex")),
            (Proto::Udp, true, include_str!("../../../tests/golden/sockets/udp6_request.hex")),
        ];
        for (proto, ipv6, theirs) in theirs {
            let (mut ours, mut theirs) = (request(proto, ipv6, &(1..=2)), captured(theirs));
            theirs[8..12].fill(0);
            let asked = u32::from_ne_bytes(ours[20..24].try_into().unwrap());
            let also = u32::from_ne_bytes(theirs[20..24].try_into().unwrap());
            assert_eq!(asked & also, asked, "{asked:#x} of {also:#x}");
            ours[20..24].fill(0);
            theirs[20..24].fill(0);
            assert_eq!(ours, theirs);
        }
        assert_eq!(
            request(Proto::Sctp, false, &(80..=80))[16..26],
            [2, 132, 0, 0, 0, 4, 0, 0, 0, 80]
        );
    }

    #[test]
    fn sockets_are_read() {
        let read_all = |text: &str| -> Vec<Socket> {
            let bytes = captured(text);
            frames(&bytes).flat_map(|frame| read(frame.payload).unwrap()).collect()
        };
        let socket = |address: &str, inode, v6only| {
            let address = address.parse().unwrap();
            Socket { address, port: 80, inode, uid: 0, v6only }
        };
        let found = read_all(include_str!("../../../tests/golden/sockets/tcp4.hex"));
        assert_eq!(found, [socket("127.0.0.1", 219_419, false)]);
        let found = read_all(include_str!("../../../tests/golden/sockets/tcp6.hex"));
        assert_eq!(found, [socket("127.0.0.2", 219_421, false), socket("::", 219_420, true)]);
        let found = read_all(include_str!("../../../tests/golden/sockets/udp4.hex"));
        assert_eq!(found, [socket("0.0.0.0", 219_423, false)]);
        let found = read_all(include_str!("../../../tests/golden/sockets/udp6.hex"));
        assert_eq!(found, [socket("::1", 219_422, true)]);
    }

    /// By the header: the kernel of the tests has no SCTP.
    #[test]
    fn an_sctp_socket_has_all_its_addresses() {
        let mut payload = vec![0; MESSAGE];
        payload[..6].copy_from_slice(&[10, 10, 0, 0, 0, 80]);
        let mut locals = [0; 2 * SOCKADDR_STORAGE];
        locals[..8].copy_from_slice(&[2, 0, 0, 80, 192, 0, 2, 1]);
        locals[SOCKADDR_STORAGE] = 10;
        locals[SOCKADDR_STORAGE + 23] = 1;
        build::attribute(&mut payload, INET_DIAG_LOCALS, &locals);
        let found: Vec<String> =
            read(&payload).unwrap().iter().map(|socket| socket.address.to_string()).collect();
        assert_eq!(found, ["192.0.2.1", "::1"]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..512), ipv6: bool) {
            if let Some(family) = bytes.first_mut() {
                *family = if ipv6 { 10 } else { 2 };
            }
            let _ = read(&bytes);
        }

        #[test]
        fn any_request_is_one_whole_message(first: u16, last: u16, ipv6: bool, which in 0..3_usize) {
            let proto = [Proto::Tcp, Proto::Udp, Proto::Sctp][which];
            let request = request(proto, ipv6, &(first..=last));
            let told = u32::from_ne_bytes(request[..4].try_into().unwrap());
            prop_assert_eq!(told as usize, request.len());
            prop_assert_eq!(frames(&request).count(), 1);
        }
    }
}
