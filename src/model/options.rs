//! Options of a network: the new typed ones, with the old spellings folded into them.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::document::document;
use super::legacy::{GenericDoc, Loose};
use super::subnet::{SubnetDoc, address};
use super::{InterfaceName, Labels, Subnet, SubnetSpec};
use crate::error::{Error, Kind, Result};

/// What is asked of a network; absent = the default.
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each a word of the API")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsSpec {
    /// Empty = one IPv4 subnet is chosen.
    pub subnets: Vec<SubnetSpec>,
    /// An IPv6 subnet is chosen if none is given.
    pub ipv6: bool,
    /// No way out and no way in.
    pub internal: bool,
    /// Containers of the network may talk to each other.
    pub icc: bool,
    /// Traffic that leaves the host takes the host's address.
    pub masquerade: bool,
    /// In bytes, 1280 (IPv6's least) or 68 (IPv4's) to 65535.
    pub mtu: Option<u32>,
    /// Name of the bridge device.
    pub bridge: Option<InterfaceName>,
    /// Where ports are published that name no address; `0.0.0.0` is the same as absent, all of them,
    /// and `::` is all IPv6 ones.
    pub host_binding: Option<IpAddr>,
    /// Labels.
    pub labels: Labels,
}

/// What is in effect.
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each a word of the API")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkOptions {
    /// The subnets, IPv4 first.
    pub subnets: Vec<Subnet>,
    /// Has an IPv6 subnet.
    pub ipv6: bool,
    /// No way out and no way in.
    pub internal: bool,
    /// Containers of the network may talk to each other.
    pub icc: bool,
    /// Traffic that leaves the host takes the host's address.
    pub masquerade: bool,
    /// In bytes; 0 until the network is realised.
    pub mtu: u32,
    /// Name of the bridge device.
    pub bridge: String,
    /// Where ports are published that name no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_binding: Option<IpAddr>,
}

document! {
    pub(crate) struct OptionsDoc {
        subnets: Vec<SubnetDoc>,
        ipv6 | "com.docker.network.enable_ipv6": Loose<bool>,
        internal: bool,
        icc | "com.docker.network.bridge.enable_icc": Loose<bool>,
        masquerade | "com.docker.network.bridge.enable_ip_masquerade": Loose<bool>,
        mtu | "com.docker.network.driver.mtu": Loose<u32>,
        bridge | "com.docker.network.bridge.name": String,
        host_binding | "com.docker.network.bridge.host_binding_ipv4": String,
        labels: Labels,
        generic | "com.docker.network.generic": GenericDoc,
    }
}

impl Default for OptionsSpec {
    fn default() -> Self {
        OptionsSpec {
            subnets: Vec::new(),
            ipv6: false,
            internal: false,
            icc: true,
            masquerade: true,
            mtu: None,
            bridge: None,
            host_binding: None,
            labels: Labels::new(),
        }
    }
}

impl OptionsDoc {
    /// Folds the old spellings in (the new ones win) and checks every value.
    pub(crate) fn check(self) -> Result<OptionsSpec> {
        let old = self.generic.unwrap_or_default().check()?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let subnets = match self.subnets {
            Some(docs) => check_subnets(docs)?,
            None => old.subnets,
        };
        let spec = OptionsSpec {
            ipv6: self.ipv6.map(|b| b.0).or(old.ipv6).unwrap_or(false)
                || subnets.iter().any(|subnet| subnet.subnet.addr().is_ipv6()),
            subnets,
            internal: self.internal.unwrap_or(false),
            icc: self.icc.map(|b| b.0).or(old.icc).unwrap_or(true),
            masquerade: self.masquerade.map(|b| b.0).or(old.masquerade).unwrap_or(true),
            mtu: self.mtu.map(|mtu| mtu.0).or(old.mtu).filter(|mtu| *mtu != 0),
            bridge: given(self.bridge)
                .or(old.bridge)
                .map(InterfaceName::new)
                .transpose()
                .map_err(|error| error.doing("bridge"))?,
            host_binding: given(self.host_binding)
                .map(|text| address(&text, "host_binding"))
                .transpose()?
                .or(old.host_binding)
                .map(|ip| ip.to_canonical())
                // The old daemons' default, by which they meant both families.
                .filter(|ip| *ip != IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            labels: self.labels.unwrap_or_default(),
        };
        spec.check()?;
        Ok(spec)
    }
}

fn check_subnets(docs: Vec<SubnetDoc>) -> Result<Vec<SubnetSpec>> {
    let docs = docs.into_iter().enumerate();
    docs.map(|(index, doc)| doc.check(&format!("subnets[{index}]"))).collect()
}

/// More subnets than this on one bridge help nobody and cost a route in every container.
const MAX_SUBNETS: usize = 16;

impl OptionsSpec {
    fn check(&self) -> Result<()> {
        let invalid = |what: String| Err(Error::new(Kind::Invalid, what));
        // RFC 791 and RFC 8200, 5: the least that IPv4 and IPv6 need. A veth takes at most 65535.
        let least = if self.ipv6 { 1280 } else { 68 };
        if let Some(mtu) = self.mtu.filter(|mtu| !(least..=65535).contains(mtu)) {
            return invalid(format!("mtu {mtu} is out of range: {least} to 65535 bytes"));
        }
        if self.subnets.len() > MAX_SUBNETS {
            return invalid(format!("{} subnets: at most {MAX_SUBNETS}", self.subnets.len()));
        }
        for (index, one) in self.subnets.iter().enumerate() {
            for other in self.subnets.iter().skip(index + 1) {
                if one.subnet.contains(&other.subnet) || other.subnet.contains(&one.subnet) {
                    return invalid(format!("subnets {} and {} overlap", one.subnet, other.subnet));
                }
            }
        }
        Ok(())
    }
}
