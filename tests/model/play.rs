//! Calls of the library, and their answers as the model words them.

use std::path::{Path, PathBuf};

use netberth::model::{EndpointSpec, JoinRequest, JoinSpec, NetworkSpec, ServiceSpec};
use netberth::{Config, Kind, Netberth, Result};

use super::super::common::sh;
use super::ops::{FIRST, Harm, Joiner, LAST, LAYOUTS, NAMED, Op, Place, Ports, Spec};
use super::state::said;

/// netberth on a host with namespaces of somebody else's.
pub(crate) struct Real {
    pub(crate) netberth: Netberth,
    pub(crate) directory: PathBuf,
}

fn network(index: usize) -> String {
    let layout = &LAYOUTS[index];
    let v6 = layout.v6.map(|v6| format!(",{{\"subnet\":\"{v6}/64\"}}")).unwrap_or_default();
    format!(
        "{{\"name\":\"{0}\",\"options\":{{\"bridge\":\"br-{0}\",\"internal\":{1},\"icc\":{2},\
         \"masquerade\":{3},\"subnets\":[{{\"subnet\":\"{4}{5}/{6}\"}}{v6}]}}}}",
        layout.name,
        layout.internal,
        layout.icc,
        layout.masquerade,
        layout.v4,
        layout.base,
        layout.length
    )
}

fn ports(ports: Ports) -> String {
    let one = |proto: &str, port: u16, more: &str| {
        format!("{{\"proto\":\"{proto}\",\"port\":80,\"host_port\":{port}{more}}}")
    };
    match ports {
        Ports::Nothing => String::new(),
        Ports::Tcp(port) => one("tcp", port, ""),
        Ports::Udp(port) => one("udp", port, ""),
        Ports::Local(port) => one("tcp", port, ",\"host_ip\":\"127.0.0.1\""),
        Ports::OneOf => one("tcp", FIRST, &format!(",\"host_port_end\":{LAST}")),
        Ports::Automatic => one("tcp", 0, ""),
        Ports::Twice(port) => [one("tcp", port, ""), one("tcp", port, "")].join(","),
        Ports::Span => format!(
            "{{\"proto\":\"tcp\",\"port\":{FIRST},\"port_end\":{LAST},\"host_port\":{FIRST}}}"
        ),
    }
}

/// The members that endpoints and services have in common.
fn members(spec: &Spec) -> String {
    let Spec { name, priority, .. } = spec;
    let alias = if spec.alias { format!("\"also-{name}\"") } else { String::new() };
    format!(
        "\"name\":\"{name}\",\"priority\":{priority},\"aliases\":[{alias}],\
         \"port_mapping\":[{}]",
        ports(spec.ports)
    )
}

/// The address that is asked for, under this key.
fn fixed(on: &str, spec: &Spec, key: &str) -> String {
    let Some(number) = spec.fixed else { return String::new() };
    let layout = LAYOUTS.iter().find(|layout| layout.name == on);
    let known = layout.filter(|layout| !layout.v4.is_empty());
    let address = known.map_or_else(
        || format!("10.99.0.{number}"),
        |layout| format!("{}{}", layout.v4, layout.base + number),
    );
    format!(",\"{key}\":\"{address}\"")
}

fn endpoint(on: &str, spec: &Spec) -> String {
    format!("{{{}{}}}", members(spec), fixed(on, spec, "ipv4_address"))
}

impl Real {
    fn joiner(&self, joiner: Joiner) -> String {
        let netns = match joiner.place {
            Place::Own => String::new(),
            Place::Given(given) => {
                format!(",\"netns\":\"{}\"", given_path(&self.directory, given).display())
            }
        };
        let named =
            if joiner.named { format!(",\"interface_name\":\"{NAMED}\"") } else { String::new() };
        format!("{{\"container_id\":\"{}\"{netns}{named}}}", joiner.container)
    }

    fn join(&self, joiner: Joiner) -> Result<JoinSpec> {
        JoinSpec::from_json(self.joiner(joiner).as_bytes())
    }

    /// Calls it; the answer as [`super::state::Model::play`] gives it, and the error in full.
    pub(crate) fn play(&mut self, op: &Op) -> (String, String) {
        let mut errors = Vec::new();
        let mut short = |result: Result<()>| {
            said(result.map_err(|error| {
                errors.push(format!("{error:?}"));
                error.kind()
            }))
        };
        let answer = match op {
            Op::JoinMany(atomic, items) => {
                let text = items.iter().map(|(on, spec, joiner)| {
                    let (endpoint, container) = (endpoint(on, spec), self.joiner(*joiner));
                    format!(
                        "{{\"network\":\"{on}\",\"endpoint\":{endpoint},\"container\":{container}}}"
                    )
                });
                let text = format!("[{}]", text.collect::<Vec<_>>().join(","));
                let requests = JoinRequest::list_from_json(text.as_bytes()).unwrap();
                match self.netberth.join_many(&requests, *atomic) {
                    Ok(_) if *atomic => short(Ok(())),
                    Ok(each) => {
                        let each = each.into_iter().map(|one| short(one.map(drop)));
                        each.collect::<Vec<_>>().join(" ")
                    }
                    Err(error) => short(Err(error)),
                }
            }
            Op::Gc => self.gc(),
            Op::Die(given) => {
                let path = given_path(&self.directory, *given);
                sh(&format!("umount {0} && rm {0}", path.display()));
                let collected = self.gc();
                give(&self.directory, *given);
                collected
            }
            Op::Repair(harm) => short(self.repair(*harm)),
            Op::Reopen => short(self.reopen()),
            op => short(self.verb(op)),
        };
        (answer, errors.join("; "))
    }

