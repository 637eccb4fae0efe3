//! Names and the other words a caller gives us.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// A string that was checked once.
macro_rules! word {
    ($(#[$meta:meta])* $name:ident, $check:path) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and keeps `text`; the error of kind `invalid` says what is wrong with it.
            pub fn new(text: impl Into<String>) -> Result<Self> {
                let text = text.into();
                $check(&text)?;
                Ok($name(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                $name::new(text)
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> String {
                word.0
            }
        }
    };
}

word! {
    /// The name of a network: 1 to 255 bytes of UTF-8, no control character, no `.`, no `/`.
    NetworkName, network_name
}

word! {
    /// The name of an endpoint or a service: like a network's, and it may begin with one `/`.
    EndpointName, endpoint_name
}

word! {
    /// The caller's id of a container: `[A-Za-z0-9][A-Za-z0-9_.-]{0,127}`, not `default`.
    ContainerId, container_id
}

word! {
    /// The name of a network device: 1 to 15 bytes, no white space, no `/`, not `.` or `..`
    /// (`dev_valid_name` in the kernel), and no `%`, which the kernel would replace by a number.
    InterfaceName, interface_name
}

fn invalid(what: String) -> Error {
    Error::new(Kind::Invalid, what)
}

fn checked_name(what: &str, text: &str, body: &str) -> Result<()> {
    if text.is_empty() {
        return Err(invalid(format!("{what} is empty: give 1 to 255 bytes")));
    }
    if text.len() > 255 {
        return Err(invalid(format!("{what} has {} bytes: at most 255 are allowed", text.len())));
    }
    if let Some(c) = body.chars().find(|c| c.is_control() || matches!(c, '.' | '/')) {
        return Err(invalid(format!("{what} {text:?} contains {c:?}, which is not allowed")));
    }
    if body.is_empty() {
        return Err(invalid(format!("{what} {text:?} has nothing after the slash")));
    }
    Ok(())
}

fn network_name(text: &str) -> Result<()> {
    checked_name("network name", text, text)
}

fn endpoint_name(text: &str) -> Result<()> {
    checked_name("endpoint name", text, text.strip_prefix('/').unwrap_or(text))
}

fn container_id(text: &str) -> Result<()> {
    let rule = "must match [A-Za-z0-9][A-Za-z0-9_.-]{0,127} and not be `default`";
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if text.is_empty() {
        return Err(invalid(format!("container_id is required and {rule}")));
    }
    if !first || text.len() > 128 || !text.bytes().all(allowed) || text == "default" {
        let shown: String = text.chars().take(140).collect();
        return Err(invalid(format!("container_id {shown:?} {rule}")));
    }
    Ok(())
}

fn interface_name(text: &str) -> Result<()> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ':' | '%' | '"');
    if text.is_empty() || text.len() > 15 || text == "." || text == ".." || text.contains(bad) {
        return Err(invalid(format!(
            "`{}` is not a device name: 1 to 15 bytes, no white space, no `/`, `:`, `%` or `\"`",
            text.escape_debug()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_networks_and_endpoints() {
        for good in ["foo", "lo", "eth0", "a b", "straße", &"x".repeat(255)] {
            assert!(NetworkName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a.b", "../x", "a/b", "a\nb", "/a", &"x".repeat(256)] {
            assert!(NetworkName::new(bad).is_err(), "{bad}");
        }
        assert!(EndpointName::new("/lonely_pasteur").is_ok());
        for bad in ["/", "//a", "/a/b", "a.b"] {
            assert!(EndpointName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn container_ids_are_safe_as_file_names() {
        for good in ["a", "e76f40641703", "A-b_c.d", &"x".repeat(128)] {
            assert!(ContainerId::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "../x", "a/b", "-a", "default", "a b", "ä", &"x".repeat(129)] {
            assert!(ContainerId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn device_names_as_the_kernel_takes_them() {
        for good in ["eth0", "nb-0123456789a", "a.b"] {
            assert!(InterfaceName::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "eth%d", "sixteen-bytes-xx", "a b", "a\"b"] {
            assert!(InterfaceName::new(bad).is_err(), "{bad}");
        }
    }
}
