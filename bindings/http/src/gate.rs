//! What every request passes: the path is made normal, the answer is logged.

use std::convert::Infallible;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{Method, Request, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use netberth::{Error, Kind, Result};
use tower::ServiceExt;

use crate::answer::{Reason, Refusal};
use crate::path;

/// The routes, and who may be on the other side.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) router: Router,
    /// A browser can reach a TCP port of its own host, but no unix socket.
    pub(crate) browsers: bool,
}

impl Gate {
    /// Answers one request.
    pub(crate) async fn pass(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let began = Instant::now();
        let (method, asked) = (request.method().clone(), request.uri().path().to_owned());
        let answer = match self.admit(request) {
            Ok(request) => self.router.oneshot(request).await?,
            Err(refusal) => refusal.into_response(),
        };
        record(&method, &asked, &answer, began);
        Ok(answer)
    }

    fn admit(&self, request: Request<Incoming>) -> Result<Request<Body>, Refusal> {
        if self.browsers && request.headers().contains_key(header::ORIGIN) {
            let what = "requests of web pages are not served: the header Origin is set";
            return Err(Error::new(Kind::Denied, what).into());
        }
        let (mut parts, body) = request.into_parts();
        parts.uri = normal(&parts.uri)?;
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

/// One line for each request; an error is logged here and nowhere else.
fn record(method: &Method, path: &str, answer: &Response<Body>, began: Instant) {
    let status = answer.status();
    let ms = began.elapsed().as_secs_f64() * 1e3;
    let ms = (ms * 1e3).round() / 1e3;
    let code = status.as_u16();
    // What went wrong while undoing stands on lines of its own.
    let one_line = |error: &Error| error.to_string().replace("\n ", ";");
    match answer.extensions().get::<Reason>() {
        None => tracing::info!(%method, path, status = code, ms, "request"),
        Some(Reason(error)) if fault(status) => {
            tracing::error!(%method, path, status = code, ms, error = one_line(error), "request");
        }
        Some(Reason(error)) => {
            tracing::info!(%method, path, status = code, ms, error = one_line(error), "request");
        }
    }
}

/// Whether the trouble is on our side.
fn fault(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}
