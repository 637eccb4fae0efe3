//! The files of containers: kept as inodes, following the network, and left alone when edited.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use common::bed::{Bed, same, snapshot};
use common::on_a_host;

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn files(bed: &Bed<'_>, container: &str) -> (PathBuf, PathBuf) {
    let sandbox = bed.netberth.sandbox(container).unwrap();
    (sandbox.hosts_path, sandbox.resolv_conf_path)
}

/// The lines of a hosts file that are not the local ones.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let local = |line: &&str| !line.contains("localhost") && !line.contains("ip6-");
    text.lines().filter(local).map(ToOwned::to_owned).collect()
}

#[test]
fn a_sandbox_outlives_its_last_endpoint_with_key_and_files() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        let (records, before) = (bed.records(), snapshot(host));
        bed.network(r#"{"name":"foo","options":{"subnets":[{"subnet":"10.5.0.0/24"}]}}"#);
        bed.network(r#"{"name":"bar","options":{"subnets":[{"subnet":"10.6.0.0/24"}]}}"#);
        bed.endpoint("foo", r#"{"name":"a","aliases":["web"]}"#);
        let a = bed.join(
            "foo",
            "a",
            r#"{"container_id":"e76f406417031bd2","host_name":"box","domain_name":"example.org",
                "dns":["192.0.2.53"],"dns_search":["example.org"],
                "extra_hosts":[{"name":"db","address":"192.0.2.7"}]}"#,
        );
        assert!(a.key.ends_with("run/netns/e76f40641703"), "{}", a.key.display());
        let (hosts, resolv) = files(&bed, "e76f406417031bd2");
        let inodes = (inode(&hosts), inode(&resolv), inode(&a.key));
        for file in [&hosts, &resolv] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o644);
        }
        assert_eq!(
            fs::read_to_string(&resolv).unwrap(),
            "nameserver 192.0.2.53\nsearch example.org\n"
        );
        let own = ["10.5.0.2\tbox.example.org box", "192.0.2.7\tdb"];
        let name = "10.5.0.2\ta a.foo web web.foo";
        assert_eq!(lines(&hosts), [own[0], own[1], name]);
        bed.container("foo", "b");
        assert_eq!(lines(&hosts), [own[0], own[1], name, "10.5.0.3\tb b.foo"]);
        bed.netberth.detach("foo", "a", "e76f406417031bd2").unwrap();
        assert_eq!(lines(&hosts), [own[1]]);
        assert!(bed.netberth.sandbox("e76f406417031bd2").unwrap().endpoints.is_empty());
        let again = bed.join("foo", "a", r#"{"container_id":"e76f406417031bd2"}"#);
        assert_eq!(again.key, a.key);
        assert_eq!(files(&bed, "e76f406417031bd2"), (hosts.clone(), resolv.clone()));
        assert_eq!((inode(&hosts), inode(&resolv), inode(&a.key)), inodes);
        let mut now = lines(&hosts);
        now.sort();
        let mut wanted = [own[0], own[1], name, "10.5.0.3\tb b.foo"];
        wanted.sort_unstable();
        assert_eq!(now, wanted);
        // A second network's names come and go with it; the first's stay.
        bed.container("bar", "c");
        bed.endpoint("bar", r#"{"name":"a"}"#);
        bed.join("bar", "a", r#"{"container_id":"e76f406417031bd2"}"#);
        assert!(lines(&hosts).contains(&"10.6.0.2\tc c.bar".to_owned()));
        bed.remove("foo", "b");
        assert!(!lines(&hosts).iter().any(|line| line.contains("10.5.0.3")));
        bed.netberth.detach("bar", "a", "e76f406417031bd2").unwrap();
        assert!(!lines(&hosts).iter().any(|line| line.contains(".bar")));
        assert_eq!((inode(&hosts), inode(&resolv)), (inodes.0, inodes.1));
        bed.netberth.sandbox_delete("e76f406417031bd2").unwrap();
        assert!(!hosts.exists() && !resolv.exists() && !a.key.exists());
        bed.remove("bar", "c");
        for (network, endpoint) in [("foo", "a"), ("bar", "a")] {
            bed.netberth.endpoint_delete(network, endpoint, false).unwrap();
        }
        bed.netberth.network_delete("foo").unwrap();
        bed.netberth.network_delete("bar").unwrap();
        same(&records, &bed.records());
        same(&before, &snapshot(host));
    });
}

