//! Calls of the C functions in any order, from two threads, with any texts, flags and NULLs. Nothing
//! panics, an error tells of itself, and everything that was made can be taken down to nothing.
#![no_main]

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use netberth::c::*;
use netberth::kernel::fake::Fake;
use netberth::store::Memory;
use netberth_fuzz::{Choices, open, tear_down};

/// Calls of one input: a join takes half a millisecond even here.
const MOST: usize = 24;

const WORDS: [&str; 14] =
    ["web", "db", "a", "b", "s", "bridge", "none", "host", "c1", "c2", "", "/a", "0", "c1\u{e9}"];

const DOCUMENTS: [&str; 26] = [
    "{}",
    r#"{"name":"web"}"#,
    r#"{"name":"db","options":{"internal":true,"ipv6":true}}"#,
    r#"{"name":"web","options":{"subnets":[{"subnet":"10.9.0.0/29","reserved":["10.9.0.2"]}]}}"#,
    r#"{"name":"h","network_type":"host"}"#,
    r#"{"name":"web","options":{"bridge":"mine0","icc":false,"masquerade":false}}"#,
    r#"{"name":"a"}"#,
    r#"{"name":"b","priority":9,"aliases":["bb"]}"#,
    r#"{"name":"a","port_mapping":[{"proto":6,"port":80,"host_port":8080}]}"#,
    r#"{"name":"b","port_mapping":[{"proto":17,"port":53}]}"#,
    r#"{"name":"b","port_mapping":[{"proto":6,"port":80,"port_end":90,"host_port":8075}]}"#,
    r#"{"name":"a","ipv4_address":"172.17.0.9","mac_address":"02:00:00:00:00:01"}"#,
    r#"{"container_id":"c1"}"#,
    r#"{"container_id":"c2","host_name":"h","extra_hosts":[{"name":"x","address":"10.0.0.1"}]}"#,
    r#"{"container_id":"c1","use_default_sandbox":true}"#,
    r#"{"container_id":"c1","interface_name":"net7","sysctls":{"net.core.somaxconn":"9"}}"#,
    r#"{"name":"s"}"#,
    r#"{"name":"s","network_name":"web","balance":"source"}"#,
    r#"{"name":"s","network_name":"db","port_mapping":[{"proto":6,"port":80,"host_port":8080}]}"#,
    r#"[{"network":"web","endpoint":{"name":"a"},"container":{"container_id":"c1"}}]"#,
    r#"[{"endpoint":{"name":"a"},"container":{"container_id":"c1"}},
        {"endpoint":{"name":"b"},"container":{"container_id":"c2"}}]"#,
    r#"{"name":"web"}"#,
    r#"{"partial-id":"0"}"#,
    r#"{"verb":"network_create","request":{"name":"web"}}"#,
    r#"{"verb":"join","network":"web","endpoint":"a","request":{"container_id":"c1"}}"#,
    r#"{"verb":"service_unpublish","service":"s","force":true}"#,
];

/// A text, or NULL.
struct Text(Option<CString>);

impl Text {
    fn choose(choices: &mut Choices<'_>, known: &[&str]) -> Text {
        match choices.byte() {
            255 => Text(None),
            254 => {
                let bytes = choices.bytes().iter().copied().filter(|byte| *byte != 0).collect();
                Text(CString::new::<Vec<u8>>(bytes).ok())
            }
            byte => Text(CString::new(known[usize::from(byte) % known.len()]).ok()),
        }
    }

    fn pointer(&self) -> *const c_char {
        self.0.as_ref().map_or(ptr::null(), |text| text.as_ptr())
    }
}

/// One call, with everything that it needs.
struct Call {
    verb: u8,
    words: [Text; 3],
    document: Text,
    flags: u32,
    without_out: bool,
    without_err: bool,
    without_handle: bool,
}

impl Call {
    fn choose(choices: &mut Choices<'_>) -> Call {
        let verb = choices.byte();
        let odd = choices.byte();
        Call {
            verb,
            words: [(); 3].map(|()| Text::choose(choices, &WORDS)),
            document: Text::choose(choices, &DOCUMENTS),
            // Mostly a bit that exists, or none.
            flags: if odd & 8 == 0 { 0 } else { 1 << (choices.byte() % 32) },
            without_out: odd & 0x70 == 0x70,
            without_err: odd & 0x07 == 0x07,
            without_handle: odd == 0xff,
        }
    }

