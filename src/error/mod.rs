//! The one error of every layer: a kind, an errno where there is one, the chain of what was being
//! done, and what went wrong while cleaning up, beside the cause and never in its place.

mod kind;

pub use kind::Kind;

use std::fmt;

/// Short for a result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, in words that say what was being done, what was found and what to do about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: Kind,
    errno: Option<i32>,
    /// Outermost first.
    doing: Vec<String>,
    what: String,
    cleanup: Vec<Error>,
}

impl Error {
    /// An error of `kind`: `what` is lower case, without a full stop.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        let what = what.into();
        Error(Box::new(Inner { kind, errno: None, doing: Vec::new(), what, cleanup: Vec::new() }))
    }

    /// An error from the operating system: the kind follows from the number where it can.
    pub fn os(errno: i32) -> Self {
        let kind = match errno {
            libc::EPERM | libc::EACCES => Kind::Denied,
            libc::EOPNOTSUPP | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT => Kind::Unsupported,
            _ => Kind::Kernel,
        };
        Error::new(kind, errno_text(errno)).with_errno(errno)
    }

    /// An I/O error of the standard library, as [`Error::os`] where it carries a number.
    pub fn io(error: &std::io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Error::os(errno),
            None => Error::new(Kind::Kernel, error.to_string()),
        }
    }

    /// The same error with an errno.
    #[must_use]
    pub fn with_errno(mut self, errno: i32) -> Self {
        self.0.errno = Some(errno);
        self
    }

    /// The same error as another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The same error with more said at the end: a kernel's extended-ack text, or advice.
    #[must_use]
    pub fn because(mut self, more: &str) -> Self {
        self.0.what.push_str(": ");
        self.0.what.push_str(more);
        self
    }

    /// The same error, wrapped in what was being done when it happened.
    #[must_use]
    pub fn doing(mut self, doing: impl Into<String>) -> Self {
        self.0.doing.insert(0, doing.into());
        self
    }

    /// The same error with a failure that happened while cleaning up after it.
    #[must_use]
    pub fn and_while_undoing(mut self, cleanup: Error) -> Self {
        self.0.cleanup.push(cleanup);
        self
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The operating system's number, if the failure came from there.
    pub fn errno(&self) -> Option<i32> {
        self.0.errno
    }

    /// What was being done, outermost first.
    pub fn chain(&self) -> &[String] {
        &self.0.doing
    }

    /// What went wrong while undoing, if anything.
    pub fn cleanup(&self) -> &[Error] {
        &self.0.cleanup
    }

    /// The cause with everything that was being done before it, on one line.
    pub fn message(&self) -> String {
        let parts = self.0.doing.iter().flat_map(|doing| [doing, ": "]).chain([&*self.0.what]);
        parts.flat_map(str::chars).fold(String::new(), on_one_line)
    }

    /// The JSON document of API.md: absent members are left out.
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::json!({ "message": self.message(), "kind": self.kind().name() });
        if let Some(members) = json.as_object_mut() {
            if let Some(errno) = self.errno() {
                members.insert("errno".into(), errno.into());
            }
            if !self.chain().is_empty() {
                members.insert("doing".into(), self.chain().into());
            }
            if !self.cleanup().is_empty() {
                let cleanup: Vec<String> = self.cleanup().iter().map(Error::message).collect();
                members.insert("cleanup".into(), cleanup.into());
            }
        }
        json
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        for cleanup in &self.0.cleanup {
            write!(f, "\n  and while undoing: {cleanup}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {self}", self.kind().name())
    }
}

impl std::error::Error for Error {}

/// Says what was being done, on the way out.
pub trait Doing<T> {
    /// Wraps the error in `doing`, which is only built when there is one.
    fn doing<S: Into<String>>(self, doing: impl FnOnce() -> S) -> Result<T>;
}

impl<T> Doing<T> for Result<T> {
    fn doing<S: Into<String>>(self, doing: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|error| error.doing(doing()))
    }
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing<S: Into<String>>(self, doing: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|error| Error::io(&error).doing(doing()))
    }
}

impl<T> Doing<T> for nix::Result<T> {
    fn doing<S: Into<String>>(self, doing: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|errno| Error::os(errno as i32).doing(doing()))
    }
}

/// Keys, values and paths are quoted as they came, and may hold line ends: what is printed or logged
/// must not look like another line.
fn on_one_line(mut line: String, letter: char) -> String {
    if letter.is_control() {
        line.extend(letter.escape_debug());
    } else {
        line.push(letter);
    }
    line
}

/// `operation not permitted (EPERM)`.
fn errno_text(errno: i32) -> String {
    let known = nix::errno::Errno::from_raw(errno);
    let text = known.desc().to_lowercase();
    format!("{text} ({known:?})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_chain_then_the_cause_then_each_cleanup() {
        let cleanup = Error::os(libc::EBUSY).doing("nft delete table inet netberth");
        let error = Error::os(libc::EPERM)
            .doing("ip link add nb1f3c type bridge")
            .doing("create network web")
            .and_while_undoing(cleanup);
        assert_eq!(error.kind(), Kind::Denied);
        assert_eq!(
            error.to_string(),
            "create network web: ip link add nb1f3c type bridge: operation not permitted (EPERM)\n  \
             and while undoing: nft delete table inet netberth: device or resource busy (EBUSY)"
        );
    }

    #[test]
    fn what_is_quoted_stays_on_one_line() {
        let error = Error::new(Kind::Invalid, "`a\nb\u{1b}[1m` is no name").doing("open /tmp/\r");
        assert_eq!(error.message(), "open /tmp/\\r: `a\\nb\\u{1b}[1m` is no name");
        assert_eq!(error.to_json()["message"], error.message());
    }

    #[test]
    fn json_leaves_out_what_is_absent() {
        let json = Error::new(Kind::Invalid, "no name").to_json();
        assert_eq!(json.to_string(), r#"{"kind":"invalid","message":"no name"}"#);
    }
}
