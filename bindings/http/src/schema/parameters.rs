//! What stands in a path, and after the `?`.

use utoipa::IntoParams;

/// At most one of the filters of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filters {
    /// Exactly this name; empty on `/networks` = `bridge`.
    name: Option<String>,
    /// An id that begins with this.
    #[param(rename = "partial-id")]
    partial_id: Option<String>,
}

/// A further filter.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfNetwork {
    /// On the network of this name.
    network: Option<String>,
}

/// How much is told.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Verbose {
    /// 1 = with everything.
    verbose: Option<u8>,
}

/// Whether it is meant.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Change {
    /// 1 = nothing changes, and the answer is `{"plan":[…]}`: what would be done, as ip, nft and
    /// sysctl lines.
    dry_run: Option<u8>,
}

/// How hard.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Force {
    /// 1 = detach containers first.
    force: Option<u8>,
}

/// Together or each for itself.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Atomic {
    /// 1 = all or none.
    atomic: Option<u8>,
}

/// How gently.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Drain {
    /// 1 = connections go on, and only new ones go elsewhere.
    drain: Option<u8>,
}

/// Which network.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct NetworkId {
    /// Id, exact name, or id prefix of at least 4 digits.
    network_id: String,
}

/// Which endpoint.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct EndpointId {
    /// Id, exact name, or id prefix of at least 4 digits.
    endpoint_id: String,
}

/// Which service.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ServiceId {
    /// Id, exact name, or id prefix of at least 4 digits.
    service_id: String,
}

/// Which container.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ContainerId {
    /// The container's id, as it was given.
    container_id: String,
}
