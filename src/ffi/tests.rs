//! Every export, given what it must refuse.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use super::bulk::*;
use super::endpoint::*;
use super::error::*;
use super::fence::injected;
use super::handle::*;
use super::network::*;
use super::plan::*;
use super::sandbox::*;
use super::service::*;
use super::verify::*;
use crate::error::Kind;

type Handles = *mut Handle;
type Text = *const c_char;
type TextOut = *mut *mut c_char;
type Err = *mut *mut Failure;

/// An export that can fail, called with its texts, its output (if it has one) and `err`.
struct Export {
    name: &'static str,
    /// Sensible texts; `?` before one that may be NULL.
    texts: &'static [&'static str],
    /// Whether it has an output.
    out: bool,
    call: unsafe fn(Handles, &[Text], TextOut, Err) -> c_int,
}

/// `name(texts; flags) -> out`, in the order in which they stand in the signature.
macro_rules! export {
    ($name:ident [$($text:literal),*] $(flags $flags:literal)? $(out $out:ident)?) => {
        Export {
            name: stringify!($name),
            texts: &[$($text),*],
            out: false $(|| { stringify!($out); true })?,
            call: |nb, _texts, _out, err| {
                let mut _texts = _texts.iter();
                $(let $out = _out;)?
                // SAFETY: the texts are NULL or end in NUL, the others are NULL or good.
                unsafe {
                    $name(
                        nb,
                        $({ _ = $text; *_texts.next().unwrap() },)*
                        $($flags,)?
                        $($out,)?
                        err,
                    )
                }
            },
        }
    };
}

