//! The files of a store, changed anywhere: what is read is what was committed, or an error that
//! names the file and the way out. And any bytes as a file of records.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use netberth::Kind;
use netberth::store::conformance::{commit, everything, put};
use netberth::store::{Embedded, Expect, Key, Record, Store, Table};
use netberth_fuzz::{Choices, directory, fill, used};

const NAMES: [&str; 4] = ["netberth.db", "netberth.db-wal", "netberth.mark", "netberth.intent"];

const INTENT: &str = "what is about to be done";

struct Used {
    state: PathBuf,
    files: [Vec<u8>; 4],
    all: Vec<Record>,
}

static USED: LazyLock<Used> = LazyLock::new(|| {
    let state = directory().join("store");
    let _ = fs::remove_dir_all(&state);
    let store = Embedded::open(&state).unwrap();
    let records = used();
    // Half of them is in the file, the rest in its log.
    let (older, newer) = records.split_at(records.len() / 2);
    fill(&store, older);
    drop(store);
    fill(&Embedded::open(&state).unwrap(), newer);
    let store = Embedded::open(&state).unwrap();
    let all = everything(&store).unwrap();
    store.intend(INTENT).unwrap();
    let files = NAMES.map(|name| fs::read(state.join(name)).unwrap());
    drop(store);
    Used { state, files, all }
});

fn changed(choices: &mut Choices<'_>) -> [Vec<u8>; 4] {
    let mut files = USED.files.clone();
    // One of them, as a disk would; the others are whole.
    let which = choices.below(files.len());
    let file = &mut files[which];
    for _ in 0..8 {
        if choices.are_made() || file.is_empty() {
            break;
        }
        let at = choices.below(file.len());
        match choices.byte() % 4 {
            0 => file.truncate(at),
            1 => file[at] ^= 1 << (choices.byte() % 8),
            2 => file[at] = choices.byte(),
            _ => {
                let bytes = choices.bytes();
                let end = file.len().min(at + bytes.len());
                file[at..end].copy_from_slice(&bytes[..end - at]);
            }
        }
    }
    files
}

fn judge(state: &Path, whole: bool) {
    match Embedded::open(state).and_then(|store| Ok((everything(&store)?, store))) {
        Ok((found, store)) => {
            assert!(!whole || found == USED.all, "other records, and no error");
            let intent = store.intended().unwrap();
            assert!(!whole || intent.is_none_or(|text| text == INTENT), "another intent");
            let key = Key::new(Table::Lease, "fuzz", "fuzz");
            if commit(&store, vec![put(&key, "x", Expect::Any)]).is_ok() {
                assert_eq!(store.get(&key).unwrap().unwrap().text, "x");
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::Store, "{error}");
            assert!(error.message().contains("netberth.db"), "{error}");
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices(bytes);
    let whole = choices.byte() != 0xff;
    let files = if whole {
        changed(&mut choices)
    } else {
        [choices.0.to_vec(), Vec::new(), Vec::new(), Vec::new()]
    };
    let state = &USED.state;
    let _ = fs::remove_file(state.join("netberth.db-shm"));
    for (name, bytes) in NAMES.iter().zip(&files) {
        if bytes.is_empty() && !whole {
            let _ = fs::remove_file(state.join(name));
        } else {
            fs::write(state.join(name), bytes).unwrap();
        }
    }
    judge(state, whole);
});