    fn verb(&self, op: &Op) -> Result<()> {
        let netberth = &self.netberth;
        match *op {
            Op::NetworkCreate(index) => {
                let spec = NetworkSpec::from_json(network(index).as_bytes())?;
                netberth.network_create(&spec).map(drop)
            }
            Op::NetworkDelete(name) => netberth.network_delete(name),
            Op::EndpointCreate(on, ref spec) => {
                let spec = EndpointSpec::from_json(endpoint(on, spec).as_bytes())?;
                netberth.endpoint_create(on, &spec).map(drop)
            }
            Op::EndpointDelete(on, name, force) => netberth.endpoint_delete(on, name, force),
            Op::Join(on, name, joiner) => netberth.join(on, name, &self.join(joiner)?).map(drop),
            Op::Detach(on, name, container) => netberth.detach(on, name, container),
            Op::SandboxDelete(container) => netberth.sandbox_delete(container),
            Op::Publish(on, ref spec, balance) => {
                let text = format!(
                    "{{\"network_name\":\"{on}\",\"balance\":\"{balance}\",{}{}}}",
                    members(spec),
                    fixed(on, spec, "virtual_address")
                );
                netberth.service_publish(&ServiceSpec::from_json(text.as_bytes())?).map(drop)
            }
            Op::Attach(name, joiner) => {
                netberth.service_attach(name, &self.join(joiner)?).map(drop)
            }
            Op::ServiceDetach(name, container, drain) => {
                netberth.service_detach(name, container, drain)
            }
            Op::Unpublish(name, force) => netberth.service_unpublish(name, force),
            _ => Ok(()),
        }
    }

    /// The sandboxes that were collected; anything else in full.
    fn gc(&self) -> String {
        match self.netberth.gc() {
            Ok(found) => {
                let name = |one: netberth::model::Collected| match (one.kind.as_str(), one.id) {
                    ("sandbox", Some(id)) => id,
                    _ => format!("{}: {:?}", one.why, one.name),
                };
                format!("{:?}", found.collected.into_iter().map(name).collect::<Vec<_>>())
            }
            Err(error) => error.to_string(),
        }
    }

    fn repair(&self, harm: Option<Harm>) -> Result<()> {
        if let Some(harm) = harm {
            sh(match harm {
                Harm::Elements => {
                    "for map in br pub4_any vip4 slot4 self4; do \
                     nft flush set inet netberth $map 2>/dev/null || \
                     nft flush map inet netberth $map 2>/dev/null || true; done"
                }
                Harm::Table => "nft delete table inet netberth 2>/dev/null || true",
                Harm::Addresses => {
                    "for dev in $(ls -d /proc/sys/net/ipv4/conf/br-n*); do \
                     ip -4 addr flush dev ${dev##*/}; done"
                }
                Harm::Link => {
                    "dev=$(ip -o link show type veth | grep -o 'nb[0-9a-f]*.* master' | head -n 1); \
                     [ -z \"$dev\" ] || ip link del ${dev%%@*}"
                }
            });
        }
        let left = self.netberth.repair()?.differences;
        let left = left.iter().filter(|one| !one.object.contains("bridge-nf-call"));
        match left.collect::<Vec<_>>() {
            left if left.is_empty() => Ok(()),
            left => Err(netberth::Error::new(Kind::Bug, format!("not repaired: {left:#?}"))),
        }
    }

    fn reopen(&mut self) -> Result<()> {
        self.netberth = open(&self.directory)?;
        Ok(())
    }
}

pub(crate) fn open(directory: &Path) -> Result<Netberth> {
    let (state_dir, run_dir) = (directory.join("state"), directory.join("run"));
    Netberth::open(Config { state_dir, run_dir, ..Config::default() })
}

pub(crate) fn given_path(directory: &Path, given: usize) -> PathBuf {
    directory.join(format!("given{given}"))
}

/// Makes a namespace that is not netberth's.
pub(crate) fn give(directory: &Path, given: usize) {
    let path = given_path(directory, given);
    sh(&format!("touch {0} && unshare --net={0} true", path.display()));
}