    fn make(&self, nb: *mut Handle) {
        let nb = if self.without_handle { ptr::null_mut() } else { nb };
        let mut text: *mut c_char = ptr::null_mut();
        let mut failure: *mut Failure = ptr::null_mut();
        let out = if self.without_out { ptr::null_mut() } else { &raw mut text };
        let err = if self.without_err { ptr::null_mut() } else { &raw mut failure };
        let code = self.dispatch(nb, out, err);
        // SAFETY: what a call put out is whole, and freed once.
        unsafe { judge(code, text, failure) };
    }

    fn dispatch(&self, nb: *mut Handle, out: *mut *mut c_char, err: *mut *mut Failure) -> c_int {
        let [a, b, c] = self.words.each_ref().map(Text::pointer);
        let (doc, flags) = (self.document.pointer(), self.flags as _);
        // SAFETY: texts and outputs are NULL or good while the call lasts, and so is the handle.
        unsafe {
            match self.verb % 26 {
                0 => netberth_network_create(nb, doc, out, err),
                1 => netberth_endpoint_create(nb, a, doc, out, err),
                2 => netberth_join(nb, a, b, doc, out, err),
                3 => netberth_detach(nb, a, b, c, flags, err),
                4 => netberth_endpoint_delete(nb, a, b, flags, err),
                5 => netberth_network_delete(nb, a, flags, err),
                6 => netberth_service_publish(nb, doc, out, err),
                7 => netberth_service_attach(nb, a, doc, out, err),
                8 => netberth_service_detach(nb, a, b, flags, err),
                9 => netberth_service_unpublish(nb, a, flags, err),
                10 => netberth_sandbox_delete(nb, a, flags, err),
                11 => netberth_join_many(nb, doc, flags, out, err),
                12 => netberth_network_get(nb, a, flags, out, err),
                13 => netberth_network_list(nb, doc, flags, out, err),
                14 => netberth_endpoint_get(nb, a, b, flags, out, err),
                15 => netberth_endpoint_list(nb, a, doc, flags, out, err),
                16 => netberth_sandbox_get(nb, a, flags, out, err),
                17 => netberth_sandbox_list(nb, doc, flags, out, err),
                18 => netberth_service_get(nb, a, flags, out, err),
                19 => netberth_service_list(nb, doc, flags, out, err),
                20 => netberth_service_backends(nb, a, flags, out, err),
                21 => netberth_verify(nb, flags, out, err),
                22 => netberth_plan(nb, doc, out, err),
                23 => netberth_repair(nb, flags, out, err),
                24 => netberth_gc(nb, flags, out, err),
                _ => netberth_set_log(nb, None, ptr::null_mut(), err),
            }
        }
    }
}

/// What was put out belongs to the caller, and says what the number says.
unsafe fn judge(code: c_int, text: *mut c_char, failure: *mut Failure) {
    if code == 0 {
        assert!(failure.is_null(), "an error beside success");
    } else {
        assert!(code < 0 && text.is_null(), "{code}, and an output");
    }
    if !text.is_null() {
        assert!(unsafe { CStr::from_ptr(text) }.to_str().is_ok());
        unsafe { netberth_string_free(text) };
    }
    if !failure.is_null() {
        let failure = unsafe { Box::from_raw(failure) };
        unsafe {
            assert_eq!(netberth_error_code(Some(&failure)), code);
            assert!(!CStr::from_ptr(netberth_error_message(Some(&failure))).is_empty());
            assert!(CStr::from_ptr(netberth_error_json(Some(&failure))).to_str().is_ok());
            netberth_error_free(Some(failure));
        }
    }
}

/// A handle that two threads share.
#[derive(Clone, Copy)]
struct Shared(*mut Handle);

// SAFETY: the header says that any thread may use it.
unsafe impl Send for Shared {}

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices(bytes);
    let threaded = choices.byte() & 1 == 1;
    let mut calls = Vec::new();
    while !choices.are_made() && calls.len() < MOST {
        calls.push(Call::choose(&mut choices));
    }
    let fake = Arc::new(Fake::new());
    let netberth = open(&fake, Arc::new(Memory::new())).unwrap();
    let pristine = fake.snapshot();
    let nb = Shared(handle(netberth.clone()));
    if threaded {
        let (one, two) = calls.split_at(calls.len() / 2);
        std::thread::scope(|scope| {
            for part in [one, two] {
                scope.spawn(move || {
                    let nb = nb;
                    part.iter().for_each(|call| call.make(nb.0));
                });
            }
        });
    } else {
        calls.iter().for_each(|call| call.make(nb.0));
    }
    tear_down(&netberth).unwrap();
    assert_eq!(fake.snapshot(), pristine, "something is left");
    // SAFETY: made above, closed once.
    unsafe { netberth_close(Some(Box::from_raw(nb.0))) };
});
