//! The server itself.

use axum::body::Body;
use axum::http::Response;
use netberth::error::Doing;
use serde_json::json;

use crate::answer::{self, Answer};
use crate::routes;
use crate::schema::Version;

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
    answer::json(&json!({
        "version": netberth::VERSION,
        "abi": netberth::ABI,
        "kernel": uname.release().to_string_lossy(),
        "commit": netberth::COMMIT,
    }))
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "host",
    responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn openapi() -> Answer {
    answer::json(&routes::document())
}
