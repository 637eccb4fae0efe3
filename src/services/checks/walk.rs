//! What a foreign chain does with a packet of ours: a reading that is bounded, and careful. What
//! cannot be told of a rule is taken for a condition that the packet does not meet.

use crate::plan::rules::{
    Element, Family, Field, ListedChain, ListedRule, ListedTable, Part, State, Statement, Test,
    Value, Verdict,
};

/// The kernel's own limit (`NFT_JUMP_STACK_SIZE`).
const DEPTH: usize = 16;
/// Rules looked at for one packet: what is longer has not been understood.
const RULES: usize = 100_000;

/// Where a packet comes from or goes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Device<'a> {
    /// A bridge of ours.
    Ours(&'a str),
    /// Neither of ours nor loopback.
    Outside,
    /// The host itself: there is no device.
    Nowhere,
}

/// A packet, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) family: Family,
    pub(super) from: Device<'a>,
    pub(super) to: Device<'a>,
    pub(super) state: State,
    /// Its destination was translated.
    pub(super) dnat: bool,
    /// The device by which the outside is reached, where there is a default route.
    pub(super) carrier: Option<&'a str>,
    /// Every bridge of ours: the outside is none of them.
    pub(super) bridges: &'a [&'a str],
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Accepted,
    Dropped,
    /// The chain says nothing: on with the one that jumped here.
    Open,
}

/// Whether a base chain lets the packet go on.
pub(super) fn accepts(table: &ListedTable, chain: &ListedChain, packet: &Packet<'_>) -> bool {
    let mut left = RULES;
    match through(table, chain, packet, DEPTH, &mut left) {
        End::Accepted => true,
        End::Dropped => false,
        End::Open => !chain.base.as_ref().is_some_and(|base| base.drops),
    }
}

fn through(
    table: &ListedTable,
    chain: &ListedChain,
    packet: &Packet<'_>,
    depth: usize,
    left: &mut usize,
) -> End {
    let into = |name: &str, left: &mut usize| match (table.chain(name), depth.checked_sub(1)) {
        (Some(next), Some(depth)) => through(table, next, packet, depth, left),
        _ => End::Open,
    };
    for rule in &chain.rules {
        let Some(fewer) = left.checked_sub(1) else { return End::Dropped };
        *left = fewer;
        match decision(table, rule, packet) {
            None => {}
            Some(Verdict::Accept) => return End::Accepted,
            Some(Verdict::Drop) => return End::Dropped,
            Some(Verdict::Return) => return End::Open,
            Some(Verdict::Goto(name)) => return into(&name, left),
            Some(Verdict::Jump(name)) => match into(&name, left) {
                End::Open => {}
                end => return end,
            },
        }
    }
    End::Open
}

/// The verdict of a rule that the packet certainly meets.
fn decision(table: &ListedTable, rule: &ListedRule, packet: &Packet<'_>) -> Option<Verdict> {
    for part in &rule.parts {
        match part {
            Part::Passes | Part::Known(Statement::Counter) => {}
            Part::Reject | Part::Known(Statement::Reject(_)) => return Some(Verdict::Drop),
            Part::Known(Statement::Verdict(verdict)) => return Some(verdict.clone()),
            Part::Known(Statement::StateVmap(cases)) => {
                let case = cases.iter().find(|(state, _)| *state == packet.state);
                return case.map(|(_, verdict)| verdict.clone());
            }
            Part::Known(Statement::Vmap { key, map }) => {
                let [field] = key.as_slice() else { return None };
                return led_to(table, map, packet.device(*field)?);
            }
            Part::Known(statement) if packet.meets(table, statement) == Some(true) => {}
            Part::Known(_) | Part::Nat | Part::Other(_) => return None,
        }
    }
    None
}

/// Where a map leads for a device of ours.
fn led_to(table: &ListedTable, map: &str, device: Device<'_>) -> Option<Verdict> {
    let Device::Ours(name) = device else { return None };
    let set = table.set(map).filter(|set| set.unread == 0)?;
    let found = set.elements.iter().find(|element| is_key(element, name))?;
    match found.data.as_slice() {
        [Value::Goto(chain)] => Some(Verdict::Goto(chain.clone())),
        [Value::Jump(chain)] => Some(Verdict::Jump(chain.clone())),
        _ => None,
    }
}

fn is_key(element: &Element, name: &str) -> bool {
    matches!(element.key.as_slice(), [Value::Ifname(key)] if key == name)
}

/// Whether a name, or one that ends in `*`, is a device's.
fn covers(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

impl<'a> Packet<'a> {
    fn device(&self, field: Field) -> Option<Device<'a>> {
        match field {
            Field::Iifname => Some(self.from),
            Field::Oifname => Some(self.to),
            _ => None,
        }
    }

    /// Whether it meets a condition, where that can be told.
    fn meets(&self, table: &ListedTable, statement: &Statement) -> Option<bool> {
        match statement {
            Statement::Nfproto(family) => Some(*family == self.family),
            Statement::CtState(states) => Some(states.contains(&self.state)),
            Statement::CtStatusDnat => Some(self.dnat),
            Statement::Match { key, test } => {
                let [field] = key.as_slice() else { return None };
                self.passes(table, self.device(*field)?, test)
            }
            _ => None,
        }
    }

    fn passes(&self, table: &ListedTable, device: Device<'_>, test: &Test) -> Option<bool> {
        match test {
            Test::Is(Value::Ifname(pattern)) => self.is(device, pattern),
            Test::IsNot(Value::Ifname(pattern)) => self.is(device, pattern).map(|is| !is),
            Test::In(set) => self.among(table, device, set),
            Test::NotIn(set) => self.among(table, device, set).map(|is| !is),
            _ => None,
        }
    }

    fn is(&self, device: Device<'_>, pattern: &str) -> Option<bool> {
        match device {
            Device::Ours(name) => Some(covers(pattern, name)),
            Device::Nowhere => Some(pattern == "*"),
            Device::Outside if pattern == "*" => Some(true),
            Device::Outside => {
                let ours = || self.bridges.iter().any(|bridge| covers(pattern, bridge));
                let unknown = || (pattern == "lo" || ours()).then_some(false);
                self.carrier.map_or_else(unknown, |carrier| Some(covers(pattern, carrier)))
            }
        }
    }

    fn among(&self, table: &ListedTable, device: Device<'_>, set: &str) -> Option<bool> {
        let set = table.set(set)?;
        let name = match device {
            Device::Ours(name) => name,
            Device::Outside => self.carrier?,
            Device::Nowhere => return Some(false),
        };
        let found = set.elements.iter().any(|element| is_key(element, name));
        (found || set.unread == 0).then_some(found)
    }
}
