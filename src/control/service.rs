//! Verbs of services: endpoints by another name, for containers by the name of back ends.

use std::path::PathBuf;

use super::{Netberth, detach, endpoint, join, lookup, network, records};
use crate::error::{Doing, Result};
use crate::model::view::{BackendView, EndpointView};
use crate::model::{ContainerId, Endpoint, Filter, Id, JoinSpec, ServiceSpec};
use crate::store::Store;

impl Netberth {
    /// Publishes a service on a network.
    ///
    /// # Errors
    /// As [`Netberth::endpoint_create`].
    pub fn service_publish(&self, spec: &ServiceSpec) -> Result<Id> {
        let mut locked = self.lock()?;
        let network = lookup::network(locked.store(), &spec.network)?;
        let name = &spec.endpoint.name;
        let doing = format!("publish service {name} on network {}", network.name);
        endpoint::create(&mut locked, network, &spec.endpoint, &doing).doing(|| doing)
    }

    /// A service by id, name or id prefix.
    ///
    /// # Errors
    /// `not_found`; `invalid` for a name or a prefix that several have.
    pub fn service(&self, selector: &str, verbose: bool) -> Result<EndpointView> {
        let service = lookup::service(&*self.store, selector)?;
        view(&*self.store, &service, verbose)
    }

    /// Every endpoint of every network, which is what a service is in the API of 2015, in order of
    /// creation.
    pub fn services(&self, filter: &Filter, verbose: bool) -> Result<Vec<EndpointView>> {
        let mut views = Vec::new();
        for endpoint in records::endpoints_by_id(&*self.store, "")? {
            let network = lookup::network_of(&*self.store, &endpoint)?;
            let id = endpoint.id.to_string();
            if filter.matches(&id, endpoint.name.as_str(), network.name.as_str()) {
                views.push(view(&*self.store, &endpoint, verbose)?);
            }
        }
        Ok(views)
    }

    /// Deletes a service and releases its addresses; with `force`, detaches its back ends first.
    ///
    /// # Errors
    /// `not_found`; `in_use` while back ends are attached.
    pub fn service_unpublish(&self, selector: &str, force: bool) -> Result<()> {
        let mut locked = self.lock()?;
        let service = lookup::service(locked.store(), selector)?;
        let network = lookup::network_of(locked.store(), &service)?;
        endpoint::delete(&mut locked, &network, service, force)
    }

    /// Attaches a container to a service, and returns the sandbox key.
    ///
    /// # Errors
    /// As [`Netberth::join`].
    pub fn service_attach(&self, selector: &str, spec: &JoinSpec) -> Result<PathBuf> {
        let mut locked = self.lock()?;
        let service = lookup::service(locked.store(), selector)?;
        let network = lookup::network_of(locked.store(), &service)?;
        join::join(&mut locked, &network, service, spec)
    }

    /// The containers attached to a service, in order of attaching.
    ///
    /// # Errors
    /// As [`Netberth::service`].
    pub fn service_backends(&self, selector: &str, verbose: bool) -> Result<Vec<BackendView>> {
        let service = lookup::service(&*self.store, selector)?;
        let attachments = service.attachments.iter();
        Ok(attachments.map(|found| BackendView::new(&service, found, verbose)).collect())
    }

    /// Detaches a container from a service.
    ///
    /// # Errors
    /// As [`Netberth::detach`].
    pub fn service_detach(&self, selector: &str, container: &str) -> Result<()> {
        let mut locked = self.lock()?;
        let service = lookup::service(locked.store(), selector)?;
        let network = lookup::network_of(locked.store(), &service)?;
        let container = ContainerId::new(container)?;
        detach::detach(&mut locked, &network, &service.id, &container)
    }
}

fn view(store: &dyn Store, service: &Endpoint, verbose: bool) -> Result<EndpointView> {
    let network = lookup::network_of(store, service)?;
    network::endpoint_view(store, &network, service, verbose)
}
