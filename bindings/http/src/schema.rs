//! The shapes that `/openapi.json` describes. Documents are read and written by the core alone;
//! the tests below hold that these say the same.

#![expect(dead_code, reason = "shapes: described, never built")]
#![expect(unused_qualifications, reason = "of the derived code")]
#![expect(clippy::struct_excessive_bools, reason = "switches, each a word of the API")]
#![expect(clippy::struct_field_names, reason = "the words of the API")]

mod answers;
mod parameters;
mod requests;

pub(crate) use answers::{
    Backend, Collection, Endpoint, Error, Joined, Network, Refusals, Repair, Sandbox, Verification,
    Version,
};
pub(crate) use parameters::{
    Atomic, Change, ContainerId, Drain, EndpointId, Filters, Force, NetworkId, OfNetwork,
    ServiceId, Verbose,
};
pub(crate) use requests::{EndpointCreate, Join, JoinMany, NetworkCreate, ServiceCreate};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use netberth::Result;
    use netberth::model::{EndpointSpec, JoinSpec, NetworkSpec, ServiceSpec};

    use crate::routes;

    /// The keys that a reader names when it meets one that it does not know.
    fn known<T>(read: impl Fn(&[u8]) -> Result<T>, document: &str) -> BTreeSet<String> {
        let Err(error) = read(document.as_bytes()) else { panic!("{document} was read") };
        let message = error.message();
        let list = message.split("expected one of: ").nth(1).expect(&message);
        let list = list.split(" at line").next().unwrap();
        list.split(", ").map(str::to_owned).collect()
    }

    #[track_caller]
    fn same(schema: &str, mut known: BTreeSet<String>) {
        let document = serde_json::to_value(routes::document()).unwrap();
        let properties = &document["components"]["schemas"][schema]["properties"];
        let described: BTreeSet<String> =
            properties.as_object().expect(schema).keys().cloned().collect();
        if known.remove("generic") {
            known.insert("com.docker.network.generic".to_owned());
        }
        assert_eq!(described, known, "{schema}");
    }

    #[test]
    fn requests_are_described_as_the_core_reads_them() {
        let network = |text| known(NetworkSpec::from_json, text);
        same("NetworkCreate", network(r#"{"":1}"#));
        same("NetworkOptionsCreate", network(r#"{"options":{"?":1}}"#));
        same("SubnetCreate", network(r#"{"options":{"subnets":[{"?":1}]}}"#));
        let endpoint = |text| known(EndpointSpec::from_json, text);
        same("EndpointCreate", endpoint(r#"{"?":1}"#));
        same("ExposedPort", endpoint(r#"{"exposed_ports":[{"?":1}]}"#));
        same("PortMapping", endpoint(r#"{"port_mapping":[{"?":1}]}"#));
        same("ServiceCreate", known(ServiceSpec::from_json, r#"{"?":1}"#));
        let join = |text| known(JoinSpec::from_json, text);
        same("Join", join(r#"{"?":1}"#));
        same("ExtraHost", join(r#"{"extra_hosts":[{"?":1}]}"#));
        same("ParentUpdate", join(r#"{"parent_updates":[{"?":1}]}"#));
    }
}
