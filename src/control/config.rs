//! What a handle is opened with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::model::{self, document};

/// Where things are kept, and how long to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Records, and the containers' files; created 0700.
    pub state_dir: PathBuf,
    /// What does not outlive a boot.
    pub run_dir: PathBuf,
    /// Where the namespaces are mounted; absent = `<run_dir>/netns`.
    pub netns_dir: Option<PathBuf>,
    /// How long to wait for another thread or process before a verb fails with `busy`.
    pub lock_timeout: Duration,
}

document! {
    struct ConfigDoc {
        state_dir: String,
        run_dir: String,
        netns_dir: String,
        lock_timeout_ms: u32,
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            state_dir: PathBuf::from("/var/lib/netberth"),
            run_dir: PathBuf::from("/run/netberth"),
            netns_dir: None,
            lock_timeout: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// Reads `{"state_dir","run_dir","netns_dir","lock_timeout_ms"}`; what is absent has the
    /// defaults `/var/lib/netberth`, `/run/netberth`, `<run_dir>/netns` and 30000.
    ///
    /// # Errors
    /// `invalid` with the path, line and column of what is wrong; directories must be absolute.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let doc: ConfigDoc = model::parse(text)?;
        let default = Config::default();
        let wait = doc.lock_timeout_ms.map(|ms| Duration::from_millis(ms.into()));
        Ok(Config {
            state_dir: directory(doc.state_dir, "state_dir")?.unwrap_or(default.state_dir),
            run_dir: directory(doc.run_dir, "run_dir")?.unwrap_or(default.run_dir),
            netns_dir: directory(doc.netns_dir, "netns_dir")?,
            lock_timeout: wait.unwrap_or(default.lock_timeout),
        })
    }

    pub(super) fn netns_dir(&self) -> PathBuf {
        self.netns_dir.clone().unwrap_or_else(|| self.run_dir.join("netns"))
    }

    /// In memory, as the namespaces are: nothing of a container outlives the boot, and a disk would have
    /// to find room for three new files at each join.
    pub(super) fn sandboxes_dir(&self) -> PathBuf {
        self.run_dir.join("sandboxes")
    }

    /// Where a container's files are, unless the caller names others.
    pub(super) fn sandbox_dir(&self, container: &str) -> PathBuf {
        self.sandboxes_dir().join(container)
    }
}

fn directory(text: Option<String>, what: &str) -> Result<Option<PathBuf>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if !Path::new(&text).is_absolute() || text.contains('\0') {
        let what = format!("{what} `{}` is not an absolute path", text.escape_debug());
        return Err(Error::new(Kind::Invalid, what));
    }
    Ok(Some(PathBuf::from(text)))
}
