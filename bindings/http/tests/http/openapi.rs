//! `/openapi.json` says what is served, no more and no less.

use std::collections::BTreeSet;

use serde_json::Value;

use super::server::Server;

/// What the router answers on a path to a method that nobody has.
fn allowed(server: &Server, path: &str) -> BTreeSet<String> {
    let reply = server.send("NOBODY", path, "");
    reply.refused(405, "invalid");
    reply.header("allow").unwrap().split(',').map(str::to_lowercase).collect()
}

#[test]
fn methods_are_those_of_the_router() {
    let server = Server::start();
    let document = server.get("/openapi.json").ok();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 19);
    for (path, operations) in paths {
        let target = path.replace(['{', '}'], "");
        let mut described: BTreeSet<String> =
            operations.as_object().unwrap().keys().cloned().collect();
        if described.contains("get") {
            described.insert("head".to_owned());
        }
        assert_eq!(described, allowed(&server, &target), "{path}");
    }
}

#[test]
fn operations_are_described_whole() {
    let server = Server::start();
    let document = server.get("/openapi.json").ok();
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{at}: twice");
            assert!(operation["summary"].is_string(), "{at}");
            assert!(operation["responses"]["200"].is_object(), "{at}");
            // It asks, though not by GET.
            let changes = method != "get" && path != "/verify";
            let has_body =
                method == "post" && changes && !["/repair", "/gc"].contains(&path.as_str());
            assert_eq!(operation["requestBody"].is_object(), has_body, "{at}");
            let named = |place: &str| -> BTreeSet<&str> {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let there = parameters.filter(|parameter| parameter["in"] == place);
                there.map(|parameter| parameter["name"].as_str().unwrap()).collect()
            };
            let in_path: BTreeSet<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
            assert_eq!(named("path"), in_path, "{at}");
            assert_eq!(named("query").contains("dry_run"), changes, "{at}");
        }
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is nowhere");
    }
}

/// That an answer has the members which its schema requires, and no others.
#[track_caller]
fn fits(document: &Value, schema: &str, answer: &Value) {
    let schema = &document["components"]["schemas"][schema];
    let properties = schema["properties"].as_object().unwrap();
    let required = schema["required"].as_array().unwrap();
    let members = answer.as_object().unwrap();
    for name in required {
        assert!(members.contains_key(name.as_str().unwrap()), "{name} is not in {answer}");
    }
    for name in members.keys() {
        assert!(properties.contains_key(name), "{name} is not described");
    }
}

#[test]
fn answers_are_as_described() {
    let server = Server::start();
    let document = server.get("/openapi.json").ok();
    let network = r#"{"name":"foo","options":{"host_binding":"127.0.0.1","subnets":
        [{"subnet":"10.1.0.0/16","range":"10.1.1.0/24","reserved":["10.1.1.7"]}]}}"#;
    server.post("/networks", network).string();
    let endpoint = r#"{"name":"a","exposed_ports":[{"proto":6,"port":1}]}"#;
    server.post("/networks/foo/endpoints", endpoint).string();
    server.post("/networks/foo/endpoints/a/containers", r#"{"container_id":"c1"}"#).string();
    server.post("/services", r#"{"name":"s","network_name":"foo"}"#).string();
    server.post("/services/s/backend", r#"{"container_id":"c2"}"#).string();

    for network in server.get("/networks?verbose=1").ok().as_array().unwrap() {
        fits(&document, "Network", network);
        fits(&document, "NetworkOptions", &network["options"]);
    }
    let network = server.get("/networks/foo?verbose=1").ok();
    fits(&document, "Subnet", &network["options"]["subnets"][0]);
    for service in server.get("/services?verbose=1").ok().as_array().unwrap() {
        fits(&document, "Endpoint", service);
    }
    let a = server.get("/services/a?verbose=1").ok();
    fits(&document, "ExposedPortInEffect", &a["exposed_ports"][0]);
    fits(&document, "Endpoint", &server.get("/services/a").ok());
    fits(&document, "Backend", &server.get("/services/s/backend?verbose=1").ok()[0]);
    fits(&document, "Sandbox", &server.get("/sandboxes/c1").ok());
    fits(&document, "Version", &server.get("/version").ok());
    server.inside(&["nft", "delete", "table", "inet", "netberth"]);
    let differences = server.post("/verify", "").ok();
    fits(&document, "Verification", &differences);
    fits(&document, "Repair", &server.post("/repair", "").ok());
    fits(&document, "Collection", &server.post("/gc", "").ok());
    fits(&document, "Difference", &differences["differences"][0]);
    fits(&document, "Owner", &differences["differences"][0]["owner"]);
    fits(&document, "Error", &server.get("/networks/nowhere").json());
    fits(&document, "Error", &server.delete("/networks/foo").json());
}
