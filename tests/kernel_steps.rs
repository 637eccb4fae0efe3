//! Every step against the running kernel: done, seen by the usual tools, undone, gone.

mod common;

use common::steps::{MAC, address, bridge, container, hop, netns, route, up, veth};
use common::{on_a_host, sh};
use netberth::Kind;
use netberth::kernel::{Kernel, Linux};
use netberth::plan::{Ask, Ns, Step};

#[test]
fn a_container_comes_and_goes() {
    on_a_host(|host| {
        let before = host.snapshot(&[]);
        let steps = container(&host.directory);
        host.apply(&steps);

        let link = sh("ip -d link show nb1");
        for word in ["mtu 1400", "master br0", "hairpin on", "numtxqueues 1", "numrxqueues 1"] {
            assert!(link.contains(word), "{word}: {link}");
        }
        assert!(sh("ip -d link show br0").contains("forward_delay 0"));
        let eth0 = host.inside("c1", "ip -d link show eth0");
        for word in ["mtu 1400", MAC, "UP", "numtxqueues 1"] {
            assert!(eth0.contains(word), "{word}: {eth0}");
        }
        let addresses = host.inside("c1", "ip addr show eth0");
        assert!(addresses.contains("inet 10.1.0.2/24 scope global noprefixroute"), "{addresses}");
        assert!(
            addresses.contains("inet6 fd00::2/64 scope global nodad noprefixroute"),
            "{addresses}"
        );
        let routes = host.inside("c1", "ip route");
        for line in [
            "default via 10.1.0.1 dev eth0",
            "10.1.0.0/24 via 10.1.0.1 dev eth0 src 10.1.0.2",
            "10.1.0.1 dev eth0 scope link src 10.1.0.2",
        ] {
            assert!(routes.contains(line), "{line}: {routes}");
        }
        assert!(host.inside("c1", "ip -6 route").contains("default via fd00::1 dev eth0"));
        assert_eq!(host.inside("c1", "busybox sysctl -n net.ipv6.conf.eth0.accept_ra"), "0\n");
        host.inside("c1", "busybox ping -c 1 -W 2 10.1.0.1");

        host.undo(&steps);
        common::reaped();
        assert_eq!(host.snapshot(&[]), before);
        host.undo(&steps);
    });
}

