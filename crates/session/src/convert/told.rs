//! What nodes are told.

use control::fleet::{DropPlace, DropsFrom, Question, Told};
use protocol::{
    desired::{to_delta, to_snapshot},
    node::{self, question, to_node::Message},
};

/// What a node is told, as a message.
pub(crate) fn to_node(told: &Told) -> node::ToNode {
    let message = match told {
        Told::Snapshot { generation, run, desired, obey_regression } => {
            let snapshot = to_snapshot(*generation, desired);
            Message::Snapshot(node::Snapshot { run: *run, obey_regression: *obey_regression, ..snapshot })
        }
        Told::Delta { from, generation, run, delta } => {
            Message::Delta(node::Delta { run: *run, ..to_delta(*from, *generation, delta) })
        }
        Told::Current { generation, run } => {
            Message::Current(node::Current { generation: *generation, run: *run })
        }
        Told::Question { id, question } => {
            Message::Question(node::Question { id: *id, question: Some(asked(question)) })
        }
    };
    node::ToNode { message: Some(message) }
}

fn asked(question: &Question) -> question::Question {
    match question {
        Question::Flows { interface, most, filter } => question::Question::Flows(node::FlowsQuestion {
            network_interface_id: interface.to_string(),
            most: *most,
            protocol: filter.protocol.map(u32::from),
            remote_prefix: filter.remote.map(|prefix| prefix.to_string()).unwrap_or_default(),
            port: filter.port.map(u32::from),
            alive: filter.alive,
        }),
        Question::Drops { interface, from, most, wait } => {
            let latest = *from == DropsFrom::Latest;
            let place = match from {
                DropsFrom::After(place) => *place,
                DropsFrom::Latest => DropPlace { process: 0, place: 0 },
            };
            question::Question::Drops(node::DropsQuestion {
                network_interface_id: interface.map(|id| id.to_string()).unwrap_or_default(),
                after: place.place,
                most: *most,
                wait_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX),
                process: place.process,
                latest,
            })
        }
        Question::Counters { interface } => question::Question::Counters(node::CountersQuestion {
            network_interface_id: interface.to_string(),
        }),
    }
}
