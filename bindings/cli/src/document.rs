//! Documents: read from where the user says, and taken apart for tables.

use std::fs;
use std::io::Read;

use netberth::error::Doing;
use netberth::{Error, Kind, Result};
use serde_json::{Map, Value};

/// `-` is standard input, `@FILE` a file, anything else the document itself.
///
/// # Errors
/// Those of reading; `invalid` for what is not text.
pub(crate) fn given(source: &str) -> Result<String> {
    match source.strip_prefix('@') {
        Some(path) => file(path),
        None if source == "-" => file(source),
        None => Ok(source.to_owned()),
    }
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// `not_found` and the like; `invalid` for what is not text.
pub(crate) fn file(path: &str) -> Result<String> {
    let mut bytes = Vec::new();
    if path == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).doing(|| "read standard input")?;
    } else {
        bytes = fs::read(path).doing(|| format!("read {path}"))?;
    }
    let no_text = |_| Error::new(Kind::Invalid, format!("{path} is not UTF-8 text"));
    String::from_utf8(bytes).map_err(no_text)
}

/// A document of netberth's own.
///
/// # Errors
/// `bug` for what is none.
pub(crate) fn parse(text: &str) -> Result<Value> {
    let what = |error: serde_json::Error| Error::new(Kind::Bug, format!("`{text}`: {error}"));
    serde_json::from_str(text).map_err(what)
}

/// A request in the making: what is not given is left out.
#[derive(Default)]
pub(crate) struct Request(Map<String, Value>);

impl Request {
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn maybe<T: Into<Value>>(self, key: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(crate) fn list<T: Into<Value>>(self, key: &str, values: Vec<T>) -> Self {
        if values.is_empty() { self } else { self.with(key, values) }
    }

    pub(crate) fn switch(self, key: &str, on: bool) -> Self {
        if on { self.with(key, true) } else { self }
    }

    /// `KEY=VALUE` pairs as an object.
    pub(crate) fn pairs(self, key: &str, pairs: Vec<(String, String)>) -> Self {
        if pairs.is_empty() {
            return self;
        }
        let object: Map<String, Value> =
            pairs.into_iter().map(|(key, value)| (key, value.into())).collect();
        self.with(key, object)
    }

    pub(crate) fn value(self) -> Value {
        Value::Object(self.0)
    }

    pub(crate) fn text(self) -> String {
        self.value().to_string()
    }
}

/// The text at a key, or nothing.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a key, or none.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The members of a document that is a list.
pub(crate) fn members(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The texts of the list at a key.
pub(crate) fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    list(value, key).iter().filter_map(Value::as_str).collect()
}
