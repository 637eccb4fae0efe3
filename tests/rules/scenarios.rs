//! What the documents show.

use crate::common::verbs::Verb::{self, *};

/// A page.
pub(super) struct Scenario {
    /// Its name without `.md`.
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    /// A line of the index.
    pub(super) short: &'static str,
    pub(super) about: &'static str,
    /// Set before, where the listing would depend on the host's own.
    pub(super) sysctl: Option<&'static str>,
    pub(super) verbs: &'static [Verb],
    pub(super) look: &'static [&'static str],
}

const WEB: Verb =
    Network(r#"{"name":"web","options":{"bridge":"br-web","subnets":[{"subnet":"10.1.0.0/24"}]}}"#);
const DB: Verb =
    Network(r#"{"name":"db","options":{"bridge":"br-db","subnets":[{"subnet":"10.2.0.0/24"}]}}"#);
const BOTH: Verb = Network(
    r#"{"name":"web","options":{"bridge":"br-web",
    "subnets":[{"subnet":"10.1.0.0/24"},{"subnet":"fd00:1::/64"}]}}"#,
);
const JOIN: Verb = Join("web", "www", r#"{"container_id":"c1"}"#);

/// In the order of the index.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        file: "network",
        title: "One network",
        short: "what every network has",
        about: "A bridge network with the defaults, and a container on it.",
        sysctl: None,
        verbs: &[WEB, Endpoint("web", r#"{"name":"www"}"#), JOIN],
        look: &[
            "`br` makes the bridge known: nothing comes in by it under a false address, and what is\n\
             forwarded to it needs another element that lets it through.",
            "`pair` lets containers of the network talk to each other.",
            "`br_masq` gives what leaves the host an address of the host.",
            "The container adds nothing: a thousand of them have the same listing.",
        ],
    },
    Scenario {
        file: "ipv6",
        title: "A network with IPv6",
        short: "no more than without",
        about: "The same network with an IPv6 subnet beside the IPv4 one.",
        sysctl: None,
        verbs: &[BOTH, Endpoint("web", r#"{"name":"www"}"#), JOIN],
        look: &[
            "The elements are those without IPv6: devices have no family, and neither has a table\n\
                 of family `inet`.",
        ],
    },
    Scenario {
        file: "internal",
        title: "An internal network",
        short: "nothing leaves",
        about: "Containers reach each other and nothing else.",
        sysctl: None,
        verbs: &[Network(
            r#"{"name":"web","options":{"internal":true,"bridge":"br-web",
            "subnets":[{"subnet":"10.1.0.0/24"}]}}"#,
        )],
        look: &[
            "`br_int` drops what comes from the bridge and goes to any other device, ports published\n\
             by other networks included.",
            "It is not in `br_masq`: there is nothing to masquerade.",
        ],
    },
    Scenario {
        file: "icc-off",
        title: "Containers kept from each other",
        short: "`icc` off",
        about: "Containers reach the world and not each other, but for ports that are published.",
        sysctl: None,
        verbs: &[Network(
            r#"{"name":"web","options":{"icc":false,"bridge":"br-web",
            "subnets":[{"subnet":"10.1.0.0/24"}]}}"#,
        )],
        look: &[
            "`pair` leads to `icc_off`, which accepts what was sent to a published port and drops\n\
                 the rest.",
        ],
    },
    Scenario {
        file: "masquerade-off",
        title: "A network that keeps its addresses",
        short: "`masquerade` off",
        about: "Containers leave the host under their own addresses: the world must have a route to\n\
                them.",
        sysctl: None,
        verbs: &[Network(
            r#"{"name":"web","options":{"masquerade":false,"bridge":"br-web",
            "subnets":[{"subnet":"10.1.0.0/24"}]}}"#,
        )],
        look: &["The bridge is not in `br_masq`, and that is all."],
    },
    Scenario {
        file: "two-networks",
        title: "Two networks",
        short: "why there is no rule for each pair",
        about: "Two networks that do not reach each other.",
        sysctl: None,
        verbs: &[WEB, DB],
        look: &[
            "`pair` has each network with itself, and no element for one with the other: what goes\n\
                 to a bridge in `br` and is in no pair is dropped by one rule of chain `forward`,\n\
                 whatever the number of networks.",
        ],
    },
    Scenario {
        file: "port",
        title: "A port on all addresses",
        short: "the usual `8080:80`",
        about: "Port 8080 of every address of the host, IPv4 and IPv6, is port 80 of the container.",
        sysctl: None,
        verbs: &[
            BOTH,
            Endpoint(
                "web",
                r#"{"name":"www","ipv4_address":"10.1.0.80","ipv6_address":"fd00:1::80",
                "port_mapping":[{"proto":"tcp","port":80,"host_port":8080}]}"#,
            ),
            JOIN,
        ],
        look: &[
            "One element in `pub4_any` and one in `pub6_any`. Their keys have no address: chain `pub`\n\
             is only for what goes to an address of the host.",
            "`self4` and `self6`, once for each address of the container, let it reach itself by the\n\
             host's port.",
        ],
    },
    Scenario {
        file: "port-on-address",
        title: "A port on one address",
        short: "`192.0.2.1:8080:80`",
        about: "Port 8080 of one address of the host; others may have the same port of another address.",
        sysctl: None,
        verbs: &[
            WEB,
            Endpoint(
                "web",
                r#"{"name":"www","ipv4_address":"10.1.0.80",
                "port_mapping":[{"proto":"tcp","port":80,"host_ip":"192.0.2.1","host_port":8080}]}"#,
            ),
            JOIN,
        ],
        look: &[
            "The element is in `pub4`, whose key begins with the address, and not in `pub4_any`.",
        ],
    },
    Scenario {
        file: "port-on-loopback",
        title: "A port on loopback",
        short: "`127.0.0.1:8080:80` and `[::1]:8080:80`",
        about: "A port for programs of the host only.",
        sysctl: None,
        verbs: &[
            BOTH,
            Endpoint(
                "web",
                r#"{"name":"www","ipv4_address":"10.1.0.80","ipv6_address":"fd00:1::80",
                "port_mapping":[{"proto":"tcp","port":80,"host_ip":"127.0.0.1","host_port":8080},
                {"proto":"tcp","port":80,"host_ip":"::1","host_port":8080}]}"#,
            ),
            JOIN,
        ],
        look: &[
            "In `pub4` and `pub6` as with any one address.",
            "No element keeps others out: chain `raw_pre` drops whatever comes by the wire with such\n\
             an address, for all ports at once.",
        ],
    },
    Scenario {
        file: "protocols",
        title: "TCP, UDP and SCTP",
        short: "one port number, three protocols",
        about: "The same port by three protocols, each of which is published by itself.",
        sysctl: None,
        verbs: &[
            WEB,
            Endpoint(
                "web",
                r#"{"name":"www","ipv4_address":"10.1.0.80",
                "port_mapping":[{"proto":"tcp","port":53,"host_port":53},
                {"proto":"udp","port":53,"host_port":53},
                {"proto":"sctp","port":53,"host_port":53}]}"#,
            ),
            JOIN,
        ],
        look: &[
            "Three elements of one map: the protocol is part of the key, and one rule looks all of\n\
                 them up.",
        ],
    },
    Scenario {
        file: "span",
        title: "A span of ports that keeps its numbers",
        short: "`9000-9999:9000-9999`",
        about: "A thousand ports of the host, each the same port of the container.",
        sysctl: None,
        verbs: &[
            WEB,
            Endpoint(
                "web",
                r#"{"name":"www","ipv4_address":"10.1.0.80",
                "port_mapping":[{"proto":"udp","port":9000,"port_end":9999,"host_port":9000}]}"#,
            ),
            JOIN,
        ],
        look: &[
            "One element of `span4_any`, however long the span is. It leads to an address without\n\
                 a port, so the port stays as it is.",
        ],
    },
    Scenario {
        file: "span-shifted",
        title: "A span of ports with other numbers",
        short: "`8080-8083:80-83`",
        about: "Four ports of the host, each another port of the container.",
        sysctl: None,
        verbs: &[
            WEB,
            Endpoint(
                "web",
                r#"{"name":"www","ipv4_address":"10.1.0.80",
                "port_mapping":[{"proto":"tcp","port":80,"port_end":83,"host_port":8080}]}"#,
            ),
            JOIN,
        ],
        look: &[
            "An element for each port, because each leads to a port of its own: they are sent in\n\
                 one batch, so that all of them are there or none.",
        ],
    },
    Scenario {
        file: "port-automatic",
        title: "A port that netberth chooses",
        short: "no host port is named",
        about: "Two mappings without a host port get the first free ones of the kernel's local range.",
        sysctl: Some("net.ipv4.ip_local_port_range=\"40000 40999\""),
        verbs: &[
            WEB,
            Endpoint(
                "web",
                r#"{"name":"www","ipv4_address":"10.1.0.80",
                "port_mapping":[{"proto":"tcp","port":80},{"proto":"tcp","port":443}]}"#,
            ),
            JOIN,
        ],
        look: &[
            "The elements are as if the ports had been named: they were chosen when the endpoint\n\
                 was created, and it keeps them until it is deleted.",
        ],
    },
    Scenario {
        file: "container-on-two-networks",
        title: "A container on two networks",
        short: "a port is published by one of them",
        about: "A container has an endpoint on each of two networks; the one on `web` has a port.",
        sysctl: None,
        verbs: &[
            WEB,
            DB,
            Endpoint(
                "web",
                r#"{"name":"www","ipv4_address":"10.1.0.80",
                "port_mapping":[{"proto":"tcp","port":80,"host_port":8080}]}"#,
            ),
            Endpoint("db", r#"{"name":"www"}"#),
            JOIN,
            Join("db", "www", r#"{"container_id":"c1"}"#),
        ],
        look: &[
            "The port leads to the container's address on `web`; the endpoint on `db` adds nothing.",
            "The networks still do not reach each other.",
        ],
    },
    Scenario {
        file: "service",
        title: "A service with a port",
        short: "two back ends behind one address",
        about: "A service has a virtual address, and 60 slots that its back ends share.",
        sysctl: None,
        verbs: &[
            WEB,
            Publish(
                r#"{"name":"shop","network_name":"web","virtual_address":"10.1.0.100",
                "port_mapping":[{"proto":"tcp","port":80,"host_port":8080}]}"#,
            ),
            Attach("shop", r#"{"container_id":"c1"}"#),
            Attach("shop", r#"{"container_id":"c2"}"#),
        ],
        look: &[
            "`svc4` and `psvc4_any` choose the way: this service counts for itself (`turn0`).",
            "`slot4` and `pslot4_any` have an element for each slot: every other one leads to each of\n\
                 the two.",
        ],
    },
    Scenario {
        file: "service-empty",
        title: "A service without back ends",
        short: "refused at once",
        about: "Published, and nobody behind it: what comes is refused.",
        sysctl: None,
        verbs: &[
            WEB,
            Publish(
                r#"{"name":"shop","network_name":"web","virtual_address":"10.1.0.100",
                "balance":"source",
                "port_mapping":[{"proto":"tcp","port":80,"host_port":8080}]}"#,
            ),
        ],
        look: &[
            "`vip4` makes the address known: chain `refuse` answers for it.",
            "The published port has no element: the host itself refuses it.",
        ],
    },
];
