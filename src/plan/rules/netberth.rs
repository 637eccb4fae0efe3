//! The one table, whole. Its rules are constant: a network, a port or a peering is an element.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

use super::{
    Chain, ChainKind::Filter, ChainKind::Nat, Family, Family::Ipv4, Family::Ipv6, Field, Hook,
    Reject, Rule, Set, State, Statement, Table, Test, Type, Value, Verdict, spread,
};

/// Before Docker's and firewalld's chains, which stand at `dstnat`.
const BEFORE_DSTNAT: i32 = -105;
/// Before Docker's and firewalld's chains, which stand at `srcnat`.
const BEFORE_SRCNAT: i32 = 95;
const RAW: i32 = -300;
const MANGLE: i32 = -150;
const FILTER: i32 = 0;

const LOOPBACK: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8));
const LOCALHOST4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LOCALHOST6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

const ACCEPT: Statement = Statement::Verdict(Verdict::Accept);
const DROP: Statement = Statement::Verdict(Verdict::Drop);
const COUNTER: Statement = Statement::Counter;

/// The table, under `name`.
pub fn table(name: &str) -> Table {
    let mut chains = vec![
        raw_pre(),
        spoof(),
        nat_pre(),
        nat_out(),
        spread::vip(),
        pub_(),
        spread::svc(),
        nat_post(),
        into_net(),
        forward(),
        icc_on(),
        refuse(),
        icc_off(),
        dnatted(),
        output(),
    ];
    chains.extend(spread::ways());
    Table { name: name.to_owned(), sets: sets(), chains }
}

fn sets() -> Vec<Set> {
    use Type::{Ifname, InetProto, InetService, Ipv4Addr, Ipv6Addr, Slot};
    vec![
        // Every bridge of ours; those whose egress is masqueraded; those of internal networks.
        Set::of("br", &[Ifname]),
        Set::of("br_masq", &[Ifname]),
        Set::of("br_int", &[Ifname]),
        // (network, network) to icc_on or icc_off: one look-up instead of N x N rules.
        Set::vmap("pair", &[Ifname, Ifname]),
        // Published ports: of one host address, then of every one.
        Set::map("pub4", &[Ipv4Addr, InetProto, InetService], &[Ipv4Addr, InetService]),
        Set::map("pub4_any", &[InetProto, InetService], &[Ipv4Addr, InetService]),
        Set::map("pub6", &[Ipv6Addr, InetProto, InetService], &[Ipv6Addr, InetService]),
        Set::map("pub6_any", &[InetProto, InetService], &[Ipv6Addr, InetService]),
        // The same for spans of ports that keep their numbers: one element each.
        Set::map("span4", &[Ipv4Addr, InetProto, InetService], &[Ipv4Addr]).with_intervals(),
        Set::map("span4_any", &[InetProto, InetService], &[Ipv4Addr]).with_intervals(),
        Set::map("span6", &[Ipv6Addr, InetProto, InetService], &[Ipv6Addr]).with_intervals(),
        Set::map("span6_any", &[InetProto, InetService], &[Ipv6Addr]).with_intervals(),
        // Virtual addresses of services.
        Set::of("vip4", &[Ipv4Addr]),
        Set::of("vip6", &[Ipv6Addr]),
        // From a virtual address, and from a published port of a service, to how it spreads.
        Set::vmap("svc4", &[Ipv4Addr]),
        Set::vmap("svc6", &[Ipv6Addr]),
        Set::vmap("psvc4", &[Ipv4Addr, InetProto, InetService]),
        Set::vmap("psvc4_any", &[InetProto, InetService]),
        Set::vmap("psvc6", &[Ipv6Addr, InetProto, InetService]),
        Set::vmap("psvc6_any", &[InetProto, InetService]),
        // The same and a slot, to the back end whose slot it is.
        Set::map("slot4", &[Ipv4Addr, Slot], &[Ipv4Addr]),
        Set::map("slot6", &[Ipv6Addr, Slot], &[Ipv6Addr]),
        Set::map("pslot4", &[Ipv4Addr, InetProto, InetService, Slot], &[Ipv4Addr, InetService]),
        Set::map("pslot4_any", &[InetProto, InetService, Slot], &[Ipv4Addr, InetService]),
        Set::map("pslot6", &[Ipv6Addr, InetProto, InetService, Slot], &[Ipv6Addr, InetService]),
        Set::map("pslot6_any", &[InetProto, InetService, Slot], &[Ipv6Addr, InetService]),
        // (container, the same container): it reaches itself through a published port.
        Set::of("self4", &[Ipv4Addr, Ipv4Addr]),
        Set::of("self6", &[Ipv6Addr, Ipv6Addr]),
    ]
}

