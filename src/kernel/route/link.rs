//! Links.

use std::os::fd::RawFd;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoBridge, InfoBridgePort, InfoData, InfoKind,
    InfoPortData, InfoPortKind, InfoVeth, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo,
    LinkMessage,
};

use crate::error::{Error, Kind, Result};
use crate::kernel::netlink::build::{Manner, attribute, nest, plain, request};
use crate::kernel::netlink::read;

/// `IFNAMSIZ` without the final NUL.
const NAME: usize = 15;
/// `struct ifinfomsg`.
const HEADER: usize = 16;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_AF_SPEC: u16 = 26;
/// `AF_INET`, as the attribute of `IFLA_AF_SPEC`.
const INET: u16 = 2;
const IFLA_INET_CONF: u16 = 1;
const RTM_NEWLINK: u16 = 16;

/// What a veth pair is made from.
pub(in crate::kernel) struct Veth<'a> {
    pub(in crate::kernel) name: &'a str,
    /// Index of the bridge.
    pub(in crate::kernel) master: u32,
    pub(in crate::kernel) mtu: u32,
    pub(in crate::kernel) peer: &'a str,
    pub(in crate::kernel) peer_mac: [u8; 6],
    /// Descriptor of the peer's namespace.
    pub(in crate::kernel) netns: RawFd,
}

/// A link as the kernel tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::kernel) struct Link {
    pub(in crate::kernel) index: u32,
    pub(in crate::kernel) up: bool,
    pub(in crate::kernel) name: String,
    pub(in crate::kernel) mtu: u32,
    pub(in crate::kernel) mac: Vec<u8>,
    /// Index of the bridge it is a port of; 0 = none.
    pub(in crate::kernel) master: u32,
    /// Index of a veth's other end, in its own namespace; 0 = none.
    pub(in crate::kernel) peer: u32,
}

/// `ip link add NAME address MAC mtu MTU type bridge forward_delay 0 mcast_snooping 0`
///
/// Without STP a port forwards at once whatever the delay; 0 keeps it so if someone turns STP on.
/// Snooping goes through all ports and their timers whenever one more begins to forward
/// (`br_port_state_selection`), and without a querier, which a bridge is not by itself, it floods
/// multicast all the same.
pub(in crate::kernel) fn add_bridge(name: &str, mac: [u8; 6], mtu: u32) -> Result<Vec<u8>> {
    let info = vec![
        LinkInfo::Kind(InfoKind::Bridge),
        LinkInfo::Data(InfoData::Bridge(vec![
            InfoBridge::ForwardDelay(0),
            InfoBridge::MulticastSnooping(false),
        ])),
    ];
    let mut message = LinkMessage::default();
    message.attributes = vec![
        LinkAttribute::Address(mac.to_vec()),
        LinkAttribute::Mtu(mtu),
        LinkAttribute::IfName(checked(name)?),
        LinkAttribute::LinkInfo(info),
    ];
    Ok(request(Manner::Create, RouteNetlinkMessage::NewLink(message)))
}

/// `ip link add NAME mtu MTU numtxqueues 1 numrxqueues 1 master BRIDGE type veth
/// peer name PEER address MAC mtu MTU netns NS numtxqueues 1 numrxqueues 1`
///
/// ```text
/// IFLA_LINKINFO
///   IFLA_INFO_KIND "veth"
///   IFLA_INFO_DATA
///     VETH_INFO_PEER  struct ifinfomsg, then the peer's own attributes
/// ```
///
/// The peer is born in its namespace: moving it there afterwards costs tens of milliseconds of RCU
/// waits. One queue each: the kernel's default is one for every CPU, and a container uses one.
/// Answered, from Linux 6.2 on, by what was made, with the indexes of both ends (`NLM_F_ECHO`).
pub(in crate::kernel) fn add_veth(veth: &Veth<'_>) -> Result<Vec<u8>> {
    let mut peer = LinkMessage::default();
    peer.attributes = vec![
        LinkAttribute::Address(veth.peer_mac.to_vec()),
        LinkAttribute::Mtu(veth.mtu),
        LinkAttribute::NetNsFd(veth.netns),
        LinkAttribute::NumTxQueues(1),
        LinkAttribute::NumRxQueues(1),
        LinkAttribute::IfName(checked(veth.peer)?),
    ];
    let info =
        vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer)))];
    let mut message = LinkMessage::default();
    message.attributes = vec![
        LinkAttribute::Mtu(veth.mtu),
        LinkAttribute::NumTxQueues(1),
        LinkAttribute::NumRxQueues(1),
        LinkAttribute::Controller(veth.master),
        LinkAttribute::IfName(checked(veth.name)?),
        LinkAttribute::LinkInfo(info),
    ];
    Ok(request(Manner::CreateAndTell, RouteNetlinkMessage::NewLink(message)))
}

