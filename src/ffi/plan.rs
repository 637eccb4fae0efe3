//! Rehearsals of any changing verb.

use std::ffi::{c_char, c_int};

use serde_json::{Value, json};

use super::error::Failure;
use super::fence::{self, text};
use super::handle::Handle;
use crate::control::Netberth;
use crate::error::{Doing, Error, Kind, Result};
use crate::model::{
    EndpointSpec, JoinRequest, JoinSpec, NetworkSpec, ServiceSpec, document, parse,
};

document! {
    /// A verb as it would be called; what it does not take must not be there.
    struct PlanDoc {
        verb: String,
        network: String,
        endpoint: String,
        service: String,
        container: String,
        force: bool,
        drain: bool,
        atomic: bool,
        request: Value,
    }
}

fn needed<T>(slot: &mut Option<T>, name: &str) -> Result<T> {
    slot.take().ok_or_else(|| Error::new(Kind::Invalid, format!("{name} is required")))
}

impl PlanDoc {
    fn network(&mut self) -> Result<String> {
        needed(&mut self.network, "network")
    }

    fn endpoint(&mut self) -> Result<String> {
        needed(&mut self.endpoint, "endpoint")
    }

    fn service(&mut self) -> Result<String> {
        needed(&mut self.service, "service")
    }

    fn container(&mut self) -> Result<String> {
        needed(&mut self.container, "container")
    }

    fn force(&mut self) -> bool {
        self.force.take().unwrap_or(false)
    }

    /// The document that the verb itself would get.
    fn request<T>(&mut self, read: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let text = needed(&mut self.request, "request")?.to_string();
        read(text.as_bytes()).doing(|| "request")
    }

    fn play(&mut self, nb: &Netberth) -> Result<()> {
        let verb = needed(&mut self.verb, "verb")?;
        match verb.as_str() {
            "network_create" => nb.network_create(&self.request(NetworkSpec::from_json)?).map(drop),
            "network_delete" => nb.network_delete(&self.network()?),
            "endpoint_create" => {
                let network = self.network()?;
                nb.endpoint_create(&network, &self.request(EndpointSpec::from_json)?).map(drop)
            }
            "endpoint_delete" => {
                nb.endpoint_delete(&self.network()?, &self.endpoint()?, self.force())
            }
            "join" => {
                let (network, endpoint) = (self.network()?, self.endpoint()?);
                nb.join(&network, &endpoint, &self.request(JoinSpec::from_json)?).map(drop)
            }
            "join_many" => {
                let atomic = self.atomic.take().unwrap_or(false);
                nb.join_many(&self.request(JoinRequest::list_from_json)?, atomic).map(drop)
            }
            "detach" => nb.detach(&self.network()?, &self.endpoint()?, &self.container()?),
            "sandbox_delete" => nb.sandbox_delete(&self.container()?),
            "service_publish" => {
                nb.service_publish(&self.request(ServiceSpec::from_json)?).map(drop)
            }
            "service_unpublish" => nb.service_unpublish(&self.service()?, self.force()),
            "service_attach" => {
                let service = self.service()?;
                nb.service_attach(&service, &self.request(JoinSpec::from_json)?).map(drop)
            }
            "service_detach" => {
                let (service, container) = (self.service()?, self.container()?);
                nb.service_detach(&service, &container, self.drain.take().unwrap_or(false))
            }
            "repair" => nb.repair().map(drop),
            "gc" => nb.gc().map(drop),
            other => {
                let shown = other.escape_debug();
                let what = format!("verb `{shown}` is none that changes anything");
                Err(Error::new(Kind::Invalid, what))
            }
        }?;
        self.all_taken(&verb)
    }

    /// Nothing was given that the verb does not look at.
    fn all_taken(&self, verb: &str) -> Result<()> {
        let left = [
            ("network", self.network.is_some()),
            ("endpoint", self.endpoint.is_some()),
            ("service", self.service.is_some()),
            ("container", self.container.is_some()),
            ("force", self.force.is_some()),
            ("drain", self.drain.is_some()),
            ("atomic", self.atomic.is_some()),
            ("request", self.request.is_some()),
        ];
        match left.iter().find(|(_, left)| *left) {
            None => Ok(()),
            Some((key, _)) => {
                let what = format!("key `{key}` means nothing to the verb {verb}");
                Err(Error::new(Kind::Invalid, what))
            }
        }
    }
}

/// One verb, or several in an array.
fn verbs(text: &str) -> Result<Vec<PlanDoc>> {
    if text.trim_start().starts_with('[') {
        return parse(text.as_bytes());
    }
    Ok(vec![parse(text.as_bytes())?])
}

/// Rehearses verbs that change something: tells what they would do to the host, and does nothing.
///
/// \param nb            A handle.
/// \param request_json  {"verb","network","endpoint","service","container","force","drain","atomic",
///                      "request"}:
///                      `verb` is the function's name without netberth_, the others are what that
///                      function would be given, `request` being its document; for example
///                      {"verb":"join","network":"web","endpoint":"e1","request":
///                      {"container_id":"c1"}}. An array of these is rehearsed in order, each verb
///                      seeing what those before it would have made.
/// \param plan_out      Receives {"plan":["ip link add ...",...]}, the lines that an operator
///                      would type: free it with netberth_string_free().
/// \param err           Receives the error on failure; may be NULL.
/// \return 0, or the negative kind, as the verb itself. What only the kernel can know, such as a
///         device that is refused, is not found out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_plan(
    nb: *mut Handle,
    request_json: *const c_char,
    plan_out: *mut *mut c_char,
    err: *mut *mut Failure,
) -> c_int {
    fence::answer(nb, [text("request_json", request_json)], plan_out, err, |nb, [request]| {
        let mut docs = verbs(request)?;
        let play = |stage: &Netberth| docs.iter_mut().try_for_each(|doc| doc.play(stage));
        let ((), lines) = nb.rehearse(play)?;
        Ok(json!({ "plan": lines }).to_string())
    })
}
