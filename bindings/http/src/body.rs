//! The body of a request, read whole: bounded in size and in time.

use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequest;
use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use netberth::{Error, Kind};

use crate::answer::Refusal;

/// API.md: at most 1 MiB.
const MOST: usize = 1 << 20;

/// How much more is read and thrown away, so that a client which is still sending gets to read the
/// answer: closing a socket with unread data resets the connection.
const MOST_DISCARDED: usize = 16 << 20;

/// How long a body may take: rides on a request. A client that sends slower is not served.
#[derive(Clone, Copy)]
pub(crate) struct Patience(pub(crate) Duration);

/// The body, whatever its content type.
pub(crate) struct Document(pub(crate) Bytes);

impl<S: Sync> FromRequest<S> for Document {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Refusal> {
        let expected = request.headers().get(header::EXPECT).is_some();
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
        // Who asks before sending needs no more than the answer.
        if expected && length.is_some_and(|length| length > MOST) {
            return Err(too_large());
        }
        let patience = request.extensions().get::<Patience>();
        let Patience(patience) = patience.copied().unwrap_or(Patience(Duration::from_secs(30)));
        let read = tokio::time::timeout(patience, read(request.into_body())).await;
        read.unwrap_or_else(|_| {
            let what = format!("the body did not arrive in {} s", patience.as_secs());
            let error = Error::new(Kind::Timeout, what);
            Err(Refusal::with_status(error, StatusCode::REQUEST_TIMEOUT))
        })
    }
}

async fn read(mut body: Body) -> Result<Document, Refusal> {
    let (mut bytes, mut seen) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Refusal::from(Error::new(Kind::Invalid, error.to_string()).doing("read body"))
        })?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > MOST_DISCARDED {
            break;
        }
        if seen <= MOST {
            bytes.extend_from_slice(&data);
        }
    }
    if seen > MOST {
        return Err(too_large());
    }
    Ok(Document(bytes.into()))
}

fn too_large() -> Refusal {
    let error = Error::new(Kind::Invalid, format!("a body of more than {MOST} bytes: send less"));
    Refusal::with_status(error, StatusCode::PAYLOAD_TOO_LARGE)
}
