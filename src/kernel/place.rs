//! A namespace other than the handle's, while it is worked in.

use super::netns::Handle;
use super::space::Space;
use crate::error::{Error, Kind, Result};
use crate::plan::Ns;

/// A namespace that is held, and a socket in it once there is one.
pub(super) struct Place {
    pub(super) handle: Handle,
    pub(super) space: Option<Space<'static>>,
}

impl Place {
    /// Opens it, and no socket yet.
    pub(super) fn open(ns: &Ns) -> Result<Place> {
        Ok(Place { handle: open(ns)?, space: None })
    }

    /// The same of the calling thread's namespace, which is mounted there, with a socket.
    pub(super) fn here(ns: &Ns) -> Result<Place> {
        Ok(Place { handle: open(ns)?, space: Some(Space::here(None)?) })
    }

    /// Its socket, opened on a thread that goes there if need be; `NotFound` if another namespace is
    /// there than the one of the cookie.
    pub(super) fn entered(&mut self, ns: &Ns) -> Result<&mut Space<'static>> {
        if self.space.is_none() {
            self.space = Some(self.handle.run(|| Space::here(cookie(ns)))?);
        }
        self.space.as_mut().ok_or_else(|| Error::new(Kind::Bug, "a namespace without a socket"))
    }

    /// Whether this place, opened as `of`, is the namespace `ns`.
    pub(super) fn is_meant(&mut self, of: &Ns, ns: &Ns) -> bool {
        let (Ns::At { path, .. }, Ns::At { path: wanted, cookie }) = (of, ns) else { return false };
        let is_of = |space: &mut Space<'_>| space.with(|socket| socket.cookie()).ok().flatten();
        path == wanted && (cookie.is_none() || self.space.as_mut().and_then(is_of) == *cookie)
    }
}

/// The cookie that a namespace is known by.
pub(super) fn cookie(ns: &Ns) -> Option<u64> {
    match ns {
        Ns::Host => None,
        Ns::At { cookie, .. } => *cookie,
    }
}

/// A namespace by path.
pub(super) fn open(ns: &Ns) -> Result<Handle> {
    match ns {
        Ns::Host => Err(Error::new(Kind::Bug, "the host's namespace is open already")),
        Ns::At { path, .. } => Handle::open(path),
    }
}
