//! Every example of Docker's document of June 2015, as it is written there; only ids differ.

use serde_json::{Value, json};

use super::client::Reply;
use super::server::Server;

/// The ids of the document.
const FOO: &str = "32fbf63200e2897f5de72cb2a4b653e4b1a523b15116e96e3d73f7849e583653";
const LONELY: &str = "7e0c116b882ee489a8a5345a2638c0129099aa47f4ba114edde34e75c1e4ae0d";
const BAZ: &str = "b18b795af8bad85cdd691ff24ffa2b08c02219d51992309dd120322689d2ab5a";
const GONE: &str = "0984d158bd8ae108e4d6bc8fcabedf51da9a174b32cc777026d4a29045654951";
const BAR: &str = "0aee0899e6c5e903cf3ef2bdc28a1c9aaf639c8c8c331fa4ae26344d9e32c1ff";
const STALLMAN: &str = "c826b26bf736fb4a77db33f83562e59f9a770724e259ab9c3d50d948f8233ae4";

/// The document, being worked through: its ids, and those that were given in their place.
struct Play {
    server: Server,
    ids: Vec<(&'static str, String)>,
}

impl Play {
    fn begin() -> Play {
        Play { server: Server::with(&["--netns-dir", "/var/run/docker/netns"]), ids: Vec::new() }
    }

    fn given(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    }

    /// Sends an example: its lines as they stand, and what the document leaves out: where the body
    /// ends.
    fn request(&self, example: &str) -> Reply {
        let example = self.given(example);
        let (head, body) = example.split_once("\n\n").unwrap_or((&example, ""));
        let head = head.trim_end().replace('\n', "\r\n");
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let text = format!("{head}\r\n{length}Connection: close\r\n\r\n{body}");
        self.server.raw(text.as_bytes())
    }

    /// An example whose answer is an id.
    #[track_caller]
    fn creates(&mut self, id: &'static str, example: &str) {
        let reply = self.request(example);
        let new = reply.string();
        assert!(new.len() == 64 && new.bytes().all(|b| b.is_ascii_hexdigit()), "{new}");
        self.ids.push((id, new));
    }

    #[track_caller]
    fn answers(&self, example: &str, expected: &Value) {
        let expected: Value = serde_json::from_str(&self.given(&expected.to_string())).unwrap();
        assert_eq!(self.request(example).ok(), expected);
    }

