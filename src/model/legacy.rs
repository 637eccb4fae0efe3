//! The spellings of 2015: `com.docker.network.generic`, with values as JSON types or as strings.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::de::Error as _;

use super::document::document;
use super::subnet::{SubnetSpec, address, net};
use crate::error::{Error, Kind, Result};

/// A value that may also be written as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loose<T>(pub(crate) T);

impl<'de> serde::Deserialize<'de> for Loose<bool> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Flag;
        impl serde::de::Visitor<'_> for Flag {
            type Value = Loose<bool>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Loose(flag))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                match text.to_ascii_lowercase().as_str() {
                    "true" | "t" | "1" => Ok(Loose(true)),
                    "false" | "f" | "0" => Ok(Loose(false)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Flag)
    }
}

impl<'de> serde::Deserialize<'de> for Loose<u32> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl serde::de::Visitor<'_> for Number {
            type Value = Loose<u32>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 0 to 4294967295")
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
                let wrong = |_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self);
                u32::try_from(number).map(Loose).map_err(wrong)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let wrong = |_| E::invalid_value(serde::de::Unexpected::Str(text), &self);
                u32::from_str(text).map(Loose).map_err(wrong)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// An option that is read and has no effect, whatever it holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ignored;

impl<'de> serde::Deserialize<'de> for Ignored {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Ignored).map_err(D::Error::custom)
    }
}

document! {
    pub(crate) struct GenericDoc {
        bridge_name: String,
        address_ipv4: String,
        fixed_cidr: String,
        fixed_cidr_v6: String,
        default_gateway_ipv4: String,
        default_gateway_ipv6: String,
        default_binding_ip: String,
        mtu: Loose<u32>,
        enable_ipv6: Loose<bool>,
        enable_ip_tables: Loose<bool>,
        enable_ip_masquerade: Loose<bool>,
        enable_icc: Loose<bool>,
        allow_non_default_bridge: Ignored,
    }
}

/// The old options in today's terms.
#[derive(Debug, Default)]
pub(crate) struct Generic {
    pub(crate) subnets: Vec<SubnetSpec>,
    pub(crate) ipv6: Option<bool>,
    pub(crate) icc: Option<bool>,
    pub(crate) masquerade: Option<bool>,
    pub(crate) mtu: Option<u32>,
    pub(crate) bridge: Option<String>,
    pub(crate) host_binding: Option<IpAddr>,
}

impl GenericDoc {
    pub(crate) fn check(self) -> Result<Generic> {
        let generic = "com.docker.network.generic";
        if self.enable_ip_tables == Some(Loose(false)) {
            let what = "EnableIPTables: false is not supported: \
                        netberth's networks live by its own nf_tables rules";
            return Err(Error::new(Kind::Unsupported, what));
        }
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let v4 = self.subnet_v4().map_err(|error| error.doing(generic))?;
        let v6 = self.subnet_v6().map_err(|error| error.doing(generic))?;
        let host_binding = given(&self.default_binding_ip)
            .map(|text| address(&text, "DefaultBindingIP"))
            .transpose()?;
        Ok(Generic {
            subnets: v4.into_iter().chain(v6).collect(),
            ipv6: self.enable_ipv6.map(|flag| flag.0),
            icc: self.enable_icc.map(|flag| flag.0),
            masquerade: self.enable_ip_masquerade.map(|flag| flag.0),
            mtu: self.mtu.map(|mtu| mtu.0),
            bridge: given(&self.bridge_name),
            host_binding,
        })
    }

