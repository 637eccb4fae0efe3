//! Rules that somebody else may have written, as far as they can be told.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::expr::{NFT_GOTO, NFT_JUMP};
use super::form;
use super::list::{OfWhat, RawSet, anonymous_key};
use super::read::Attrs;
use super::wire::*;
use crate::plan::rules::{Family, Field, Part, State, Statement, Test, Value, Verdict};

/// What a register holds.
#[derive(Clone, Debug)]
enum Source {
    Name(Field),
    /// Index of the interface that it came in by, or leaves by.
    Index(Field),
    Family,
    L4proto,
    State,
    Status,
    Dport,
    Masked(Box<Source>, Vec<u8>),
    Other(String),
}

/// Reads the expressions of one rule, in order.
pub(super) struct Reader<'a> {
    sets: &'a BTreeMap<String, RawSet>,
    registers: BTreeMap<u32, Source>,
    parts: Vec<Part>,
    form: String,
}

/// The rule as text to compare, and its parts.
pub(super) fn read(expressions: Attrs<'_>, sets: &BTreeMap<String, RawSet>) -> (String, Vec<Part>) {
    let mut reader =
        Reader { sets, registers: BTreeMap::new(), parts: Vec::new(), form: String::new() };
    for one in expressions {
        let name = one.attrs().str(NFTA_EXPR_NAME).unwrap_or_default();
        let data = one.attrs().get(NFTA_EXPR_DATA).map_or(Attrs(&[]), |data| data.attrs());
        reader.expression(name, &data);
    }
    (reader.form, reader.parts)
}

/// Registers of 16 bytes are numbered from 1, of 4 bytes from 8: as a count of 4 bytes.
fn register(number: Option<u32>) -> u32 {
    match number.unwrap_or_default() {
        0 => u32::MAX,
        wide @ 1..=7 => (wide - 1) * 4,
        narrow => narrow - 8,
    }
}

impl Reader<'_> {
    fn expression(&mut self, name: &str, data: &Attrs<'_>) {
        if name == "lookup" {
            self.lookup(data);
            return;
        }
        self.form.push_str(&form::of_expression(name, data));
        let (one, two, three) = (data.u32(1), data.u32(2), data.u32(3));
        match name {
            "meta" if three.is_some() => self.parts.push(Part::Passes),
            "meta" => self.load(one, of_meta(two)),
            "ct" if data.get(4).is_some() => self.parts.push(Part::Passes),
            "ct" => self.load(one, of_ct(two)),
            "payload" if data.get(5).is_some() => self.parts.push(Part::Passes),
            "payload" => self.load(one, of_payload(two, three, data.u32(4))),
            "bitwise" => {
                let held = self.held(one);
                let mask = value(data, 4).unwrap_or_default().to_vec();
                // Only `& MASK` keeps a meaning.
                let plain = value(data, 5).is_none_or(|xor| xor.iter().all(|byte| *byte == 0));
                let plain = plain && data.u32(6).unwrap_or_default() == 0;
                let masked = Source::Masked(Box::new(held), mask);
                self.load(two, if plain { masked } else { Source::Other("bitwise".to_owned()) });
            }
            "cmp" => {
                let value = value(data, 3).unwrap_or_default().to_vec();
                let part = compare(&self.held(one), two.unwrap_or_default(), &value);
                self.parts.push(part);
            }
            "immediate" => match register(one) {
                u32::MAX => self.parts.push(immediate(data)),
                _ => self.load(one, Source::Other("a value".to_owned())),
            },
            "match" => self.parts.push(xt_match(data)),
            "target" => self.parts.push(xt_target(data)),
            _ => self.other(name, data),
        }
    }

    fn other(&mut self, name: &str, data: &Attrs<'_>) {
        match name {
            "counter" => self.parts.push(Part::Known(Statement::Counter)),
            "log" | "notrack" | "last" | "objref" | "dup" => self.parts.push(Part::Passes),
            "masq" => self.parts.push(Part::Known(Statement::Masquerade)),
            "nat" | "redir" => self.parts.push(Part::Nat),
            "reject" => self.parts.push(Part::Reject),
            // They load: fib, numgen, hash, rt, socket, exthdr, byteorder and others.
            "fib" | "numgen" | "hash" | "rt" | "osf" | "socket" | "exthdr" | "tunnel" | "xfrm" => {
                self.load(data.u32(1), Source::Other(name.to_owned()));
            }
            "byteorder" => self.load(data.u32(2), Source::Other(name.to_owned())),
            _ => self.parts.push(Part::Other(name.to_owned())),
        }
    }

    fn load(&mut self, to: Option<u32>, source: Source) {
        self.registers.insert(register(to), source);
    }

    fn held(&self, from: Option<u32>) -> Source {
        let held = self.registers.get(&register(from)).cloned();
        held.unwrap_or_else(|| Source::Other("a value".to_owned()))
    }

    /// An anonymous set is what is in it, another is its name.
    fn lookup(&mut self, data: &Attrs<'_>) {
        let name = data.str(1).unwrap_or_default();
        let set = self.sets.get(&anonymous_key(name, data.u32(4).unwrap_or_default()));
        let leaves = |kind: u16| ![1, 4].contains(&kind);
        let rest = form::of(data.clone(), leaves, form::in_expression("lookup"));
        let shown = match set {
            Some(set) if set.anonymous => set.contents(),
            _ => format!("@{name}"),
        };
        let _ = write!(self.form, "lookup {shown}{rest};");
        let inverted = data.u32(5).unwrap_or_default() & 1 != 0;
        let verdict = data.u32(3).map(|to| register(Some(to)) == u32::MAX);
        if verdict == Some(false) {
            self.load(data.u32(3), Source::Other(format!("@{name}")));
            self.parts.push(Part::Other(format!("@{name}")));
            return;
        }
        let source = self.held(data.u32(2));
        let part = looked_up(&source, name, set, verdict.is_some(), inverted);
        self.parts.push(part);
    }
}

