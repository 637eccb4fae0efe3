//! The fake kernel does what the running one does: the same steps, the same world afterwards.

mod common;

use std::path::Path;

use common::on_a_host;
use common::steps::{address, bridge, container, route, up, veth};
use netberth::kernel::Kernel;
use netberth::kernel::fake::Fake;
use netberth::plan::rules::{Element, SetElements, Value};
use netberth::plan::{Ask, Ns, Step};

fn fake() -> (Fake, Vec<Step>) {
    let directory = Path::new("/run/test");
    let fake = Fake::new();
    fake.add_directory(directory);
    let mut steps = container(directory);
    steps.push(Step::Directory { path: directory.join("a/b") });
    let (path, text) = (directory.join("a/b/hosts"), "127.0.0.1 localhost\n".into());
    steps.push(Step::File { path: path.clone(), text, before: None });
    let add = vec!["10.1.0.2 web".into()];
    steps.push(Step::Lines { paths: vec![path], add, remove: Vec::new() });
    steps.push(Step::Table { name: "netberth".into() });
    let key = vec![Value::Ifname("br0".into())];
    let elements = vec![Element { key, key_end: None, data: Vec::new() }];
    steps.push(Step::Elements { sets: vec![SetElements { set: "br".into(), elements }] });
    (fake, steps)
}

#[test]
fn everything_comes_and_goes() {
    let (fake, steps) = fake();
    let before = fake.snapshot();
    let outcome = fake.apply(&steps);
    assert!(outcome.failed.is_none(), "{outcome:?}");
    assert_eq!(outcome.done.len(), steps.len());
    assert_eq!(fake.elements("br"), ["\"br0\""]);
    assert_eq!(
        fake.file(Path::new("/run/test/a/b/hosts")).as_deref(),
        Some("127.0.0.1 localhost\n10.1.0.2 web\n")
    );
    for _ in 0..2 {
        assert!(fake.undo(&steps).iter().all(Result::is_ok));
        assert_eq!(fake.snapshot(), before);
    }
}

#[test]
fn a_failed_step_changes_nothing_whichever_it_is() {
    let count = fake().1.len();
    for failing in 1..=count {
        let (fake, steps) = fake();
        let before = fake.snapshot();
        fake.fail_at(failing);
        let outcome = fake.apply(&steps);
        assert_eq!(outcome.failed.as_ref().map(|(index, _)| *index), Some(failing - 1));
        let done: Vec<Step> = steps
            .iter()
            .zip(&outcome.done)
            .filter(|(_, done)| **done)
            .map(|(s, _)| s.clone())
            .collect();
        assert!(fake.undo(&done).iter().all(Result::is_ok));
        assert_eq!(fake.snapshot(), before, "step {failing}");
    }
}

#[test]
fn an_undoing_fails_on_demand_and_can_be_repeated() {
    let (fake, steps) = fake();
    let before = fake.snapshot();
    assert!(fake.apply(&steps).failed.is_none());
    fake.fail_undo_at(2);
    let results = fake.undo(&steps);
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    assert!(results[steps.len() - 2].is_err());
    assert!(fake.undo(&steps).iter().all(Result::is_ok));
    assert_eq!(fake.snapshot(), before);
}

#[test]
fn deleting_a_namespace_takes_everything_in_it() {
    let (fake, steps) = fake();
    assert!(fake.apply(&steps).failed.is_none());
    fake.remove_namespace(Path::new("/run/test/c1"));
    assert!(!fake.links(&Ns::Host).contains(&"nb1".to_string()));
}

/// Both kernels agree on which steps fail, with what errno, and on what is left.
#[test]
fn the_fake_agrees_with_the_running_kernel() {
    on_a_host(|host| {
        let fake = Fake::new();
        fake.add_directory(&host.directory);
        let c1 = || host.ns("c1");
        let mut steps = container(&host.directory);
        steps.extend([
            bridge("br0"),
            veth("nb1", c1(), "eth1"),
            veth("nb2", c1(), "eth0"),
            veth("nb3", host.ns("nowhere"), "eth0"),
            up(c1(), "eth7"),
            address(c1(), "eth0", "10.1.0.2/24", true),
            route(c1(), "10.1.0.1/32", None, None),
            route(c1(), "10.9.0.0/24", Some("10.99.0.1"), None),
            Step::BridgePort { name: "nb9".into() },
            Step::Netns { path: host.path("c1"), of: None },
            Step::Netns { path: host.path("no/where"), of: None },
            Step::File { path: host.path("no/file"), text: String::new(), before: None },
            Step::File { path: host.path("file"), text: "x".into(), before: None },
            Step::Directory { path: host.path("d/e") },
            up(c1(), "lo"),
        ]);
        for step in &steps {
            let one = std::slice::from_ref(step);
            let (real, faked) = (host.kernel.apply(one), fake.apply(one));
            assert_eq!(real.done, faked.done, "{step}: {real:?}, {faked:?}");
            let kind = |outcome: &netberth::kernel::Outcome| {
                let error = outcome.failed.as_ref().map(|(_, error)| error);
                error.map(|error| (error.kind(), error.errno()))
            };
            assert_eq!(kind(&real), kind(&faked), "{step}: {real:?}, {faked:?}");
            if step.may_hold() && real.failed.is_none() {
                assert!(host.kernel.holds(step).unwrap() && fake.holds(step).unwrap(), "{step}");
            }
        }
        let ask = Ask { namespace: Some(c1()), ..Ask::default() };
        let interfaces = |kernel: &dyn Kernel| {
            let mut names = kernel.facts(&ask).unwrap().interfaces;
            names.sort();
            names
        };
        assert_eq!(interfaces(&host.kernel), interfaces(&fake));
        let gone = Ask { namespace: Some(host.ns("gone")), ..Ask::default() };
        for kernel in [&host.kernel as &dyn Kernel, &fake] {
            assert_eq!(kernel.facts(&gone).unwrap().cookie, None);
        }
        host.undo(&steps);
        assert!(fake.undo(&steps).iter().all(Result::is_ok));
    });
}