/// `ip link set NAME type bridge_slave hairpin on`, and with IPv6 `addrgenmode none`: a port needs no
/// address of its own, and the kernel would make one, look for doubles and join groups.
///
/// By `RTM_NEWLINK`: by `RTM_SETLINK` the kernel answers success and does nothing.
pub(in crate::kernel) fn set_port(name: &str, ipv6: bool) -> Result<Vec<u8>> {
    let mut message = named(name)?;
    if ipv6 {
        let none = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
        let of = vec![AfSpecUnspec::Inet6(vec![none])];
        message.attributes.push(LinkAttribute::AfSpecUnspec(of));
    }
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(vec![InfoBridgePort::HairpinMode(true)])),
    ]));
    Ok(request(Manner::Change, RouteNetlinkMessage::NewLink(message)))
}

/// What becomes of a link that is there.
pub(in crate::kernel) struct Change<'a> {
    pub(in crate::kernel) index: u32,
    pub(in crate::kernel) name: Option<&'a str>,
    pub(in crate::kernel) mac: Option<[u8; 6]>,
    pub(in crate::kernel) mtu: Option<u32>,
    /// Index of a bridge; 0 = none.
    pub(in crate::kernel) master: Option<u32>,
}

/// `ip link set DEV [name NAME] [address MAC] [mtu MTU] [master MASTER | nomaster]`
pub(in crate::kernel) fn set(change: &Change<'_>) -> Result<Vec<u8>> {
    let mut message = LinkMessage::default();
    message.header.index = change.index;
    let name = change.name.map(checked).transpose()?.map(LinkAttribute::IfName);
    let mac = change.mac.map(|mac| LinkAttribute::Address(mac.to_vec()));
    let (mtu, master) =
        (change.mtu.map(LinkAttribute::Mtu), change.master.map(LinkAttribute::Controller));
    message.attributes = [name, mac, mtu, master].into_iter().flatten().collect();
    Ok(request(Manner::Change, RouteNetlinkMessage::NewLink(message)))
}

/// `ip link set NAME up` or `down`
pub(in crate::kernel) fn set_up(name: &str, up: bool) -> Result<Vec<u8>> {
    let mut message = named(name)?;
    message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
    message.header.change_mask = LinkFlags::Up;
    Ok(request(Manner::Change, RouteNetlinkMessage::NewLink(message)))
}

/// `sysctl -w net.ipv4.conf.DEV.KEY=VALUE`, by the number of the key (`IPV4_DEVCONF_*`): the typed
/// messages know how to read these, not how to set one.
pub(in crate::kernel) fn set_conf(index: u32, key: u16, value: u32) -> Vec<u8> {
    let mut conf = Vec::new();
    attribute(&mut conf, key, &value.to_ne_bytes());
    let mut inet = Vec::new();
    nest(&mut inet, IFLA_INET_CONF, &conf);
    let mut families = Vec::new();
    nest(&mut families, INET, &inet);
    let mut body = vec![0; 4];
    body.extend_from_slice(&index.to_ne_bytes());
    body.resize(HEADER, 0);
    nest(&mut body, IFLA_AF_SPEC, &families);
    plain(Manner::Change, RTM_NEWLINK, &body)
}

/// `ip link del NAME`
pub(in crate::kernel) fn delete(name: &str) -> Result<Vec<u8>> {
    Ok(request(Manner::Change, RouteNetlinkMessage::DelLink(named(name)?)))
}