/// `route_localnet` lets 127/8 in from the wire: this closes it again. The kernel drops `::1` by
/// itself, but with `br_netfilter` the hook runs before that check. Every packet passes here: the device
/// is looked at once.
fn raw_pre() -> Chain {
    let rules = [
        Rule::of([is(Field::Iifname, Value::Ifname("lo".to_owned())), ACCEPT]),
        Rule::of([within(Field::Daddr(Ipv4), LOOPBACK), DROP]),
        Rule::of([within(Field::Saddr(Ipv4), LOOPBACK), DROP]),
        Rule::of([is(Field::Daddr(Ipv6), Value::Addr(LOCALHOST6)), DROP]),
        Rule::of([is(Field::Saddr(Ipv6), Value::Addr(LOCALHOST6)), DROP]),
    ];
    Chain::of("raw_pre", rules).hooked(Filter, Hook::Prerouting, RAW)
}

/// Stops a container from using another's address, or a foreign one. Packets of a connection that
/// was let through are not looked up again, not even their device, which is a name in a set.
fn spoof() -> Chain {
    let fresh = Statement::CtState(vec![State::Invalid, State::New, State::Untracked]);
    let rules =
        [Rule::of([fresh, member(Field::Iifname, "br"), Statement::NoRouteBack, COUNTER, DROP])];
    Chain::of("spoof", rules).hooked(Filter, Hook::Prerouting, MANGLE)
}

fn nat_pre() -> Chain {
    let here = Some(Statement::SameWay);
    let echo = [spread::echo(Ipv4, "vip4", here.clone()), spread::echo(Ipv6, "vip6", here)];
    let rules = echo.into_iter().chain([
        Rule::of([jump("vip")]),
        Rule::of([jump("vip")]),
        Rule::of([Statement::ToLocal, jump("pub")]),
    ]);
    Chain::of("nat_pre", rules).hooked(Nat, Hook::Prerouting, BEFORE_DSTNAT)
}

fn nat_out() -> Chain {
    let rules = [
        // 127.0.0.53 and its like belong to the host's own resolvers.
        Rule::of([
            within(Field::Daddr(Ipv4), LOOPBACK),
            is_not(Field::Daddr(Ipv4), Value::Addr(LOCALHOST4)),
            Statement::Verdict(Verdict::Return),
        ]),
        spread::echo(Ipv4, "vip4", None),
        spread::echo(Ipv6, "vip6", None),
        Rule::of([jump("vip")]),
        Rule::of([jump("vip")]),
        Rule::of([Statement::ToLocal, jump("pub")]),
    ];
    Chain::of("nat_out", rules).hooked(Nat, Hook::Output, BEFORE_DSTNAT)
}

/// Published ports. What is bound to one host address comes before what is bound to all, and a port
/// before a span: the maps of single ports are hashes, those of spans trees.
fn pub_() -> Chain {
    let bound = |family| vec![Field::Daddr(family), Field::L4proto, Field::Dport];
    let any = || vec![Field::L4proto, Field::Dport];
    let rules = [
        Rule::of([dnat(Ipv4, bound(Ipv4), "pub4")]),
        Rule::of([dnat(Ipv6, bound(Ipv6), "pub6")]),
        Rule::of([Statement::Nfproto(Ipv4), dnat(Ipv4, any(), "pub4_any")]),
        Rule::of([Statement::Nfproto(Ipv6), dnat(Ipv6, any(), "pub6_any")]),
        Rule::of([dnat(Ipv4, bound(Ipv4), "span4")]),
        Rule::of([dnat(Ipv6, bound(Ipv6), "span6")]),
        Rule::of([Statement::Nfproto(Ipv4), dnat(Ipv4, any(), "span4_any")]),
        Rule::of([Statement::Nfproto(Ipv6), dnat(Ipv6, any(), "span6_any")]),
        Rule::of([jump("svc")]),
        Rule::of([jump("svc")]),
    ];
    Chain::of("pub", rules)
}

fn nat_post() -> Chain {
    let rules = [
        Rule::of([member(Field::Oifname, "br"), goto("into_net")]),
        Rule::of([member(Field::Iifname, "br_masq"), Statement::Masquerade]),
    ];
    Chain::of("nat_post", rules).hooked(Nat, Hook::Postrouting, BEFORE_SRCNAT)
}

/// Sources are kept, except where the answer would not come back: the host's loopback, and a
/// container that reaches itself.
fn into_net() -> Chain {
    let itself = |family, set: &str| Statement::Match {
        key: vec![Field::Saddr(family), Field::Daddr(family)],
        test: Test::In(set.to_owned()),
    };
    let rules = [
        Rule::of([within(Field::Saddr(Ipv4), LOOPBACK), Statement::Masquerade]),
        Rule::of([is(Field::Saddr(Ipv6), Value::Addr(LOCALHOST6)), Statement::Masquerade]),
        Rule::of([itself(Ipv4, "self4"), Statement::Masquerade]),
        Rule::of([itself(Ipv6, "self6"), Statement::Masquerade]),
    ];
    Chain::of("into_net", rules)
}

