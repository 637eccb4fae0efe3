//! Network namespaces.

use std::ffi::OsStr;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A network namespace: the one the handle was opened in, or one that a path leads to.
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ns {
    /// The namespace in which the handle was opened.
    Host,
    /// A namespace by path. A `cookie` (`SO_NETNS_COOKIE`, socket(7)) tells that the path still
    /// leads to the namespace that was meant: for `/proc/<pid>/ns/net` a pid may be reused.
    /// Where the cookie differs, the namespace is gone and so is everything in it.
    At {
        /// The file.
        path: PathBuf,
        /// The cookie, when the namespace was given to netberth; absent for our own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cookie: Option<u64>,
    },
}

impl Ns {
    /// A path is compared as text: by components, as paths compare themselves, takes ten times as long,
    /// and each step of each plan is asked where it belongs.
    fn parts(&self) -> Option<(&OsStr, Option<u64>)> {
        match self {
            Ns::Host => None,
            Ns::At { path, cookie } => Some((path.as_os_str(), *cookie)),
        }
    }
}

impl PartialEq for Ns {
    fn eq(&self, other: &Ns) -> bool {
        self.parts() == other.parts()
    }
}

impl Hash for Ns {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.parts().hash(hasher);
    }
}

impl fmt::Display for Ns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ns::Host => f.write_str("/proc/self/ns/net"),
            Ns::At { path, .. } => write!(f, "{}", path.display()),
        }
    }
}
