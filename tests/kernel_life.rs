//! The whole life of networks and containers on the running kernel, seen by `ip` and by packets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use common::bed::{Bed, same, snapshot};
use common::net::ping;
use common::on_a_host;

#[test]
fn siblings_talk_and_nothing_is_left() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let before = snapshot(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let a = bed.container("foo", "a");
        let b = bed.container("foo", "b");
        assert_eq!((a.v4.as_str(), b.v4.as_str()), ("172.17.0.2", "172.17.0.3"));
        for (from, to) in [(&a, &b.v4), (&b, &a.v4), (&a, &"172.17.0.1".to_owned()), (&a, &b.v6)] {
            assert!(ping(&from.key, to, 1), "no ping to {to}");
        }
        bed.remove("foo", "a");
        bed.remove("foo", "b");
        bed.netberth.network_delete("foo").unwrap();
        same(&before, &snapshot(host));
    });
}
