//! What every request passes: the path is made normal, the answer is logged.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use hyper::body::{Body as _, Incoming};
use netberth::{Error, Kind, Result};
use tower::ServiceExt;

use crate::answer::{Reason, Refusal};
use crate::body::Patience;
use crate::peer::Peer;
use crate::{log, path};

/// The routes, and who may be on the other side.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) router: Router,
    /// A browser can reach a TCP port of its own host, but no unix socket.
    pub(crate) browsers: bool,
    /// Who that is.
    pub(crate) peer: Arc<Peer>,
    /// How long a body may take.
    pub(crate) patience: Patience,
}

impl Gate {
    /// Answers one request.
    pub(crate) async fn pass(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let began = Instant::now();
        let line = Line {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            took: length(request.headers()),
        };
        let answer = match self.admit(request) {
            Ok(request) => self.router.clone().oneshot(request).await?,
            Err(refusal) => refusal.into_response(),
        };
        line.record(&self.peer, &answer, began);
        Ok(answer)
    }

    fn admit(&self, request: Request<Incoming>) -> Result<Request<Body>, Refusal> {
        if self.browsers && request.headers().contains_key(header::ORIGIN) {
            let what = "requests of web pages are not served: the header Origin is set";
            return Err(Error::new(Kind::Denied, what).into());
        }
        let (mut parts, body) = request.into_parts();
        parts.uri = normal(&parts.uri)?;
        parts.extensions.insert(self.patience);
        Ok(Request::from_parts(parts, Body::new(body)))
    }
}

fn normal(uri: &Uri) -> Result<Uri> {
    let mut text = path::normal(uri.path())?;
    if let Some(query) = uri.query() {
        text.push('?');
        text.push_str(query);
    }
    let path = PathAndQuery::try_from(text);
    path.map(Uri::from).map_err(|error| Error::new(Kind::Invalid, error.to_string()))
}

/// What is noted of a request before it is answered.
struct Line {
    method: Method,
    path: String,
    /// Bytes of the body, as the client announced them.
    took: u64,
}

fn length(headers: &HeaderMap) -> u64 {
    let text = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

impl Line {
    /// One line for each request; an error is logged here and nowhere else.
    fn record(&self, peer: &Peer, answer: &Response<Body>, began: Instant) {
        let status = answer.status();
        let ms = began.elapsed().as_secs_f64() * 1e3;
        let ms = (ms * 1e3).round() / 1e3;
        let (method, path, code) = (&self.method, self.path.as_str(), status.as_u16());
        let (took, gave) = (self.took, answer.body().size_hint().exact().unwrap_or_default());
        // What went wrong while undoing stands on lines of its own.
        let one_line = |error: &Error| error.to_string().replace("\n ", ";");
        let reason = answer.extensions().get::<Reason>().map(|Reason(error)| one_line(error));
        let error = reason.as_deref();
        macro_rules! note {
            ($level:expr) => {
                tracing::event!(
                    target: log::ACCESS, $level,
                    %peer, %method, path, status = code, took, gave, ms, error, "request"
                )
            };
        }
        if error.is_some() && fault(status) {
            note!(tracing::Level::ERROR);
        } else {
            note!(tracing::Level::INFO);
        }
    }
}

/// Whether the trouble is on our side.
fn fault(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}