fn forward() -> Chain {
    let pair =
        Statement::Vmap { key: vec![Field::Iifname, Field::Oifname], map: "pair".to_owned() };
    let known = vec![(State::Established, Verdict::Accept), (State::Related, Verdict::Accept)];
    let rules = [
        Rule::of([Statement::StateVmap(known)]),
        Rule::of([pair]),
        Rule::of([Statement::CtStatusDnat, member(Field::Oifname, "br"), goto("dnatted")]),
        // From another network, or from outside to what is not published.
        Rule::of([member(Field::Oifname, "br"), COUNTER, DROP]),
        // An internal network has no egress.
        Rule::of([member(Field::Iifname, "br_int"), COUNTER, DROP]),
    ];
    Chain::of("forward", rules).hooked(Filter, Hook::Forward, FILTER)
}

/// Within a network. A virtual address that is still here had no such port or no back end, or it
/// would have been translated.
fn icc_on() -> Chain {
    let rules = [
        Rule::of([Statement::CtStatusDnat, ACCEPT]),
        Rule::of([member(Field::Daddr(Ipv4), "vip4"), goto("refuse")]),
        Rule::of([member(Field::Daddr(Ipv6), "vip6"), goto("refuse")]),
        Rule::of([ACCEPT]),
    ];
    Chain::of("icc_on", rules)
}

/// The kernel limits the rate of ICMP errors, not of TCP resets.
fn refuse() -> Chain {
    let rules = [
        Rule::of([is(Field::L4proto, Value::Proto(6)), Statement::Reject(Reject::TcpReset)]),
        Rule::of([Statement::Reject(Reject::PortUnreachable)]),
    ];
    Chain::of("refuse", rules)
}

/// Within a network whose containers may reach each other's published ports only.
fn icc_off() -> Chain {
    let rules = [Rule::of([Statement::CtStatusDnat, ACCEPT]), Rule::of([COUNTER, DROP])];
    Chain::of("icc_off", rules)
}

/// To a published port, from anywhere but its own network. Virtual addresses are for their own
/// network, which `pair` has accepted before.
fn dnatted() -> Chain {
    let rules = [
        Rule::of([member(Field::OriginalDaddr(Ipv4), "vip4"), COUNTER, DROP]),
        Rule::of([member(Field::OriginalDaddr(Ipv6), "vip6"), COUNTER, DROP]),
        Rule::of([member(Field::Iifname, "br_int"), COUNTER, DROP]),
        Rule::of([ACCEPT]),
    ];
    Chain::of("dnatted", rules)
}

/// The host routes siblings' packets back out where they came in, and would tell them so.
fn output() -> Chain {
    let redirect =
        |family| Rule::of([member(Field::Oifname, "br"), Statement::IcmpRedirect(family), DROP]);
    let rules = [
        redirect(Ipv4),
        redirect(Ipv6),
        Rule::of([member(Field::Daddr(Ipv4), "vip4"), goto("refuse")]),
        Rule::of([member(Field::Daddr(Ipv6), "vip6"), goto("refuse")]),
    ];
    Chain::of("output", rules).hooked(Filter, Hook::Output, FILTER)
}

pub(super) fn test(field: Field, test: Test) -> Statement {
    Statement::Match { key: vec![field], test }
}

pub(super) fn is(field: Field, value: Value) -> Statement {
    test(field, Test::Is(value))
}

pub(super) fn is_not(field: Field, value: Value) -> Statement {
    test(field, Test::IsNot(value))
}

pub(super) fn within(field: Field, prefix: IpNet) -> Statement {
    test(field, Test::Within(prefix))
}

pub(super) fn member(field: Field, set: &str) -> Statement {
    test(field, Test::In(set.to_owned()))
}

pub(super) fn jump(chain: &str) -> Statement {
    Statement::Verdict(Verdict::Jump(chain.to_owned()))
}

pub(super) fn goto(chain: &str) -> Statement {
    Statement::Verdict(Verdict::Goto(chain.to_owned()))
}

pub(super) fn dnat(family: Family, key: Vec<Field>, map: &str) -> Statement {
    Statement::Dnat { family, key, map: map.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every jump leads to a chain, every look-up to a set: the kernel would refuse the table.
    #[test]
    fn every_name_is_declared() {
        let table = table("netberth");
        let text = table.to_string();
        for word in text.split_whitespace().filter(|word| word.starts_with('@')) {
            assert!(table.set(&word[1..]).is_some(), "{word}");
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        for pair in words.windows(2).filter(|pair| ["goto", "jump"].contains(&pair[0])) {
            assert!(table.chains.iter().any(|chain| chain.name == pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn the_document_is_the_table() {
        let text = table("netberth").to_string();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules/netberth.nft");
        if std::env::var_os("NETBERTH_BLESS").is_some() {
            std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
            std::fs::write(path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), text, "NETBERTH_BLESS=1 rewrites it");
    }
}
