//! How a binding stands at its node, as fields of an answer.

use control::fleet::BindingState;

use super::super::delay;
use crate::catalogue::prelude::*;

/// The one word for it.
pub(super) fn word(state: &BindingState) -> &'static str {
    match state {
        BindingState::NodeGone => "NodeGone",
        BindingState::Pending(_) => "Pending",
        BindingState::NotInForce(_) => "NotInForce",
        BindingState::Absent => "Absent",
        BindingState::Enforced => "Enforced",
    }
}

/// What there is to say about it.
pub(super) fn message(state: &BindingState) -> Option<String> {
    Some(match state {
        BindingState::NodeGone => "its node is Gone: it is not known what is in force there".into(),
        BindingState::Pending(delay) => format!("its node has not confirmed it: {}", delay::text(delay)),
        BindingState::NotInForce(message) => message.to_string(),
        BindingState::Absent => {
            "its node has no such device: nothing is enforced before there is one; where the name is wrong, unbind the network interface and bind it again".into()
        }
        BindingState::Enforced => return None,
    })
}

/// Adds how a binding stands.
pub(super) fn put(shown: &mut Answer, state: &BindingState) {
    shown.insert("Status".into(), json!(word(state)));
    if let Some(message) = message(state) {
        shown.insert("StatusMessage".into(), json!(message));
    }
}

#[cfg(test)]
mod tests {
    use control::fleet::Delay;

    use super::*;
    use crate::catalogue::{Product, find};

    #[test]
    fn every_state_is_named_where_it_is_described() {
        let states = [
            BindingState::NodeGone,
            BindingState::Pending(Delay::NotAnswered),
            BindingState::NotInForce("it is closed".into()),
            BindingState::Absent,
            BindingState::Enforced,
        ];
        let operation = find(Product::Ravelin, "DescribeNetworkInterfaceBindings").unwrap();
        for state in states {
            let mut shown = Answer::new();
            put(&mut shown, &state);
            let word = shown["Status"].as_str().unwrap();
            assert!(operation.description.contains(&format!("`{word}`")), "{word}");
            assert_eq!(shown.contains_key("StatusMessage"), state != BindingState::Enforced);
        }
    }
}
