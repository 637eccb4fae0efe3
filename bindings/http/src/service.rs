//! Services, and the containers attached to them.

use axum::extract::{Path, State};
use netberth::model::{JoinSpec, ServiceSpec};

use crate::answer::{Answer, json};
use crate::body::Document;
use crate::door::Door;
use crate::query::Query;
use crate::schema::{
    Backend, Change, ContainerId, Drain, Endpoint, Filters, Force, Join, OfNetwork, Refusals,
    ServiceCreate, ServiceId, Verbose,
};

/// List services: every endpoint of every network, in order of creation
#[utoipa::path(get, path = "/services", tag = "services", params(Filters, OfNetwork, Verbose),
    responses((status = 200, body = Vec<Endpoint>), Refusals))]
pub(crate) async fn service_list(State(door): State<Door>, query: Query) -> Answer {
    let verbose = query.verbose;
    let filter = query.of_services()?;
    json(&door.read(move |core| core.services(&filter, verbose)).await?)
}

/// Publish a service
#[utoipa::path(post, path = "/services", tag = "services", params(Change),
    request_body = ServiceCreate,
    responses((status = 200, body = String, description = "its id"), Refusals))]
pub(crate) async fn service_publish(
    State(door): State<Door>,
    query: Query,
    Document(body): Document,
) -> Answer {
    let spec = ServiceSpec::from_json(&body)?;
    door.change(&query, move |core| Ok(Some(core.service_publish(&spec)?.to_string()))).await
}

/// Get a service
#[utoipa::path(get, path = "/services/{service_id}", tag = "services", params(ServiceId, Verbose),
    responses((status = 200, body = Endpoint), Refusals))]
pub(crate) async fn service_get(
    State(door): State<Door>,
    Path(service): Path<String>,
    query: Query,
) -> Answer {
    json(&door.read(move |core| core.service(&service, query.verbose)).await?)
}

/// Unpublish a service
#[utoipa::path(delete, path = "/services/{service_id}", tag = "services", params(ServiceId, Change, Force),
    responses((status = 200, description = "it is gone"), Refusals))]
pub(crate) async fn service_unpublish(
    State(door): State<Door>,
    Path(service): Path<String>,
    query: Query,
) -> Answer {
    let force = query.force;
    door.change(&query, move |core| core.service_unpublish(&service, force).map(|()| None)).await
}

/// List the back ends of a service, in order of attaching
#[utoipa::path(get, path = "/services/{service_id}/backend", tag = "services", params(ServiceId, Verbose),
    responses((status = 200, body = Vec<Backend>), Refusals))]
pub(crate) async fn backend_list(
    State(door): State<Door>,
    Path(service): Path<String>,
    query: Query,
) -> Answer {
    json(&door.read(move |core| core.service_backends(&service, query.verbose)).await?)
}

/// Attach a back end to a service
#[utoipa::path(post, path = "/services/{service_id}/backend", tag = "services", params(ServiceId, Change),
    request_body = Join,
    responses((status = 200, body = String, description = "the sandbox key"), Refusals))]
pub(crate) async fn backend_attach(
    State(door): State<Door>,
    Path(service): Path<String>,
    query: Query,
    Document(body): Document,
) -> Answer {
    let spec = JoinSpec::from_json(&body)?;
    door.change(&query, move |core| {
        Ok(Some(core.service_attach(&service, &spec)?.display().to_string()))
    })
    .await
}

/// Detach a back end from a service
#[utoipa::path(delete, path = "/services/{service_id}/backend/{container_id}", tag = "services",
    params(ServiceId, ContainerId, Change, Drain),
    responses((status = 200, description = "it is detached"), Refusals))]
pub(crate) async fn backend_detach(
    State(door): State<Door>,
    Path((service, container)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let drain = query.drain;
    door.change(&query, move |core| core.service_detach(&service, &container, drain).map(|()| None))
        .await
}
