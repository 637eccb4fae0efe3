//! Several processes at one file of records, some of which are killed.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use netberth::Kind;
use netberth::store::conformance::{commit, everything, put};
use netberth::store::{Batch, Embedded, Expect, Key, Select, Store, Table};

const ROLE: &str = "NETBERTH_STORE_TEST_ROLE";
const DIRECTORY: &str = "NETBERTH_STORE_TEST_DIRECTORY";

/// Not a test of its own: what the other tests run this program again for.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = std::env::var(DIRECTORY).unwrap();
    let dir = Path::new(&dir);
    match role.split_once(' ').unwrap() {
        ("count", times) => count(&Embedded::open(dir).unwrap(), times.parse().unwrap()),
        ("write", run) => write_until_killed(&Embedded::open(dir).unwrap(), run),
        ("open", name) => {
            let key = Key::new(Table::Name, "", name);
            commit(&Embedded::open(dir).unwrap(), vec![put(&key, name, Expect::Absent)]).unwrap();
        }
        (role, _) => panic!("no such role: {role}"),
    }
}

fn start(dir: &Path, role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--quiet"])
        .envs([(ROLE, role), (DIRECTORY, dir.to_str().unwrap())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn succeeds(child: Child) {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "a child failed: {}\n{text}", output.status);
}

fn counter() -> Key {
    Key::new(Table::Cursor, "web", "counter")
}

/// Adds one by compare-and-set, and a record of its own with it.
fn count(store: &dyn Store, times: u32) {
    let pid = std::process::id();
    for turn in 0..times {
        loop {
            let old = store.get(&counter()).unwrap();
            let value: u32 = old.as_ref().map_or(0, |record| record.text.parse().unwrap());
            let expect = old.map_or(Expect::Absent, |record| Expect::Revision(record.revision));
            let made = Key::new(Table::Lease, "web", format!("{pid}-{turn}"));
            let changes = vec![
                put(&counter(), &(value + 1).to_string(), expect),
                put(&made, &(value + 1).to_string(), Expect::Absent),
            ];
            match commit(store, changes) {
                Ok(()) => break,
                Err(error) => assert_eq!(error.kind(), Kind::Exists, "{error}"),
            }
        }
    }
}

#[test]
fn two_processes_and_two_threads_lose_no_count() {
    let dir = tempfile::tempdir().unwrap();
    let children = [start(dir.path(), "count 400"), start(dir.path(), "count 400")];
    let store = Embedded::open(dir.path()).unwrap();
    thread::scope(|scope| {
        // A reader beside them sees the records of one moment.
        scope.spawn(|| {
            for _ in 0..200 {
                let leases = store.list(&Select::of(Table::Lease, "web")).unwrap();
                let order: Vec<u32> = leases.iter().map(|r| r.text.parse().unwrap()).collect();
                assert!(is_counting(&order), "{order:?}");
            }
        });
        children.into_iter().for_each(succeeds);
    });
    assert_eq!(store.get(&counter()).unwrap().unwrap().text, "800");
    let leases = store.list(&Select::of(Table::Lease, "web")).unwrap();
    assert!(is_counting(&leases.iter().map(|r| r.text.parse().unwrap()).collect::<Vec<u32>>()));
    assert_eq!(leases.len(), 800);
    sound(dir.path());
}

/// 1, 2, 3…: in order of creation and none missing.
fn is_counting(numbers: &[u32]) -> bool {
    numbers.iter().copied().eq(1..=u32::try_from(numbers.len()).unwrap())
}

#[test]
fn many_processes_that_open_at_once_make_one_file() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let children: Vec<Child> = (0..8).map(|n| start(&state, &format!("open {n}"))).collect();
        children.into_iter().for_each(succeeds);
        let store = Embedded::open(&state).unwrap();
        assert_eq!(store.list(&Select::all(Table::Name)).unwrap().len(), 8);
        let mut left: Vec<_> =
            std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["netberth.db", "netberth.db-shm", "netberth.db-wal", "netberth.mark"]);
        sound(&state);
    }
}

#[test]
fn the_log_stays_short_also_where_each_commit_is_anothers() {
    let dir = tempfile::tempdir().unwrap();
    let length = || std::fs::metadata(dir.path().join("netberth.db-wal")).unwrap().len();
    let write = |store: &Embedded, n: usize| {
        let key = Key::new(Table::Name, "", (n % 10).to_string());
        commit(store, vec![put(&key, &n.to_string().repeat(4096), Expect::Any)]).unwrap();
        assert!(length() < 2 << 20, "{} bytes after {n} commits", length());
    };
    for n in 100..500 {
        // When it is dropped, nobody has the state open.
        write(&Embedded::open(dir.path()).unwrap(), n);
    }
    let store = Embedded::open(dir.path()).unwrap();
    (500..999).for_each(|n| write(&store, n));
    let found = store.list(&Select::all(Table::Name)).unwrap();
    let wanted: Vec<String> = (989..999).map(|n| n.to_string().repeat(4096)).collect();
    assert!(wanted.iter().all(|text| found.iter().any(|record| record.text == *text)));
}

/// Batches of four records each, acknowledged one a line.
fn write_until_killed(store: &dyn Store, run: &str) {
    let mut out = std::io::stdout();
    for number in 0.. {
        let changes = (0..4)
            .map(|part| {
                let key = Key::new(Table::Endpoint, run, format!("{number}-{part}"));
                put(&key, &"x".repeat(300 + number % 1000), Expect::Absent)
            })
            .collect();
        store.commit(&Batch { changes, durable: number % 16 == 0 }).unwrap();
        writeln!(out, "\nacknowledged {number}").unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = 0;
    for run in 0..25 {
        let mut child = start(dir.path(), &format!("write run{run}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<usize>().ok())
                .last()
        });
        thread::sleep(Duration::from_millis(30 + 7 * run));
        child.kill().unwrap();
        child.wait().unwrap();
        let acknowledged = reader.join().unwrap().map_or(0, |last| last + 1);
        let store = Embedded::open(dir.path()).unwrap();
        let found = store.list(&Select::of(Table::Endpoint, &format!("run{run}"))).unwrap().len();
        assert_eq!(found % 4, 0, "half of a batch was kept");
        // One more than was said may have been committed, and up to none was said at all.
        assert!(found >= acknowledged * 4, "{acknowledged} batches said, {found} records found");
        assert!(found <= (acknowledged + 1) * 4, "{acknowledged} said, {found} records found");
        all += found;
        assert_eq!(everything(&store).unwrap().len(), all, "earlier records are missing");
    }
    assert!(all > 400, "only {all} records were written: the test proves nothing");
    sound(dir.path());
}

fn sound(dir: &Path) {
    let connection = rusqlite::Connection::open(dir.join("netberth.db")).unwrap();
    let found: String = connection.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(found, "ok");
}

#[test]
fn a_writer_that_never_ends_is_an_error_and_not_a_hang() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(dir.path()).unwrap();
    let other = rusqlite::Connection::open(store.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let error = commit(&store, vec![put(&counter(), "1", Expect::Any)]).unwrap_err();
    assert_eq!(error.kind(), Kind::Busy, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(everything(&store).unwrap(), [], "readers do not wait");
    other.execute_batch("ROLLBACK").unwrap();
    commit(&store, vec![put(&counter(), "1", Expect::Any)]).unwrap();
}