/// Without what a link keeps once it has been up, and what IPv6 does of its own after a while.
fn settled(text: &str) -> String {
    let noise = ["fe80:", "multicast", "127.0.0"];
    let states = [
        "NO-CARRIER,",
        "LOWER_UP,",
        ",LOWER_UP",
        " linkdown",
        " qlen 1000",
        " state UP",
        " state DOWN",
        " state UNKNOWN",
        " state LOWERLAYERDOWN",
    ];
    let kept = text.lines().filter(|line| !noise.iter().any(|noise| line.contains(noise)));
    let settled = kept.map(|line| {
        let line = states.iter().fold(line.to_owned(), |line, state| line.replace(state, ""));
        line.replace("qdisc noqueue", "qdisc noop").trim_end().to_owned()
    });
    settled.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_step_is_undone_alone() {
    on_a_host(|host| {
        let steps = container(&host.directory);
        for (index, step) in steps.iter().enumerate() {
            let here = |at: usize| if at > 3 { host.snapshot(&["c1"]) } else { host.snapshot(&[]) };
            let before = here(index);
            host.apply(std::slice::from_ref(step));
            host.undo(std::slice::from_ref(step));
            // Hairpin and a device's sysctl go with the device.
            let lasting = matches!(step, Step::BridgePort { .. } | Step::Sysctl { .. });
            if !lasting {
                assert_eq!(settled(&here(index)), settled(&before), "{step}");
            }
            host.apply(std::slice::from_ref(step));
        }
        host.undo(&steps);
    });
}

#[test]
fn default_route_moves_and_moves_back() {
    on_a_host(|host| {
        let mut steps = container(&host.directory);
        steps.truncate(13);
        host.apply(&steps);
        let default = || host.inside("c1", "ip route show default");
        let moved = |to: Option<&str>, from: Option<&str>| Step::DefaultRoute {
            ns: host.ns("c1"),
            ipv6: false,
            to: to.map(hop),
            from: from.map(hop),
        };
        let first = [moved(Some("10.1.0.1"), None)];
        host.apply(&[route(host.ns("c1"), "10.1.0.9/32", None, None)]);
        host.apply(&first);
        let second = [moved(Some("10.1.0.9"), Some("10.1.0.1"))];
        host.apply(&second);
        assert_eq!(default(), "default via 10.1.0.9 dev eth0 \n");
        let none = [moved(None, Some("10.1.0.9"))];
        host.apply(&none);
        host.apply(&none);
        assert_eq!(default(), "");
        host.undo(&none);
        assert_eq!(default(), "default via 10.1.0.9 dev eth0 \n");
        host.undo(&second);
        assert_eq!(default(), "default via 10.1.0.1 dev eth0 \n");
        host.undo(&first);
        host.undo(&first);
        assert_eq!(default(), "");
    });
}

#[test]
fn a_failure_in_the_middle_leaves_a_true_account() {
    on_a_host(|host| {
        let mut steps = container(&host.directory);
        host.apply(&steps[..10]);
        let c1 = || host.ns("c1");
        let outcome = host.fails(&[
            address(c1(), "eth0", "10.1.0.2/24", true),
            address(c1(), "eth0", "10.1.0.2/24", true),
            address(c1(), "eth0", "10.1.0.3/24", true),
            Step::Directory { path: host.path("never") },
        ]);
        assert_eq!(outcome.done, [true, false, true]);
        let (index, error) = outcome.failed.unwrap();
        assert_eq!((index, error.kind()), (1, Kind::Exists));
        let text = error.to_string();
        assert!(text.contains("ip addr add 10.1.0.2/24 dev eth0"), "{text}");
        assert!(!host.path("never").exists());
        let outcome = host.fails(&[
            Step::Directory { path: host.path("made") },
            address(c1(), "eth1", "10.1.0.4/24", true),
        ]);
        assert_eq!(outcome.done, [true, false]);
        assert_eq!(outcome.failed.unwrap().1.errno(), Some(libc::ENODEV));
        steps.truncate(9);
        host.undo(&steps);
    });
}

#[test]
fn errors_carry_the_kernels_words() {
    on_a_host(|host| {
        let steps = container(&host.directory);
        host.apply(&steps);
        let outcome = host.fails(&[route(host.ns("c1"), "10.7.0.0/24", Some("10.99.0.1"), None)]);
        let text = outcome.failed.unwrap().1.to_string();
        assert!(text.ends_with("nexthop has invalid gateway"), "{text}");
        let outcome = host.fails(&[bridge("br0")]);
        assert_eq!(outcome.failed.unwrap().1.kind(), Kind::Exists);
        let outcome = host.fails(&[netns(&host.directory, "c1")]);
        assert_eq!(outcome.failed.unwrap().1.kind(), Kind::Exists);
        let nowhere = Ns::At { path: host.path("nowhere"), cookie: None };
        let outcome = host.fails(&[up(nowhere, "lo")]);
        assert_eq!(outcome.failed.unwrap().1.kind(), Kind::NotFound);
        host.undo(&steps);
    });
}

#[test]
fn a_cookie_tells_a_reused_path() {
    on_a_host(|host| {
        host.apply(&[bridge("br0"), netns(&host.directory, "c1")]);
        let ask = Ask { namespace: Some(host.ns("c1")), ..Ask::default() };
        let facts = host.kernel.facts(&ask).unwrap();
        assert_eq!(facts.interfaces, ["lo"]);
        let given = |cookie| Ns::At { path: host.path("c1"), cookie };
        let right = given(facts.cookie);
        let wrong = given(facts.cookie.map(|cookie| cookie + 1));
        let joined = [veth("nb1", right.clone(), "eth0"), up(right.clone(), "eth0")];
        host.apply(&joined);
        host.undo(&[up(wrong.clone(), "eth0")]);
        assert!(host.kernel.holds(&up(right, "eth0")).unwrap(), "it was not touched");
        for step in [up(wrong.clone(), "lo"), veth("nb2", wrong.clone(), "eth1")] {
            let outcome = host.fails(&[step]);
            assert_eq!(outcome.failed.unwrap().1.kind(), Kind::NotFound);
        }
        assert!(!host.kernel.holds(&up(wrong, "eth0")).unwrap());
        host.undo(&joined);
    });
}

#[test]
fn a_namespace_can_be_mounted_elsewhere() {
    on_a_host(|host| {
        let of = |name: &str| Step::Netns { path: host.path(name), of: Some(host.ns("c1")) };
        let steps = [netns(&host.directory, "c1"), of("c2")];
        host.apply(&steps);
        host.apply(&[up(host.ns("c2"), "lo")]);
        assert!(host.kernel.holds(&up(host.ns("c1"), "lo")).unwrap());
        let own = Step::Netns { path: host.path("own"), of: Some(Ns::Host) };
        host.apply(std::slice::from_ref(&own));
        assert!(host.inside("own", "ip -o link").contains("lo"));
        host.undo(&[own]);
        host.undo(&steps);
        assert!(!host.path("c1").exists() && !host.path("c2").exists());
    });
}

#[test]
fn what_holds_is_seen() {
    on_a_host(|host| {
        let holds = |step: &Step| host.kernel.holds(step).unwrap();
        let directory = Step::Directory { path: host.path("a/b") };
        let lo = up(host.ns("c1"), "lo");
        let forward = Step::Sysctl {
            ns: host.ns("c1"),
            key: "net/ipv4/ip_forward".into(),
            value: "1".into(),
            before: Some("0".into()),
        };
        let steps = [netns(&host.directory, "c1"), directory.clone(), lo.clone(), forward.clone()];
        for step in [&directory, &lo, &forward] {
            assert!(!holds(step), "{step}");
        }
        host.apply(&steps);
        for step in [&directory, &lo, &forward] {
            assert!(holds(step), "{step}");
        }
        host.undo(&steps[3..]);
        assert!(!holds(&forward));
        host.undo(&steps[..3]);
        assert!(!holds(&directory) && !holds(&lo));
    });
}

#[test]
fn a_bridge_holds_1023_ports() {
    on_a_host(|host| {
        host.apply(&[bridge("br0"), netns(&host.directory, "c1")]);
        // Ports that cost little: veth pairs with both ends here, made by the batch.
        let name = |number: usize| format!("p{number}");
        let peer = |number: usize| format!("q{number}");
        let many: Vec<Step> =
            (0..1023).map(|number| veth(&name(number), host.ns("c1"), &peer(number))).collect();
        host.apply(&many);
        let outcome = host.fails(&[veth("one-too-many", host.ns("c1"), "eth0")]);
        let error = outcome.failed.unwrap().1;
        assert_eq!(error.kind(), Kind::Exhausted);
        let words = "bridge br0 is full: a linux bridge holds at most 1023 ports";
        assert!(error.to_string().ends_with(words), "{error}");
        assert!(!sh("ip -o link").contains("one-too-many"), "it left nothing behind");
        assert!(!host.inside("c1", "ip -o link").contains("eth0"));
        // Together they go in the time of one.
        let started = std::time::Instant::now();
        host.undo(&many);
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
        assert!(!sh("ip -o link").contains("p1022"));
        host.undo(&[bridge("br0"), netns(&host.directory, "c1")]);
    });
}

#[test]
fn a_handle_keeps_its_own_namespace() {
    on_a_host(|host| {
        let kernel: &Linux = &host.kernel;
        let elsewhere = || {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            let forward = Step::Sysctl {
                ns: Ns::Host,
                key: "net/ipv4/ip_forward".into(),
                value: "1".into(),
                before: Some("0".into()),
            };
            let outcome = kernel.apply(&[bridge("br0"), forward]);
            assert!(outcome.failed.is_none(), "{outcome:?}");
            assert!(!sh("ip -o link").contains("br0"));
            assert_eq!(sh("busybox sysctl -n net.ipv4.ip_forward"), "0\n");
        };
        std::thread::scope(|scope| scope.spawn(elsewhere).join().unwrap());
        assert!(sh("ip -o link").contains("br0"));
        assert_eq!(sh("busybox sysctl -n net.ipv4.ip_forward"), "1\n");
    });
}
