//! Rules in the way of kube-proxy's iptables mode: a list of services that is gone through one by
//! one, a chain for each that throws dice for each of its back ends, and a chain for each of those.
//! A service has one rule here for TCP and UDP, where kube-proxy has two.

use std::fmt::Write;

use crate::common::bed::Bed;
use crate::common::net::PORT;
use crate::common::sh;

use super::site::FIRST;

/// Loads the rules, and tells the last service's address.
pub(crate) fn load(bed: &Bed<'_>, services: usize, backs: &[&str]) -> String {
    let path = bed.host.path("linear.nft");
    std::fs::write(&path, text(services, backs)).unwrap();
    sh(&format!("nft -f {}", path.display()));
    vip(services - 1)
}

fn vip(number: usize) -> String {
    format!("10.96.{}.{}", number / 250, number % 250 + 1)
}

fn text(services: usize, backs: &[&str]) -> String {
    let mut text = String::from("table ip linear {\n");
    let (mut vips, mut ports) = (String::new(), String::new());
    for number in 0..services {
        for (at, back) in backs.iter().enumerate() {
            let to = format!("meta l4proto {{ tcp, udp }} dnat to {back}:{PORT}");
            writeln!(text, "chain sep_{number}_{at} {{ {to}; }}").unwrap();
        }
        writeln!(text, "chain svc_{number} {{").unwrap();
        for at in 0..backs.len() {
            let left = backs.len() - at;
            let dice = if left > 1 { format!("numgen random mod {left} 0") } else { String::new() };
            writeln!(text, "{dice} jump sep_{number}_{at};").unwrap();
        }
        writeln!(text, "}}").unwrap();
        writeln!(vips, "ip daddr {} th dport {PORT} jump svc_{number};", vip(number)).unwrap();
        writeln!(ports, "th dport {} jump svc_{number};", FIRST + number).unwrap();
    }
    write!(
        text,
        "chain services {{\n{vips}}}\nchain nodeports {{\n{ports}}}\nchain pre {{\n\
         type nat hook prerouting priority dstnat; policy accept;\njump services;\n\
         fib daddr type local jump nodeports;\n}}\n}}\n"
    )
    .unwrap();
    text
}
