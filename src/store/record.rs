//! Records that are JSON documents: an envelope with a version around each.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::Record;
use crate::error::{Error, Kind, Result};

/// The version written, and the only one read.
const VERSION: u64 = 1;

/// As long as most are: a text that grows is copied each time.
const ROOM: usize = 2048;

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u64,
    record: T,
}

/// `{"v":1,"record":...}`, the text of a [`Record`].
///
/// Fails with `bug` where serde cannot make JSON of the value: a map whose keys are no text.
pub fn encode<T: Serialize>(value: &T) -> Result<String> {
    let failed =
        |what: String| Error::new(Kind::Bug, format!("a record cannot be written: {what}"));
    let mut text = Vec::with_capacity(ROOM);
    serde_json::to_writer(&mut text, &Envelope { v: VERSION, record: value })
        .map_err(|error| failed(error.to_string()))?;
    String::from_utf8(text).map_err(|error| failed(error.to_string()))
}

/// The value that [`encode`] made the text from; fails with `store`, naming the key, where the
/// text is of another version or is not such a value.
pub fn decode<T: DeserializeOwned>(record: &Record) -> Result<T> {
    // Keeping track of the path takes as long as the reading itself: only a failure needs it.
    if let Ok(envelope) = serde_json::from_str::<Envelope<T>>(&record.text)
        && envelope.v == VERSION
    {
        return Ok(envelope.record);
    }
    let mut json = serde_json::Deserializer::from_str(&record.text);
    let read = serde_path_to_error::deserialize::<_, Envelope<T>>(&mut json);
    match read {
        Ok(envelope) if envelope.v == VERSION && json.end().is_ok() => Ok(envelope.record),
        Ok(_) => Err(refusal(record, "more text follows the document")),
        Err(error) => Err(refusal(record, &error.to_string())),
    }
}

/// The version is the better reason: a newer document may fail to parse, or parse by accident.
fn refusal(record: &Record, why: &str) -> Error {
    let key = &record.key;
    let version = serde_json::from_str::<Envelope<IgnoredAny>>(&record.text).map(|found| found.v);
    Error::new(
        Kind::Store,
        match version {
            Ok(found) if found != VERSION => format!(
                "record {key} has format {found} and this netberth knows {VERSION}; \
                 use the netberth that wrote it, or a newer one"
            ),
            _ => format!(
                "record {key} cannot be read: {why}; it was changed by something else than \
                 netberth: restore the state directory from a copy, or remove the record"
            ),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Key, Table};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Noun {
        name: String,
    }

    fn record(text: &str) -> Record {
        Record { key: Key::new(Table::Network, "", "1f3c"), text: text.into(), revision: 1 }
    }

    fn message(text: &str) -> String {
        let error = decode::<Noun>(&record(text)).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.message().contains("network/1f3c"), "{error}");
        error.message()
    }

    #[test]
    fn comes_back_as_it_went() {
        let noun = Noun { name: "wéb \u{1f980}\0".into() };
        let text = encode(&noun).unwrap();
        assert!(text.starts_with(r#"{"v":1,"record":{"#), "{text}");
        assert_eq!(decode::<Noun>(&record(&text)).unwrap(), noun);
    }

    #[test]
    fn another_version_is_refused_by_its_number() {
        let newer = message(r#"{"v":2,"record":{"title":"web"}}"#);
        assert!(newer.contains("format 2"), "{newer}");
        let alike = message(r#"{"v":2,"record":{"name":"web"}}"#);
        assert!(alike.contains("format 2"), "{alike}");
    }

    #[test]
    fn what_is_no_record_is_refused_with_the_path() {
        assert!(message(r#"{"v":1,"record":{"name":5}}"#).contains("record.name"));
        assert!(message(r#"{"v":1,"record":{"name":"a"}} x"#).contains("follows"));
        for text in ["", "null", "{}", "[", r#"{"v":"1","record":{}}"#, r#"{"record":{}}"#] {
            message(text);
        }
    }
}