    #[track_caller]
    fn creates_foo(&mut self) {
        self.creates(
            FOO,
            r#"POST /networks HTTP/1.1
Content-Type: application/json

{
  "name": "foo",
  "network_type": "",
  "options": {}
}
"#,
        );
    }
}

#[test]
fn networks() {
    let mut play = Play::begin();

    let listed = play.request("GET /networks HTTP/1.1\n").ok();
    let listed: Vec<_> = listed.as_array().unwrap().iter().collect();
    for (network, (name, kind)) in
        listed.iter().zip([("none", "null"), ("host", "host"), ("bridge", "bridge")])
    {
        let id = &network["id"];
        assert_eq!(**network, json!({"name": name, "id": id, "type": kind, "endpoints": []}));
    }
    assert_eq!(listed.len(), 3);

    play.creates_foo();
    play.answers(
        "GET /networks/32fbf63200e2897f5de72cb2a4b653e4b1a523b15116e96e3d73f7849e583653 HTTP/1.1\n",
        &json!({"name": "foo", "id": FOO, "type": "bridge", "endpoints": []}),
    );

    let gone = play.server.post("/networks", r#"{"name":"gone"}"#).string();
    play.ids.push((GONE, gone));
    let delete = "DELETE /networks/0984d158bd8ae108e4d6bc8fcabedf51da9a174b32cc777026d4a29045654951 HTTP/1.1\n";
    play.request(delete).empty();
    play.request(delete).refused(404, "not_found");
}

#[test]
fn endpoints() {
    let mut play = Play::begin();
    play.creates_foo();
    // The document lists this endpoint without saying how it came.
    let lonely = play.server.post("/networks/foo/endpoints", r#"{"name":"/lonely_pasteur"}"#);
    play.ids.push((LONELY, lonely.string()));
    play.answers(
        "GET /networks/32fbf63200e2897f5de72cb2a4b653e4b1a523b15116e96e3d73f7849e583653/endpoints HTTP/1.1\n",
        &json!([{"id": LONELY, "name": "/lonely_pasteur", "network": "foo"}]),
    );
    play.creates(
        BAZ,
        r#"POST /networks/32fbf63200e2897f5de72cb2a4b653e4b1a523b15116e96e3d73f7849e583653/endpoints HTTP/1.1
Content-Type: application/json

{
  "name": "baz",
  "exposed_ports": [
    {
      "proto": 6,
      "port": 8080
    }
  ],
  "port_mapping": null
}
"#,
    );
    play.answers(
        "GET /networks/32fbf63200e2897f5de72cb2a4b653e4b1a523b15116e96e3d73f7849e583653/endpoints/b18b795af8bad85cdd691ff24ffa2b08c02219d51992309dd120322689d2ab5a HTTP/1.1\n",
        &json!({"id": BAZ, "name": "baz", "network": "foo"}),
    );
}

#[test]
fn containers() {
    let mut play = Play::begin();
    play.creates_foo();
    let baz = play.server.post("/networks/foo/endpoints", r#"{"name":"baz"}"#);
    play.ids.push((BAZ, baz.string()));
    play.answers(
        r#"POST /networks/32fbf63200e2897f5de72cb2a4b653e4b1a523b15116e96e3d73f7849e583653//endpoints/b18b795af8bad85cdd691ff24ffa2b08c02219d51992309dd120322689d2ab5a/containers HTTP/1.1
Content-Type: application/json

{
    "container_id": "e76f406417031bd24c17aeb9bb2f5968b628b9fb6067da264b234544754bf857",
    "host_name": null,
    "domain_name": null,
    "hosts_path": null,
    "resolv_conf_path": null,
    "dns": null,
    "extra_hosts": null,
    "parent_updates": null,
    "use_default_sandbox": true
}
"#,
        &json!("/var/run/docker/netns/e76f40641703"),
    );
    let namespace = "--net=/var/run/docker/netns/e76f40641703";
    let addresses =
        play.server.inside(&["nsenter", namespace, "ip", "-br", "addr", "show", "eth0"]);
    assert!(addresses.contains("172.17.0.2/24"), "{addresses}");

    play.request(
        "DELETE /networks/32fbf63200e2897f5de72cb2a4b653e4b1a523b15116e96e3d73f7849e583653/endpoints/b18b795af8bad85cdd691ff24ffa2b08c02219d51992309dd120322689d2ab5a/containers/e76f406417031bd24c17aeb9bb2f5968b628b9fb6067da264b234544754bf857 HTTP/1.1\nContent-Type: application/json\n",
    )
    .empty();
    play.request(
        "DELETE /networks/32fbf63200e2897f5de72cb2a4b653e4b1a523b15116e96e3d73f7849e583653/endpoints/b18b795af8bad85cdd691ff24ffa2b08c02219d51992309dd120322689d2ab5a HTTP/1.1\n",
    )
    .empty();
}

#[test]
fn services() {
    let mut play = Play::begin();
    play.server.post("/networks", r#"{"name":"foo"}"#).string();
    let stallman =
        play.server.post("/networks/bridge/endpoints", r#"{"name":"/stupefied_stallman"}"#);
    play.ids.push((STALLMAN, stallman.string()));

    play.creates(
        BAR,
        r#"POST /services HTTP/1.1
Content-Type: application/json

{
  "name": "bar",
  "network_name": "foo",
  "exposed_ports": null,
  "port_mapping": null
}
"#,
    );
    play.answers(
        "GET /services/0aee0899e6c5e903cf3ef2bdc28a1c9aaf639c8c8c331fa4ae26344d9e32c1ff HTTP/1.1\n",
        &json!({"name": "bar", "id": BAR, "network": "foo"}),
    );
    play.answers(
        r#"POST /services/0aee0899e6c5e903cf3ef2bdc28a1c9aaf639c8c8c331fa4ae26344d9e32c1ff/backend HTTP/1.1
Content-Type: application/json

{
  "container_id": "98c5241f9475e9efc17e7198e931fb48166010b80f96d48df204e251378ca547",
  "host_name": "",
  "domain_name": "",
  "hosts_path": "",
  "resolv_conf_path": "",
  "dns": null,
  "extra_hosts": null,
  "parent_updates": null,
  "use_default_sandbox": false
}
"#,
        &json!("/var/run/docker/netns/98c5241f9475"),
    );
    let container = "98c5241f9475e9efc17e7198e931fb48166010b80f96d48df204e251378ca547";
    play.answers(
        "GET /services/0aee0899e6c5e903cf3ef2bdc28a1c9aaf639c8c8c331fa4ae26344d9e32c1ff/backend HTTP/1.1\n",
        &json!([{ "id": container }]),
    );
    play.answers(
        "GET /services HTTP/1.1\n",
        &json!([
            {"name": "/stupefied_stallman", "id": STALLMAN, "network": "bridge"},
            {"name": "bar", "id": BAR, "network": "foo"},
        ]),
    );
    play.request(
        "DELETE /services/0aee0899e6c5e903cf3ef2bdc28a1c9aaf639c8c8c331fa4ae26344d9e32c1ff/backend/98c5241f9475e9efc17e7198e931fb48166010b80f96d48df204e251378ca547 HTTP/1.1\n",
    )
    .empty();
    play.request(
        "DELETE /services/0aee0899e6c5e903cf3ef2bdc28a1c9aaf639c8c8c331fa4ae26344d9e32c1ff HTTP/1.1\n",
    )
    .empty();
}
