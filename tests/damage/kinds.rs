//! The kinds of damage: a line of shell, and what `verify` must say of it, nothing less and nothing
//! more. `{…}` stands for a name of the moment.

use super::common::bed::Bed;
use super::common::sh;

#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) what: &'static str,
    pub(super) damage: &'static str,
    pub(super) told: &'static [&'static str],
    /// What a hand brought and `repair` leaves to it.
    pub(super) after: &'static str,
}

/// What the furniture is called.
pub(super) struct Subjects(Vec<(String, String)>);

impl Subjects {
    pub(super) fn of(bed: &Bed<'_>) -> Self {
        let mut names = Vec::new();
        let mut name = |key: &str, text: String| names.push((format!("{{{key}}}"), text));
        for container in ["c1", "replica", "given", "b1", "b2"] {
            let sandbox = bed.netberth.sandbox(container).unwrap();
            name(&format!("{container}.ns"), sandbox.key.display().to_string());
            name(&format!("{container}.hosts"), sandbox.hosts_path.display().to_string());
            name(&format!("{container}.resolv"), sandbox.resolv_conf_path.display().to_string());
            let dir = sandbox.hosts_path.parent().unwrap().display().to_string();
            name(&format!("{container}.dir"), dir);
            for dev in ["eth0", "eth1"] {
                let peer = format!(
                    "nsenter --net={} ip -o link show {dev} 2>/dev/null | sed 's/.*@if\\([0-9]*\\):.*/\\1/'",
                    sandbox.key.display()
                );
                let index = sh(&peer).trim().to_owned();
                if !index.is_empty() {
                    let host =
                        sh(&format!("ip -o link | sed -n 's/^{index}: \\([^@:]*\\).*/\\1/p'"));
                    name(&format!("{container}.{dev}"), host.trim().to_owned());
                }
            }
        }
        for (network, bridge) in [("web", "br-web"), ("db", "br-db")] {
            let mac = sh(&format!("ip -j link show {bridge} | jq -r .[0].address"));
            name(&format!("{network}.mac"), mac.trim().to_owned());
        }
        let more = bed.more("web", "front");
        let of = |v6: bool| {
            let found = more.addresses.iter().find(|one| one.contains(':') == v6).unwrap();
            found.split('/').next().unwrap().to_owned()
        };
        name("v4", of(false));
        name("v6", of(true));
        let back_end = bed.netberth.service_backends("api", true).unwrap();
        for backend in back_end {
            let first = backend.addresses.unwrap()[0].split('/').next().unwrap().to_owned();
            name(&format!("{}.v4", backend.id), first);
        }
        name("state", bed.host.path("state").display().to_string());
        name("run", bed.host.path("run").display().to_string());
        name("agent.ns", bed.netberth.sandbox("agent").unwrap().key.display().to_string());
        Subjects(names)
    }

    pub(super) fn filled(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
    }
}

const fn kind(what: &'static str, damage: &'static str, told: &'static [&'static str]) -> Kind {
    Kind { what, damage, told, after: "true" }
}

const fn and_then(kind: Kind, after: &'static str) -> Kind {
    Kind { after, ..kind }
}

/// Of a table that is gone, every element is missing, too.
const TABLE: &[&str] = &["host: table inet netberth | the table with its rules | nothing"];

