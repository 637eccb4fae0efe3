//! From the path on the request line to the path that the router knows: no version prefix, no empty
//! segment, one way to write each character.

use std::fmt::Write;

use netberth::{Error, Kind, Result};

/// The normal form of a raw path: `//v1.19//networks/a%2fb/` is `/networks/a%2Fb`.
///
/// # Errors
/// `invalid` for the segments `.` and `..`, and for escapes that are not two hex digits or do not
/// yield UTF-8.
pub(crate) fn normal(raw: &str) -> Result<String> {
    let mut path = String::with_capacity(raw.len());
    let segments = raw.split('/').filter(|segment| !segment.is_empty());
    for (index, segment) in segments.enumerate() {
        let segment = decoded(segment, false)?;
        if segment == "." || segment == ".." {
            let what = format!("path segment `{segment}`: give the path without it");
            return Err(Error::new(Kind::Invalid, what));
        }
        if index == 0 && is_version(&segment) {
            continue;
        }
        path.push('/');
        encode(&segment, &mut path);
    }
    if path.is_empty() {
        path.push('/');
    }
    Ok(path)
}

/// Undoes percent-encoding once; in a query `+` is a space.
///
/// # Errors
/// `invalid` for what is not an escape, and for bytes that are not UTF-8.
pub(crate) fn decoded(text: &str, plus_is_space: bool) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => escaped(rest.next(), rest.next()).ok_or_else(|| {
                let shown = text.escape_debug();
                let what = format!("`{shown}`: after `%` two hexadecimal digits are expected");
                Error::new(Kind::Invalid, what)
            })?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| {
        let what = format!("`{}`: the escapes do not yield UTF-8", text.escape_debug());
        Error::new(Kind::Invalid, what)
    })
}

fn escaped(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// RFC 3986, 2.3: what needs no escape anywhere.
fn encode(segment: &str, path: &mut String) {
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
}

/// `v1` or `v1.19`.
fn is_version(segment: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    segment.strip_prefix('v').is_some_and(|number| match number.split_once('.') {
        Some((major, minor)) => digits(major) && digits(minor),
        None => digits(number),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_in_many_ways_is_one_path() {
        for (raw, expected) in [
            ("/networks", "/networks"),
            ("//networks//", "/networks"),
            ("/v1.19/networks", "/networks"),
            ("//v1//networks", "/networks"),
            ("/%76%31/networks", "/networks"),
            ("/n%65tworks", "/networks"),
            ("/networks/%2Flonely_pasteur", "/networks/%2Flonely_pasteur"),
            ("/networks/%2flonely_pasteur", "/networks/%2Flonely_pasteur"),
            ("/networks/a%252e", "/networks/a%252e"),
            ("/networks/%2e%2e%2fx", "/networks/..%2Fx"),
            ("/networks/stra%c3%9fe", "/networks/stra%C3%9Fe"),
            ("/networks/straße", "/networks/stra%C3%9Fe"),
            ("/networks/a+b", "/networks/a%2Bb"),
            ("/v1/v1/networks", "/v1/networks"),
            ("/networks/v1", "/networks/v1"),
            ("/v1.19", "/"),
            ("/", "/"),
            ("", "/"),
            ("*", "/%2A"),
        ] {
            assert_eq!(normal(raw).unwrap(), expected, "{raw}");
        }
        for not_a_version in ["v", "v1.", "v.1", "v1.2.3", "V1", "v1a", "1.19"] {
            assert_eq!(normal(&format!("/{not_a_version}")).unwrap(), format!("/{not_a_version}"));
        }
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            "/networks/..",
            "/../networks",
            "/./networks",
            "/networks/%2e",
            "/networks/%2E.",
            "/networks/.%2e/x",
            "/v1/..",
            "/networks/%",
            "/networks/%2",
            "/networks/%zz",
            "/networks/%+1",
            "/networks/%ff",
            "/networks/%c3",
            "/networks/%ed%a0%80",
            "/%é1",
        ] {
            assert_eq!(normal(bad).unwrap_err().kind(), Kind::Invalid, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_yields_plain_ascii(raw in any::<String>()) {
            if let Ok(path) = normal(&raw) {
                prop_assert!(path.starts_with('/') && !path.contains("//"));
                prop_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)));
            }
        }

        #[test]
        fn never_panics_on_what_looks_like_a_path(raw in "[/.%0-9a-fv+]{0,40}") {
            let _ = normal(&raw);
            let _ = decoded(&raw, true);
        }

        #[test]
        fn every_segment_arrives_as_it_was_meant(
            segments in prop::collection::vec(any::<String>(), 1..5),
            slashes in 1_usize..4,
        ) {
            prop_assume!(segments.iter().all(|s| !s.is_empty() && s != "." && s != ".."));
            prop_assume!(segments.first().is_none_or(|first| !is_version(first)));
            let mut raw = String::new();
            for segment in &segments {
                raw.push_str(&"/".repeat(slashes));
                encode(segment, &mut raw);
            }
            let path = normal(&raw).unwrap();
            let arrived: Vec<String> =
                path.split('/').skip(1).map(|part| decoded(part, false).unwrap()).collect();
            prop_assert_eq!(arrived, segments);
        }
    }
}
