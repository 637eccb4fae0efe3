//! What others do to a host during a container's life: netberth's verbs go on, or fail in words, and
//! nothing is left half made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};

use common::bed::{Bed, inside, ip, same, snapshot};
use common::net::ping;
use common::verbs::tear_down;
use common::{Host, on_a_host, sh};

/// A network with two containers; when `test` has done its worst, all of it can be taken down to
/// nothing and made again.
fn survives(test: impl FnOnce(&Bed<'_>) + Send) {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let (records, before) = (bed.records(), snapshot(host));
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        bed.endpoint(
            "foo",
            r#"{"name":"a","port_mapping":[{"proto":6,"port":80,"host_port":8080}]}"#,
        );
        bed.join("foo", "a", r#"{"container_id":"a"}"#);
        bed.container("foo", "b");
        test(&bed);
        tear_down(&bed.netberth).unwrap();
        same(&records, &bed.records());
        same(&before, &snapshot(host));
        bed.network(r#"{"name":"foo"}"#);
        let (a, b) = (bed.container("foo", "a"), bed.container("foo", "b"));
        assert!(ping(&a.key, &b.v4, 5));
        tear_down(&bed.netberth).unwrap();
        same(&before, &snapshot(host));
    });
}

fn host_end(bed: &Bed<'_>, endpoint: &str) -> String {
    bed.more("foo", endpoint).interface.expect("joined");
    let key = bed.netberth.sandbox(endpoint).unwrap().key;
    let index = ip(Some(Path::new(&key)), "link show type veth")[0]["link_index"].clone();
    let all = ip(None, "link show type veth");
    let links = all.as_array().unwrap();
    let link = links.iter().find(|link| link["ifindex"] == index).expect("a host end");
    link["ifname"].as_str().unwrap().to_owned()
}

/// A process in a namespace, which keeps it alive; ends with the value.
struct Alive(Child);

impl Alive {
    fn within(key: &Path) -> Alive {
        let net = format!("--net={}", key.display());
        Alive(Command::new("nsenter").args([&net, "sleep", "1000"]).spawn().unwrap())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_interface_removed_by_hand_is_no_hindrance() {
    survives(|bed| {
        // From outside, and from inside.
        sh(&format!("ip link del {}", host_end(bed, "a")));
        inside(&bed.host.path("run/netns/b"), "ip link del eth0");
        bed.netberth.detach("foo", "a", "a").unwrap();
        bed.netberth.detach("foo", "b", "b").unwrap();
        bed.join("foo", "a", r#"{"container_id":"a"}"#);
        let b = bed.join("foo", "b", r#"{"container_id":"b"}"#);
        assert!(ping(&bed.host.path("run/netns/a"), &b.v4, 5));
        sh(&format!("ip link del {}", host_end(bed, "a")));
    });
}

#[test]
fn an_interface_that_its_container_renames_or_takes_down_is_found() {
    survives(|bed| {
        let key = bed.host.path("run/netns/a");
        inside(&key, "ip link set eth0 down; ip link set eth0 name wan0; ip link set wan0 up");
        bed.network(r#"{"name":"bar"}"#);
        bed.endpoint("bar", r#"{"name":"second","priority":9}"#);
        // The records go by the name that was given: the next has another.
        bed.join("bar", "second", r#"{"container_id":"a"}"#);
        let links = inside(&key, "ip -o link");
        assert!(links.contains("wan0") && links.contains("eth1"), "{links}");
        bed.netberth.detach("foo", "a", "a").unwrap();
        assert!(!inside(&key, "ip -o link").contains("wan0"));
        let route = inside(&key, "ip route show default");
        assert!(route.contains("dev eth1"), "{route}");
        bed.join("foo", "a", r#"{"container_id":"a"}"#);
        assert!(ping(&key, &bed.more("foo", "b").addresses[0].replace("/24", ""), 5));
        inside(&key, "ip link set eth0 down; ip link set eth0 name lan0");
    });
}

#[test]
fn an_interface_moved_elsewhere_goes_with_its_endpoint() {
    survives(|bed| {
        let elsewhere = bed.namespace("elsewhere");
        let alive = Alive::within(&elsewhere);
        inside(&bed.host.path("run/netns/a"), &format!("ip link set eth0 netns {}", alive.0.id()));
        assert!(inside(&elsewhere, "ip -o link").contains("eth0"));
        bed.netberth.detach("foo", "a", "a").unwrap();
        assert!(!inside(&elsewhere, "ip -o link").contains("eth0"));
        drop(alive);
        sh(&format!("umount {0} && rm {0}", elsewhere.display()));
    });
}

#[test]
fn a_bridge_that_was_renamed_is_said_and_works_when_it_is_back() {
    survives(|bed| {
        let bridge = bed.bridge("foo");
        let rename = |from: &str, to: &str| {
            sh(&format!(
                "ip link set {from} down; ip link set {from} name {to}; ip link set {to} up"
            ));
        };
        bed.endpoint("foo", r#"{"name":"c"}"#);
        rename(&bridge, "mine0");
        let before = snapshot(bed.host);
        let error = bed.try_join("foo", "c", r#"{"container_id":"c"}"#).unwrap_err();
        assert!(error.message().contains(&bridge), "{error}");
        assert_eq!(error.cleanup(), [], "{error}");
        same(&before, &snapshot(bed.host));
        // Who is there can leave.
        bed.netberth.sandbox_delete("b").unwrap();
        rename("mine0", &bridge);
        let c = bed.join("foo", "c", r#"{"container_id":"c"}"#);
        assert!(ping(&bed.host.path("run/netns/a"), &c.v4, 5));
    });
}

#[test]
fn a_bridge_removed_by_hand_is_said_and_its_network_goes() {
    survives(|bed| {
        let bridge = bed.bridge("foo");
        sh(&format!("ip link del {bridge}"));
        bed.endpoint("foo", r#"{"name":"c"}"#);
        let before = snapshot(bed.host);
        let error = bed.try_join("foo", "c", r#"{"container_id":"c"}"#).unwrap_err();
        assert!(error.message().contains(&bridge), "{error}");
        same(&before, &snapshot(bed.host));
    });
}

#[test]
fn a_namespace_unmounted_by_hand_is_gone_and_its_links_with_it() {
    // While a process lives in it the namespace goes on, and the link to it.
    for keep in [false, true] {
        survives(|bed| {
            let key = bed.host.path("run/netns/a");
            let alive = keep.then(|| Alive::within(&key));
            sh(&format!("umount {}", key.display()));
            bed.endpoint("foo", r#"{"name":"c"}"#);
            let error = bed.try_join("foo", "c", r#"{"container_id":"a"}"#).unwrap_err();
            assert!(error.message().contains("netns/a"), "{error}");
            bed.netberth.detach("foo", "a", "a").unwrap();
            assert_eq!(ip(None, "link show type veth").as_array().unwrap().len(), 1);
            bed.netberth.sandbox_delete("a").unwrap();
            bed.join("foo", "a", r#"{"container_id":"a"}"#);
            assert!(ping(&key, &bed.more("foo", "b").addresses[0].replace("/24", ""), 5));
            drop(alive);
        });
    }
}

#[test]
fn addresses_of_others_stand_in_nobodys_way() {
    survives(|bed| {
        let (bridge, key) = (bed.bridge("foo"), bed.host.path("run/netns/a"));
        sh(&format!(
            "ip addr add 192.0.2.9/24 dev {bridge}; ip addr del 172.17.0.1/24 dev {bridge}"
        ));
        inside(&key, "ip addr add 192.0.2.7/24 dev eth0; ip addr flush dev eth0 scope global");
        // Its next address, at another device of the host.
        sh("ip link add other type bridge; ip addr add 172.17.0.4/32 dev other");
        bed.container("foo", "c");
        bed.netberth.detach("foo", "a", "a").unwrap();
        sh("ip link del other");
    });
}

#[test]
fn proc_sys_read_only_is_said_and_nothing_is_left() {
    survives(|bed| {
        tear_down(&bed.netberth).unwrap();
        sh("mount -o bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys");
        let before = snapshot(bed.host);
        let error = bed.try_network(r#"{"name":"foo"}"#).unwrap_err();
        assert!(error.message().contains("sysctl -w"), "{error}");
        assert!(error.message().contains("(EROFS)"), "{error}");
        same(&before, &snapshot(bed.host));
        sh("umount /proc/sys");
        bed.network(r#"{"name":"foo"}"#);
    });
}

/// Links come and go all the time, so that dumps are interrupted.
#[test]
fn links_that_come_and_go_do_not_disturb() {
    survives(|bed| {
        let ends = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    if ends.load(Ordering::Relaxed) {
                        return;
                    }
                    sh("ip link add x0 type bridge; ip addr add 192.0.2.1/32 dev x0; ip link del x0");
                }
            });
            for n in 0..12 {
                bed.network(&format!("{{\"name\":\"n{n}\"}}"));
                let c = bed.container(&format!("n{n}"), &format!("c{n}"));
                assert!(c.key.exists());
                bed.remove(&format!("n{n}"), &format!("c{n}"));
                bed.netberth.network_delete(&format!("n{n}")).unwrap();
            }
            ends.store(true, Ordering::Relaxed);
        });
    });
}

const CHILD: &str = "NETBERTH_HOSTILE_CHILD";

/// Not a test of its own: a process that lacks something, and lives a whole life as far as it gets.
#[test]
fn child() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    match life(Path::new(&directory)) {
        Ok(()) => println!("\nlived"),
        Err(error) => {
            println!("\n{}: {}", error.kind().name(), error.to_string().replace('\n', " "));
        }
    }
}

fn life(directory: &Path) -> netberth::Result<()> {
    use common::verbs::Verb::{Detach, Endpoint, EndpointDelete, Join, Network, NetworkDelete};
    let config = netberth::Config {
        state_dir: directory.join("state"),
        run_dir: directory.join("run"),
        ..netberth::Config::default()
    };
    let netberth = netberth::Netberth::open(config)?;
    let json = r#"{"name":"x","port_mapping":[{"proto":6,"port":81,"host_port":8081}]}"#;
    for verb in [
        Network(r#"{"name":"life","options":{"ipv6":true}}"#),
        Endpoint("life", json),
        Join("life", "x", r#"{"container_id":"x","sysctls":{"net.core.somaxconn":"9"}}"#),
        Detach("life", "x", "x"),
        Join("life", "x", r#"{"container_id":"x"}"#),
        common::verbs::Verb::SandboxDelete("x"),
        EndpointDelete("life", "x"),
        NetworkDelete("life"),
    ] {
        verb.run(&netberth, directory)?;
    }
    Ok(())
}

/// Runs [`life`] as a process by way of another program; its last word.
fn lives(host: &Host, by: &str) -> String {
    let exe = std::env::current_exe().unwrap();
    let mut words = by.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg(exe).args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    let output = command.env(CHILD, &host.directory).env("RUST_BACKTRACE", "0").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = said.lines().filter(|line| line.contains(": ") || *line == "lived");
    let word = words.find(|line| !line.starts_with("test ")).map(str::to_owned);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!complaint.contains("panicked"), "{by:?}: {said}{complaint}");
    word.unwrap_or_else(|| format!("nothing: {said}{complaint}"))
}

/// After whatever became of a process: everything can be taken down, and nothing is left.
fn whole_again(host: &Host, before: &str, what: &str) {
    let bed = Bed::new(host);
    tear_down(&bed.netberth).unwrap();
    let after = snapshot(host);
    assert!(before == after, "{what}: {}", common::verbs::difference(before, &after));
}

#[test]
fn a_missing_capability_is_named() {
    on_a_host(|host| {
        drop(Bed::new(host));
        let before = snapshot(host);
        for name in ["net_admin", "sys_admin"] {
            let by = format!("setpriv --bounding-set=-{name} --inh-caps=-{name}");
            let word = lives(host, &by);
            assert!(word.starts_with("denied: "), "{name}: {word}");
            assert!(word.contains(&format!("CAP_{}", name.to_uppercase())), "{name}: {word}");
            assert!(!word.contains("while undoing"), "{name}: {word}");
            println!("{word}");
            whole_again(host, &before, name);
        }
        // No packet is sent, and no packet socket opened.
        assert_eq!(lives(host, "setpriv --bounding-set=-net_raw --inh-caps=-net_raw"), "lived");
    });
}

#[test]
fn descriptors_that_run_out_are_said_and_nothing_is_left() {
    on_a_host(|host| {
        drop(Bed::new(host));
        let before = snapshot(host);
        let mut said = std::collections::BTreeSet::new();
        let mut lived = 0;
        for limit in 4..60 {
            let word = lives(host, &format!("prlimit --nofile={limit}"));
            whole_again(host, &before, &format!("{limit} descriptors: {word}"));
            if word == "lived" {
                lived += 1;
                if lived == 3 {
                    break;
                }
                continue;
            }
            // The process itself does not start with less than a few.
            if !word.starts_with("nothing: ") {
                let known = ["EMFILE", "cannot be opened", "unable to open"];
                assert!(known.iter().any(|one| word.contains(one)), "{limit}: {word}");
                said.insert(word);
            }
        }
        assert_eq!(lived, 3, "the limits were all too low");
        println!("{} errors, by the limit: {said:#?}", said.len());
        assert!(said.len() > 3, "{said:#?}");
    });
}

/// One fault of one system call in each life, at every place in turn.
fn injected(name: &str, fault: &str, least: usize) {
    on_a_host(|host| {
        drop(Bed::new(host));
        let before = snapshot(host);
        let (mut lived, mut failed) = (0, 0);
        for n in 1.. {
            let log = host.path("trace");
            // The life is in a thread of its own: -f, and counted over all of them.
            let by = format!(
                "strace -f -qq -e signal=none -o {} -e trace={name} -e inject={name}:{fault}:when={n}",
                log.display()
            );
            let word = lives(host, &by);
            let trace = std::fs::read_to_string(&log).unwrap();
            std::fs::remove_file(&log).unwrap();
            whole_again(host, &before, &format!("{name} {n} {fault}: {word}"));
            if !trace.contains("(INJECTED)") {
                assert_eq!(word, "lived");
                break;
            }
            if word == "lived" {
                lived += 1;
            } else {
                failed += 1;
            }
            assert!(!word.starts_with("nothing"), "{name} {n} {fault}: {word}");
            assert!(!word.starts_with("bug"), "{name} {n} {fault}: {word}");
            assert!(!fault.contains("EINTR") || word == "lived", "{name} {n} {fault}: {word}");
        }
        println!("{name} {fault}: {} places, {lived} lived, {failed} failed", lived + failed);
        assert!(lived + failed >= least, "{name}: {lived} and {failed}");
    });
}

#[test]
fn answers_that_are_lost_leave_nothing() {
    injected("recvfrom", "error=ENOBUFS", 30);
}

#[test]
fn calls_that_are_interrupted_are_made_again() {
    injected("recvfrom", "error=EINTR", 30);
    injected("sendto", "error=EINTR", 30);
}

#[test]
fn requests_that_are_refused_leave_nothing() {
    injected("sendto", "error=ENOBUFS", 30);
}
