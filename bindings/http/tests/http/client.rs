//! A small HTTP/1.1 client that shows everything that came back.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here takes, so that a hanging server fails a test and not the suite.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Reads everything up to the end of the connection.
    pub(crate) fn of(bytes: &[u8]) -> Reply {
        let shown = String::from_utf8_lossy(bytes);
        let split = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let split = split.unwrap_or_else(|| panic!("no answer: {shown:?}"));
        let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {shown:?}"));
        Reply { status, head, body: bytes[split + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The document, which must have one line end and the right headers.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        let length = self.body.len().to_string();
        assert_eq!(self.header("content-length"), Some(length.as_str()), "{self:?}");
        let line = self.text().strip_suffix('\n').expect("a line end");
        assert!(!line.ends_with('\n'), "{self:?}");
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// 200 and a JSON string.
    #[track_caller]
    pub(crate) fn string(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.json().as_str().expect("a string").to_owned()
    }

    /// 200 and a document.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// 200 and nothing.
    #[track_caller]
    pub(crate) fn empty(&self) {
        assert_eq!((self.status, self.text()), (200, ""), "{self:?}");
        assert_eq!(self.header("content-length"), Some("0"), "{self:?}");
    }

    /// A refusal of this status and kind; returns its message.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, kind: &str) -> String {
        let document = if self.status == status { self.json() } else { Value::Null };
        assert_eq!((self.status, document["kind"].as_str()), (status, Some(kind)), "{self:?}");
        document["message"].as_str().expect("a message").to_owned()
    }
}

/// A connection to a unix socket.
pub(crate) fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads to the end of the connection.
pub(crate) fn receive(stream: &mut impl Read) -> Reply {
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert!(!bytes.is_empty(), "{error}");
    }
    Reply::of(&bytes)
}

/// Sends these bytes on a connection of their own.
pub(crate) fn exchange(stream: &mut (impl Read + Write), bytes: &[u8]) -> Reply {
    stream.write_all(bytes).unwrap();
    receive(stream)
}

/// The bytes of a request that asks for the connection to be closed.
pub(crate) fn request(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: netberth\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