fn looked_up(
    source: &Source,
    name: &str,
    set: Option<&RawSet>,
    verdict: bool,
    inverted: bool,
) -> Part {
    let other = || Part::Other(format!("{} @{name}", source.word()));
    match (source, set) {
        (Source::Name(field), Some(set)) if set.of_what == OfWhat::Names => {
            // The set itself has a name even where its maker gave it none.
            let (key, name) = (vec![*field], name.to_owned());
            Part::Known(match (verdict, inverted) {
                (true, _) => Statement::Vmap { key, map: name },
                (false, false) => Statement::Match { key, test: Test::In(name) },
                (false, true) => Statement::Match { key, test: Test::NotIn(name) },
            })
        }
        (Source::State, Some(set)) if !inverted => match set.states() {
            Some(cases) if verdict => {
                let cases: Option<Vec<(State, Verdict)>> =
                    cases.into_iter().map(|(state, verdict)| Some((state, verdict?))).collect();
                cases.map_or_else(other, |cases| Part::Known(Statement::StateVmap(cases)))
            }
            Some(cases) => {
                let states = cases.into_iter().map(|(state, _)| state).collect();
                Part::Known(Statement::CtState(states))
            }
            None => other(),
        },
        _ => other(),
    }
}

impl Source {
    fn word(&self) -> String {
        match self {
            Source::Name(field) | Source::Index(field) => field.to_string(),
            Source::Family => "meta nfproto".to_owned(),
            Source::L4proto => "meta l4proto".to_owned(),
            Source::State => "ct state".to_owned(),
            Source::Status => "ct status".to_owned(),
            Source::Dport => "th dport".to_owned(),
            Source::Masked(source, _) => source.word(),
            Source::Other(what) => what.clone(),
        }
    }
}

fn of_meta(key: Option<u32>) -> Source {
    match key {
        Some(4) => Source::Index(Field::Iifname),
        Some(5) => Source::Index(Field::Oifname),
        Some(NFT_META_IIFNAME) => Source::Name(Field::Iifname),
        Some(NFT_META_OIFNAME) => Source::Name(Field::Oifname),
        Some(NFT_META_NFPROTO) => Source::Family,
        Some(NFT_META_L4PROTO) => Source::L4proto,
        _ => Source::Other("meta".to_owned()),
    }
}

fn of_ct(key: Option<u32>) -> Source {
    match key.unwrap_or_default() {
        NFT_CT_STATE => Source::State,
        NFT_CT_STATUS => Source::Status,
        _ => Source::Other("ct".to_owned()),
    }
}

fn of_payload(base: Option<u32>, offset: Option<u32>, length: Option<u32>) -> Source {
    match (base, offset, length) {
        (Some(NFT_PAYLOAD_TRANSPORT_HEADER), Some(2), Some(2)) => Source::Dport,
        (Some(NFT_PAYLOAD_NETWORK_HEADER), ..) => Source::Other("ip header".to_owned()),
        _ => Source::Other("payload".to_owned()),
    }
}

/// `NFTA_DATA_VALUE` of an attribute.
fn value<'a>(data: &Attrs<'a>, kind: u16) -> Option<&'a [u8]> {
    data.get(kind)?.attrs().get(NFTA_DATA_VALUE).map(|value| value.payload)
}

