//! A host to type on: a network and mounts of its own, which vanish with it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// What makes the host and keeps it until its standard input ends.
const HOST: &str = "ip link set lo up && mount -t tmpfs tmpfs /run && echo ready && exec cat";

pub(crate) const NETBERTH: &str = env!("CARGO_BIN_EXE_netberth");

pub(crate) struct Bed {
    host: Child,
    /// The host ends with it.
    _alive: ChildStdin,
    server: Option<Child>,
    pub(crate) folder: TempDir,
}

/// What a command came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The exit status, or the negative signal.
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A picture of the host, line by line.
pub(crate) struct World(Vec<String>);

impl World {
    /// Only what differs is shown.
    #[track_caller]
    pub(crate) fn same(&self, now: &World, after: &str) {
        let gone: Vec<_> = self.0.iter().filter(|line| !now.0.contains(line)).collect();
        let came: Vec<_> = now.0.iter().filter(|line| !self.0.contains(line)).collect();
        assert!(gone.is_empty() && came.is_empty(), "{after}: gone {gone:#?}, came {came:#?}");
        assert!(self.0 == now.0, "{after}: the order differs");
    }
}

impl Bed {
    pub(crate) fn new() -> Bed {
        let mut host = Command::new("unshare")
            .args(["-n", "-m", "sh", "-c", HOST])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let (alive, out) = (host.stdin.take().unwrap(), host.stdout.take().unwrap());
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "no right to make namespaces: run it as root");
        Bed { host, _alive: alive, server: None, folder: TempDir::new().unwrap() }
    }

    /// The same with a server on the same state directory.
    pub(crate) fn served() -> Bed {
        let mut bed = Bed::new();
        bed.serve(&[]);
        bed
    }

    /// Starts a server that listens on a socket file, and where else it is told to.
    pub(crate) fn serve(&mut self, more: &[&str]) {
        // Both packages are built by `cargo build --workspace` and by the tests of the workspace.
        let program = Path::new(NETBERTH).with_file_name("netberthd");
        assert!(program.exists(), "{program:?} is not there: run 'cargo build -p netberthd'");
        let program = program.to_str().unwrap().to_owned();
        let mut arguments = vec![program, "--listen".into(), self.address()];
        arguments.extend(self.directories());
        arguments.extend(more.iter().map(ToString::to_string));
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut command = self.command(&arguments);
        self.server = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let end = Instant::now() + Duration::from_mins(1);
        let count = arguments.iter().filter(|word| *word == "--listen").count();
        loop {
            let log = std::fs::read_to_string(self.path("log")).unwrap();
            if log.matches("listening on").count() == count {
                return;
            }
            assert!(Instant::now() < end, "the server does not listen: {log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.path("api.sock").display())
    }

    fn directories(&self) -> [String; 4] {
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        ["--state-dir".into(), path("state"), "--run-dir".into(), path("run")]
    }

    /// A program on this host.
    fn command<S: AsRef<str>>(&self, words: &[S]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.host.id().to_string(), "-n", "-m", "--"]);
        // Who enters mounts is at their root.
        command.args(["env", "-C"]).arg(self.folder.path());
        command.args(words.iter().map(AsRef::as_ref));
        for name in ["NETBERTH_HOST", "NO_COLOR"] {
            command.env_remove(name);
        }
        command
    }

    /// The command line in its own process, ready to run.
    pub(crate) fn typed(&self, words: &[&str]) -> Command {
        let mut all = vec![NETBERTH.to_owned()];
        all.extend(self.directories());
        all.extend(words.iter().map(ToString::to_string));
        self.command(&all)
    }

    /// The command line in its own process.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        said(self.typed(words).stdin(Stdio::null()).output().unwrap())
    }

    /// The same through the server.
    pub(crate) fn ask(&self, words: &[&str]) -> Said {
        let address = self.address();
        self.bare(&[&["-H", &address], words].concat())
    }

    /// The command line with nothing added.
    pub(crate) fn bare(&self, words: &[&str]) -> Said {
        said(self.command(&[&[NETBERTH], words].concat()).stdin(Stdio::null()).output().unwrap())
    }

    /// The same with something on standard input.
    pub(crate) fn fed(&self, words: &[&str], input: &str) -> Said {
        let mut command = self.typed(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        said(child.wait_with_output().unwrap())
    }

    /// What succeeded says, without the last line end.
    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{words:?}: {said:?}");
        said.out.trim_end().to_owned()
    }

    /// The document that it says.
    #[track_caller]
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let out = self.ok(&[&["--json"], words].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// A shell line on this host; what it prints.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) -> String {
        let said = said(self.command(&["sh", "-c", line]).output().unwrap());
        assert_eq!(said.status, 0, "{line}: {said:?}");
        said.out
    }

    /// Everything that a rehearsed or refused command must leave as it was.
    #[track_caller]
    pub(crate) fn world(&self) -> World {
        let lists = [
            vec!["network", "ls", "--long"],
            vec!["endpoint", "ls", "--long"],
            vec!["sandbox", "ls"],
        ];
        let lists: Vec<String> = lists.iter().map(|words| self.json(words).to_string()).collect();
        let mut world = lists.join("\n") + "\n";
        world.push_str(&self.shell(
            "ip -o link | cut -d' ' -f2; ip -o -4 addr; ip -4 route; nft list ruleset; \
             find run state -type f ! -name '*.db*' | sort; cut -d' ' -f5 /proc/self/mountinfo",
        ));
        World(world.lines().map(str::to_owned).collect())
    }

    /// Two networks, a container on both, and a service with two back ends.
    pub(crate) fn furnish(&self) {
        for line in [
            "network create web --subnet 10.88.0.0/24",
            "network create db --subnet 10.89.0.0/24 --internal",
            "endpoint create web front -p 8080:80 -p 127.0.0.1:5000-5010:5000-5010/udp",
            "endpoint create web idle -p 81:81",
            "endpoint create db client",
            "join web front c1container",
            "join db client c1container",
            "service publish api --network web -p 80:8080",
            "service attach api backend-1",
            "service attach api backend-2",
        ] {
            self.ok(&line.split(' ').collect::<Vec<_>>());
        }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        for child in self.server.iter_mut().chain([&mut self.host]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn said(output: Output) -> Said {
    use std::os::unix::process::ExitStatusExt;
    let status = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(0));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { status, out: text(output.stdout), err: text(output.stderr) }
}