const EXPORTS: &[Export] = &[
    export!(netberth_network_create [r#"{"name":"web"}"#] out out),
    export!(netberth_network_get ["bridge"] flags 1 out out),
    export!(netberth_network_list ["?{}"] flags 1 out out),
    export!(netberth_network_delete ["web"] flags 0),
    export!(netberth_endpoint_create ["bridge", r#"{"name":"e"}"#] out out),
    export!(netberth_endpoint_get ["bridge", "e"] flags 1 out out),
    export!(netberth_endpoint_list ["bridge", "?{}"] flags 1 out out),
    export!(netberth_endpoint_delete ["bridge", "e"] flags 2),
    export!(netberth_join ["bridge", "e", r#"{"container_id":"c"}"#] out out),
    export!(netberth_join_many
        [r#"[{"endpoint":{"name":"e"},"container":{"container_id":"c"}}]"#] flags 8 out out),
    export!(netberth_detach ["bridge", "e", "c"] flags 0),
    export!(netberth_sandbox_get ["c"] flags 0 out out),
    export!(netberth_sandbox_list ["?{}"] flags 0 out out),
    export!(netberth_sandbox_delete ["c"] flags 0),
    export!(netberth_service_publish [r#"{"name":"s"}"#] out out),
    export!(netberth_service_get ["s"] flags 1 out out),
    export!(netberth_service_list ["?{}"] flags 1 out out),
    export!(netberth_service_unpublish ["s"] flags 2),
    export!(netberth_service_attach ["s", r#"{"container_id":"c"}"#] out out),
    export!(netberth_service_backends ["s"] flags 1 out out),
    export!(netberth_service_detach ["s", "c"] flags 0),
    export!(netberth_verify [] flags 0 out out),
    export!(netberth_repair [] flags 0 out out),
    export!(netberth_gc [] flags 0 out out),
    export!(netberth_plan [r#"{"verb":"network_create","request":{"name":"web"}}"#] out out),
];

/// These are tried by hand, below.
const OTHERS: &[&str] = &[
    "netberth_open",
    "netberth_set_log",
    "netberth_close",
    "netberth_version",
    "netberth_abi_version",
    "netberth_error_code",
    "netberth_error_errno",
    "netberth_error_message",
    "netberth_error_json",
    "netberth_error_free",
    "netberth_string_free",
];

/// A handle on a directory of the test's own, in the network that the test is run in; nothing here
/// may change that, and what is refused does not.
struct Opened {
    nb: Handles,
    _directory: tempfile::TempDir,
}

fn open() -> Opened {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display();
    let config = CString::new(format!(r#"{{"state_dir":"{path}/s","run_dir":"{path}/r"}}"#));
    let (mut nb, mut err) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: all pointers are good.
    let code = unsafe { netberth_open(config.unwrap().as_ptr(), &raw mut nb, &raw mut err) };
    assert_eq!((code, err.is_null()), (0, true));
    Opened { nb, _directory: directory }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: it was opened, and is closed once.
        unsafe { netberth_close(Some(Box::from_raw(self.nb))) }
    }
}

/// What an output holds that nobody has written to.
fn untouched<T>() -> *mut T {
    ptr::dangling_mut()
}

fn c_texts(export: &Export) -> Vec<CString> {
    export.texts.iter().map(|text| CString::new(text.trim_start_matches('?')).unwrap()).collect()
}

/// Calls with outputs that nobody has touched, and expects a failure that leaves them so.
fn refused(export: &Export, nb: Handles, texts: &[Text], null_out: bool) -> (c_int, String) {
    let (mut out, mut err) = (untouched(), untouched());
    let to = if null_out { ptr::null_mut() } else { &raw mut out };
    // SAFETY: all pointers are NULL or good.
    let code = unsafe { (export.call)(nb, texts, to, &raw mut err) };
    assert_eq!(out, untouched(), "{}: its output was touched", export.name);
    assert_ne!(err, untouched(), "{}: err was left alone on failure", export.name);
    // SAFETY: a failure, which is freed once.
    let failure = unsafe { Box::from_raw(err) };
    // SAFETY: texts that end in NUL.
    let (said, json) = unsafe {
        assert_eq!(netberth_error_code(Some(&failure)), code, "{}", export.name);
        let message = CStr::from_ptr(netberth_error_message(Some(&failure)));
        let json = CStr::from_ptr(netberth_error_json(Some(&failure)));
        (message.to_str().unwrap().to_owned(), json.to_str().unwrap().to_owned())
    };
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(said.starts_with(json["message"].as_str().unwrap()), "{said} {json}");
    // SAFETY: given up here.
    unsafe { netberth_error_free(Some(failure)) };
    let mut out = untouched();
    let to = if null_out { ptr::null_mut() } else { &raw mut out };
    // SAFETY: as above, and err may be NULL.
    let again = unsafe { (export.call)(nb, texts, to, ptr::null_mut()) };
    assert!(again < 0 && out == untouched(), "{} without err", export.name);
    (code, said)
}

fn pointers(texts: &[CString]) -> Vec<Text> {
    texts.iter().map(|text| text.as_ptr()).collect()
}

#[test]
fn every_export_is_tried() {
    let mut tried: Vec<&str> = EXPORTS.iter().map(|export| export.name).collect();
    tried.extend(OTHERS);
    tried.sort_unstable();
    let symbols = include_str!("../../tests/abi/symbols.txt");
    assert_eq!(tried, symbols.lines().collect::<Vec<_>>());
}

#[test]
fn null_is_refused() {
    let opened = open();
    for export in EXPORTS {
        let texts = c_texts(export);
        let (code, said) = refused(export, ptr::null_mut(), &pointers(&texts), false);
        assert_eq!((code, said.as_str()), (NETBERTH_KIND_INVALID, "nb is NULL"), "{}", export.name);
        for (index, text) in export.texts.iter().enumerate() {
            if text.starts_with('?') {
                continue;
            }
            let mut texts = pointers(&texts);
            texts[index] = ptr::null();
            let (code, said) = refused(export, opened.nb, &texts, false);
            assert_eq!(code, NETBERTH_KIND_INVALID, "{}", export.name);
            assert!(said.ends_with(" is NULL"), "{}: {said}", export.name);
        }
        if export.out {
            let (code, said) = refused(export, opened.nb, &pointers(&texts), true);
            assert_eq!((code, said.as_str()), (NETBERTH_KIND_INVALID, "the output is NULL"));
        }
    }
}

#[test]
fn what_is_not_utf8_is_refused() {
    let opened = open();
    for export in EXPORTS {
        let texts = c_texts(export);
        for index in 0..texts.len() {
            let mut texts = pointers(&texts);
            texts[index] = c"a\xff\xfeb".as_ptr();
            let (code, said) = refused(export, opened.nb, &texts, false);
            assert_eq!(code, NETBERTH_KIND_INVALID, "{}", export.name);
            assert!(said.contains(" is not UTF-8: "), "{}: {said}", export.name);
        }
    }
}

#[test]
fn no_panic_comes_out() {
    let opened = open();
    for export in EXPORTS {
        let texts = c_texts(export);
        let (mut out, mut err) = (untouched(), untouched());
        injected::arm();
        // SAFETY: all pointers are good.
        let code =
            unsafe { (export.call)(opened.nb, &pointers(&texts), &raw mut out, &raw mut err) };
        assert_eq!((code, out), (NETBERTH_KIND_BUG, untouched()), "{}", export.name);
        // SAFETY: a failure, which is freed once.
        let failure = unsafe { Box::from_raw(err) };
        // SAFETY: as above; the message is read before.
        let said = unsafe { CStr::from_ptr(netberth_error_message(Some(&failure))) };
        let said = said.to_str().unwrap();
        assert!(said.starts_with("netberth panicked at src"), "{said}");
        assert!(said.ends_with(": injected; please report it"), "{said}");
    }
}

#[test]
fn success_leaves_err_alone() {
    let opened = open();
    let mut succeeded = Vec::new();
    // Those that look, and the rehearsal, do nothing to the network that this runs in.
    let looks = ["network_get", "_list", "plan"];
    for export in EXPORTS.iter().filter(|export| looks.iter().any(|end| export.name.ends_with(end)))
    {
        let (mut out, mut err) = (untouched(), untouched());
        let texts = c_texts(export);
        let mut texts = pointers(&texts);
        for (text, known) in texts.iter_mut().zip(export.texts) {
            if known.starts_with('?') {
                *text = ptr::null();
            }
        }
        // SAFETY: all pointers are good; the output is a text, which is freed once.
        unsafe {
            assert_eq!((export.call)(opened.nb, &texts, &raw mut out, &raw mut err), 0);
            assert!(err == untouched() && out != untouched(), "{}", export.name);
            let text = CStr::from_ptr(out).to_str().unwrap();
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
            netberth_string_free(out);
        }
        succeeded.push(export.name);
    }
    assert_eq!(succeeded.len(), 6, "{succeeded:?}");
}

#[test]
fn open_and_set_log_are_fenced() {
    let opened = open();
    let (mut nb, mut err) = (untouched(), untouched());
    let bad = c"{\"state_dir\":\"\xff\"}".as_ptr();
    let expect = |code: c_int, kind: c_int, err: &mut *mut Failure| {
        assert_eq!(code, kind);
        assert_ne!(*err, untouched());
        // SAFETY: a failure, which is freed once.
        unsafe { netberth_error_free(Some(Box::from_raw(*err))) };
        *err = untouched();
    };
    // SAFETY: all pointers are NULL or good.
    unsafe {
        let code = netberth_open(bad, &raw mut nb, &raw mut err);
        expect(code, NETBERTH_KIND_INVALID, &mut err);
        let code = netberth_open(c"{\"colour\":1}".as_ptr(), &raw mut nb, &raw mut err);
        expect(code, NETBERTH_KIND_INVALID, &mut err);
        let code = netberth_open(c"{}".as_ptr(), ptr::null_mut(), &raw mut err);
        expect(code, NETBERTH_KIND_INVALID, &mut err);
        assert_eq!(netberth_open(bad, &raw mut nb, ptr::null_mut()), NETBERTH_KIND_INVALID);
        injected::arm();
        let code = netberth_open(c"{}".as_ptr(), &raw mut nb, &raw mut err);
        expect(code, NETBERTH_KIND_BUG, &mut err);
        assert_eq!(nb, untouched());
        let none = ptr::null_mut();
        let code = netberth_set_log(ptr::null_mut(), None, none, &raw mut err);
        expect(code, NETBERTH_KIND_INVALID, &mut err);
        injected::arm();
        let code = netberth_set_log(opened.nb, None, none, &raw mut err);
        expect(code, NETBERTH_KIND_BUG, &mut err);
        assert_eq!(netberth_set_log(opened.nb, None, none, &raw mut err), 0);
        assert_eq!(err, untouched());
    }
}

#[test]
fn what_cannot_fail_does_not() {
    // SAFETY: every pointer that comes back ends in NUL; every one that goes in is NULL.
    unsafe {
        for armed in [false, true] {
            let arm = || {
                if armed {
                    injected::arm();
                }
            };
            arm();
            assert_eq!(netberth_error_code(None), 0);
            arm();
            assert_eq!(netberth_error_errno(None), 0);
            arm();
            assert_eq!(CStr::from_ptr(netberth_error_message(None)), c"");
            arm();
            assert_eq!(CStr::from_ptr(netberth_error_json(None)), c"{}");
            arm();
            assert_eq!(netberth_abi_version(), NETBERTH_ABI);
            arm();
            netberth_error_free(None);
            arm();
            netberth_string_free(ptr::null_mut());
            arm();
            netberth_close(None);
            arm();
            let version = CStr::from_ptr(netberth_version()).to_str().unwrap();
            assert_eq!(version, if armed { "" } else { env!("CARGO_PKG_VERSION") });
        }
    }
}

#[test]
fn the_numbers_are_those_of_the_kinds() {
    for kind in Kind::all() {
        assert_eq!(number(kind), kind.code(), "{}", kind.name());
    }
}

#[test]
fn a_flag_that_means_nothing_is_refused() {
    let opened = open();
    let (mut out, mut err) = (untouched(), untouched());
    // SAFETY: all pointers are good; the failure is freed once.
    unsafe {
        let code = netberth_network_list(opened.nb, ptr::null(), 2, &raw mut out, &raw mut err);
        assert_eq!((code, out), (NETBERTH_KIND_INVALID, untouched()));
        let said = CStr::from_ptr(netberth_error_message(Some(&*err))).to_str().unwrap();
        assert_eq!(said, "flags: 0x2 means nothing to this function");
        netberth_error_free(Some(Box::from_raw(err)));
    }
}
