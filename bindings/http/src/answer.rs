//! Answers: documents, and the one shape of every refusal.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use netberth::{Error, Kind};
use serde::Serialize;

/// What a route comes to.
pub(crate) type Answer = Result<Response<Body>, Refusal>;

/// An error, and the status that it is answered with.
#[derive(Debug)]
pub(crate) struct Refusal {
    error: Error,
    status: StatusCode,
}

/// Rides on a refused answer, for the log.
#[derive(Clone)]
pub(crate) struct Reason(pub(crate) Arc<Error>);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.kind().http());
        Refusal { error, status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR) }
    }
}

impl Refusal {
    /// For the statuses that HTTP has and the core has not.
    pub(crate) fn with_status(error: Error, status: StatusCode) -> Self {
        Refusal { error, status }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let mut answer = document(self.status, self.error.to_json().to_string());
        answer.extensions_mut().insert(Reason(Arc::new(self.error)));
        answer
    }
}

fn document(status: StatusCode, mut text: String) -> Response<Body> {
    text.push('\n');
    let mut answer = Response::new(Body::from(text));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

/// 200 with a JSON document and one line end.
pub(crate) fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(text) => Ok(document(StatusCode::OK, text)),
        Err(error) => Err(Error::new(Kind::Bug, error.to_string()).doing("write answer").into()),
    }
}

/// 200 with nothing, as a DELETE is answered.
pub(crate) fn empty() -> Response<Body> {
    Response::new(Body::empty())
}

/// 200 with plain text, as it is.
pub(crate) fn text(text: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::from(text));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    answer
}
