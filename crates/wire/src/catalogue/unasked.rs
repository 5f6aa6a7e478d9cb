//! Why a node was asked for a caller and there is no answer, as a fault that names the node.

use control::fleet::{AskError, Delay, NodeStanding};

use super::{ErrorCode, Fault, Inquiry, error_code as code};
use crate::operations::delay;

/// The codes that every operation has which asks a node.
pub(crate) const ERRORS: &[&ErrorCode] = &[
    &code::INTERFACE_NOT_FOUND,
    &code::INTERFACE_NOT_BOUND,
    &code::NODE_NOT_CONNECTED,
    &code::NODE_NOT_ANSWERING,
    &code::NODE_BUSY,
    &code::NODE_CANNOT_SAY,
];

/// The fault for why there is no answer.
pub(crate) fn fault_of_asking(inquiry: &Inquiry, standing: &NodeStanding, error: &AskError) -> Fault {
    let node = format!("node {} ({})", inquiry.node, inquiry.node_name);
    match error {
        AskError::NotConnected => {
            let since = standing.disconnected_at;
            let delay = since.map_or(Delay::NeverConnected, |since| Delay::NotConnected { since });
            Fault::with(
                &code::NODE_NOT_CONNECTED,
                &format!("{node} cannot be asked: {}", delay::text(&delay)),
            )
        }
        AskError::Deadline => {
            Fault::with(&code::NODE_NOT_ANSWERING, &format!("{node} has not answered in time"))
        }
        AskError::Busy => Fault::with(
            &code::NODE_BUSY,
            &format!("{node} is asked too many questions at the same time; ask again in a moment"),
        ),
        AskError::Failed(why) => Fault::with(&code::NODE_CANNOT_SAY, &format!("{node} cannot say: {why}")),
        AskError::Stopping => Fault::of(&code::SERVICE_UNAVAILABLE),
    }
}
