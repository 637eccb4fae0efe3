//! In this process: the library itself.

use std::cell::OnceCell;
use std::io::{self, Write};
use std::sync::Arc;

use netberth::error::Doing;
use netberth::model::{EndpointSpec, JoinRequest, JoinSpec, Joined, NetworkSpec, ServiceSpec};
use netberth::{Config, Error, Kind, Level, Netberth, Result};
use serde::Serialize;
use serde_json::json;

use crate::door::Door;
use crate::verb::{Change, Read};

/// The library, opened on a state directory by the first verb that needs it.
pub(crate) struct Local {
    config: Config,
    /// Say all that is done, and not only what goes wrong.
    verbose: bool,
    netberth: OnceCell<Netberth>,
}

impl Local {
    /// On this state directory; nothing is opened yet.
    pub(crate) fn new(config: Config, verbose: bool) -> Self {
        Local { config, verbose, netberth: OnceCell::new() }
    }

    fn core(&self) -> Result<&Netberth> {
        if let Some(core) = self.netberth.get() {
            return Ok(core);
        }
        let core = Netberth::open(self.config.clone())?;
        let least = if self.verbose { Level::Debug } else { Level::Warning };
        core.set_log(Some(Arc::new(move |level, message: &str| {
            let mark = match level {
                Level::Warning => "warning: ",
                Level::Info => "",
                Level::Debug => "  ",
            };
            if level <= least {
                let _ = writeln!(io::stderr(), "{mark}{message}");
            }
        })));
        Ok(self.netberth.get_or_init(|| core))
    }
}

fn document(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::new(Kind::Bug, error.to_string()))
}

/// Reads the request: what is malformed is refused before anything is opened.
fn check(verb: &Change) -> Result<()> {
    match verb {
        Change::NetworkCreate { request } => NetworkSpec::from_json(request.as_bytes()).map(drop),
        Change::EndpointCreate { request, .. } => {
            EndpointSpec::from_json(request.as_bytes()).map(drop)
        }
        Change::Join { request, .. } | Change::ServiceAttach { request, .. } => {
            JoinSpec::from_json(request.as_bytes()).map(drop)
        }
        Change::JoinMany { request, .. } => {
            JoinRequest::list_from_json(request.as_bytes()).map(drop)
        }
        Change::ServicePublish { request } => ServiceSpec::from_json(request.as_bytes()).map(drop),
        _ => Ok(()),
    }
}

fn play(core: &Netberth, verb: &Change) -> Result<String> {
    let nothing = |()| String::new();
    match verb {
        Change::NetworkCreate { request } => {
            document(&core.network_create(&NetworkSpec::from_json(request.as_bytes())?)?)
        }
        Change::NetworkDelete { network } => core.network_delete(network).map(nothing),
        Change::EndpointCreate { network, request } => {
            let spec = EndpointSpec::from_json(request.as_bytes())?;
            document(&core.endpoint_create(network, &spec)?)
        }
        Change::EndpointDelete { network, endpoint, force } => {
            core.endpoint_delete(network, endpoint, *force).map(nothing)
        }
        Change::Join { network, endpoint, request } => {
            let spec = JoinSpec::from_json(request.as_bytes())?;
            document(&core.join(network, endpoint, &spec)?)
        }
        Change::JoinMany { request, atomic } => {
            let requests = JoinRequest::list_from_json(request.as_bytes())?;
            document(&Joined::list_to_json(&core.join_many(&requests, *atomic)?))
        }
        Change::Detach { network, endpoint, container } => {
            core.detach(network, endpoint, container).map(nothing)
        }
        Change::ServicePublish { request } => {
            document(&core.service_publish(&ServiceSpec::from_json(request.as_bytes())?)?)
        }
        Change::ServiceUnpublish { service, force } => {
            core.service_unpublish(service, *force).map(nothing)
        }
        Change::ServiceAttach { service, request } => {
            let spec = JoinSpec::from_json(request.as_bytes())?;
            document(&core.service_attach(service, &spec)?)
        }
        Change::ServiceDetach { service, container, drain } => {
            core.service_detach(service, container, *drain).map(nothing)
        }
        Change::SandboxDelete { container } => core.sandbox_delete(container).map(nothing),
        Change::Repair => document(&core.repair()?),
        Change::Gc => document(&core.gc()?),
    }
}

impl Door for Local {
    fn read(&self, verb: &Read) -> Result<String> {
        // It needs no right to a state directory.
        if *verb == Read::Version {
            return version();
        }
        let core = self.core()?;
        match verb {
            Read::Networks { filter, verbose } => document(&core.networks(filter, *verbose)?),
            Read::Network { network, verbose } => document(&core.network(network, *verbose)?),
            Read::Endpoints { network, filter, verbose } => {
                document(&core.endpoints(network, filter, *verbose)?)
            }
            Read::Endpoint { network, endpoint, verbose } => {
                document(&core.endpoint(network, endpoint, *verbose)?)
            }
            Read::Services { filter, verbose } => document(&core.services(filter, *verbose)?),
            Read::Service { service, verbose } => document(&core.service(service, *verbose)?),
            Read::Backends { service, verbose } => {
                document(&core.service_backends(service, *verbose)?)
            }
            Read::Sandboxes => document(&core.sandboxes()?),
            Read::Sandbox { container } => document(&core.sandbox(container)?),
            Read::Verify => document(&core.verify()?),
            Read::Version => version(),
        }
    }

    fn change(&self, verb: &Change) -> Result<String> {
        check(verb)?;
        play(self.core()?, verb)
    }

    fn plan(&self, verb: &Change) -> Result<String> {
        check(verb)?;
        let (_, plan) = self.core()?.rehearse(|stage| play(stage, verb))?;
        document(&json!({ "plan": plan }))
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// The versions of everything that plays a part, as `GET /version` tells them.
fn version() -> Result<String> {
    let uname = nix::sys::utsname::uname().doing(|| "uname")?;
    document(&Versions {
        version: netberth::VERSION,
        abi: netberth::ABI,
        kernel: uname.release().to_string_lossy().into_owned(),
        commit: netberth::COMMIT,
    })
}

#[derive(Serialize)]
struct Versions {
    version: &'static str,
    abi: u32,
    kernel: String,
    commit: &'static str,
}