    /// `AddressIPv4` is the bridge's address with its prefix: subnet and gateway in one.
    fn subnet_v4(&self) -> Result<Option<SubnetSpec>> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let bridge = given(&self.address_ipv4).map(|text| net(&text, "AddressIPv4")).transpose()?;
        let fixed = given(&self.fixed_cidr).map(|text| net(&text, "FixedCIDR")).transpose()?;
        let gateway = given(&self.default_gateway_ipv4)
            .map(|text| address(&text, "DefaultGatewayIPv4"))
            .transpose()?;
        let Some(subnet) = bridge.or(fixed).map(|net| net.trunc()) else {
            return match gateway {
                None => Ok(None),
                Some(_) => Err(invalid("DefaultGatewayIPv4 needs AddressIPv4 or FixedCIDR")),
            };
        };
        let own = bridge.map(|net| net.addr());
        if let (Some(own), Some(gateway)) = (own, gateway)
            && own != gateway
        {
            return Err(invalid(
                "DefaultGatewayIPv4 differs from AddressIPv4: the bridge is the gateway",
            ));
        }
        let range = fixed.map(|net| net.trunc()).filter(|range| *range != subnet);
        let spec = SubnetSpec { subnet, range, gateway: own.or(gateway), reserved: Vec::new() };
        spec.check()?;
        Ok(Some(spec))
    }

    fn subnet_v6(&self) -> Result<Option<SubnetSpec>> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let fixed = given(&self.fixed_cidr_v6).map(|text| net(&text, "FixedCIDRv6")).transpose()?;
        let gateway = given(&self.default_gateway_ipv6)
            .map(|text| address(&text, "DefaultGatewayIPv6"))
            .transpose()?;
        match (fixed, gateway) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(invalid("DefaultGatewayIPv6 needs FixedCIDRv6")),
            (Some(subnet), gateway) => {
                let subnet = subnet.trunc();
                let spec = SubnetSpec { subnet, range: None, gateway, reserved: Vec::new() };
                spec.check()?;
                Ok(Some(spec))
            }
        }
    }
}

fn invalid(what: &str) -> Error {
    Error::new(Kind::Invalid, what)
}

#[cfg(test)]
mod tests {
    use crate::model::OptionsSpec;
    use crate::model::options::OptionsDoc;
    use crate::model::parse;

    fn options(text: &str) -> crate::error::Result<OptionsSpec> {
        parse::<OptionsDoc>(text.as_bytes())?.check()
    }

    #[test]
    fn the_old_generic_options_with_strings_or_json_types() {
        let strings = options(
            r#"{"com.docker.network.generic":{"BridgeName":"br9","AddressIPv4":"172.30.0.1/16",
                "FixedCIDR":"172.30.8.0/24","Mtu":"1400","EnableIPv6":"true","EnableICC":"false",
                "EnableIPTables":"true","EnableIPMasquerade":"0","AllowNonDefaultBridge":true}}"#,
        )
        .unwrap();
        let typed = options(
            r#"{"bridge":"br9","subnets":[{"subnet":"172.30.0.0/16","range":"172.30.8.0/24",
                "gateway":"172.30.0.1"}],"mtu":1400,"ipv6":true,"icc":false,"masquerade":false}"#,
        )
        .unwrap();
        assert_eq!(strings, typed);
    }

    #[test]
    fn dotted_names_are_aliases() {
        let dotted = options(
            r#"{"com.docker.network.bridge.name":"br9","com.docker.network.driver.mtu":"1400",
                "com.docker.network.enable_ipv6":true}"#,
        );
        let plain = options(r#"{"bridge":"br9","mtu":1400,"ipv6":true}"#);
        assert_eq!(dotted.unwrap(), plain.unwrap());
    }

    #[test]
    fn wrong_values_are_refused() {
        for bad in [
            r#"{"com.docker.network.generic":{"Mtu":"many"}}"#,
            r#"{"com.docker.network.generic":{"EnableICC":"maybe"}}"#,
            r#"{"com.docker.network.generic":{"AddressIPv4":"172.30.0.1/16",
                "DefaultGatewayIPv4":"172.30.0.2"}}"#,
            r#"{"com.docker.network.generic":{"DefaultGatewayIPv6":"fd00::1"}}"#,
            r#"{"com.docker.network.generic":{"EnableIPTables":false}}"#,
            r#"{"mtu":67}"#,
            r#"{"mtu":70000}"#,
            r#"{"ipv6":true,"mtu":1279}"#,
            r#"{"bridge":"a/b"}"#,
            r#"{"host_binding":"here"}"#,
            r#"{"subnets":[{"subnet":"10.0.0.0/16"},{"subnet":"10.0.1.0/24"}]}"#,
            r#"{"colour":"blue"}"#,
        ] {
            assert!(options(bad).is_err(), "{bad}");
        }
    }
}
