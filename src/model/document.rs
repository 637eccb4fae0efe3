//! JSON documents as the old API wrote them: keys match ignoring case and underscores, the last of
//! duplicate keys wins, `null` is absence, and an unknown key is refused by name and path.

use serde::de::DeserializeOwned;

use crate::error::{Error, Kind, Result};

/// The largest document that is read, in bytes (API.md: 1 MiB).
const MAX_BYTES: usize = 1 << 20;

/// Reads a document; the error says the path, the line and the column.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T> {
    if text.len() > MAX_BYTES {
        let what = format!("a document of {} bytes: at most {MAX_BYTES} are read", text.len());
        return Err(Error::new(Kind::Invalid, what));
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." { String::new() } else { format!("{path}: ") };
        Error::new(Kind::Invalid, format!("{at}{}", plain(&error.into_inner())))
    })?;
    reader.end().map_err(|error| Error::new(Kind::Invalid, plain(&error)))?;
    Ok(value)
}

/// The parser's words, lower case; an empty body is named as such.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if error.is_eof() && error.column() == 0 {
        return format!("empty body, expected a JSON object: {}", text.to_lowercase());
    }
    text.replacen("EOF", "end of text", 1)
}

/// Whether a key of a document names a field: case and underscores do not count.
pub(crate) fn key_is(key: &str, field: &str) -> bool {
    let fold = |c: &char| *c != '_';
    let folded = |text: &str| -> Vec<char> {
        text.chars().filter(fold).map(|c| c.to_ascii_lowercase()).collect()
    };
    folded(key) == folded(field)
}

/// A document: every field is an `Option`, because `null` and absence are the same.
macro_rules! document {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident $(| $alias:literal)* : $ty:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        $vis struct $name {
            $($(#[$field_meta])* pub(crate) $field: Option<$ty>,)*
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a JSON object")
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        let mut document = $name::default();
                        while let Some(key) = map.next_key::<String>()? {
                            let is = |field| $crate::model::key_is(&key, field);
                            $(if is(stringify!($field)) $(|| is($alias))* {
                                document.$field = map.next_value()?;
                                continue;
                            })*
                            let known = [$(stringify!($field)),*].join(", ");
                            return Err(serde::de::Error::custom(format_args!(
                                "unknown key `{key}`, expected one of: {known}"
                            )));
                        }
                        Ok(document)
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }
    };
}

pub(crate) use document;

#[cfg(test)]
mod tests {
    use super::*;

    document! {
        struct Inner {
            host_port: u16,
        }
    }

    document! {
        struct Outer {
            name: String,
            endpoint_id | "service_id": String,
            ports: Vec<Inner>,
        }
    }

    fn message(text: &str) -> String {
        parse::<Outer>(text.as_bytes()).unwrap_err().message()
    }

    #[test]
    fn keys_match_ignoring_case_and_underscores_and_the_last_wins() {
        let text = r#"{"Name":"a","NAME":"b","ServiceId":"e","ports":[{"HostPort":80}]}"#;
        let outer: Outer = parse(text.as_bytes()).unwrap();
        assert_eq!(outer.name.as_deref(), Some("b"));
        assert_eq!(outer.endpoint_id.as_deref(), Some("e"));
        assert_eq!(outer.ports.unwrap()[0].host_port, Some(80));
    }

    #[test]
    fn null_is_absent() {
        let outer: Outer = parse(br#"{"name":null,"ports":[{"host_port":null}]}"#).unwrap();
        assert_eq!(outer.name, None);
        assert_eq!(outer.ports.unwrap()[0].host_port, None);
    }

    #[test]
    fn errors_name_key_path_line_and_column() {
        let unknown = message(r#"{"ports":[{"hostport":1},{"bogus":1}]}"#);
        assert_eq!(
            unknown,
            "ports[1]: unknown key `bogus`, expected one of: host_port at line 1 column 33"
        );
        let range = message(r#"{"ports":[{"host_port":65536}]}"#);
        assert!(range.contains("ports[0].host_port: invalid value: integer `65536`"), "{range}");
        assert!(range.ends_with("at line 1 column 28"), "{range}");
        assert!(message("").contains("empty body") && message("").contains("line 1 column 0"));
        assert!(message("{} x").contains("trailing characters at line 1 column 4"));
        assert!(message("[]").contains("expected a JSON object at line 1 column"));
        assert!(message(r#"{"name":1}"#).contains("expected a string at line 1 column 9"));
    }

    #[test]
    fn what_is_quoted_stays_on_one_line() {
        let key = message("{\"a\\nb\\u001b[0m\":1}");
        assert!(key.contains(r"unknown key `a\nb\u{1b}[0m`"), "{key}");
        let value = message(r#"{"ports":[{"host_port":"x\ny"}]}"#);
        assert!(!value.chars().any(char::is_control), "{value}");
    }

    #[test]
    fn too_long_is_refused_unread() {
        let text = vec![b' '; MAX_BYTES + 1];
        assert!(parse::<Outer>(&text).unwrap_err().message().contains("at most 1048576"));
    }
}
