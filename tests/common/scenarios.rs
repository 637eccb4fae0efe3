//! Every verb in every situation that makes it do something else.

pub mod ports;
pub mod services;

use std::path::Path;

use netberth::kernel::fake::Fake;

use super::verbs::Verb::{self, *};

/// A situation and the verb that is tried in it.
pub struct Scenario {
    pub name: &'static str,
    /// What is there before netberth.
    pub outside: fn(&Fake, &Path),
    /// What was done before.
    pub setup: &'static [Verb],
    /// What happened to the host since.
    pub meanwhile: fn(&Fake, &Path),
    pub verb: Verb,
    /// The verbs that it consists of, where it is more than one: between them a crash may end it.
    pub parts: &'static [Verb],
}

fn nothing(_: &Fake, _: &Path) {}

const fn plain(name: &'static str, setup: &'static [Verb], verb: Verb) -> Scenario {
    Scenario { name, outside: nothing, setup, meanwhile: nothing, verb, parts: &[] }
}

#[expect(clippy::needless_pass_by_value, reason = "a constant is spread into another")]
const fn on(outside: fn(&Fake, &Path), scenario: Scenario) -> Scenario {
    Scenario { outside, ..scenario }
}

/// Namespaces and files of somebody else's.
fn given(fake: &Fake, directory: &Path) {
    fake.add_namespace(&directory.join("given"));
    fake.set_file(&directory.join("files/hosts"), "127.0.0.1 mine");
    fake.set_file(&directory.join("files/resolv.conf"), "nameserver 192.0.2.1\n");
    fake.set_file(Path::new("/etc/resolv.conf"), "nameserver 192.0.2.53\n");
}

fn forwards(fake: &Fake, _: &Path) {
    fake.set_sysctl("net/ipv4/ip_forward", "1");
}

/// The container's last process has ended.
fn ended(fake: &Fake, directory: &Path) {
    fake.remove_namespace(&directory.join("given"));
}