/// `ip link set NAME nomaster down`: out of service at once, where a deletion waits for others.
pub(in crate::kernel) fn unplug(name: &str) -> Result<Vec<u8>> {
    let mut message = named(name)?;
    message.header.change_mask = LinkFlags::Up;
    message.attributes.push(LinkAttribute::Controller(0));
    Ok(request(Manner::Change, RouteNetlinkMessage::NewLink(message)))
}

/// `ip link set NAME group GROUP`
pub(in crate::kernel) fn set_group(name: &str, group: u32) -> Result<Vec<u8>> {
    let mut message = named(name)?;
    message.attributes.push(LinkAttribute::Group(group));
    Ok(request(Manner::Change, RouteNetlinkMessage::NewLink(message)))
}

/// `ip link del group GROUP`
pub(in crate::kernel) fn delete_group(group: u32) -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::Group(group)];
    request(Manner::Change, RouteNetlinkMessage::DelLink(message))
}

/// `ip link show NAME`
pub(in crate::kernel) fn get(name: &str) -> Result<Vec<u8>> {
    let mut message = named(name)?;
    message.attributes.push(without_counters());
    Ok(request(Manner::Get, RouteNetlinkMessage::GetLink(message)))
}

/// `ip link show`
pub(in crate::kernel) fn dump() -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.attributes = vec![without_counters()];
    request(Manner::Dump, RouteNetlinkMessage::GetLink(message))
}

/// `RTEXT_FILTER_SKIP_STATS`: counters are added up over all processors, and nobody reads them here.
fn without_counters() -> LinkAttribute {
    LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])
}

