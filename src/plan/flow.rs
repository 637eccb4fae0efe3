//! Which connections the kernel is to forget.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model::Proto;

/// Selects entries of the connection table. `Display` is the `conntrack -D` line that deletes them.
///
/// The original destination is where the first packet went before any rewriting: a port of the host,
/// or the virtual address of a service. The address that answers is where it went in the end: a
/// container.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "flow", rename_all = "snake_case")]
pub enum Flow {
    /// `conntrack -D -f ipv4 -p udp [-d ADDRESS] --orig-port-dst PORT [-r ANSWERED_BY]`: what went to
    /// a port. Without an address it is a port of any machine, so that `udp` and 53 select what
    /// containers ask of nameservers elsewhere, too: `answered_by` leaves those out.
    To {
        /// Transport protocol.
        proto: Proto,
        /// IPv6 rather than IPv4.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ipv6: bool,
        /// Original destination address; absent = any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
        /// Original destination port.
        port: u16,
        /// The last port of a span, inclusive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port_end: Option<u16>,
        /// The address that answers; absent = any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answered_by: Option<IpAddr>,
    },
    /// `conntrack -D -f ipv4 -p tcp -r ADDRESS --reply-port-src PORT`: what a port of a container
    /// answers, however it got there.
    AnsweredBy {
        /// Transport protocol.
        proto: Proto,
        /// The container's address.
        address: IpAddr,
        /// The container's port.
        port: u16,
        /// The last port of a span, inclusive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port_end: Option<u16>,
    },
    /// `conntrack -D -f ipv4 -d TO -r BY`: what a container answers that went to another address, the
    /// virtual one of a service.
    Through {
        /// Original destination address.
        to: IpAddr,
        /// The address that answers, of the same family.
        by: IpAddr,
    },
    /// `conntrack -D -f ipv4 -s ADDRESS`, then the same with `-r`: what an address began and what it
    /// answers, of whatever protocol.
    Of {
        /// The container's address.
        address: IpAddr,
    },
}

fn family(ipv6: bool) -> &'static str {
    if ipv6 { "ipv6" } else { "ipv4" }
}

/// conntrack(8) knows no spans: the line is run for each port, which comes last.
fn for_each_port(line: &str, port: u16, port_end: Option<u16>) -> String {
    match port_end {
        Some(end) if end != port => format!("seq {port} {end} | xargs -n 1 {line}"),
        _ => format!("{line} {port}"),
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match self {
            Flow::To { proto, ipv6, address, port, port_end, answered_by } => {
                let family = family(*ipv6);
                let option = |option: &str, address: &Option<IpAddr>| {
                    address.map(|address| format!(" {option} {address}")).unwrap_or_default()
                };
                let (to, by) = (option("-d", address), option("-r", answered_by));
                let line = format!("conntrack -D -f {family} -p {proto}{to}{by} --orig-port-dst");
                for_each_port(&line, *port, *port_end)
            }
            Flow::AnsweredBy { proto, address, port, port_end } => {
                let family = family(address.is_ipv6());
                let line =
                    format!("conntrack -D -f {family} -p {proto} -r {address} --reply-port-src");
                for_each_port(&line, *port, *port_end)
            }
            Flow::Through { to, by } => {
                format!("conntrack -D -f {} -d {to} -r {by}", family(to.is_ipv6()))
            }
            Flow::Of { address } => {
                let family = family(address.is_ipv6());
                format!("for which in -s -r; do conntrack -D -f {family} $which {address}; done")
            }
        };
        f.write_str(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_read_as_lines() {
        let (web, port) = ("10.1.0.2".parse().unwrap(), 53);
        let host = Flow::To {
            proto: Proto::Udp,
            ipv6: false,
            address: Some("192.0.2.1".parse().unwrap()),
            port,
            port_end: None,
            answered_by: Some(web),
        };
        let span = Flow::To {
            proto: Proto::Tcp,
            ipv6: true,
            address: None,
            port: 8000,
            port_end: Some(8010),
            answered_by: None,
        };
        let back =
            Flow::AnsweredBy { proto: Proto::Tcp, address: web, port: 80, port_end: Some(80) };
        let lines = [
            (host, "conntrack -D -f ipv4 -p udp -d 192.0.2.1 -r 10.1.0.2 --orig-port-dst 53"),
            (span, "seq 8000 8010 | xargs -n 1 conntrack -D -f ipv6 -p tcp --orig-port-dst"),
            (back, "conntrack -D -f ipv4 -p tcp -r 10.1.0.2 --reply-port-src 80"),
            (
                Flow::Through { to: "10.1.0.9".parse().unwrap(), by: web },
                "conntrack -D -f ipv4 -d 10.1.0.9 -r 10.1.0.2",
            ),
            (
                Flow::Of { address: "fd00::2".parse().unwrap() },
                "for which in -s -r; do conntrack -D -f ipv6 $which fd00::2; done",
            ),
        ];
        for (flow, line) in lines {
            assert_eq!(flow.to_string(), line);
            let json = serde_json::to_string(&flow).unwrap();
            assert_eq!(serde_json::from_str::<Flow>(&json).unwrap(), flow, "{json}");
        }
    }
}
