//! Sandboxes: a container's namespace, what is joined to it, and its files.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document::document;
use super::subnet::address;
use super::{ContainerId, Id, InterfaceName, Ns};
use crate::error::{Error, Kind, Result};

/// Which namespace a container is to be joined in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// One that netberth makes, or made for this container before.
    Own,
    /// The one a path leads to.
    Path(PathBuf),
    /// The one of a process.
    Pid(u32),
}

/// A line of a hosts file that the caller adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraHost {
    /// The name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

/// A name in another container's hosts file that gets a new address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentUpdate {
    /// The parent's endpoint: id, name or id prefix.
    pub endpoint: String,
    /// The name whose lines are changed.
    pub name: String,
    /// Its new address.
    pub address: IpAddr,
}

/// A join that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinSpec {
    /// The container.
    pub container: ContainerId,
    /// Its host name, for its own line of the hosts file.
    pub host_name: Option<String>,
    /// The domain after it.
    pub domain_name: Option<String>,
    /// A hosts file elsewhere.
    pub hosts_path: Option<PathBuf>,
    /// A `resolv.conf` elsewhere.
    pub resolv_conf_path: Option<PathBuf>,
    /// Nameservers; empty = the host's.
    pub dns: Vec<IpAddr>,
    /// Search domains; empty = the host's.
    pub dns_search: Vec<String>,
    /// Resolver options; empty = the host's.
    pub dns_options: Vec<String>,
    /// Further lines of the hosts file.
    pub extra_hosts: Vec<ExtraHost>,
    /// Changes to other containers' hosts files.
    pub parent_updates: Vec<ParentUpdate>,
    /// On the host network: the key is `…/netns/default`.
    pub use_default_sandbox: bool,
    /// Where.
    pub place: Place,
    /// The interface's name inside; absent = the next `eth<n>`.
    pub interface_name: Option<InterfaceName>,
    /// Keys below `net.`, set inside the namespace.
    pub sysctls: BTreeMap<String, String>,
}

document! {
    pub(crate) struct ExtraHostDoc {
        name: String,
        address: String,
    }
}

document! {
    pub(crate) struct ParentUpdateDoc {
        endpoint_id | "service_id": String,
        name: String,
        address: String,
    }
}

document! {
    pub(crate) struct JoinDoc {
        container_id: String,
        host_name: String,
        domain_name: String,
        hosts_path: String,
        resolv_conf_path: String,
        dns: Vec<String>,
        extra_hosts: Vec<ExtraHostDoc>,
        parent_updates: Vec<ParentUpdateDoc>,
        use_default_sandbox: bool,
        netns: String,
        pid: u32,
        interface_name: String,
        dns_search: Vec<String>,
        dns_options: Vec<String>,
        sysctls: BTreeMap<String, String>,
    }
}

fn invalid(what: String) -> Error {
    Error::new(Kind::Invalid, what)
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// A word of a hosts or `resolv.conf` line.
pub(crate) fn host_word(text: &str, what: &str) -> Result<()> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '#';
    if text.is_empty() || text.len() > 255 || text.contains(bad) {
        let shown = text.escape_debug();
        return Err(invalid(format!("{what} `{shown}` is not one word of 1 to 255 bytes")));
    }
    Ok(())
}

fn words(texts: Option<Vec<String>>, what: &str) -> Result<Vec<String>> {
    let texts = texts.unwrap_or_default();
    texts.iter().try_for_each(|text| host_word(text, what))?;
    Ok(texts)
}

fn word(text: Option<String>, what: &str) -> Result<Option<String>> {
    let text = given(text);
    text.as_deref().map_or(Ok(()), |text| host_word(text, what))?;
    Ok(text)
}

/// An absolute path without `..`.
fn path(text: Option<String>, what: &str) -> Result<Option<PathBuf>> {
    let Some(text) = given(text) else { return Ok(None) };
    let path = Path::new(&text);
    let up = path.components().any(|part| matches!(part, Component::ParentDir));
    if !path.is_absolute() || up || text.contains('\0') {
        let shown = text.escape_debug();
        return Err(invalid(format!("{what} `{shown}` must be an absolute path without `..`")));
    }
    Ok(Some(path.to_owned()))
}

fn sysctls(given: Option<BTreeMap<String, String>>) -> Result<BTreeMap<String, String>> {
    let given = given.unwrap_or_default();
    for (key, value) in &given {
        let bad = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '_' | '-'));
        let parts = key.split(['.', '/']).collect::<Vec<_>>();
        if parts.first() != Some(&"net") || parts.contains(&"") || key.contains(bad) {
            let shown = key.escape_debug();
            return Err(invalid(format!("sysctls: `{shown}` is not a key below `net.`")));
        }
        if value.contains(['\n', '\0']) || value.is_empty() {
            return Err(invalid(format!("sysctls: the value of {key} is not one line")));
        }
    }
    Ok(given)
}

impl JoinSpec {
    /// Reads the join document of API.md.
    ///
    /// # Errors
    /// `invalid` with the path, line and column of what is wrong.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        super::parse::<JoinDoc>(text)?.check()
    }
}

