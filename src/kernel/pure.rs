//! Making messages without a kernel: for `cargo bench`.

use super::nft::batch_length;
use super::route::link::{self, Veth};
use super::route::{address, neighbour, route};
use crate::error::Result;
use crate::plan::rules::SetElements;

/// The rtnetlink requests of one join; how many bytes they are.
pub fn join_requests() -> Result<usize> {
    let mac = link::mac("02:6e:ac:11:00:02")?;
    let veth = Veth {
        name: "nb0123456789ab",
        master: 2,
        mtu: 1500,
        peer: "eth0",
        peer_mac: mac,
        netns: 9,
    };
    let own = "172.17.0.2".parse().map_err(|_| crate::error::Error::os(libc::EINVAL))?;
    let spec = route::Spec {
        destination: route::default(false),
        via: Some(own),
        index: 2,
        source: None,
        local: None,
    };
    let requests = [
        link::add_veth(&veth)?,
        link::set_port("nb0123456789ab", true)?,
        link::set_up("eth0", true)?,
        address::add(2, ipnet::IpNet::from(own), true),
        route::add(&spec),
        neighbour::learn(3, mac),
        neighbour::change(2, own, mac),
    ];
    Ok(requests.iter().map(Vec::len).sum())
}

/// The batch that adds elements; how many bytes it is.
pub fn elements_batch(sets: &[SetElements]) -> Result<usize> {
    batch_length(sets)
}
