//! Endpoints, and the containers joined to them.

use axum::extract::{Path, State};
use netberth::model::{EndpointSpec, JoinSpec};

use crate::answer::{Answer, json};
use crate::body::Document;
use crate::door::Door;
use crate::query::Query;
use crate::schema::{
    Change, ContainerId, Endpoint, EndpointCreate, EndpointId, Filters, Force, Join, NetworkId,
    Refusals, Verbose,
};

/// List the endpoints of a network, in order of creation
#[utoipa::path(get, path = "/networks/{network_id}/endpoints", tag = "endpoints",
    params(NetworkId, Filters, Verbose), responses((status = 200, body = Vec<Endpoint>), Refusals))]
pub(crate) async fn endpoint_list(
    State(door): State<Door>,
    Path(network): Path<String>,
    query: Query,
) -> Answer {
    let verbose = query.verbose;
    let filter = query.of_endpoints()?;
    json(&door.read(move |core| core.endpoints(&network, &filter, verbose)).await?)
}

/// Create an endpoint on a network
#[utoipa::path(post, path = "/networks/{network_id}/endpoints", tag = "endpoints",
    params(NetworkId, Change), request_body = EndpointCreate,
    responses((status = 200, body = String, description = "its id"), Refusals))]
pub(crate) async fn endpoint_create(
    State(door): State<Door>,
    Path(network): Path<String>,
    query: Query,
    Document(body): Document,
) -> Answer {
    let spec = EndpointSpec::from_json(&body)?;
    door.change(&query, move |core| Ok(Some(core.endpoint_create(&network, &spec)?.to_string())))
        .await
}

/// Get an endpoint
#[utoipa::path(get, path = "/networks/{network_id}/endpoints/{endpoint_id}", tag = "endpoints",
    params(NetworkId, EndpointId, Verbose), responses((status = 200, body = Endpoint), Refusals))]
pub(crate) async fn endpoint_get(
    State(door): State<Door>,
    Path((network, endpoint)): Path<(String, String)>,
    query: Query,
) -> Answer {
    json(&door.read(move |core| core.endpoint(&network, &endpoint, query.verbose)).await?)
}

/// Delete an endpoint
#[utoipa::path(delete, path = "/networks/{network_id}/endpoints/{endpoint_id}", tag = "endpoints",
    params(NetworkId, EndpointId, Change, Force), responses((status = 200, description = "it is gone"), Refusals))]
pub(crate) async fn endpoint_delete(
    State(door): State<Door>,
    Path((network, endpoint)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let force = query.force;
    door.change(&query, move |core| core.endpoint_delete(&network, &endpoint, force).map(|()| None))
        .await
}

/// Join an endpoint to a container
#[utoipa::path(post, path = "/networks/{network_id}/endpoints/{endpoint_id}/containers",
    tag = "endpoints", params(NetworkId, EndpointId, Change), request_body = Join,
    responses((status = 200, body = String, description = "the sandbox key"), Refusals))]
pub(crate) async fn endpoint_join(
    State(door): State<Door>,
    Path((network, endpoint)): Path<(String, String)>,
    query: Query,
    Document(body): Document,
) -> Answer {
    let spec = JoinSpec::from_json(&body)?;
    door.change(&query, move |core| {
        Ok(Some(core.join(&network, &endpoint, &spec)?.display().to_string()))
    })
    .await
}

/// Detach an endpoint from a container
#[utoipa::path(delete,
    path = "/networks/{network_id}/endpoints/{endpoint_id}/containers/{container_id}",
    tag = "endpoints", params(NetworkId, EndpointId, ContainerId, Change),
    responses((status = 200, description = "it is detached"), Refusals))]
pub(crate) async fn endpoint_detach(
    State(door): State<Door>,
    Path((network, endpoint, container)): Path<(String, String, String)>,
    query: Query,
) -> Answer {
    door.change(&query, move |core| core.detach(&network, &endpoint, &container).map(|()| None))
        .await
}
