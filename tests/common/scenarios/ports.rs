//! Published ports: what a mapping adds to a verb is the same few steps, whatever its sort and their
//! number, so one endpoint has them all.

use super::super::verbs::Verb::{self, *};
use super::{FOO, Scenario, given, on, plain};

const P: Verb = Endpoint(
    "foo",
    r#"{"name":"p","port_mapping":[{"proto":6,"port":80,"host_port":8080},
        {"proto":17,"port":80,"host_port":8080},
        {"proto":6,"port":80,"host_ip":"192.0.2.1","host_port":8081},
        {"proto":6,"port":80,"host_ip":"::1","host_port":8081},
        {"proto":17,"port":9000,"port_end":9001,"host_port":9000},
        {"proto":6,"port":9000,"port_end":9001,"host_port":9100}]}"#,
);
const OTHER: Verb =
    Endpoint("foo", r#"{"name":"o","port_mapping":[{"proto":6,"port":80,"host_port":8090}]}"#);
const JOIN: Verb = Join("foo", "p", r#"{"container_id":"cp"}"#);
const JOIN_OTHER: Verb = Join("foo", "o", r#"{"container_id":"co"}"#);
const GIVEN: Verb = Join("foo", "p", r#"{"container_id":"cp","netns":"@/given"}"#);
const SERVICE: Verb = Publish(
    r#"{"name":"s","network_name":"foo","port_mapping":[{"proto":6,"port":80,"host_port":8080}]}"#,
);
const ATTACH: Verb = Attach("s", r#"{"container_id":"cs"}"#);

/// Claiming ports, which is all that an endpoint does with them while nothing is joined to it.
pub const CLAIMS: &[Scenario] = &[
    plain("named", &[FOO], P),
    plain(
        "automatic",
        &[FOO],
        Endpoint("foo", r#"{"name":"p","port_mapping":[{"proto":6,"port":80}]}"#),
    ),
    plain("a service", &[FOO], SERVICE),
    plain("given back", &[FOO, P], EndpointDelete("foo", "p")),
];

/// Ports come to life.
pub const LIVE: &[Scenario] = &[
    plain("of every sort", &[FOO, P], JOIN),
    on(given, plain("in a given namespace", &[FOO, P], GIVEN)),
    plain("again after detaching", &[FOO, P, JOIN, Detach("foo", "p", "cp")], JOIN),
    plain("of a service", &[FOO, SERVICE], ATTACH),
];

/// Ports end.
pub const DEAD: &[Scenario] = &[
    plain("detached", &[FOO, OTHER, JOIN_OTHER, P, JOIN], Detach("foo", "p", "cp")),
    plain("with their sandbox", &[FOO, P, JOIN], SandboxDelete("cp")),
    on(given, plain("with a given namespace", &[FOO, P, GIVEN], SandboxDelete("cp"))),
    Scenario {
        parts: &[Detach("foo", "p", "cp"), EndpointDelete("foo", "p")],
        ..plain("with their endpoint", &[FOO, P, JOIN], EndpointForce("foo", "p"))
    },
    Scenario {
        parts: &[ServiceDetach("s", "cs"), Unpublish("s")],
        ..plain("unpublished by force", &[FOO, SERVICE, ATTACH], UnpublishForce("s"))
    },
];
