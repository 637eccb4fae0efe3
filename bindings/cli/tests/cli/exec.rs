//! Commands in a container's sandbox.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::bed::{Bed, said};

#[test]
fn the_command_has_the_network_and_the_names_of_the_container() {
    let bed = Bed::new();
    bed.furnish();
    bed.ok(&["endpoint", "create", "web", "back"]);
    bed.ok(&["join", "web", "back", "c2"]);
    let links = bed.ok(&["exec", "c1container", "--", "ip", "-j", "addr"]);
    let links: serde_json::Value = serde_json::from_str(&links).unwrap();
    let names: Vec<&str> =
        links.as_array().unwrap().iter().filter_map(|l| l["ifname"].as_str()).collect();
    assert_eq!(names, ["lo", "eth0", "eth1"]);
    assert_eq!(links[1]["addr_info"][0]["local"], "10.88.0.2");
    assert_eq!(bed.ok(&["exec", "c1container", "--", "ls", "/sys/class/net"]), "eth0\neth1\nlo");
    // Its names, of which the host knows nothing, and a packet to one of them.
    let hosts = bed.ok(&["exec", "c1container", "--", "cat", "/etc/hosts"]);
    assert!(hosts.contains("back.web"), "{hosts}");
    assert_eq!(bed.shell("grep -c back.web /etc/hosts || true"), "0\n");
    bed.ok(&["exec", "c1container", "--", "ping", "-c", "1", "-W", "20", "back"]);
    let wanted =
        std::fs::read_to_string(bed.path("run/sandboxes/c1container/resolv.conf")).unwrap();
    assert_eq!(
        bed.ok(&["exec", "c1container", "--", "cat", "/etc/resolv.conf"]),
        wanted.trim_end()
    );
    // Nothing of it is left on the host.
    assert!(!bed.shell("cat /proc/self/mountinfo").contains("/etc/hosts"));
    assert!(!bed.shell("ip -o link").contains("eth0"));
}

#[test]
fn a_namespace_that_others_made_is_entered_too() {
    let bed = Bed::new();
    bed.furnish();
    bed.shell("ip netns add blue");
    bed.ok(&["join", "web", "idle", "given", "--netns", "/run/netns/blue", "--interface", "net0"]);
    assert_eq!(bed.ok(&["exec", "given", "--", "ls", "/sys/class/net"]), "lo\nnet0");
    let theirs = bed.shell("ip netns exec blue readlink /proc/self/ns/net");
    let ours = bed.ok(&["exec", "given", "--", "readlink", "/proc/self/ns/net"]);
    assert_eq!(theirs.trim_end(), ours);
}

#[test]
fn its_status_and_its_signals_are_those_of_the_command() {
    let bed = Bed::new();
    bed.furnish();
    let exec = |words: &[&str]| bed.run(&[&["exec", "c1container", "--"], words].concat());
    assert_eq!(exec(&["true"]).status, 0);
    assert_eq!(exec(&["sh", "-c", "exit 7"]).status, 7);
    assert_eq!(exec(&["sh", "-c", "kill -KILL $$"]).status, -9);
    let missing = exec(&["no-such-command"]);
    assert_eq!(missing.status, 127, "{missing:?}");
    assert!(missing.err.starts_with("error: run no-such-command: no such file"), "{missing:?}");
    std::fs::write(bed.path("plain"), "no program").unwrap();
    assert_eq!(exec(&[bed.path("plain").to_str().unwrap()]).status, 126);
    assert_eq!(bed.run(&["exec", "nobody", "--", "true"]).status, 3);
    // A shell's pipe ends what writes into it, as outside.
    assert_eq!(exec(&["sh", "-c", "yes | head -1"]).out, "y\n");

    let mut command =
        bed.typed(&["exec", "c1container", "--", "sh", "-c", "echo up; exec sleep 1000"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut up = [0; 3];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut up).unwrap();
    // nsenter and netberth became the command: its process is the child itself.
    std::thread::sleep(Duration::from_millis(50));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(said(child.wait_with_output().unwrap()).status, -15);
}
