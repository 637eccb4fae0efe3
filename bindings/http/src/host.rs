//! The server itself.

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use netberth::error::Doing;
use serde::Serialize;

use utoipa::openapi::OpenApi;

use crate::answer::{self, Answer};
use crate::door::Door;
use crate::query::Query;
use crate::routes;
use crate::schema::{Change, Collection, Refusals, Repair, Verification, Version};

/// Whether the server answers
#[utoipa::path(get, path = "/_ping", tag = "host",
    responses((status = 200, body = String, content_type = "text/plain", description = "OK")))]
pub(crate) async fn ping() -> Response<Body> {
    answer::text("OK")
}

/// The versions of everything that plays a part
#[utoipa::path(get, path = "/version", tag = "host",
    responses((status = 200, body = Version)))]
pub(crate) async fn version() -> Answer {
    let uname = nix::sys::utsname::uname().doing(|| "uname")?;
    let kernel = uname.release().to_string_lossy().into_owned();
    let (version, commit) = (netberth::VERSION, netberth::COMMIT);
    answer::json(&Versions { version, abi: netberth::ABI, kernel, commit })
}

#[derive(Serialize)]
struct Versions {
    version: &'static str,
    abi: u32,
    kernel: String,
    commit: &'static str,
}

/// Compare what was made with what the host has; nothing is changed
#[utoipa::path(post, path = "/verify", tag = "host",
    responses((status = 200, body = Verification), Refusals))]
pub(crate) async fn verify(State(door): State<Door>) -> Answer {
    answer::json(&door.look(netberth::Netberth::verify).await?)
}

/// Set right what is not as it was made; what is right is not touched
#[utoipa::path(post, path = "/repair", tag = "host", params(Change),
    responses((status = 200, body = Repair), Refusals))]
pub(crate) async fn repair(State(door): State<Door>, query: Query) -> Answer {
    if query.dry_run {
        return door.change(&query, |core| core.repair().map(|_| None)).await;
    }
    answer::json(&door.look(netberth::Netberth::repair).await?)
}

/// Remove what nobody needs any more: sandboxes whose namespace is gone, links and files that no
/// record has
#[utoipa::path(post, path = "/gc", tag = "host", params(Change),
    responses((status = 200, body = Collection), Refusals))]
pub(crate) async fn gc(State(door): State<Door>, query: Query) -> Answer {
    if query.dry_run {
        return door.change(&query, |core| core.gc().map(|_| None)).await;
    }
    answer::json(&door.look(netberth::Netberth::gc).await?)
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "host",
    responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn openapi() -> Answer {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(routes::document);
    answer::json(&*DOCUMENT)
}
