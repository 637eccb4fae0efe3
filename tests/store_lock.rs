//! The lock between threads, handles and processes.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use netberth::Kind;
use netberth::store::FileLock;

const ROLE: &str = "NETBERTH_STORE_TEST_ROLE";
const DIRECTORY: &str = "NETBERTH_STORE_TEST_DIRECTORY";
const LONG: Duration = Duration::from_secs(30);

/// Not a test of its own: what the other tests run this program again for.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = std::env::var(DIRECTORY).unwrap();
    let lock = FileLock::open(Path::new(&dir)).unwrap();
    if role == "hold" {
        let _held = lock.lock(LONG).unwrap();
        println!("\nheld");
        thread::sleep(LONG);
    } else {
        for _ in 0..200 {
            let _held = lock.lock(LONG).unwrap();
            add_one(Path::new(&dir));
        }
    }
}

/// Not atomic at all: only the lock makes it count right.
fn add_one(dir: &Path) {
    let file = dir.join("counter");
    let value = std::fs::read_to_string(&file).map_or(0, |text| text.parse::<u32>().unwrap());
    std::fs::write(&file, (value + 1).to_string()).unwrap();
}

fn start(dir: &Path, role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .envs([(ROLE, role), (DIRECTORY, dir.to_str().unwrap())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn holder(dir: &Path) -> Child {
    let mut child = start(dir, "hold");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));
    child
}

#[test]
fn a_timeout_is_busy_and_says_who_and_how_long() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = holder(dir.path());
    let lock = FileLock::open(dir.path()).unwrap();
    let begun = Instant::now();
    let error = lock.lock(Duration::from_millis(120)).unwrap_err();
    let waited = begun.elapsed();
    let now = lock.lock(Duration::ZERO).unwrap_err();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((error.kind(), now.kind()), (Kind::Busy, Kind::Busy));
    assert!(waited >= Duration::from_millis(120) && waited < Duration::from_secs(5), "{waited:?}");
    let text = error.message();
    let said = text.split_once("waited ").unwrap().1.split_once(" ms").unwrap().0;
    assert!((120..5000).contains(&said.parse::<u32>().unwrap()), "{text}");
    assert!(text.contains(&format!("process {} (", child.id())), "{text}");
}

#[test]
fn a_dead_holder_blocks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let lock = FileLock::open(dir.path()).unwrap();
    for _ in 0..5 {
        let mut child = holder(dir.path());
        assert!(lock.lock(Duration::ZERO).is_err());
        child.kill().unwrap();
        child.wait().unwrap();
        drop(lock.lock(Duration::from_millis(100)).unwrap());
    }
}

#[test]
fn processes_threads_and_handles_exclude_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let shared = FileLock::open(dir.path()).unwrap();
    let children = [start(dir.path(), "add"), start(dir.path(), "add")];
    thread::scope(|scope| {
        for own in [false, true, false, true] {
            let (shared, dir) = (&shared, dir.path());
            scope.spawn(move || {
                let other = own.then(|| FileLock::open(dir).unwrap());
                for _ in 0..200 {
                    let _held = other.as_ref().unwrap_or(shared).lock(LONG).unwrap();
                    add_one(dir);
                }
            });
        }
    });
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("counter")).unwrap(), "1200");
}

#[test]
fn a_thread_in_a_tight_loop_does_not_starve_another() {
    let dir = tempfile::tempdir().unwrap();
    let locks = [FileLock::open(dir.path()).unwrap(), FileLock::open(dir.path()).unwrap()];
    let turns = [AtomicU32::new(0), AtomicU32::new(0)];
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for (lock, turn) in locks.iter().zip(&turns) {
            scope.spawn(|| {
                barrier.wait();
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(300) {
                    let _held = lock.lock(LONG).unwrap();
                    thread::sleep(Duration::from_millis(1));
                    turn.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let [one, two] = turns.map(AtomicU32::into_inner);
    assert!(one.abs_diff(two) <= one.max(two) / 4, "{one} turns against {two}");
}

#[test]
fn a_waiting_thread_times_out_behind_another_thread() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (FileLock::open(dir.path()).unwrap(), FileLock::open(dir.path()).unwrap());
    let _held = one.lock(LONG).unwrap();
    let error = thread::scope(|scope| {
        scope.spawn(|| two.lock(Duration::from_millis(30)).unwrap_err()).join().unwrap()
    });
    assert_eq!(error.kind(), Kind::Busy);
    assert!(error.message().contains("another thread of this process"), "{error}");
}

#[test]
fn a_lock_file_that_is_removed_is_made_again_and_not_inherited() {
    let dir = tempfile::tempdir().unwrap();
    let lock = FileLock::open(dir.path()).unwrap();
    drop(lock.lock(LONG).unwrap());
    std::fs::remove_file(dir.path().join("lock")).unwrap();
    let held = lock.lock(LONG).unwrap();
    assert!(dir.path().join("lock").exists());
    // A program that is started while it is held has no descriptor of it.
    let output = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!listed.contains(dir.path().to_str().unwrap()), "{listed}");
    drop(held);
    let file = std::fs::File::open(dir.path().join("lock")).unwrap();
    assert!(file.try_lock().is_ok(), "dropping the guard unlocks");
}
