//! Subnets of a network: asked for, and in effect.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::document::document;
use crate::error::{Error, Kind, Result};

/// A subnet that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetSpec {
    /// The subnet, host bits zero.
    pub subnet: IpNet,
    /// Automatic addresses are taken from here.
    pub range: Option<IpNet>,
    /// The bridge's own address; absent = the first of the subnet.
    pub gateway: Option<IpAddr>,
    /// Never given out automatically.
    pub reserved: Vec<IpNet>,
}

/// A subnet in effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The subnet, host bits zero.
    pub subnet: IpNet,
    /// Automatic addresses are taken from here; absent = the whole subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<IpNet>,
    /// The bridge's own address, and the containers' next hop.
    pub gateway: IpAddr,
    /// Never given out automatically.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reserved: Vec<IpNet>,
}

document! {
    pub(crate) struct SubnetDoc {
        subnet: String,
        range: String,
        gateway: String,
        reserved: Vec<String>,
    }
}

fn invalid(what: String) -> Error {
    Error::new(Kind::Invalid, what)
}

/// An address or a CIDR; an address alone stands for itself.
pub(crate) fn net(text: &str, what: &str) -> Result<IpNet> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    parsed.map_err(|_| invalid(format!("{what} `{text}` is not an address in CIDR form")))
}

/// An address.
pub(crate) fn address(text: &str, what: &str) -> Result<IpAddr> {
    text.parse().map_err(|_| invalid(format!("{what} `{text}` is not an IP address")))
}

impl SubnetDoc {
    pub(crate) fn check(self, path: &str) -> Result<SubnetSpec> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let text = given(self.subnet)
            .ok_or_else(|| invalid(format!("{path}.subnet is required, in CIDR form")))?;
        let range = given(self.range).map(|text| net(&text, "range")).transpose()?;
        let gateway = given(self.gateway).map(|text| address(&text, "gateway")).transpose()?;
        let reserved = self.reserved.unwrap_or_default();
        let reserved =
            reserved.iter().map(|text| net(text, "reserved")).collect::<Result<Vec<_>>>()?;
        let spec = SubnetSpec { subnet: net(&text, "subnet")?, range, gateway, reserved };
        spec.check().map_err(|error| error.doing(path.to_owned()))?;
        Ok(spec)
    }
}

impl SubnetSpec {
    /// Checks that the parts fit together and that containers can have such addresses.
    pub(crate) fn check(&self) -> Result<()> {
        let subnet = self.subnet;
        if subnet != subnet.trunc() {
            return Err(invalid(format!(
                "subnet {subnet} has host bits set: did you mean {}?",
                subnet.trunc()
            )));
        }
        // A network, its broadcast address, a gateway and one container.
        let room = u32::from(subnet.max_prefix_len()) - u32::from(subnet.prefix_len());
        if room < 2 {
            return Err(invalid(format!(
                "subnet {subnet} has no room for a gateway and a container"
            )));
        }
        if subnet.prefix_len() < 8 {
            return Err(invalid(format!("subnet {subnet} is too wide: at least /8 is needed")));
        }
        if let Some(why) = unusable(subnet) {
            return Err(invalid(format!("subnet {subnet} is {why}: containers cannot use it")));
        }
        if let Some(range) = self.range.filter(|range| !subnet.contains(range)) {
            return Err(invalid(format!("range {range} lies outside the subnet {subnet}")));
        }
        for reserved in &self.reserved {
            if !subnet.contains(reserved) {
                return Err(invalid(format!(
                    "reserved {reserved} lies outside the subnet {subnet}"
                )));
            }
        }
        self.gateway.map_or(Ok(()), |gateway| usable_in(subnet, gateway, "gateway"))
    }
}

/// Why no container may have addresses of this subnet (IANA special-purpose registries).
fn unusable(subnet: IpNet) -> Option<&'static str> {
    let address = subnet.network();
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.to_ipv4_mapped().is_some(),
    };
    let zero = matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 0 || v4.octets()[0] >= 240);
    match () {
        () if address.is_loopback() => Some("loopback"),
        () if address.is_multicast() => Some("multicast"),
        () if link_local => Some("link-local or mapped"),
        () if zero || address.is_unspecified() => Some("reserved"),
        () => None,
    }
}

/// Whether `address` can belong to a host in `subnet`.
pub(crate) fn usable_in(subnet: IpNet, address: IpAddr, what: &str) -> Result<()> {
    if !subnet.contains(&address) {
        return Err(invalid(format!("{what} {address} lies outside the subnet {subnet}")));
    }
    if address == subnet.network() {
        return Err(invalid(format!("{what} {address} is the network address of {subnet}")));
    }
    if address.is_ipv4() && address == subnet.broadcast() {
        return Err(invalid(format!("{what} {address} is the broadcast address of {subnet}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse;

    fn check(text: &str) -> Result<SubnetSpec> {
        parse::<SubnetDoc>(text.as_bytes())?.check("subnets[0]")
    }

    #[test]
    fn a_whole_subnet() {
        let spec = check(
            r#"{"subnet":"10.1.0.0/16","range":"10.1.2.0/24","gateway":"10.1.0.9",
                "reserved":["10.1.2.7","10.1.2.128/25"]}"#,
        );
        let spec = spec.unwrap();
        assert_eq!(spec.reserved[0].to_string(), "10.1.2.7/32");
        assert_eq!(spec.range.unwrap().to_string(), "10.1.2.0/24");
    }

    #[test]
    fn what_is_refused_and_why() {
        for (text, why) in [
            (r"{}", "is required"),
            (r#"{"subnet":"10.1.0.5/16"}"#, "did you mean 10.1.0.0/16?"),
            (r#"{"subnet":"10.1.0.0/31"}"#, "no room"),
            (r#"{"subnet":"0.0.0.0/0"}"#, "too wide"),
            (r#"{"subnet":"127.0.0.0/8"}"#, "loopback"),
            (r#"{"subnet":"224.0.0.0/8"}"#, "multicast"),
            (r#"{"subnet":"169.254.0.0/16"}"#, "link-local"),
            (r#"{"subnet":"fe80::/64"}"#, "link-local"),
            (r#"{"subnet":"10.1.0.0/24","gateway":"10.2.0.1"}"#, "outside the subnet"),
            (r#"{"subnet":"10.1.0.0/24","gateway":"10.1.0.0"}"#, "network address"),
            (r#"{"subnet":"10.1.0.0/24","gateway":"10.1.0.255"}"#, "broadcast"),
            (r#"{"subnet":"10.1.0.0/24","range":"10.1.0.0/16"}"#, "outside the subnet"),
            (r#"{"subnet":"10.1.0.0/24","reserved":["10.9.0.1"]}"#, "outside the subnet"),
            (r#"{"subnet":"nonsense"}"#, "CIDR"),
        ] {
            let message = check(text).unwrap_err().message();
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
