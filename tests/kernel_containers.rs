//! Real containers, started by OCI runtimes in the sandboxes that netberth made for them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::bed::{Bed, Container, same, snapshot};
use common::{Host, on_a_host, sh};
use serde_json::json;

/// A runtime, with a root of its own; what it has started ends with it.
struct Runtime<'a> {
    host: &'a Host,
    program: &'static str,
    started: Vec<String>,
}

impl<'a> Runtime<'a> {
    fn new(host: &'a Host, program: &'static str) -> Self {
        Runtime { host, program, started: Vec::new() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.arg("--root").arg(self.host.path("runtime"));
        if self.program == "crun" {
            // Neither systemd nor a cgroup hierarchy of one kind is needed for a test.
            command.arg("--cgroup-manager=disabled");
        }
        command
    }

    /// Starts a container that serves `page` over HTTP and sleeps otherwise.
    fn start(&mut self, name: &str, sandbox: &Container, hosts: &Path, page: &str) {
        let bundle = self.bundle(name, sandbox, hosts, page);
        let id = id(name);
        self.started.push(id.clone());
        // A file: a pipe would stay open for as long as the container runs.
        let said = self.host.path("said");
        let mut run = self.command();
        run.args(["run", "--detach", "--bundle"]).arg(bundle).arg(&id);
        run.stdin(Stdio::null()).stdout(Stdio::null());
        let status = run.stderr(std::fs::File::create(&said).unwrap()).status().unwrap();
        let error = std::fs::read_to_string(&said).unwrap();
        assert!(status.success(), "{} run: {error}", self.program);
    }

    /// A directory with busybox and a `config.json`.
    fn bundle(&self, name: &str, sandbox: &Container, hosts: &Path, page: &str) -> PathBuf {
        let bundle = self.host.path(&format!("bundle-{name}"));
        let root = bundle.join("rootfs");
        for directory in ["bin", "dev", "etc", "proc", "www"] {
            std::fs::create_dir_all(root.join(directory)).unwrap();
        }
        std::fs::write(root.join("etc/hosts"), "").unwrap();
        // The C library asks a nameserver first unless it is told.
        std::fs::write(root.join("etc/nsswitch.conf"), "hosts: files\n").unwrap();
        std::fs::write(root.join("www/index.html"), page).unwrap();
        sh(&format!("cp \"$(command -v busybox)\" {0}/bin/busybox", root.display()));
        for tool in ["sh", "httpd", "ping", "wget", "sleep", "timeout", "ip"] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(tool)).unwrap();
        }
        let capabilities = ["CAP_NET_RAW", "CAP_NET_BIND_SERVICE"];
        let sets = ["bounding", "effective", "permitted"].map(|set| (set.to_owned(), capabilities));
        let sets: std::collections::BTreeMap<_, _> = sets.into_iter().collect();
        let bind = |to: &str, from: &Path| json!({"destination": to, "source": from, "type": "bind", "options": ["bind", "ro"]});
        let config = json!({
            "ociVersion": "1.0.0",
            "root": {"path": "rootfs"},
            "process": {
                "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"],
                "args": ["sh", "-c", "httpd -p 80 -h /www; exec sleep 60"],
                "capabilities": sets, "noNewPrivileges": true
            },
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                bind("/etc/hosts", hosts)
            ],
            "linux": {
                "cgroupsPath": format!("/{}", id(name)),
                "namespaces": [
                    {"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"},
                    {"type": "network", "path": sandbox.key}
                ]
            }
        });
        std::fs::write(bundle.join("config.json"), config.to_string()).unwrap();
        bundle
    }

    /// Runs a line of shell in a container: its exit status and what it wrote.
    fn exec(&self, name: &str, line: &str) -> (i32, String) {
        let output = self.command().args(["exec", &id(name), "sh", "-c", line]).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Waits until a line succeeds; the container may be starting yet.
    fn soon(&self, name: &str, line: &str) -> String {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let (status, text) = self.exec(name, line);
            if status == 0 {
                return text;
            }
            assert!(Instant::now() < end, "{}: {line}: exit status {status}", self.program);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Runtime<'_> {
    fn drop(&mut self) {
        for id in std::mem::take(&mut self.started) {
            let _ = self.command().args(["delete", "--force", &id]).output();
        }
    }
}

/// Unlike any other's: a runtime keeps cgroups by name.
fn id(name: &str) -> String {
    format!("netberth-test-{}-{name}", std::process::id())
}

fn two_containers_talk(program: &'static str) {
    on_a_host(|host| {
        let bed = Bed::new(host);
        // In this test's own mounts: crun refuses to see both kinds of cgroups at once.
        sh("umount --lazy /sys/fs/cgroup/unified 2>/dev/null || true");
        let (records, before) = (bed.records(), snapshot(host));
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let mut runtime = Runtime::new(host, program);
        let names = [format!("{program}-a"), format!("{program}-b")];
        let [a, b] = &names;
        for name in &names {
            let sandbox = bed.container("foo", name);
            let hosts = bed.netberth.sandbox(name).unwrap().hosts_path;
            runtime.start(name, &sandbox, &hosts, &format!("this is {name}\n"));
        }
        // a was started before b had a name: its hosts file is the same file still.
        for (from, to) in [(a, b), (b, a)] {
            let page = runtime.soon(from, &format!("timeout 3 wget -q -O - http://{to}.foo/"));
            assert_eq!(page, format!("this is {to}\n"));
            assert_eq!(runtime.exec(from, &format!("ping -c 1 -W 5 {to}")).0, 0);
        }
        let v6 = bed.more("foo", b).addresses[1].clone();
        let v6 = v6.split('/').next().unwrap();
        let page = runtime.soon(a, &format!("timeout 3 wget -q -O - 'http://[{v6}]/'"));
        assert_eq!(page, format!("this is {b}\n"));
        assert_eq!(runtime.exec(a, "exit 7").0, 7);
        assert_ne!(runtime.exec(a, "timeout 3 wget -q -O - http://nobody.foo/").0, 0);
        // Detached while it runs: the interface is gone, the container is not.
        bed.netberth.detach("foo", b, b).unwrap();
        assert_eq!(runtime.exec(b, "ip -o link | wc -l").1.trim(), "1");
        assert_ne!(runtime.exec(a, &format!("ping -c 1 -W 1 {b}")).0, 0);
        bed.join("foo", b, &format!("{{\"container_id\":\"{b}\"}}"));
        assert_eq!(runtime.exec(a, &format!("ping -c 1 -W 5 {b}")).0, 0);
        // The sandbox goes although the container still runs in it, with an interface that leads
        // nowhere: the kernel reaps it with the namespace.
        bed.remove("foo", a);
        assert!(runtime.exec(a, "ip -o link show eth0").1.contains("NO-CARRIER"));
        assert_ne!(runtime.exec(a, "ping -c 1 -W 1 172.17.0.1").0, 0);
        drop(runtime);
        bed.remove("foo", b);
        bed.netberth.network_delete("foo").unwrap();
        sh(&format!("rm -r {0}/bundle-* {0}/runtime {0}/said", host.directory.display()));
        same(&records, &bed.records());
        same(&before, &snapshot(host));
    });
}

#[test]
fn two_containers_of_crun_talk() {
    two_containers_talk("crun");
}

#[test]
fn two_containers_of_runc_talk() {
    two_containers_talk("runc");
}
