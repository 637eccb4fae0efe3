//! The text of a container's hosts file (hosts(5)).

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::{Endpoint, ExtraHost};

/// What every hosts file has, as Debian's does.
const LOCAL: [&str; 6] = [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::\tip6-localnet",
    "ff00::\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
];

/// `host_name.domain_name host_name`, or nothing without a host name.
pub(crate) fn own_names(host_name: Option<&str>, domain_name: Option<&str>) -> Vec<String> {
    let Some(host) = host_name else { return Vec::new() };
    let qualified = domain_name.map(|domain| format!("{host}.{domain}"));
    qualified.into_iter().chain([host.to_owned()]).collect()
}

/// One line for each address.
pub(crate) fn own_lines(names: &[String], addresses: impl Iterator<Item = IpAddr>) -> Vec<String> {
    if names.is_empty() {
        return Vec::new();
    }
    addresses.map(|address| format!("{address}\t{}", names.join(" "))).collect()
}

/// The lines by which a network finds an endpoint: its name, `name.network` and its aliases, for
/// each address. A name that is not one word cannot stand in a hosts file and is left out.
pub(crate) fn endpoint_lines(endpoint: &Endpoint, network: &str) -> Vec<String> {
    let name = endpoint.name.as_str();
    let name = name.strip_prefix('/').unwrap_or(name);
    let words = std::iter::once(name).chain(endpoint.aliases.iter().map(String::as_str));
    let mut names = String::new();
    for word in words.filter(|word| is_word(word)) {
        let between = if names.is_empty() { "" } else { " " };
        names.extend([between, word]);
        if is_word(network) {
            names.extend([" ", word, ".", network]);
        }
    }
    if names.is_empty() {
        return Vec::new();
    }
    endpoint.ips().map(|address| format!("{address}\t{names}")).collect()
}

/// The lines by which a network finds a back end of a service: `tasks.` and the service's name.
pub(crate) fn task_lines(
    service: &Endpoint,
    network: &str,
    addresses: impl Iterator<Item = IpAddr>,
) -> Vec<String> {
    let name = service.name.as_str();
    let name = name.strip_prefix('/').unwrap_or(name);
    if !is_word(name) {
        return Vec::new();
    }
    let mut names = vec![format!("tasks.{name}")];
    if is_word(network) {
        names.push(format!("tasks.{name}.{network}"));
    }
    own_lines(&names, addresses)
}

fn is_word(text: &str) -> bool {
    // A thousand names are looked at in each join: almost all of them are of these letters.
    if text.is_ascii() {
        return !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    }
    !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#')
}

/// The whole file: own lines, the local ones, the caller's, then the network's names.
pub(crate) fn text(own: &[String], extra: &[ExtraHost], names: &[String]) -> String {
    let extra = extra.iter().map(|host| format!("{}\t{}", host.address, host.name));
    let local = LOCAL.iter().map(ToString::to_string);
    let lines = own.iter().cloned().chain(local).chain(extra).chain(names.iter().cloned());
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

/// The text with every line that names `name` as a whole word given a new address.
pub(crate) fn with_address(text: &str, name: &str, address: IpAddr) -> String {
    let changed = text.split_inclusive('\n').map(|line| {
        let body = line.split('#').next().unwrap_or_default();
        let mut words = body.split_whitespace();
        let old = words.next();
        match old.filter(|_| words.any(|word| word == name)) {
            Some(old) => line.replacen(old, &address.to_string(), 1),
            None => line.to_owned(),
        }
    });
    changed.collect()
}

/// The text without the lines of addresses in these subnets: of others on a network, as it was when the
/// text was written.
pub(crate) fn without_others(text: &str, subnets: &[IpNet]) -> String {
    let is_in = |line: &str| {
        let address = line.split_whitespace().next().and_then(|word| word.parse().ok());
        address.is_some_and(|ip: IpAddr| subnets.iter().any(|subnet| subnet.contains(&ip)))
    };
    text.split_inclusive('\n').filter(|line| !is_in(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file() {
        let names = own_names(Some("web"), Some("example.org"));
        let own = own_lines(&names, ["10.0.0.2".parse().unwrap()].into_iter());
        let extra = [ExtraHost { name: "db".into(), address: "10.9.9.9".parse().unwrap() }];
        let text = text(&own, &extra, &["10.0.0.3\tbaz baz.foo".into()]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "10.0.0.2\tweb.example.org web");
        assert_eq!(lines[1], "127.0.0.1\tlocalhost");
        assert_eq!(&lines[7..], ["10.9.9.9\tdb", "10.0.0.3\tbaz baz.foo"]);
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn a_parents_line_changes_by_whole_word_only() {
        let text = "10.0.0.2\tdb db.foo\n10.0.0.3\tdb2 # db\n# db\n\n10.0.0.4 x\tdb";
        assert_eq!(
            with_address(text, "db", "10.0.0.99".parse().unwrap()),
            "10.0.0.99\tdb db.foo\n10.0.0.3\tdb2 # db\n# db\n\n10.0.0.99 x\tdb"
        );
    }
}
