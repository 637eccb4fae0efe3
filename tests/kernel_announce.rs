//! Announcements and facts, with frames and addresses as the running kernel shows them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod common;

use std::os::fd::AsRawFd;

use common::on_a_host;
use common::steps::{MAC, container};
use netberth::kernel::Kernel;
use netberth::plan::{Ask, Step};
use nix::sys::socket::{
    AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, setsockopt, socket,
    sockopt,
};

/// Frames that reach a device of the test's namespace within a while, until there are enough.
fn frames_at(
    device: &str,
    socket: &std::os::fd::OwnedFd,
    enough: impl Fn(&[Vec<u8>]) -> bool,
) -> Vec<Vec<u8>> {
    let index = nix::net::if_::if_nametoindex(device).unwrap() as usize;
    let (mut frames, mut buffer) = (Vec::new(), [0; 2048]);
    while !enough(&frames) {
        // The socket's timeout ends it.
        let Ok((length, from)) = recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut buffer) else {
            break;
        };
        if from.is_some_and(|from| from.ifindex() == index) {
            frames.push(buffer[..length].to_vec());
        }
    }
    frames
}

#[test]
fn announcements_pass_the_bridge_at_once() {
    on_a_host(|host| {
        host.apply(&container(&host.directory)[..3]);
        let (family, kind) = (AddressFamily::Packet, SockType::Raw);
        let socket = socket(family, kind, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll).unwrap();
        setsockopt(&socket, sockopt::ReceiveTimeout, &nix::sys::time::TimeVal::new(2, 0)).unwrap();
        for round in 0..20 {
            let mut steps = container(&host.directory).split_off(3);
            steps.push(Step::Announce {
                ns: host.ns("c1"),
                dev: "eth0".into(),
                mac: MAC.into(),
                addresses: vec!["10.1.0.2".parse().unwrap(), "fd00::2".parse().unwrap()],
                port: "nb1".into(),
            });
            host.apply(&steps);
            let is_arp = |frame: &Vec<u8>| frame[12..14] == [8, 6] && frame[20..22] == [0, 2];
            let is_advert =
                |frame: &Vec<u8>| frame[12..14] == [0x86, 0xdd] && frame.get(54) == Some(&136);
            let frames = frames_at("br0", &socket, |frames| {
                frames.iter().any(is_arp) && frames.iter().any(is_advert)
            });
            let arp =
                frames.iter().find(|frame| is_arp(frame)).expect("an ARP reply at the bridge");
            assert_eq!(arp[28..32], [10, 1, 0, 2], "round {round}");
            let advert = frames.iter().find(|frame| is_advert(frame)).expect("an advertisement");
            assert_eq!(advert[..6], [0x33, 0x33, 0, 0, 0, 1]);
            host.undo(&steps);
            frames_at("br0", &socket, |_| true);
        }
    });
}

#[test]
fn the_hosts_facts() {
    on_a_host(|host| {
        host.apply(&container(&host.directory));
        common::sh(
            "ip route add 10.66.0.0/16 via 10.1.0.2 table 1000 && \
                    ip route add unreachable 10.67.0.0/16 && \
                    ip -6 addr add fd01::1/64 dev br0 nodad && \
                    ip link set br0 mtu 1300 && ip route add default via 10.1.0.2 metric 5",
        );
        std::fs::write(host.path("file"), "text").unwrap();
        let ask = Ask {
            host: true,
            sysctls: vec!["net.ipv4.ip_forward".into(), "net/ipv4/no_such_key".into()],
            namespace: Some(host.ns("c1")),
            ns_sysctls: vec!["net/ipv4/conf/lo/forwarding".into()],
            files: vec![host.path("file"), host.path("absent")],
            ..Ask::default()
        };
        let facts = host.kernel.facts(&ask).unwrap();
        for link in ["lo", "br0", "nb1"] {
            assert!(facts.host.links.iter().any(|name| name == link), "{link}");
        }
        let routes: Vec<String> = facts.host.routes.iter().map(ToString::to_string).collect();
        for route in ["10.1.0.0/24", "10.66.0.0/16", "10.67.0.0/16", "fd01::/64"] {
            assert!(routes.iter().any(|there| there == route), "{route}: {routes:?}");
        }
        assert_eq!(routes.len(), 4, "{routes:?}");
        assert!(facts.host.addresses.contains(&"10.1.0.1/24".parse().unwrap()));
        assert!(facts.host.addresses.contains(&"fd01::1/64".parse().unwrap()));
        assert_eq!(facts.host.default_mtu, Some(1300));
        assert!(facts.host.ipv6);
        assert_eq!(facts.sysctls.len(), 1);
        assert_eq!(facts.interfaces, ["lo", "eth0"]);
        assert!(facts.cookie.is_some());
        assert_eq!(facts.files[&host.path("file")], "text");
        assert_eq!(facts.files.len(), 1);
    });
}
