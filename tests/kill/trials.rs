//! The verbs, each in the situation in which it does most.

use super::super::common::verbs::Verb;

/// A verb and what was done before.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) setup: &'static [Verb],
    pub(crate) verb: Verb,
}

const FOO: Verb = Verb::Network(
    r#"{"name":"foo","options":{"subnets":[{"subnet":"10.66.0.0/24"},{"subnet":"fd00:66::/64"}]}}"#,
);
const BAR: Verb =
    Verb::Network(r#"{"name":"bar","options":{"subnets":[{"subnet":"10.67.0.0/24"}]}}"#);
const A: Verb = Verb::Endpoint(
    "foo",
    r#"{"name":"a","port_mapping":[{"proto":6,"port":80,"host_port":8080},
        {"proto":17,"port":9000,"port_end":9010,"host_port":9000}]}"#,
);
const B: Verb = Verb::Endpoint("foo", r#"{"name":"b","aliases":["bee"]}"#);
const FIRST: Verb = Verb::Endpoint("bar", r#"{"name":"first","priority":9}"#);
const JOIN_A: Verb = Verb::Join("foo", "a", r#"{"container_id":"ca","host_name":"web"}"#);
const JOIN_B: Verb = Verb::Join("foo", "b", r#"{"container_id":"cb"}"#);
const GIVEN: Verb = Verb::Join(
    "foo",
    "a",
    r#"{"container_id":"ca","netns":"@/given","sysctls":{"net.core.somaxconn":"100"}}"#,
);
const SECOND: Verb = Verb::Join("bar", "first", r#"{"container_id":"ca"}"#);
const SERVICE: Verb = Verb::Publish(
    r#"{"name":"s","network_name":"foo","aliases":["sss"],"port_mapping":[
        {"proto":6,"port":80,"host_port":8090}]}"#,
);
const S1: Verb = Verb::Attach("s", r#"{"container_id":"c1"}"#);
const S2: Verb = Verb::Attach("s", r#"{"container_id":"c2"}"#);
const MANY: Verb = Verb::JoinMany(
    r#"[{"network":"foo","endpoint":{"name":"x","port_mapping":[
            {"proto":6,"port":80,"host_port":8070}]},"container":{"container_id":"cx"}},
        {"network":"foo","endpoint":{"name":"y"},"container":{"container_id":"cy"}},
        {"network":"bar","endpoint":{"name":"x"},"container":{"container_id":"cx"}}]"#,
);

const fn trial(name: &'static str, setup: &'static [Verb], verb: Verb) -> Trial {
    Trial { name, setup, verb }
}

pub(crate) const TRIALS: &[Trial] = &[
    trial("network create", &[], FOO),
    trial("endpoint create", &[FOO, B, JOIN_B], A),
    trial("join", &[FOO, A, B, JOIN_B], JOIN_A),
    trial("join a given namespace", &[FOO, A], GIVEN),
    trial("join a second network", &[FOO, A, JOIN_A, BAR, FIRST], SECOND),
    trial("bulk join", &[FOO, BAR, B, JOIN_B], MANY),
    trial("service publish", &[FOO, B, JOIN_B], SERVICE),
    trial("service attach", &[FOO, B, JOIN_B, SERVICE, S1], S2),
    trial("service detach", &[FOO, B, JOIN_B, SERVICE, S1, S2], Verb::ServiceDetach("s", "c1")),
    trial("service unpublish", &[FOO, B, JOIN_B, SERVICE], Verb::Unpublish("s")),
    trial("detach", &[FOO, A, B, JOIN_B, JOIN_A], Verb::Detach("foo", "a", "ca")),
    trial(
        "detach, the default route moves",
        &[FOO, A, JOIN_A, BAR, FIRST, SECOND],
        Verb::Detach("bar", "first", "ca"),
    ),
    trial(
        "sandbox delete",
        &[FOO, A, B, JOIN_B, JOIN_A, BAR, FIRST, SECOND],
        Verb::SandboxDelete("ca"),
    ),
    trial("endpoint delete", &[FOO, B, JOIN_B, A], Verb::EndpointDelete("foo", "a")),
    trial("network delete", &[FOO], Verb::NetworkDelete("foo")),
];