#[rustfmt::skip]
pub(super) const KINDS: &[Kind] = &[
    // Bridges.
    kind("bridge down", "ip link set br-web down", &["network web: link br-web | up | down"]),
    kind("bridge MTU", "ip link set br-web mtu 1400", &["network web: link br-web | mtu 1500 | mtu 1400"]),
    kind("bridge MAC", "ip link set br-web address 02:00:00:00:00:01",
        &["network web: link br-web | address {web.mac} | address 02:00:00:00:00:01"]),
    kind("bridge renamed", "ip link set br-web down; ip link set br-web name other; ip link set other up",
        &["network web: link br-web | a bridge of that name | it is named other"]),
    kind("bridge deleted", "ip link del br-db",
        &["network db: link br-db | bridge address {db.mac} mtu 1500 | nothing"]),
    kind("bridge address gone", "ip addr del 10.1.0.1/24 dev br-web",
        &["network web: address 10.1.0.1/24 dev br-web | the address | nothing"]),
    kind("bridge IPv6 address gone", "ip addr del fd00:1::1/64 dev br-web",
        &["network web: address fd00:1::1/64 dev br-web | the address | nothing"]),
    kind("foreign address on a bridge", "ip addr add 10.9.9.9/32 dev br-web",
        &["network web: address 10.9.9.9/32 dev br-web | nothing | an address that netberth did not give"]),
    kind("foreign IPv6 address on a bridge", "ip addr add fd00:9::9/128 dev br-web",
        &["network web: address fd00:9::9/128 dev br-web | nothing | an address that netberth did not give"]),
    kind("route to ::1 gone", "ip -6 route del local ::1/128 dev br-web table local",
        &["network web: route ::1/128 dev br-web | on link | nothing"]),
    // Sysctls.
    kind("route_localnet", "sysctl -qw net/ipv4/conf/br-web/route_localnet=0",
        &["network web: sysctl net/ipv4/conf/br-web/route_localnet | 1 | 0"]),
    kind("rp_filter", "sysctl -qw net/ipv4/conf/br-db/rp_filter=1",
        &["network db: sysctl net/ipv4/conf/br-db/rp_filter | 2 | 1"]),
    kind("bridge send_redirects", "sysctl -qw net/ipv4/conf/br-web/send_redirects=1",
        &["network web: sysctl net/ipv4/conf/br-web/send_redirects | 0 | 1"]),
    kind("bridge accept_ra", "sysctl -qw net/ipv6/conf/br-web/accept_ra=1",
        &["network web: sysctl net/ipv6/conf/br-web/accept_ra | 0 | 1"]),
    kind("bridge accept_dad", "sysctl -qw net/ipv6/conf/br-web/accept_dad=1",
        &["network web: sysctl net/ipv6/conf/br-web/accept_dad | 0 | 1"]),
    kind("ip_forward", "sysctl -qw net/ipv4/ip_forward=0",
        &["host: sysctl net/ipv4/ip_forward | 1 | 0: containers reach nobody"]),
    kind("IPv6 forwarding", "sysctl -qw net/ipv6/conf/all/forwarding=0",
        &["host: sysctl net/ipv6/conf/all/forwarding | 1 | 0: containers reach nobody"]),
    kind("send_redirects of all", "sysctl -qw net/ipv4/conf/all/send_redirects=1",
        &["host: sysctl net/ipv4/conf/all/send_redirects | 0 | 1"]),
    kind("accept_redirects of all", "sysctl -qw net/ipv4/conf/all/accept_redirects=1",
        &["host: sysctl net/ipv4/conf/all/accept_redirects | 0 | 1"]),
    kind("sysctl inside", "nsenter --net={c1.ns} sysctl -qw net/ipv4/conf/eth0/accept_redirects=1",
        &["endpoint front: sysctl net/ipv4/conf/eth0/accept_redirects in {c1.ns} | 0 | 1"]),
    kind("rp_filter inside", "nsenter --net={c1.ns} sysctl -qw net/ipv4/conf/eth1/rp_filter=1",
        &["endpoint second: sysctl net/ipv4/conf/eth1/rp_filter in {c1.ns} | 2 | 1"]),
    kind("accept_ra inside", "nsenter --net={c1.ns} sysctl -qw net/ipv6/conf/eth0/accept_ra=1",
        &["endpoint front: sysctl net/ipv6/conf/eth0/accept_ra in {c1.ns} | 0 | 1"]),
    kind("IPv6 switched on inside", "nsenter --net={replica.ns} sysctl -qw net/ipv6/conf/eth0/disable_ipv6=0",
        &["endpoint replica: sysctl net/ipv6/conf/eth0/disable_ipv6 in {replica.ns} | 1 | 0"]),
    // The host's ends.
    kind("host end down", "ip link set {c1.eth0} down", &["endpoint front: link {c1.eth0} | up | down"]),
    kind("host end MTU", "ip link set {c1.eth0} mtu 1300",
        &["endpoint front: link {c1.eth0} | mtu 1500 | mtu 1300"]),
    kind("host end without master", "ip link set {c1.eth0} nomaster",
        &["endpoint front: link {c1.eth0} | master br-web | no master"]),
    kind("host end at another bridge", "ip link set {c1.eth0} master br-db",
        &["endpoint front: link {c1.eth0} | master br-web | master br-db"]),
    kind("hairpin off", "ip link set {c1.eth0} type bridge_slave hairpin off",
        &["endpoint front: bridge port {c1.eth0} | hairpin on | hairpin off"]),
    kind("host end deleted", "ip link del {replica.eth0}",
        &["endpoint replica: link {replica.eth0} | veth master br-db peer eth0 in {replica.ns} | nothing"]),
    kind("host end of a back end deleted", "ip link del {b1.eth0}",
        &["service api: link {b1.eth0} | veth master br-web peer eth0 in {b1.ns} | nothing"]),
    kind("host end with ports deleted", "ip link del {c1.eth0}",
        &["endpoint front: link {c1.eth0} | veth master br-web peer eth0 in {c1.ns} | nothing"]),
    and_then(kind("foreign port", "ip link add stranger type veth peer name strange2; ip link set stranger master br-web",
        &["network web: link stranger | no master | a port of br-web that netberth did not make"]), "ip link del stranger"),
    kind("leaked port", "ip link add nb0123456789ab type veth peer name leak0; ip link set nb0123456789ab master br-web",
        &["network web: link nb0123456789ab | nothing | a container's that is no more"]),
    // Inside containers.
    kind("interface down", "nsenter --net={c1.ns} ip link set eth0 down",
        &["endpoint front: link eth0 in {c1.ns} | up | down"]),
    kind("lo down", "nsenter --net={c1.ns} ip link set lo down", &["sandbox c1: link lo in {c1.ns} | up | down"]),
    kind("interface renamed", "nsenter --net={c1.ns} sh -c 'ip link set eth0 down; ip link set eth0 name wan; ip link set wan up'",
        &["endpoint front: link eth0 in {c1.ns} | peer of {c1.eth0} | it is named wan"]),
    kind("interface MTU", "nsenter --net={c1.ns} ip link set eth0 mtu 1280",
        &["endpoint front: link eth0 in {c1.ns} | mtu 1500 | mtu 1280"]),
    kind("interface MAC", "nsenter --net={replica.ns} ip link set eth0 address 02:00:00:00:00:02",
        &["endpoint replica: link eth0 in {replica.ns} | address 02:6e:0a:02:00:02 | address 02:00:00:00:00:02"]),
    kind("interface deleted inside", "nsenter --net={given.ns} ip link del eth0",
        &["endpoint given: link {given.eth0} | veth master br-web peer eth0 in {given.ns} | nothing"]),
    kind("interface moved elsewhere", "nsenter --net={replica.ns} ip link set eth0 name lost; nsenter --net={replica.ns} ip link set lost netns {b1.ns}",
        &["endpoint replica: link {replica.eth0} | peer eth0 in {replica.ns} | its peer is elsewhere"]),
    kind("address gone", "nsenter --net={c1.ns} ip addr del {v4}/24 dev eth0",
        &["endpoint front: address {v4}/24 dev eth0 in {c1.ns} | the address | nothing"]),
    kind("IPv6 address gone", "nsenter --net={c1.ns} ip addr del {v6}/64 dev eth0",
        &["endpoint front: address {v6}/64 dev eth0 in {c1.ns} | the address | nothing"]),
    kind("address of a back end gone", "nsenter --net={b2.ns} ip -4 addr flush dev eth0",
        &["service api: address {b2.v4}/24 dev eth0 in {b2.ns} | the address | nothing"]),
    kind("foreign address inside", "nsenter --net={c1.ns} ip addr add 10.9.9.9/32 dev eth0",
        &["endpoint front: address 10.9.9.9/32 dev eth0 in {c1.ns} | nothing | an address that netberth did not give"]),
    kind("route to the subnet gone", "nsenter --net={c1.ns} ip route del 10.1.0.0/24",
        &["endpoint front: route 10.1.0.0/24 dev eth0 in {c1.ns} | via 10.1.0.1 src {v4} | nothing"]),
    kind("route to the subnet on link", "nsenter --net={c1.ns} ip route replace 10.1.0.0/24 dev eth0",
        &["endpoint front: route 10.1.0.0/24 dev eth0 in {c1.ns} | via 10.1.0.1 src {v4} | on link"]),
    kind("IPv6 route to the subnet gone", "nsenter --net={c1.ns} ip -6 route del fd00:1::/64",
        &["endpoint front: route fd00:1::/64 dev eth0 in {c1.ns} | via fd00:1::1 src {v6} | nothing"]),
    kind("default route gone", "nsenter --net={c1.ns} ip route del default",
        &["sandbox c1: route default in {c1.ns} | via 10.1.0.1 dev eth0 | nothing"]),
    kind("default route elsewhere", "nsenter --net={c1.ns} ip route replace default via 10.2.0.1 dev eth1",
        &["sandbox c1: route default in {c1.ns} | via 10.1.0.1 dev eth0 | via 10.2.0.1 dev eth1"]),
    kind("IPv6 default route gone", "nsenter --net={c1.ns} ip -6 route del default",
        &["sandbox c1: -6 route default in {c1.ns} | via fd00:1::1 dev eth0 | nothing"]),
    kind("route to the gateway gone", "nsenter --net={replica.ns} ip route del 10.2.0.1",
        &["endpoint replica: route 10.2.0.1/32 dev eth0 in {replica.ns} | on link src 10.2.0.2 | nothing"]),
    // Rules.
    kind("table deleted", "nft delete table inet netberth", TABLE),
    kind("table dormant", "nft add table inet netberth '{ flags dormant; }'",
        &["host: table inet netberth | an active table | flags dormant: no rule is in force"]),
    kind("rule added", "nft add rule inet netberth forward counter",
        &["host: rule inet netberth forward | nothing | counter"]),
    kind("chain flushed", "nft flush chain inet netberth into_net",
        &["host: rule inet netberth into_net | ip saddr 127.0.0.0/8 masquerade | nothing",
          "host: rule inet netberth into_net | ip6 saddr ::1 masquerade | nothing",
          "host: rule inet netberth into_net | ip saddr . ip daddr @self4 masquerade | nothing",
          "host: rule inet netberth into_net | ip6 saddr . ip6 daddr @self6 masquerade | nothing"]),
    kind("chain added", "nft add chain inet netberth more",
        &["host: chain inet netberth more | nothing | a chain of 0 rules that is not netberth's"]),
    kind("set added", "nft add set inet netberth more '{ type ipv4_addr; }'",
        &["host: set inet netberth more | nothing | a set that is not netberth's"]),
    kind("ct helper added", "nft add ct helper inet netberth more '{ type \"ftp\" protocol tcp; }'",
        &["host: ct helper inet netberth more | nothing | a ct helper that is not netberth's"]),
    kind("counter added", "nft add counter inet netberth more",
        &["host: counter inet netberth more | nothing | a counter that is not netberth's"]),
    kind("quota that a rule uses", "nft add quota inet netberth more '{ 10 mbytes }'; nft add rule inet netberth forward quota name more",
        &["host: rule inet netberth forward | nothing | a rule that is not netberth's",
          "host: quota inet netberth more | nothing | a quota that is not netberth's"]),
    kind("limit and synproxy added", "nft add limit inet netberth slow '{ rate 10/second; }'; nft add synproxy inet netberth syn '{ mss 1460; wscale 7; }'",
        &["host: limit inet netberth slow | nothing | a limit that is not netberth's",
          "host: synproxy inet netberth syn | nothing | a synproxy that is not netberth's"]),
    kind("port unpublished", "nft delete element inet netberth pub4_any '{ tcp . 8080 }'",
        &["endpoint front: element inet netberth pub4_any { tcp . 8080 } | tcp . 8080 : {v4} . 80 | nothing"]),
    kind("IPv6 port unpublished", "nft delete element inet netberth pub6_any '{ tcp . 8080 }'",
        &["endpoint front: element inet netberth pub6_any { tcp . 8080 } | tcp . 8080 : {v6} . 80 | nothing"]),
    kind("port that leads elsewhere", "nft delete element inet netberth pub4_any '{ tcp . 8080 }'; nft add element inet netberth pub4_any '{ tcp . 8080 : 10.9.9.9 . 80 }'",
        &["endpoint front: element inet netberth pub4_any { tcp . 8080 } | tcp . 8080 : {v4} . 80 | tcp . 8080 : 10.9.9.9 . 80"]),
    kind("foreign port in the map", "nft add element inet netberth pub4_any '{ tcp . 9 : 10.9.9.9 . 9 }'",
        &["host: element inet netberth pub4_any { tcp . 9 } | nothing | tcp . 9 : 10.9.9.9 . 9"]),
    kind("span unpublished", "nft flush map inet netberth span4_any",
        &["endpoint front: element inet netberth span4_any { udp . 100-120 } | udp . 100-120 : {v4} | nothing"]),
    kind("network without rules", "nft delete element inet netberth br '{ \"br-web\" }'",
        &["network web: element inet netberth br { \"br-web\" } | \"br-web\" | nothing"]),
    kind("masquerade gone", "nft flush set inet netberth br_masq",
        &["network web: element inet netberth br_masq { \"br-web\" } | \"br-web\" | nothing"]),
    kind("internal no more", "nft flush set inet netberth br_int",
        &["network db: element inet netberth br_int { \"br-db\" } | \"br-db\" | nothing"]),
    kind("icc on", "nft delete element inet netberth pair '{ \"br-db\" . \"br-db\" }'; nft add element inet netberth pair '{ \"br-db\" . \"br-db\" : goto icc_on }'",
        &["network db: element inet netberth pair { \"br-db\" . \"br-db\" } | \"br-db\" . \"br-db\" : goto icc_off | \"br-db\" . \"br-db\" : goto icc_on"]),
    kind("networks joined by hand", "nft add element inet netberth pair '{ \"br-web\" . \"br-db\" : goto icc_on }'",
        &["host: element inet netberth pair { \"br-web\" . \"br-db\" } | nothing | \"br-web\" . \"br-db\" : goto icc_on"]),
    // Files.
    kind("hosts deleted", "rm {c1.hosts}", &["sandbox c1: file {c1.hosts} | the file | nothing"]),
    kind("resolv.conf deleted", "rm {c1.resolv}", &["sandbox c1: file {c1.resolv} | the file | nothing"]),
    kind("a name gone from hosts", "sed -i '/replica/d' {c1.hosts}",
        &["sandbox c1: file {c1.hosts} | 10.2.0.2 replica replica.db | nothing"]),
    kind("own name gone from hosts", "sed -i '/c1$/d' {c1.hosts}",
        &["sandbox c1: file {c1.hosts} | {v4} c1; {v6} c1 | nothing"]),
    kind("files deleted", "rm -r {b1.dir}",
        &["sandbox b1: directory {b1.dir} | a directory | nothing",
          "sandbox b1: file {b1.hosts} | the file | nothing",
          "sandbox b1: file {b1.resolv} | the file | nothing"]),
    kind("hosts for nobody", "chmod 600 {c1.hosts}", &["sandbox c1: file {c1.hosts} | mode 0644 | mode 0600"]),
    kind("resolv.conf for everybody", "chmod 666 {b1.resolv}",
        &["sandbox b1: file {b1.resolv} | mode 0644 | mode 0666"]),
    kind("files in everybody's directory", "chmod 777 {c1.dir}",
        &["sandbox c1: directory {c1.dir} | mode 0755 | mode 0777"]),
    kind("files in another's directory", "chown 1234 {c1.dir}",
        &["sandbox c1: directory {c1.dir} | owner 0 | owner 1234"]),
    kind("state for everybody", "chmod 777 {state}", &["host: directory {state} | mode 0700 | mode 0777"]),
    kind("records for everybody", "chmod 644 {state}/netberth.db; chmod 660 {state}/netberth.mark; chmod 640 {state}/lock",
        &["host: file {state}/netberth.db | mode 0600 | mode 0644",
          "host: file {state}/netberth.mark | mode 0600 | mode 0660",
          "host: file {state}/lock | mode 0600 | mode 0640"]),
    kind("records of another", "chown 1234 {state}/netberth.db-wal; chmod 604 {state}/netberth.db-shm",
        &["host: file {state}/netberth.db-wal | owner 0 | owner 1234",
          "host: file {state}/netberth.db-shm | mode 0600 | mode 0604"]),
    kind("run directory for everybody", "chmod 777 {run} {run}/netns",
        &["host: directory {run} | mode 0755 | mode 0777", "host: directory {run}/netns | mode 0755 | mode 0777"]),
    and_then(kind("namespace unmounted while a process is in it", "nsenter --net={c1.ns} sleep 600 > /dev/null 2>&1 < /dev/null & pid=$!; \
        until [ \"$(stat -Lc %i /proc/$pid/ns/net)\" = \"$(stat -Lc %i {c1.ns})\" ]; do sleep 0.01; done; \
        echo $pid > {run}/pid; umount {c1.ns}",
        &["sandbox c1: namespace {c1.ns} | the container's namespace | nothing is mounted there, and process PID is in it"]),
        "kill $(cat {run}/pid); rm {run}/pid"),
    and_then(kind("given namespace unmounted while a process is in it", "nsenter --net={given.ns} sleep 600 > /dev/null 2>&1 < /dev/null & pid=$!; \
        until [ \"$(stat -Lc %i /proc/$pid/ns/net)\" = \"$(stat -Lc %i {given.ns})\" ]; do sleep 0.01; done; \
        echo $pid > {run}/pid; umount {given.ns}; rm {given.ns}",
        &["sandbox given: namespace {given.ns} | the container's namespace | nothing is mounted there, and process PID is in it"]),
        "kill $(cat {run}/pid); rm {run}/pid"),
    kind("key of the host network unmounted", "umount {agent.ns}",
        &["sandbox agent: namespace {agent.ns} | the namespace /proc/self/ns/net | nothing"]),
];
