//! A store that was used, with each of its files damaged byte by byte: what is opened is what was
//! committed, or it is refused with words about the way out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use common::faulty::{FaultyKernel, FaultyStore, Script};
use common::verbs::{Verb, dump};
use netberth::kernel::fake::Fake;
use netberth::store::conformance::everything;
use netberth::store::{Embedded, Record};
use netberth::{Config, Kind, Netberth};

const FILES: [&str; 5] =
    ["netberth.db", "netberth.db-wal", "netberth.db-shm", "netberth.mark", "netberth.intent"];

const LIFE: [Verb; 8] = [
    Verb::Network(r#"{"name":"wéb","options":{"ipv6":true,"labels":{"tier":"front"}}}"#),
    Verb::Network(r#"{"name":"db","options":{"internal":true}}"#),
    Verb::Endpoint("wéb", r#"{"name":"a","port_mapping":[{"proto":6,"port":80}]}"#),
    Verb::Endpoint("db", r#"{"name":"first","priority":9}"#),
    Verb::Join("wéb", "a", r#"{"container_id":"ca","host_name":"web"}"#),
    Verb::Join("db", "first", r#"{"container_id":"ca"}"#),
    Verb::Endpoint("wéb", r#"{"name":"b"}"#),
    Verb::NetworkDelete("none such"),
];
const UNFINISHED: Verb = Verb::Join("wéb", "b", r#"{"container_id":"cb"}"#);

/// A process makes networks, endpoints and joins, and dies in the middle of another join.
fn used(dir: &Path) -> Vec<Record> {
    let config =
        Config { state_dir: dir.join("state"), run_dir: dir.join("run"), ..Config::default() };
    let store = Arc::new(Embedded::open(&config.state_dir).unwrap());
    let script = Script::new();
    let kernel = FaultyKernel { inner: Arc::new(Fake::new()), script: script.clone() };
    let faulty = FaultyStore { inner: store.clone(), script: script.clone() };
    let netberth = Netberth::open_with(config, Arc::new(kernel), Arc::new(faulty)).unwrap();
    for verb in LIFE {
        assert_eq!(verb.run(&netberth, dir).is_ok(), !matches!(verb, Verb::NetworkDelete(_)));
    }
    for n in 1.. {
        assert!(n < 100, "the join never writes an intent");
        script.die_at(n);
        UNFINISHED.run(&netberth, dir).unwrap_err();
        if dump(&*store).contains("intent/") {
            break;
        }
    }
    everything(&*store).unwrap()
}

/// The files of a state directory as a process that died left them.
struct Left {
    files: Vec<(&'static str, Vec<u8>)>,
    all: Vec<Record>,
}

impl Left {
    fn new(checkpointed: bool) -> Left {
        let dir = tempfile::tempdir().unwrap();
        let all = used(dir.path());
        let state = dir.path().join("state");
        if checkpointed {
            let connection = rusqlite::Connection::open(state.join(FILES[0])).unwrap();
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
        let read = |name: &'static str| Some((name, fs::read(state.join(name)).ok()?));
        Left { files: FILES.into_iter().filter_map(read).collect(), all }
    }

    /// Opens them with one of them changed; whether it was refused.
    fn refused(&self, dir: &Path, name: &str, bytes: Option<&[u8]>, what: &str) -> bool {
        for file in FILES {
            let _ = fs::remove_file(dir.join(file));
        }
        for (file, whole) in &self.files {
            match bytes {
                Some(bytes) if *file == name => fs::write(dir.join(file), bytes).unwrap(),
                None if *file == name => {}
                _ => fs::write(dir.join(file), whole).unwrap(),
            }
        }
        match Embedded::open(dir).and_then(|store| everything(&store)) {
            Ok(found) => {
                assert!(found == self.all, "{name}, {what}: other records, and no error");
                false
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::Store, "{name}, {what}: {error}");
                let text = error.message();
                assert!(text.contains("netberth.db"), "{name}, {what}: {text}");
                let out = ["restore", "name another state directory", "move it away"];
                assert!(out.iter().any(|words| text.contains(words)), "{name}, {what}: {text}");
                true
            }
        }
    }

    /// Tries every change on two threads; how many were tried and refused.
    fn every(&self, name: &str, changes: &[Change]) -> (usize, usize) {
        let whole = &self.files.iter().find(|(file, _)| *file == name).unwrap().1;
        let half = changes.len().div_ceil(2).max(1);
        let refused = thread::scope(|scope| {
            let work = |part: &[Change]| {
                let dir = tempfile::tempdir().unwrap();
                let refused = part.iter().filter(|change| {
                    let bytes = change.of(whole);
                    self.refused(dir.path(), name, Some(&bytes), &format!("{change:?}"))
                });
                refused.count()
            };
            let threads: Vec<_> =
                changes.chunks(half).map(|part| scope.spawn(move || work(part))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        println!("{name}: {} changes, {refused} refused", changes.len());
        (changes.len(), refused)
    }

    fn length(&self, name: &str) -> usize {
        self.files.iter().find(|(file, _)| *file == name).map_or(0, |(_, bytes)| bytes.len())
    }
}

#[derive(Debug)]
enum Change {
    Cut(usize),
    Flip(usize, u8),
}

impl Change {
    fn of(&self, whole: &[u8]) -> Vec<u8> {
        match *self {
            Change::Cut(length) => whole[..length].to_vec(),
            Change::Flip(place, mask) => {
                let mut bytes = whole.to_vec();
                bytes[place] ^= mask;
                bytes
            }
        }
    }
}

/// Every place of the first `dense` bytes and around each boundary of `unit` after `first`; of the
/// others one in `stride`, from a start that the run chooses and tells.
fn places(length: usize, dense: usize, (first, unit): (usize, usize), stride: usize) -> Vec<usize> {
    let start = usize::try_from(std::process::id()).unwrap() % stride;
    println!("places {start} modulo {stride}");
    let near = |place: usize| {
        let past = place.wrapping_sub(first) % unit;
        place >= first && (past < 24 || past + 4 > unit)
    };
    (0..length).filter(|p| *p < dense || near(*p) || p % stride == start).collect()
}

fn cuts_and_flips(places: &[usize]) -> Vec<Change> {
    let mut changes: Vec<Change> = places.iter().map(|place| Change::Cut(*place)).collect();
    for (n, place) in places.iter().enumerate() {
        // One bit, each in turn, or all of them.
        changes.push(Change::Flip(*place, if n % 3 == 0 { 0xff } else { 1 << (place % 8) }));
    }
    changes
}

#[test]
fn the_records_are_whole_or_refused() {
    let left = Left::new(true);
    let places = places(left.length("netberth.db"), 128, (0, 4096), 23);
    let (tried, refused) = left.every("netberth.db", &cuts_and_flips(&places));
    // Every cut, and what the flips hit.
    assert!(refused > tried / 2, "{refused} of {tried}");
}

#[test]
fn the_log_is_whole_or_refused() {
    let left = Left::new(false);
    // After the header come frames: 24 bytes, and a page.
    let places = places(left.length("netberth.db-wal"), 64, (32, 4120), 331);
    let (tried, refused) = left.every("netberth.db-wal", &cuts_and_flips(&places));
    assert_eq!(tried, refused, "every byte of a log that was never begun anew counts");
    let dir = tempfile::tempdir().unwrap();
    assert!(left.refused(dir.path(), "netberth.db-wal", None, "removed"));
    assert!(left.refused(dir.path(), "netberth.db", None, "removed"));
}

#[test]
fn index_and_mark_can_be_lost() {
    let left = Left::new(false);
    let places = places(left.length("netberth.db-shm"), 136, (0, 4096), 509);
    assert_eq!(left.every("netberth.db-shm", &cuts_and_flips(&places)).1, 0);
    let places: Vec<usize> = (0..left.length("netberth.mark")).collect();
    assert_eq!(left.every("netberth.mark", &cuts_and_flips(&places)).1, 0);
    let dir = tempfile::tempdir().unwrap();
    for name in ["netberth.db-shm", "netberth.mark"] {
        assert!(!left.refused(dir.path(), name, None, "removed"));
    }
}
