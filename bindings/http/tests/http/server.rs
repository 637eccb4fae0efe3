//! The program under test, in a network and with mounts of its own, which vanish with it.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::client::{Reply, connect, exchange, request};

/// What runs before the program, in its place: `/run` is a directory of its own.
const PREPARE: &str = "ip link set lo up && mount -t tmpfs tmpfs /run && ";
const RUN: &str = "exec \"$0\" \"$@\"";

pub(crate) struct Server {
    child: Child,
    folder: TempDir,
}

impl Server {
    /// Starts the program on a unix socket and waits until it listens.
    pub(crate) fn start() -> Server {
        Server::with(&[])
    }

    /// The same with further arguments.
    pub(crate) fn with(arguments: &[&str]) -> Server {
        let mut server = Server::unready("", RUN, arguments);
        let count = arguments.iter().filter(|text| **text == "--listen").count().max(1);
        server.wait_for(|server| server.log().matches("listening on").count() == count);
        server
    }

    /// The same with shell commands before, and no waiting. `run` must become the program.
    pub(crate) fn unready(prepare: &str, run: &str, arguments: &[&str]) -> Server {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let script = format!("{PREPARE}{prepare}{run}");
        let mut command = Command::new("unshare");
        command.args(["-n", "-m", "sh", "-c", &script, env!("CARGO_BIN_EXE_netberthd")]);
        command.args(["--run-dir", &path("run")]);
        if !arguments.contains(&"--state-dir") {
            command.args(["--state-dir", &path("state")]);
        }
        if !arguments.contains(&"--listen") && !run.contains("LISTEN_FDS") {
            command.args(["--listen", &format!("unix://{}", path("api.sock"))]);
        }
        let arguments = arguments.iter().map(|text| text.replace("{folder}", &path("")));
        command.args(arguments).env("FOLDER", folder.path()).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(folder.path().join("log")).unwrap());
        Server { child: command.spawn().expect("unshare runs"), folder }
    }

    /// Waits until something is so, and fails with the log if it never is.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, so: impl Fn(&Server) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !so(self) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {ended:?}\n{}", self.log());
            assert!(Instant::now() < end, "it does not come to pass\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }

    /// What it wrote to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Waits for the end, and returns the exit status.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends these bytes and reads everything that comes back.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Reply {
        exchange(&mut connect(&self.socket()), bytes)
    }

    pub(crate) fn send(&self, method: &str, target: &str, body: &str) -> Reply {
        self.raw(&request(method, target, body.as_bytes()))
    }

    pub(crate) fn get(&self, target: &str) -> Reply {
        self.send("GET", target, "")
    }

    pub(crate) fn post(&self, target: &str, body: &str) -> Reply {
        self.send("POST", target, body)
    }

    pub(crate) fn delete(&self, target: &str) -> Reply {
        self.send("DELETE", target, "")
    }

    /// Runs a program where the server is, and returns what it printed.
    #[track_caller]
    pub(crate) fn inside(&self, program: &[&str]) -> String {
        self.try_inside(program).unwrap_or_else(|cried| panic!("{program:?}: {cried}"))
    }

    /// The same, with what it complained of if it failed.
    pub(crate) fn try_inside(&self, program: &[&str]) -> Result<String, String> {
        let pid = self.child.id().to_string();
        let output = Command::new("nsenter")
            .args(["-t", &pid, "-n", "-m", "--"])
            .args(program)
            .output()
            .expect("nsenter runs");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8(output.stdout).unwrap())
    }

    /// A connection to a TCP port of the server's network.
    pub(crate) fn tcp(&self, address: &str) -> TcpStream {
        let space = File::open(format!("/proc/{}/ns/net", self.child.id())).unwrap();
        let address = address.to_owned();
        // Only that thread changes its network.
        let thread = std::thread::spawn(move || {
            setns(space, CloneFlags::CLONE_NEWNET).unwrap();
            TcpStream::connect(address).unwrap()
        });
        thread.join().unwrap()
    }

    /// Everything that a refused request must leave as it was, line by line.
    #[track_caller]
    pub(crate) fn world(&self) -> World {
        let folder = self.folder.path().to_str().unwrap();
        let mut lines = Vec::new();
        for list in ["/networks?verbose=1", "/sandboxes"] {
            lines.extend(self.get(list).ok().as_array().unwrap().iter().map(Value::to_string));
        }
        lines.extend(self.inside(&["sh", "-c", WORLD, folder]).lines().map(str::to_owned));
        World(lines)
    }
}

/// Links, addresses, routes, rules, mounts, files; without what the kernel changes by itself (timers,
/// carriers, link-local addresses).
const WORLD: &str = r#"
ip -j -d link | jq -c '.[] | [.ifname, .address, .mtu, .master, .link_netnsid, .linkinfo.info_kind]'
ip -4 -o addr; ip -6 -o addr show scope global
ip -4 route show table all | sed 's/ linkdown//'; ip -6 route | grep -v ^fe80
nft list ruleset
sysctl -a 2>/dev/null | grep -E '(forward|redirects|route_localnet|accept_dad|accept_ra) ='
cut -d' ' -f5 /proc/self/mountinfo
find "$0" ! -path "$0/log" ! -name '*.db*' ! -name '*.intent' -printf '%P %y %s\n' | sort"#;

/// A picture of the world; only what differs is shown.
pub(crate) struct World(Vec<String>);

impl World {
    #[track_caller]
    pub(crate) fn same(&self, other: &World) {
        let gone: Vec<_> = self.0.iter().filter(|line| !other.0.contains(line)).collect();
        let came: Vec<_> = other.0.iter().filter(|line| !self.0.contains(line)).collect();
        assert!(gone.is_empty() && came.is_empty(), "gone: {gone:#?}, came: {came:#?}");
        assert!(self.0 == other.0, "the order differs");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
