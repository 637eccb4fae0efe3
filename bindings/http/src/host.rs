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
use crate::routes;
use crate::schema::{Refusals, Verification, Version};

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

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "host",
    responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn openapi() -> Answer {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(routes::document);
    answer::json(&*DOCUMENT)
}
