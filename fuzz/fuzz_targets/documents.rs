//! Every document that a caller may send: read, or refused as `invalid` in words.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use netberth::model::{EndpointSpec, JoinRequest, JoinSpec, NetworkSpec, ServiceSpec};
use netberth::{Config, Kind, Result};

fn judge<T: Debug + PartialEq>(read: impl Fn(&[u8]) -> Result<T>, text: &[u8]) {
    match read(text) {
        Ok(document) => {
            assert!(read(text).is_ok_and(|again| again == document), "not the same again");
            // What follows a document is refused, whatever the document.
            assert!(read(&[text, b"x"].concat()).is_err(), "garbage that follows is read over");
        }
        Err(error) => {
            let known = [Kind::Invalid, Kind::NotFound, Kind::Unsupported, Kind::Denied];
            assert!(known.contains(&error.kind()), "{error}");
            let text = error.message();
            assert!(!text.is_empty() && !text.contains('\n'), "{text}");
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, text)) = bytes.split_first() else { return };
    match which % 6 {
        0 => judge(NetworkSpec::from_json, text),
        1 => judge(EndpointSpec::from_json, text),
        2 => judge(JoinSpec::from_json, text),
        3 => judge(JoinRequest::list_from_json, text),
        4 => judge(ServiceSpec::from_json, text),
        _ => judge(Config::from_json, text),
    }
});