const FOO: Verb = Network(r#"{"name":"foo","options":{"ipv6":true}}"#);
const BAR: Verb = Network(r#"{"name":"bar"}"#);
const A: Verb = Endpoint("foo", r#"{"name":"a"}"#);
const B: Verb = Endpoint("foo", r#"{"name":"b","aliases":["bee"]}"#);
const OTHER: Verb = Endpoint("bar", r#"{"name":"other"}"#);
const FIRST: Verb = Endpoint("bar", r#"{"name":"first","priority":9}"#);
const JOIN_A: Verb = Join("foo", "a", r#"{"container_id":"ca","host_name":"web"}"#);
const JOIN_B: Verb = Join("foo", "b", r#"{"container_id":"cb"}"#);
const CA: &str = r#"{"container_id":"ca"}"#;
const ON_GIVEN: Verb = Join("foo", "a", r#"{"container_id":"ca","netns":"@/given"}"#);
const SERVICE: Verb = Publish(r#"{"name":"s","network_name":"foo","aliases":["sss"]}"#);
const ATTACH: Verb = Attach("s", r#"{"container_id":"cs"}"#);
const EXTRA: &str = r#"{"container_id":"ca","extra_hosts":[{"name":"db","address":"10.9.9.9"}]}"#;
const SYSCTLS: &str = r#"{"container_id":"ca","netns":"@/given",
    "sysctls":{"net.core.somaxconn":"100","net.ipv4.ip_unprivileged_port_start":"0"}}"#;
const OVERRIDES: &str = r#"{"container_id":"ca","host_name":"web","domain_name":"example.org",
    "hosts_path":"@/files/hosts","resolv_conf_path":"@/files/resolv.conf","dns":["192.0.2.9"]}"#;
const PARENTS: &str = r#"{"container_id":"cb","parent_updates":[
    {"endpoint_id":"a","name":"db","address":"10.9.9.1"},
    {"endpoint_id":"a","name":"other","address":"10.9.9.2"}]}"#;
const WITH_OTHER: &str = r#"{"container_id":"ca","extra_hosts":[
    {"name":"db","address":"10.9.9.9"},{"name":"other","address":"10.9.9.8"}]}"#;

/// Networks.
pub const NETWORKS: &[Scenario] = &[
    plain("plain", &[], Network(r#"{"name":"n"}"#)),
    plain("ipv6", &[], Network(r#"{"name":"n","options":{"ipv6":true}}"#)),
    plain("internal", &[], Network(r#"{"name":"n","options":{"internal":true}}"#)),
    plain("icc off", &[], Network(r#"{"name":"n","options":{"icc":false}}"#)),
    plain("masquerade off", &[], Network(r#"{"name":"n","options":{"masquerade":false}}"#)),
    plain(
        "explicit subnets",
        &[],
        Network(
            r#"{"name":"n","options":{"mtu":1400,"bridge":"br7","labels":{"a":"b"},"subnets":[
                {"subnet":"10.5.0.0/16","range":"10.5.8.0/24","gateway":"10.5.0.9",
                 "reserved":["10.5.8.0/28"]}]}}"#,
        ),
    ),
    plain(
        "several subnets",
        &[],
        Network(
            r#"{"name":"n","options":{"subnets":[{"subnet":"10.5.0.0/24"},
                {"subnet":"10.6.0.0/24"},{"subnet":"fd00:5::/64"},{"subnet":"fd00:6::/64"}]}}"#,
        ),
    ),
    plain(
        "the options of 2015",
        &[],
        Network(
            r#"{"name":"n","options":{"com.docker.network.generic":{"BridgeName":"br9",
                "AddressIPv4":"172.30.0.1/16","FixedCIDR":"172.30.8.0/24","Mtu":"1400",
                "FixedCIDRv6":"fd00:9::/64","EnableIPv6":"true","EnableICC":"false",
                "EnableIPMasquerade":"false"}}}"#,
        ),
    ),
    plain("a second network", &[BAR, OTHER], FOO),
    on(forwards, plain("on a host that forwards", &[], FOO)),
    plain("delete the only network", &[FOO], NetworkDelete("foo")),
    plain("delete one of two", &[FOO, BAR], NetworkDelete("foo")),
    plain("delete the older of two", &[BAR, FOO], NetworkDelete("bar")),
    on(forwards, plain("delete where it forwarded", &[FOO], NetworkDelete("foo"))),
];

/// Endpoints and services.
pub const ENDPOINTS: &[Scenario] = &[
    plain("the first on bridge", &[], Endpoint("bridge", r#"{"name":"e"}"#)),
    plain(
        "the second on bridge",
        &[Endpoint("bridge", r#"{"name":"e"}"#)],
        Endpoint("bridge", r#"{"name":"f"}"#),
    ),
    plain("on a network", &[FOO], A),
    plain("on none", &[], Endpoint("none", r#"{"name":"e"}"#)),
    plain("on host", &[], Endpoint("host", r#"{"name":"e"}"#)),
    plain(
        "fixed addresses",
        &[Network(
            r#"{"name":"n","options":{"subnets":[{"subnet":"10.5.0.0/24"},
            {"subnet":"fd00:5::/64"}]}}"#,
        )],
        Endpoint(
            "n",
            r#"{"name":"e","ipv4_address":"10.5.0.77","ipv6_address":"fd00:5::77",
                "mac_address":"02:00:00:00:00:77","labels":{"a":"b"},"priority":3}"#,
        ),
    ),
    plain("a service", &[FOO, A, JOIN_A, B, JOIN_B], SERVICE),
    plain("a service on bridge", &[], Publish(r#"{"name":"s"}"#)),
    plain("delete one of two", &[FOO, A, B], EndpointDelete("foo", "a")),
    plain(
        "delete the last on bridge",
        &[Endpoint("bridge", r#"{"name":"e"}"#)],
        EndpointDelete("bridge", "e"),
    ),
    plain(
        "delete one of two on bridge",
        &[Endpoint("bridge", r#"{"name":"e"}"#), Endpoint("bridge", r#"{"name":"f"}"#)],
        EndpointDelete("bridge", "e"),
    ),
    plain("delete on none", &[Endpoint("none", r#"{"name":"e"}"#)], EndpointDelete("none", "e")),
    Scenario {
        parts: &[Detach("foo", "a", "ca"), EndpointDelete("foo", "a")],
        ..plain("force", &[FOO, A, JOIN_A, B, JOIN_B], EndpointForce("foo", "a"))
    },
    Scenario {
        parts: &[Detach("bridge", "e", "c"), EndpointDelete("bridge", "e")],
        ..plain(
            "force the last on bridge",
            &[
                Endpoint("bridge", r#"{"name":"e"}"#),
                Join("bridge", "e", r#"{"container_id":"c"}"#),
            ],
            EndpointForce("bridge", "e"),
        )
    },
    plain("unpublish", &[FOO, A, JOIN_A, SERVICE], Unpublish("s")),
    Scenario {
        parts: &[ServiceDetach("s", "cs"), Unpublish("s")],
        ..plain("unpublish by force", &[FOO, A, JOIN_A, SERVICE, ATTACH], UnpublishForce("s"))
    },
];

/// Joins.
pub const JOINS: &[Scenario] = &[
    plain(
        "three at once",
        &[FOO, BAR, B, JOIN_B],
        JoinMany(
            r#"[{"network":"foo","endpoint":{"name":"x","port_mapping":[
                    {"proto":6,"port":80,"host_port":8080}]},"container":{"container_id":"cx"}},
                {"network":"foo","endpoint":{"name":"y"},"container":{"container_id":"cy"}},
                {"network":"bar","endpoint":{"name":"x"},"container":{"container_id":"cx"}}]"#,
        ),
    ),
    plain("own namespace", &[FOO, A], JOIN_A),
    plain("among others", &[FOO, A, B, JOIN_B, SERVICE], JOIN_A),
    plain(
        "internal",
        &[Network(r#"{"name":"n","options":{"internal":true}}"#), Endpoint("n", r#"{"name":"e"}"#)],
        Join("n", "e", CA),
    ),
    plain("a second network", &[FOO, A, JOIN_A, BAR, OTHER], Join("bar", "other", CA)),
    plain("a second that goes first", &[FOO, A, JOIN_A, BAR, FIRST], Join("bar", "first", CA)),
    plain(
        "the same extra hosts twice",
        &[FOO, A, Join("foo", "a", EXTRA), BAR, OTHER],
        Join("bar", "other", EXTRA),
    ),
    on(given, plain("a given namespace", &[FOO, A], ON_GIVEN)),
    on(given, plain("sysctls", &[FOO, A], Join("foo", "a", SYSCTLS))),
    on(given, plain("files elsewhere", &[FOO, A, B, JOIN_B], Join("foo", "a", OVERRIDES))),
    on(
        given,
        plain(
            "a second in a given namespace",
            &[FOO, A, ON_GIVEN, BAR, FIRST],
            Join("bar", "first", SYSCTLS),
        ),
    ),
    plain("parents", &[FOO, A, Join("foo", "a", WITH_OTHER), B], Join("foo", "b", PARENTS)),
    plain("extra hosts", &[FOO, A], Join("foo", "a", EXTRA)),
    plain(
        "an interface name",
        &[FOO, A],
        Join("foo", "a", r#"{"container_id":"ca","interface_name":"net0"}"#),
    ),
    plain("host", &[Endpoint("host", r#"{"name":"e"}"#)], Join("host", "e", CA)),
    plain("none", &[Endpoint("none", r#"{"name":"e"}"#)], Join("none", "e", CA)),
    plain(
        "again after detaching",
        &[FOO, A, B, JOIN_B, JOIN_A, Detach("foo", "a", "ca")],
        Join("foo", "a", EXTRA),
    ),
    plain("attach to a service", &[FOO, A, JOIN_A, SERVICE], ATTACH),
];

/// Detaching and the end of sandboxes.
pub const LEAVES: &[Scenario] = &[
    plain("the only one", &[FOO, A, JOIN_A], Detach("foo", "a", "ca")),
    plain("among others", &[FOO, A, B, JOIN_A, JOIN_B, SERVICE], Detach("foo", "a", "ca")),
    plain(
        "the default route moves",
        &[FOO, A, B, JOIN_B, JOIN_A, BAR, FIRST, Join("bar", "first", CA)],
        Detach("bar", "first", "ca"),
    ),
    plain(
        "the own names move",
        &[FOO, A, B, JOIN_B, JOIN_A, BAR, OTHER, Join("bar", "other", CA)],
        Detach("foo", "a", "ca"),
    ),
    on(given, plain("a given namespace", &[FOO, A, ON_GIVEN], Detach("foo", "a", "ca"))),
    on(
        given,
        Scenario {
            meanwhile: ended,
            ..plain(
                "from a namespace that ended",
                &[FOO, A, ON_GIVEN, BAR, OTHER, Join("bar", "other", CA)],
                Detach("foo", "a", "ca"),
            )
        },
    ),
    plain(
        "none",
        &[Endpoint("none", r#"{"name":"e"}"#), Join("none", "e", CA)],
        Detach("none", "e", "ca"),
    ),
    plain(
        "host",
        &[Endpoint("host", r#"{"name":"e"}"#), Join("host", "e", CA)],
        Detach("host", "e", "ca"),
    ),
    plain("from a service", &[FOO, A, JOIN_A, SERVICE, ATTACH], ServiceDetach("s", "cs")),
    plain("delete a sandbox", &[FOO, A, JOIN_A], SandboxDelete("ca")),
    plain(
        "delete a sandbox on two networks",
        &[FOO, A, B, JOIN_B, JOIN_A, BAR, FIRST, Join("bar", "first", CA)],
        SandboxDelete("ca"),
    ),
    plain(
        "delete a sandbox that nothing is joined to",
        &[FOO, A, JOIN_A, Detach("foo", "a", "ca")],
        SandboxDelete("ca"),
    ),
    on(
        given,
        plain(
            "delete a sandbox with sysctls",
            &[FOO, A, Join("foo", "a", SYSCTLS)],
            SandboxDelete("ca"),
        ),
    ),
    on(
        given,
        plain(
            "delete a sandbox with files elsewhere",
            &[FOO, A, B, JOIN_B, Join("foo", "a", OVERRIDES)],
            SandboxDelete("ca"),
        ),
    ),
    on(
        given,
        Scenario {
            meanwhile: ended,
            ..plain(
                "delete a sandbox whose namespace ended",
                &[FOO, A, B, JOIN_B, ON_GIVEN, BAR, OTHER, Join("bar", "other", CA)],
                SandboxDelete("ca"),
            )
        },
    ),
    plain(
        "delete a sandbox on host",
        &[Endpoint("host", r#"{"name":"e"}"#), Join("host", "e", CA)],
        SandboxDelete("ca"),
    ),
    plain(
        "delete the sandbox of a service",
        &[FOO, A, JOIN_A, SERVICE, ATTACH],
        SandboxDelete("cs"),
    ),
];

/// All of them, with the name of the group.
pub fn all() -> Vec<(&'static str, &'static Scenario)> {
    let groups = [
        ("network", NETWORKS),
        ("endpoint", ENDPOINTS),
        ("join", JOINS),
        ("leave", LEAVES),
        ("attach", services::ATTACHES),
        ("detach", services::DETACHES),
        ("claimed ports", ports::CLAIMS),
        ("live ports", ports::LIVE),
        ("dead ports", ports::DEAD),
    ];
    let named = |(group, scenarios): (_, &'static [Scenario])| {
        scenarios.iter().map(move |scenario| (group, scenario))
    };
    groups.into_iter().flat_map(named).collect()
}
