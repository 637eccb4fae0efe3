//! Sandboxes: the containers' namespaces.

use axum::extract::{Path, State};

use crate::answer::{Answer, json};
use crate::door::Door;
use crate::query::Query;
use crate::schema::{Change, ContainerId, Refusals, Sandbox};

/// List sandboxes, in order of creation
#[utoipa::path(get, path = "/sandboxes", tag = "sandboxes",
    responses((status = 200, body = Vec<Sandbox>), Refusals))]
pub(crate) async fn sandbox_list(State(door): State<Door>) -> Answer {
    json(&door.read(netberth::Netberth::sandboxes).await?)
}

/// Get the sandbox of a container
#[utoipa::path(get, path = "/sandboxes/{container_id}", tag = "sandboxes",
    params(ContainerId), responses((status = 200, body = Sandbox), Refusals))]
pub(crate) async fn sandbox_get(State(door): State<Door>, Path(container): Path<String>) -> Answer {
    json(&door.read(move |core| core.sandbox(&container)).await?)
}

/// Detach everything from a container, and destroy its namespace if netberth made it
#[utoipa::path(delete, path = "/sandboxes/{container_id}", tag = "sandboxes", params(ContainerId, Change),
    responses((status = 200, description = "it is gone"), Refusals))]
pub(crate) async fn sandbox_delete(
    State(door): State<Door>,
    Path(container): Path<String>,
    query: Query,
) -> Answer {
    door.change(&query, move |core| core.sandbox_delete(&container).map(|()| None)).await
}
