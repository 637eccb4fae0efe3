//! The verbs as data: each door calls them in its own way.

use netberth::model::Filter;

/// What is asked; nothing changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Networks { filter: Filter, verbose: bool },
    Network { network: String, verbose: bool },
    Endpoints { network: String, filter: Filter, verbose: bool },
    Endpoint { network: String, endpoint: String, verbose: bool },
    Services { filter: Filter, verbose: bool },
    Service { service: String, verbose: bool },
    Backends { service: String, verbose: bool },
    Sandboxes,
    Sandbox { container: String },
    Verify,
    Version,
}

/// What is done; documents are JSON texts of API.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    NetworkCreate { request: String },
    NetworkDelete { network: String },
    EndpointCreate { network: String, request: String },
    EndpointDelete { network: String, endpoint: String, force: bool },
    Join { network: String, endpoint: String, request: String },
    JoinMany { request: String, atomic: bool },
    Detach { network: String, endpoint: String, container: String },
    ServicePublish { request: String },
    ServiceUnpublish { service: String, force: bool },
    ServiceAttach { service: String, request: String },
    ServiceDetach { service: String, container: String, drain: bool },
    SandboxDelete { container: String },
    Repair,
    Gc,
}
