//! Services with several back ends: who comes, who goes, and whose place it was.

use super::super::verbs::Verb::{self, *};
use super::{B, BAR, CA, FOO, JOIN_B, OTHER, Scenario, plain};

const S: Verb = Publish(r#"{"name":"s","network_name":"bar","aliases":["sss"]}"#);
const T: Verb = Publish(r#"{"name":"t","network_name":"bar","balance":"random"}"#);
const U: Verb = Publish(r#"{"name":"u","network_name":"foo","balance":"source"}"#);
const G: Verb = Publish(r#"{"name":"g","network_name":"bar","balance":"random"}"#);
/// Ports of every sort.
const P: Verb = Publish(
    r#"{"name":"p","network_name":"bar","balance":"random","port_mapping":[
        {"proto":6,"port":80,"host_port":8080},
        {"proto":6,"port":80,"host_ip":"192.0.2.1","host_port":8081},
        {"proto":17,"port":9000,"port_end":9001,"host_port":9000}]}"#,
);
const C1: &str = r#"{"container_id":"c1"}"#;
const C2: &str = r#"{"container_id":"c2"}"#;
const S1: Verb = Attach("s", C1);
const S2: Verb = Attach("s", C2);
const JOIN_OTHER: Verb = Join("bar", "other", CA);
const SA: Verb = Attach("s", CA);
const T1: Verb = Attach("t", C1);
const U1: Verb = Attach("u", C1);
const U2: Verb = Attach("u", C2);
const P1: Verb = Attach("p", C1);
const P2: Verb = Attach("p", C2);

/// Containers come.
pub const ATTACHES: &[Scenario] = &[
    plain("the first", &[BAR, OTHER, JOIN_OTHER, S], S1),
    plain("the second", &[BAR, OTHER, JOIN_OTHER, S, S1], S2),
    plain("by chance", &[BAR, T, T1], Attach("t", C2)),
    plain("by their address", &[FOO, B, JOIN_B, U, U1], U2),
    plain("where it is by an endpoint", &[BAR, OTHER, JOIN_OTHER, S, S1], SA),
    plain("where it is by another service", &[BAR, S, S1, S2, T], T1),
    plain("from another network", &[BAR, FOO, U, U1, S], S1),
    plain("again after draining", &[BAR, S, S1, S2, Drain("s", "c1")], S1),
    plain("again, the only one", &[BAR, S, S1, Drain("s", "c1")], S1),
    plain(
        "again where it is by an endpoint",
        &[BAR, OTHER, JOIN_OTHER, S, SA, Drain("s", "ca")],
        SA,
    ),
    plain("beside one that drains", &[BAR, S, S1, Drain("s", "c1")], S2),
    plain("with ports", &[BAR, P, P1], P2),
    plain("a name for those who are there", &[BAR, S, S1, S2], T),
    plain(
        "where nothing has an address",
        &[Publish(r#"{"name":"n","network_name":"none"}"#), Attach("n", C1)],
        Attach("n", C2),
    ),
];

/// Containers go.
pub const DETACHES: &[Scenario] = &[
    plain("drain", &[BAR, OTHER, JOIN_OTHER, S, S1, S2], Drain("s", "c1")),
    plain("drain the only one", &[BAR, S, S1], Drain("s", "c1")),
    plain("drain by its address", &[FOO, B, JOIN_B, U, U1, U2], Drain("u", "c1")),
    plain("drain with ports", &[BAR, P, P1, P2], Drain("p", "c2")),
    plain("one of two", &[BAR, OTHER, JOIN_OTHER, S, S1, S2], ServiceDetach("s", "c1")),
    plain("the last", &[BAR, OTHER, JOIN_OTHER, S, S1], ServiceDetach("s", "c1")),
    plain("one that drained", &[BAR, S, S1, S2, Drain("s", "c1")], ServiceDetach("s", "c1")),
    plain("beside one that drains", &[BAR, S, S1, S2, Drain("s", "c1")], ServiceDetach("s", "c2")),
    plain("with ports", &[BAR, P, P1, P2], ServiceDetach("p", "c1")),
    plain("the last with ports", &[BAR, P, P1], ServiceDetach("p", "c1")),
    plain("its place stays another's", &[BAR, S, S1, S2, T, T1], ServiceDetach("s", "c1")),
    plain(
        "its place stays an endpoint",
        &[BAR, OTHER, JOIN_OTHER, S, S1, SA],
        ServiceDetach("s", "ca"),
    ),
    plain("its place stays, the last", &[BAR, OTHER, JOIN_OTHER, S, SA], ServiceDetach("s", "ca")),
    Scenario {
        parts: &[ServiceDetach("s", "c1"), ServiceDetach("s", "c2"), Unpublish("s")],
        ..plain("by force", &[BAR, OTHER, JOIN_OTHER, S, S1, S2], UnpublishForce("s"))
    },
    Scenario {
        parts: &[ServiceDetach("p", "c1"), ServiceDetach("p", "c2"), Unpublish("p")],
        ..plain("by force with ports", &[BAR, P, P1, P2], UnpublishForce("p"))
    },
    Scenario {
        parts: &[
            ServiceDetach("s", "ca"),
            Detach("bar", "other", "ca"),
            EndpointDelete("bar", "other"),
        ],
        ..plain(
            "with their endpoint",
            &[BAR, OTHER, JOIN_OTHER, S, S1, SA],
            EndpointForce("bar", "other"),
        )
    },
    plain("with their sandbox", &[BAR, S, S1, S2, T, T1, FOO, U, U2, U1], SandboxDelete("c1")),
    plain("drained with their sandbox", &[BAR, S, S1, Drain("s", "c1")], SandboxDelete("c1")),
    plain(
        "a sandbox with an endpoint",
        &[BAR, OTHER, JOIN_OTHER, S, SA, FOO, U, Attach("u", CA)],
        SandboxDelete("ca"),
    ),
    plain(
        "where nothing has an address",
        &[Publish(r#"{"name":"n","network_name":"none"}"#), Attach("n", C1), Attach("n", C2)],
        ServiceDetach("n", "c1"),
    ),
];

/// From a dozen to thirteen: 1020 slots in place of 60.
pub const GROWTH: &[Scenario] = &[plain(
    "the thirteenth",
    &[
        BAR,
        G,
        Attach("g", r#"{"container_id":"g1"}"#),
        Attach("g", r#"{"container_id":"g2"}"#),
        Attach("g", r#"{"container_id":"g3"}"#),
        Attach("g", r#"{"container_id":"g4"}"#),
        Attach("g", r#"{"container_id":"g5"}"#),
        Attach("g", r#"{"container_id":"g6"}"#),
        Attach("g", r#"{"container_id":"g7"}"#),
        Attach("g", r#"{"container_id":"g8"}"#),
        Attach("g", r#"{"container_id":"g9"}"#),
        Attach("g", r#"{"container_id":"g10"}"#),
        Attach("g", r#"{"container_id":"g11"}"#),
        Attach("g", r#"{"container_id":"g12"}"#),
    ],
    Attach("g", r#"{"container_id":"g13"}"#),
)];

/// Those of services are many, and their elements more: it is enough to try what has an effect.
pub fn is_one(scenario: &Scenario) -> bool {
    let mut all = [ATTACHES, DETACHES, GROWTH].into_iter().flatten();
    all.any(|one| (one.name, one.verb) == (scenario.name, scenario.verb))
}