#[test]
fn files_elsewhere_are_written_in_place_and_put_back() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        let (hosts, resolv) = (host.path("hosts"), host.path("resolv.conf"));
        fs::write(&hosts, "192.0.2.1\tmine\n").unwrap();
        fs::write(&resolv, "nameserver 192.0.2.2\n").unwrap();
        let inodes = (inode(&hosts), inode(&resolv));
        let before = snapshot(host);
        let json = format!(
            "{{\"container_id\":\"a\",\"hosts_path\":\"{}\",\"resolv_conf_path\":\"{}\"}}",
            hosts.display(),
            resolv.display()
        );
        bed.endpoint("foo", r#"{"name":"a"}"#);
        bed.join("foo", "a", &json);
        assert!(lines(&hosts).contains(&"172.17.0.2\ta a.foo".to_owned()));
        bed.remove("foo", "a");
        assert_eq!(fs::read_to_string(&hosts).unwrap(), "192.0.2.1\tmine\n");
        assert_eq!(fs::read_to_string(&resolv).unwrap(), "nameserver 192.0.2.2\n");
        assert_eq!((inode(&hosts), inode(&resolv)), inodes);
        same(&before, &snapshot(host));
    });
}

#[test]
fn an_edited_resolv_conf_is_left_alone() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        let resolv = host.path("resolv.conf");
        fs::write(&resolv, "nameserver 192.0.2.2\n").unwrap();
        bed.endpoint("foo", r#"{"name":"a"}"#);
        let json = format!(
            "{{\"container_id\":\"a\",\"dns\":[\"192.0.2.53\"],\"resolv_conf_path\":\"{}\"}}",
            resolv.display()
        );
        bed.join("foo", "a", &json);
        assert_eq!(fs::read_to_string(&resolv).unwrap(), "nameserver 192.0.2.53\n");
        let edited = "nameserver 192.0.2.99\n# by hand\n";
        fs::write(&resolv, edited).unwrap();
        bed.container("foo", "b");
        bed.netberth.detach("foo", "a", "a").unwrap();
        bed.join("foo", "a", r#"{"container_id":"a"}"#);
        assert_eq!(fs::read_to_string(&resolv).unwrap(), edited);
        bed.remove("foo", "a");
        assert_eq!(fs::read_to_string(&resolv).unwrap(), edited);
    });
}

#[test]
fn parents_get_the_new_address_by_whole_word() {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo"}"#);
        bed.endpoint("foo", r#"{"name":"parent"}"#);
        bed.join(
            "foo",
            "parent",
            r#"{"container_id":"parent","extra_hosts":[{"name":"child","address":"192.0.2.1"},
                {"name":"child2","address":"192.0.2.2"}]}"#,
        );
        let (hosts, _) = files(&bed, "parent");
        let before = inode(&hosts);
        bed.endpoint("foo", r#"{"name":"c"}"#);
        bed.join(
            "foo",
            "c",
            r#"{"container_id":"c","parent_updates":[
                {"endpoint_id":"parent","name":"child","address":"172.17.0.3"}]}"#,
        );
        let now = lines(&hosts);
        assert!(now.contains(&"172.17.0.3\tchild".to_owned()), "{now:?}");
        assert!(now.contains(&"192.0.2.2\tchild2".to_owned()), "{now:?}");
        assert!(now.contains(&"172.17.0.3\tc c.foo".to_owned()), "{now:?}");
        assert_eq!(inode(&hosts), before);
    });
}
