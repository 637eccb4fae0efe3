//! What a namespace of the fake has, as the running kernel would tell.

use super::space::{Link, Space};
use super::world::World;
use crate::plan::{Look, Seen, SeenAddress, SeenLink, SeenRoute};

impl World {
    pub(super) fn seen(&self, ask: &Look) -> Option<Seen> {
        let id = self.id(&ask.ns).ok()?;
        let space = self.spaces.get(&id)?;
        let link = |(name, link): (&String, &Link)| SeenLink {
            index: index(space, name),
            name: name.clone(),
            kind: link.kind.to_owned(),
            up: link.up,
            mtu: link.mtu,
            mac: link.mac.clone(),
            master: link.master.as_ref().map(|master| index(space, master)),
            hairpin: link.hairpin,
            peer: link
                .peer
                .as_ref()
                .and_then(|(other, peer)| self.spaces.get(other).map(|space| index(space, peer))),
        };
        let addresses = space.addresses.keys();
        let route = space.routes.iter().map(|route| SeenRoute {
            destination: route.destination,
            via: route.via,
            index: Some(index(space, &route.dev)),
            source: route.source,
            local: route.local,
        });
        let default = space.defaults.iter().map(|(ipv6, hop)| SeenRoute {
            destination: crate::kernel::route::route::default(*ipv6),
            via: Some(hop.via),
            index: Some(index(space, &hop.dev)),
            source: None,
            local: None,
        });
        let value = |key: &String| space.sysctl(self, key).map(|value| (key.clone(), value));
        Some(Seen {
            cookie: Some(id),
            links: space.links.iter().map(link).collect(),
            addresses: addresses
                .map(|(dev, address)| SeenAddress { index: index(space, dev), address: *address })
                .collect(),
            routes: route.chain(default).collect(),
            sysctls: ask.sysctls.iter().filter_map(value).collect(),
        })
    }
}

/// By name, from 1; `lo` is not always the first, which nobody minds.
fn index(space: &Space, name: &str) -> u32 {
    let at = space.links.keys().position(|link| link == name);
    at.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or_default()
}