impl JoinDoc {
    pub(crate) fn check(self) -> Result<JoinSpec> {
        let doc = self;
        let place = match (path(doc.netns, "netns")?, doc.pid) {
            (Some(_), Some(_)) => return Err(invalid("give netns or pid, not both".into())),
            (_, Some(0)) => return Err(invalid("pid 0 is no process".into())),
            (Some(path), None) => Place::Path(path),
            (None, Some(pid)) => Place::Pid(pid),
            (None, None) => Place::Own,
        };
        let dns = doc.dns.unwrap_or_default();
        Ok(JoinSpec {
            container: ContainerId::new(doc.container_id.unwrap_or_default())?,
            host_name: word(doc.host_name, "host_name")?,
            domain_name: word(doc.domain_name, "domain_name")?,
            hosts_path: path(doc.hosts_path, "hosts_path")?,
            resolv_conf_path: path(doc.resolv_conf_path, "resolv_conf_path")?,
            dns: dns.iter().map(|text| address(text, "dns")).collect::<Result<_>>()?,
            dns_search: words(doc.dns_search, "dns_search")?,
            dns_options: words(doc.dns_options, "dns_options")?,
            extra_hosts: extra_hosts(doc.extra_hosts)?,
            parent_updates: parent_updates(doc.parent_updates)?,
            use_default_sandbox: doc.use_default_sandbox.unwrap_or(false),
            place,
            interface_name: given(doc.interface_name)
                .map(InterfaceName::new)
                .transpose()
                .map_err(|error| error.doing("interface_name"))?,
            sysctls: sysctls(doc.sysctls)?,
        })
    }
}

fn extra_hosts(docs: Option<Vec<ExtraHostDoc>>) -> Result<Vec<ExtraHost>> {
    let docs = docs.unwrap_or_default().into_iter();
    docs.map(|doc| {
        let name = doc.name.unwrap_or_default();
        host_word(&name, "extra_hosts name")?;
        let address = address(&doc.address.unwrap_or_default(), "extra_hosts address")?;
        Ok(ExtraHost { name, address })
    })
    .collect()
}

fn parent_updates(docs: Option<Vec<ParentUpdateDoc>>) -> Result<Vec<ParentUpdate>> {
    let docs = docs.unwrap_or_default().into_iter();
    docs.map(|doc| {
        let name = doc.name.unwrap_or_default();
        host_word(&name, "parent_updates name")?;
        let endpoint = given(doc.endpoint_id)
            .ok_or_else(|| invalid("parent_updates: endpoint_id is required".into()))?;
        let address = address(&doc.address.unwrap_or_default(), "parent_updates address")?;
        Ok(ParentUpdate { endpoint, name, address })
    })
    .collect()
}

/// Whose the namespace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxKind {
    /// netberth made it and destroys it.
    Own,
    /// It was given; netberth never destroys it.
    Given,
    /// The host's own.
    Host,
}

/// A sandbox as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// Whose it is.
    pub container: ContainerId,
    /// The path that a runtime opens.
    pub key: PathBuf,
    /// The namespace.
    pub ns: Ns,
    /// Whose the namespace is.
    pub kind: SandboxKind,
    /// Network and endpoint of what is joined, in order of joining.
    pub joined: Vec<(Id, Id)>,
    /// The hosts file.
    pub hosts: PathBuf,
    /// The `resolv.conf`.
    pub resolv_conf: PathBuf,
    /// The text that netberth wrote to `resolv.conf`: if the file differs, someone edited it.
    pub resolv_conf_text: String,
    /// The words of its own line in the hosts file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_names: Vec<String>,
    /// A deletion could not be finished; it can be called again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleting: bool,
    /// On the host network, and from an earlier boot: the container has ended, though the namespace
    /// that it was in is there again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(text: &str) -> Result<JoinSpec> {
        JoinSpec::from_json(text.as_bytes())
    }

    #[test]
    fn the_document_of_2015() {
        let spec = join(
            r#"{"container_id":"98c5241f9475","host_name":"","domain_name":"","hosts_path":"",
                "resolv_conf_path":"","dns":null,"extra_hosts":null,"parent_updates":null,
                "use_default_sandbox":false}"#,
        )
        .unwrap();
        assert_eq!((spec.host_name, spec.hosts_path, spec.place), (None, None, Place::Own));
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            r"{}",
            r#"{"container_id":"../x"}"#,
            r#"{"container_id":"a","hosts_path":"hosts"}"#,
            r#"{"container_id":"a","hosts_path":"/tmp/../etc/hosts"}"#,
            r#"{"container_id":"a","netns":"/x","pid":1}"#,
            r#"{"container_id":"a","pid":0}"#,
            r#"{"container_id":"a","pid":-1}"#,
            r#"{"container_id":"a","dns":["localhost"]}"#,
            r#"{"container_id":"a","host_name":"a b"}"#,
            r#"{"container_id":"a","interface_name":"a/b"}"#,
            r#"{"container_id":"a","sysctls":{"kernel.panic":"1"}}"#,
            r#"{"container_id":"a","sysctls":{"net/../kernel":"1"}}"#,
            r#"{"container_id":"a","extra_hosts":[{"name":"x\ny","address":"10.0.0.1"}]}"#,
            r#"{"container_id":"a","parent_updates":[{"name":"x","address":"10.0.0.1"}]}"#,
        ] {
            assert_eq!(join(bad).unwrap_err().kind(), Kind::Invalid, "{bad}");
        }
    }
}
