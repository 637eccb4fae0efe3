//! Alone in its process, so that its threads and descriptors can be counted.

mod common;

use common::on_a_host;
use common::steps::{container, up, veth};
use netberth::kernel::Kernel;
use netberth::plan::{Ask, Ns};

#[test]
fn nothing_is_left_after_a_hundred_rounds() {
    on_a_host(|host| {
        let steps = container(&host.directory);
        let round = || {
            host.apply(&steps);
            let ask = Ask { host: true, namespace: Some(host.ns("c1")), ..Ask::default() };
            let cookie = host.kernel.facts(&ask).unwrap().cookie;
            let given = |cookie| Ns::At { path: host.path("c1"), cookie };
            host.fails(&[up(given(cookie), "eth7")]);
            host.fails(&[veth("nb2", given(cookie.map(|cookie| cookie + 1)), "eth1")]);
            host.fails(&[up(host.ns("nowhere"), "lo")]);
            host.undo(&steps);
        };
        // What is opened once, or after some time.
        for _ in 0..40 {
            round();
        }
        let before = common::threads_and_descriptors();
        for _ in 0..100 {
            round();
        }
        assert_eq!(common::threads_and_descriptors(), before);
    });
}
