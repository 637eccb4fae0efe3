//! Many joins in one request.

use std::path::PathBuf;

use serde::Serialize;

use super::document::document;
use super::endpoint::EndpointDoc;
use super::network::DEFAULT_NETWORK;
use super::sandbox::JoinDoc;
use super::{EndpointSpec, Id, JoinSpec, Role};
use crate::error::{Doing, Result};

/// A join with its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// The network: an id, a name or an id prefix.
    pub network: String,
    /// The endpoint to create.
    pub endpoint: EndpointSpec,
    /// The container to join to it.
    pub container: JoinSpec,
}

/// What became of one join of many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Joined {
    /// The id of the new endpoint.
    pub endpoint: Id,
    /// The sandbox key: the path of the container's namespace.
    pub key: PathBuf,
}

impl Joined {
    /// The answer of every door: `[{"endpoint","key"} or {"error":{…}}]`.
    pub fn list_to_json(results: &[Result<Joined>]) -> serde_json::Value {
        let one = |result: &Result<Joined>| match result {
            Ok(joined) => serde_json::json!(joined),
            Err(error) => serde_json::json!({ "error": error.to_json() }),
        };
        results.iter().map(one).collect()
    }
}

document! {
    struct JoinRequestDoc {
        network | "network_name": String,
        endpoint: EndpointDoc,
        container: JoinDoc,
    }
}

impl JoinRequest {
    /// Reads the document `[{"network","endpoint":{…},"container":{…}}]` of API.md; a network that is
    /// not named is `bridge`.
    ///
    /// # Errors
    /// `invalid` with the path of what is wrong.
    pub fn list_from_json(text: &[u8]) -> Result<Vec<Self>> {
        let docs: Vec<JoinRequestDoc> = super::parse(text)?;
        let check =
            |(index, doc): (usize, JoinRequestDoc)| doc.check().doing(|| format!("joins[{index}]"));
        docs.into_iter().enumerate().map(check).collect()
    }
}

impl JoinRequestDoc {
    fn check(self) -> Result<JoinRequest> {
        let network = self.network.filter(|name| !name.is_empty());
        Ok(JoinRequest {
            network: network.unwrap_or_else(|| DEFAULT_NETWORK.to_owned()),
            endpoint: self.endpoint.unwrap_or_default().check(Role::Plain).doing(|| "endpoint")?,
            container: self.container.unwrap_or_default().check().doing(|| "container")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_refused_by_place() {
        let text = br#"[{"network":"web","endpoint":{"name":"a"},"container":{"container_id":"c"}},
            {"Endpoint":{"Name":"b"},"Container":{"ContainerId":"d"}}]"#;
        let requests = JoinRequest::list_from_json(text).unwrap();
        assert_eq!((requests[0].network.as_str(), requests[1].network.as_str()), ("web", "bridge"));
        let message = |text: &[u8]| JoinRequest::list_from_json(text).unwrap_err().to_string();
        let missing = message(br#"[{"endpoint":{"name":"a"},"container":{}}]"#);
        assert!(missing.starts_with("joins[0]: container: "), "{missing}");
        let unknown = message(br#"[{"endpoint":{"nam":"a"}}]"#);
        assert!(unknown.contains("[0].endpoint: unknown key `nam`"), "{unknown}");
    }
}
