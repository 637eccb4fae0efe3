//! Networks.

use axum::extract::{Path, State};
use netberth::model::NetworkSpec;

use crate::answer::{Answer, json};
use crate::body::Document;
use crate::door::Door;
use crate::query::Query;
use crate::schema::{Change, Filters, Network, NetworkCreate, NetworkId, Refusals, Verbose};

/// List networks, in order of creation
#[utoipa::path(get, path = "/networks", tag = "networks", params(Filters, Verbose),
    responses((status = 200, body = Vec<Network>), Refusals))]
pub(crate) async fn network_list(State(door): State<Door>, query: Query) -> Answer {
    let verbose = query.verbose;
    let filter = query.of_networks()?;
    json(&door.read(move |core| core.networks(&filter, verbose)).await?)
}

/// Create a network
#[utoipa::path(post, path = "/networks", tag = "networks", params(Change),
    request_body = NetworkCreate,
    responses((status = 200, body = String, description = "its id"), Refusals))]
pub(crate) async fn network_create(
    State(door): State<Door>,
    query: Query,
    Document(body): Document,
) -> Answer {
    let spec = NetworkSpec::from_json(&body)?;
    door.change(&query, move |core| Ok(Some(core.network_create(&spec)?.to_string()))).await
}

/// Get a network
#[utoipa::path(get, path = "/networks/{network_id}", tag = "networks", params(NetworkId, Verbose),
    responses((status = 200, body = Network), Refusals))]
pub(crate) async fn network_get(
    State(door): State<Door>,
    Path(network): Path<String>,
    query: Query,
) -> Answer {
    json(&door.read(move |core| core.network(&network, query.verbose)).await?)
}

/// Delete a network
#[utoipa::path(delete, path = "/networks/{network_id}", tag = "networks", params(NetworkId, Change),
    responses((status = 200, description = "it is gone"), Refusals))]
pub(crate) async fn network_delete(
    State(door): State<Door>,
    Path(network): Path<String>,
    query: Query,
) -> Answer {
    door.change(&query, move |core| core.network_delete(&network).map(|()| None)).await
}