/// What `RTM_NEWLINK` says.
pub(in crate::kernel) fn read(payload: &[u8]) -> Option<Link> {
    let mut link = Link {
        index: read::word(payload, 4)?,
        up: read::word(payload, 8)? & LinkFlags::Up.bits() != 0,
        ..Link::default()
    };
    for (kind, value) in read::attributes(payload.get(HEADER..)?) {
        match kind {
            IFLA_IFNAME => link.name = read::string(value)?,
            IFLA_MTU => link.mtu = read::word(value, 0)?,
            IFLA_LINK => link.peer = read::word(value, 0)?,
            IFLA_MASTER => link.master = read::word(value, 0)?,
            IFLA_ADDRESS => link.mac = value.to_vec(),
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

/// `02:42:ac:11:00:02`
pub(in crate::kernel) fn mac(text: &str) -> Result<[u8; 6]> {
    // from_str_radix alone would take a sign.
    let hex = |byte: &str| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bytes: Option<Vec<u8>> = text
        .split(':')
        .map(|byte| hex(byte).then(|| u8::from_str_radix(byte, 16).ok()).flatten())
        .collect();
    bytes.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok()).ok_or_else(|| {
        Error::new(
            Kind::Invalid,
            format!("{text:?} is no hardware address: write 02:42:ac:11:00:02"),
        )
    })
}

fn named(name: &str) -> Result<LinkMessage> {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::IfName(checked(name)?)];
    Ok(message)
}

/// The kernel cuts nothing off and says only "invalid argument" or "numerical result out of range".
fn checked(name: &str) -> Result<String> {
    if name.is_empty() || name.len() > NAME || name.contains('\0') {
        let what = format!("{name:?} is no device name: 1 to {NAME} bytes are");
        return Err(Error::new(Kind::Invalid, what));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::route::golden::bytes;

    #[test]
    fn bridge() {
        // ip link add nbtest address 02:00:00:00:00:01 mtu 1400 type bridge forward_delay 0
        //   mcast_snooping 0
        let ip = bytes(
            "64 00 00 00 10 00 05 06 75 38 04 6b 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
             00 00 00 00 0a 00 01 00 02 00 00 00 00 01 00 00 08 00 04 00 78 05 00 00 0b 00 03 00 \
             6e 62 74 65 73 74 00 00 24 00 12 00 0a 00 01 00 62 72 69 64 67 65 00 00 14 00 02 00 \
             08 00 01 00 00 00 00 00 05 00 17 00 00 00 00 00",
        );
        let ours = add_bridge("nbtest", [2, 0, 0, 0, 0, 1], 1400).unwrap();
        assert_eq!(parsed(&ours), parsed(&ip));
    }

    #[test]
    fn veth() {
        // ip link add nbv0 mtu 1400 numtxqueues 1 numrxqueues 1 master br0 type veth
        //   peer name eth0 address 02:00:00:00:00:02 mtu 1400 netns c1 numtxqueues 1 numrxqueues 1
        let ip = bytes(
            "a8 00 00 00 10 00 05 06 75 38 04 6b 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
             00 00 00 00 08 00 04 00 78 05 00 00 08 00 1f 00 01 00 00 00 08 00 20 00 01 00 00 00 \
             08 00 0a 00 02 00 00 00 09 00 03 00 6e 62 76 30 00 00 00 00 5c 00 12 00 08 00 01 00 \
             76 65 74 68 50 00 02 00 4c 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
             0a 00 01 00 02 00 00 00 00 02 00 00 08 00 04 00 78 05 00 00 08 00 1c 00 04 00 00 00 \
             08 00 1f 00 01 00 00 00 08 00 20 00 01 00 00 00 09 00 03 00 65 74 68 30 00 00 00 00",
        );
        let peer_mac = [2, 0, 0, 0, 0, 2];
        let veth = Veth { name: "nbv0", master: 2, mtu: 1400, peer: "eth0", peer_mac, netns: 4 };
        let (kind, flags, message) = parsed(&ip);
        let told = flags | netlink_packet_core::NLM_F_ECHO;
        assert_eq!(parsed(&add_veth(&veth).unwrap()), (kind, told, message));
    }

    #[test]
    fn hairpin() {
        // ip link set nbv0 type bridge_slave hairpin on; ip names the device by index
        let ip = bytes(
            "40 00 00 00 10 00 05 00 75 38 04 6b 00 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00 \
             00 00 00 00 20 00 12 00 10 00 01 00 62 72 69 64 67 65 5f 73 6c 61 76 65 0c 00 05 00 \
             05 00 04 00 01 00 00 00",
        );
        // ip's IFLA_INFO_KIND "bridge_slave" is an older spelling of IFLA_INFO_SLAVE_KIND "bridge".
        let ours = set_port("nbv0", false).unwrap();
        assert_eq!(ip[4..8], ours[4..8]);
        assert_eq!(ip[ip.len() - 12..], ours[ours.len() - 12..]);
    }

    #[test]
    fn up_and_down() {
        // ip link set br0 up; ip names the device by index
        let ip = bytes(
            "20 00 00 00 10 00 05 00 75 38 04 6b 00 00 00 00 00 00 00 00 02 00 00 00 01 00 00 00 \
             01 00 00 00",
        );
        let ours = set_up("br0", true).unwrap();
        assert_eq!((&ours[4..8], &ours[24..32]), (&ip[4..8], &ip[24..32]));
        assert_eq!(set_up("br0", false).unwrap()[24..32], [0, 0, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn names_and_macs_are_checked() {
        assert_eq!(get("a-name-too-long!").unwrap_err().kind(), Kind::Invalid);
        assert_eq!(get("").unwrap_err().kind(), Kind::Invalid);
        assert_eq!(mac("02:42:ac:11:00:0a").unwrap(), [2, 0x42, 0xac, 0x11, 0, 10]);
        for wrong in ["", "02:42:ac:11:00", "02:42:ac:11:00:0a:01", "+2:42:ac:11:00:0a", "g"] {
            assert_eq!(mac(wrong).unwrap_err().kind(), Kind::Invalid, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = mac(&text);
            let _ = get(&text);
        }
    }

    /// Lengths of strings differ (`ip` leaves out the NUL of a kind): the meaning is compared.
    fn parsed(bytes: &[u8]) -> (u16, u16, RouteNetlinkMessage) {
        use netlink_packet_core::NetlinkMessage;
        use netlink_packet_core::NetlinkPayload::InnerMessage;
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes).unwrap();
        let InnerMessage(inner) = message.payload else { panic!("not a message") };
        (message.header.message_type, message.header.flags, inner)
    }
}
