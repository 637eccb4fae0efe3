//! The text of a container's `resolv.conf` (resolv.conf(5)).

use std::net::IpAddr;

use crate::model::JoinSpec;

/// What the caller gives, and the host's own where nothing is given; a loopback nameserver of the
/// host cannot be reached from a container and is left out.
pub(crate) fn text(spec: &JoinSpec, host: &str) -> String {
    let mut lines = Vec::new();
    if spec.dns.is_empty() {
        let reachable = nameservers(host).filter(|ip| !ip.is_loopback());
        lines.extend(reachable.map(|ip| format!("nameserver {ip}")));
    } else {
        lines.extend(spec.dns.iter().map(|ip| format!("nameserver {ip}")));
    }
    for (keyword, given) in [("search", &spec.dns_search), ("options", &spec.dns_options)] {
        let of_host = || values(host, keyword).map(ToOwned::to_owned).collect();
        let words: Vec<String> = if given.is_empty() { of_host() } else { given.clone() };
        if !words.is_empty() {
            lines.push(format!("{keyword} {}", words.join(" ")));
        }
    }
    lines.iter().fold(String::new(), |text, line| text + line + "\n")
}

/// The nameservers of a `resolv.conf`; a zone after `%` means one of the host's own links.
fn nameservers(text: &str) -> impl Iterator<Item = IpAddr> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next()?.parse().ok()).flatten()
    })
}

/// The words of the last line of a keyword: the last one counts. `domain` is an old `search`.
fn values<'a>(text: &'a str, keyword: &str) -> impl Iterator<Item = &'a str> {
    let named = |line: &&str| {
        let first = line.split_whitespace().next();
        first == Some(keyword) || (keyword == "search" && first == Some("domain"))
    };
    text.lines().rfind(named).into_iter().flat_map(|line| line.split_whitespace().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "# made by hand\nnameserver 127.0.0.53\nnameserver 192.0.2.1\n\
                        nameserver fe80::1%eth0\nsearch a b\noptions ndots:2\nnameserver ::1\n";

    fn of(join: &str) -> String {
        text(&JoinSpec::from_json(join.as_bytes()).unwrap(), HOST)
    }

    #[test]
    fn the_hosts_without_loopback() {
        assert_eq!(
            of(r#"{"container_id":"c"}"#),
            "nameserver 192.0.2.1\nsearch a b\noptions ndots:2\n"
        );
    }

    #[test]
    fn what_is_given_replaces_the_hosts_line_by_line() {
        let given = r#"{"container_id":"c","dns":["9.9.9.9"],"dns_search":["x"]}"#;
        assert_eq!(of(given), "nameserver 9.9.9.9\nsearch x\noptions ndots:2\n");
    }
}
