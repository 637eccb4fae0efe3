//! A sequence that goes wrong, made as short and as plain as it goes wrong still.

use proptest_state_machine::ReferenceStateMachine;

use super::ops::{Joiner, Machine, Op, Place, Ports, Spec};
use super::state::Model;

/// `again` plays a sequence, and says after how many calls it went wrong, and how, if it did.
pub(crate) fn shortest(
    ops: &[Op],
    how: String,
    again: impl Fn(&[Op]) -> Option<(usize, String)>,
) -> (Vec<Op>, String) {
    let (mut ops, mut how) = (ops.to_vec(), how);
    let mut try_it = |ops: &mut Vec<Op>, fewer: Vec<Op>| {
        let wrong = if may_be(&fewer) { again(&fewer) } else { None };
        let Some((calls, text)) = wrong else { return false };
        *ops = fewer[..calls].to_vec();
        how = text;
        true
    };
    // First halves of it, then quarters: most calls have nothing to do with it.
    let mut size = ops.len() / 2;
    while size > 0 {
        let (mut at, mut fewer) = (ops.len().saturating_sub(1), false);
        while at > 0 {
            let start = at.saturating_sub(size);
            let without = [&ops[..start], &ops[at..]].concat();
            fewer |= try_it(&mut ops, without);
            at = start.min(ops.len().saturating_sub(1));
        }
        size = if size == 1 && fewer { 1 } else { size / 2 };
    }
    for index in (0..ops.len()).rev() {
        for plain in ops.get(index).map(plainer).unwrap_or_default() {
            let mut others = ops.clone();
            others[index] = plain;
            if try_it(&mut ops, others) {
                break;
            }
        }
    }
    (ops, how)
}

/// Whether it could have come by chance.
fn may_be(ops: &[Op]) -> bool {
    let mut model = Model::new();
    ops.iter().all(|op| {
        let may = Machine::preconditions(&model, op);
        model.play(op);
        may
    })
}

/// The same call with less of what may be asked for.
fn plainer(op: &Op) -> Vec<Op> {
    let of_spec = |spec: &Spec| {
        let plain = Spec { ports: Ports::Nothing, fixed: None, alias: false, priority: 0, ..*spec };
        [plain, Spec { ports: spec.ports, ..plain }, Spec { fixed: spec.fixed, ..plain }]
    };
    let of_joiner = |joiner: &Joiner| Joiner { place: Place::Own, named: false, ..*joiner };
    match op {
        Op::EndpointCreate(on, spec) => {
            of_spec(spec).into_iter().map(|spec| Op::EndpointCreate(on, spec)).collect()
        }
        Op::Publish(on, spec, balance) => {
            of_spec(spec).into_iter().map(|spec| Op::Publish(on, spec, balance)).collect()
        }
        Op::Join(on, name, joiner) => vec![Op::Join(on, name, of_joiner(joiner))],
        Op::Attach(service, joiner) => vec![Op::Attach(service, of_joiner(joiner))],
        Op::JoinMany(atomic, items) => {
            let one = |item| Op::JoinMany(*atomic, vec![item]);
            items.iter().copied().map(one).collect()
        }
        _ => Vec::new(),
    }
}
