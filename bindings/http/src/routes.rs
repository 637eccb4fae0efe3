//! The routes, and the document that describes them: both grow from the same list.

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use netberth::{Error, Kind};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Refusal;
use crate::door::Door;
use crate::{bulk, endpoint, host, network, sandbox, schema, service};

#[derive(OpenApi)]
#[openapi(info(
    title = "netberth",
    description = "Docker's experimental networking API of June 2015, and what netberth adds to it. \
        A prefix like `/v1.19` is accepted and ignored; names and id prefixes of at least four \
        digits stand for ids; keys of documents match ignoring case and underscores; `null` is \
        absence. `HEAD` answers like `GET`.",
    license(name = "Apache-2.0", identifier = "Apache-2.0"),
    version = netberth::VERSION,
), components(schemas(schema::Error)))]
struct Info;

/// Every route stands here once.
fn all() -> (Router<Door>, Document) {
    OpenApiRouter::with_openapi(Info::openapi())
        .routes(routes!(network::network_list, network::network_create))
        .routes(routes!(network::network_get, network::network_delete))
        .routes(routes!(endpoint::endpoint_list, endpoint::endpoint_create))
        .routes(routes!(endpoint::endpoint_get, endpoint::endpoint_delete))
        .routes(routes!(endpoint::endpoint_join))
        .routes(routes!(endpoint::endpoint_detach))
        .routes(routes!(bulk::join_many))
        .routes(routes!(service::service_list, service::service_publish))
        .routes(routes!(service::service_get, service::service_unpublish))
        .routes(routes!(service::backend_list, service::backend_attach))
        .routes(routes!(service::backend_detach))
        .routes(routes!(sandbox::sandbox_list))
        .routes(routes!(sandbox::sandbox_get, sandbox::sandbox_delete))
        .routes(routes!(host::ping))
        .routes(routes!(host::version))
        .routes(routes!(host::verify))
        .routes(routes!(host::repair))
        .routes(routes!(host::gc))
        .routes(routes!(host::openapi))
        .split_for_parts()
}

/// What `/openapi.json` answers.
pub(crate) fn document() -> Document {
    all().1
}

/// All routes on one core.
pub(crate) fn router(door: Door) -> Router {
    let (router, _) = all();
    router.fallback(unknown).method_not_allowed_fallback(wrong_method).with_state(door)
}

async fn unknown() -> impl IntoResponse {
    let error = Error::new(Kind::NotFound, "page not found: GET /openapi.json has every route");
    Refusal::from(error)
}

/// The header `Allow` is added by the router.
async fn wrong_method(method: Method) -> impl IntoResponse {
    let what = format!("method {method} is not allowed here: see the header Allow");
    Refusal::with_status(Error::new(Kind::Invalid, what), StatusCode::METHOD_NOT_ALLOWED)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The router has no other way to say which paths it knows.
    fn paths_of(router: &Router<Door>) -> BTreeSet<String> {
        let text = format!("{router:?}");
        let quoted = text.split('"').skip(1).step_by(2);
        quoted.filter(|text| text.starts_with('/')).map(str::to_owned).collect()
    }

    #[test]
    fn every_path_of_the_router_is_described_and_every_path_described_is_routed() {
        let (router, document) = all();
        let described: BTreeSet<String> = document.paths.paths.keys().cloned().collect();
        let fallback = paths_of(&Router::new());
        let served: BTreeSet<String> = paths_of(&router).difference(&fallback).cloned().collect();
        assert_eq!(served, described);
        let more = router.clone().route("/more", axum::routing::get(unknown));
        assert_eq!(paths_of(&more).difference(&paths_of(&router)).collect::<Vec<_>>(), ["/more"]);
    }
}
