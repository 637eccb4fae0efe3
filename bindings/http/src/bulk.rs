//! Many joins in one request.

use axum::extract::State;
use netberth::model::{JoinRequest, Joined as Core};

use crate::answer::{self, Answer};
use crate::body::Document;
use crate::door::Door;
use crate::query::Query;
use crate::schema::{Atomic, Change, JoinMany, Joined, Refusals};

/// Create endpoints and join a container to each, as one change
#[utoipa::path(post, path = "/joins", tag = "endpoints", params(Change, Atomic),
    request_body = Vec<JoinMany>,
    responses((status = 200, body = Vec<Joined>, description = "in the order of the requests"), Refusals))]
pub(crate) async fn join_many(
    State(door): State<Door>,
    query: Query,
    Document(body): Document,
) -> Answer {
    let requests = JoinRequest::list_from_json(&body)?;
    let atomic = query.atomic;
    if query.dry_run {
        return door
            .change(&query, move |core| core.join_many(&requests, atomic).map(|_| None))
            .await;
    }
    let results = door.look(move |core| core.join_many(&requests, atomic)).await?;
    answer::json(&Core::list_to_json(&results))
}