fn compare(source: &Source, op: u32, value: &[u8]) -> Part {
    let known = match (source, op) {
        (Source::Name(field), NFT_CMP_EQ) => name(value).map(|name| one(*field, Test::Is(name))),
        (Source::Name(field), NFT_CMP_NEQ) => {
            name(value).map(|name| one(*field, Test::IsNot(name)))
        }
        (Source::Index(field), NFT_CMP_EQ | NFT_CMP_NEQ) if value == 1_u32.to_ne_bytes() => {
            let lo = Value::Ifname("lo".to_owned());
            let test = if op == NFT_CMP_EQ { Test::Is(lo) } else { Test::IsNot(lo) };
            Some(one(*field, test))
        }
        (Source::Family, NFT_CMP_EQ) => match value {
            [NFPROTO_IPV4] => Some(Statement::Nfproto(Family::Ipv4)),
            [NFPROTO_IPV6] => Some(Statement::Nfproto(Family::Ipv6)),
            _ => None,
        },
        (Source::L4proto, NFT_CMP_EQ) => {
            value.first().map(|proto| one(Field::L4proto, Test::Is(Value::Proto(*proto))))
        }
        (Source::Dport, NFT_CMP_EQ) => <[u8; 2]>::try_from(value)
            .ok()
            .map(|port| one(Field::Dport, Test::Is(Value::Port(u16::from_be_bytes(port))))),
        (Source::State, NFT_CMP_EQ) => states(value).map(Statement::CtState),
        (Source::Masked(source, mask), NFT_CMP_NEQ) if value.iter().all(|byte| *byte == 0) => {
            match **source {
                Source::State => states(mask).map(Statement::CtState),
                Source::Status if *mask == IPS_DST_NAT.to_ne_bytes() => {
                    Some(Statement::CtStatusDnat)
                }
                _ => None,
            }
        }
        _ => None,
    };
    known.map_or_else(|| Part::Other(source.word()), Part::Known)
}

fn one(field: Field, test: Test) -> Statement {
    Statement::Match { key: vec![field], test }
}

/// A name, or with `*` behind it what names begin with: then its zero is not compared.
fn name(value: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(value.split(|byte| *byte == 0).next()?).ok()?;
    let whole = value.contains(&0) || value.len() >= 16;
    Some(Value::Ifname(if whole { text.to_owned() } else { format!("{text}*") }))
}

/// The states of a mask in host byte order; none where there are others.
pub(super) fn states(mask: &[u8]) -> Option<Vec<State>> {
    let mut bits = u32::from_ne_bytes(mask.try_into().ok()?);
    let all = [State::Invalid, State::Established, State::Related, State::New, State::Untracked];
    let mut found = Vec::new();
    for state in all {
        let bit = super::rule::bit(state);
        if bits & bit != 0 {
            found.push(state);
            bits &= !bit;
        }
    }
    (bits == 0 && !found.is_empty()).then_some(found)
}

fn immediate(data: &Attrs<'_>) -> Part {
    let nested = data.get(2).map(|data| data.attrs());
    let nested = nested.and_then(|data| data.get(NFTA_DATA_VERDICT)).map(|data| data.attrs());
    match nested.as_ref().and_then(verdict) {
        Some(Some(verdict)) => Part::Known(Statement::Verdict(verdict)),
        Some(None) => Part::Passes,
        None => Part::Other("a verdict".to_owned()),
    }
}

/// A verdict; `Some(None)` is `continue`.
#[expect(clippy::option_option, reason = "no verdict, one that says nothing, or one")]
pub(super) fn verdict(attrs: &Attrs<'_>) -> Option<Option<Verdict>> {
    let chain = || attrs.str(NFTA_VERDICT_CHAIN).map(str::to_owned);
    Some(Some(match i32::from_be_bytes(attrs.u32(NFTA_VERDICT_CODE)?.to_be_bytes()) {
        0 => Verdict::Drop,
        1 => Verdict::Accept,
        -1 => return Some(None),
        NFT_JUMP => Verdict::Jump(chain()?),
        NFT_GOTO => Verdict::Goto(chain()?),
        -5 => Verdict::Return,
        _ => return None,
    }))
}

/// `xt_conntrack_mtinfo`, revisions 2 and 3: eight addresses with masks, two times, one protocol and
/// four ports come before what is matched.
fn xt_match(data: &Attrs<'_>) -> Part {
    const STATE: u16 = 1;
    /// Invalid, established, related and new have the bits that they have in `nf_tables`.
    const PLAIN: u16 = 0xf;
    const DNAT: u16 = 0x80;
    let name = data.str(1).unwrap_or_default();
    let info = data.get(3).map(|info| info.payload).unwrap_or_default();
    let half = |at: usize| info.get(at..)?.first_chunk().map(|two| u16::from_ne_bytes(*two));
    let revision = data.u32(2) >= Some(2);
    match (name, half(146), half(148), half(150)) {
        ("comment", ..) => Part::Passes,
        ("conntrack", Some(STATE), Some(0), Some(DNAT)) if revision => {
            Part::Known(Statement::CtStatusDnat)
        }
        ("conntrack", Some(STATE), Some(0), Some(bits)) if revision && bits <= PLAIN => {
            let states = states(&u32::from(bits).to_ne_bytes());
            let other = || Part::Other("ct state".to_owned());
            states.map_or_else(other, |states| Part::Known(Statement::CtState(states)))
        }
        _ => Part::Other(format!("match {name}")),
    }
}

fn xt_target(data: &Attrs<'_>) -> Part {
    match data.str(1).unwrap_or_default() {
        "LOG" | "NFLOG" | "MARK" | "CONNMARK" | "CT" | "TCPMSS" | "CHECKSUM" => Part::Passes,
        "REJECT" => Part::Reject,
        "MASQUERADE" => Part::Known(Statement::Masquerade),
        "DNAT" | "SNAT" | "REDIRECT" | "NETMAP" => Part::Nat,
        other => Part::Other(format!("target {other}")),
    }
}
