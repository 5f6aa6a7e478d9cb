//! `DescribeNetworkInterfaceDrops`.

use std::time::Duration;

use control::fleet::{self, DropPlace, DropsFrom, NodeDrop, NodeStanding, Question};

use super::{
    asking::{self, MAX_RESULTS, most},
    parameters::{INTERFACE_EXAMPLE, INTERFACE_ID, NODE_EXAMPLE},
};
use crate::catalogue::{ERRORS_OF_ASKING, prelude::*};

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DescribeNetworkInterfaceDrops",
    family: "traffic",
    summary: "Shows which packets of a network interface are dropped, and why; once, or as they come.",
    description: "The node to which the interface is bound is asked. `DroppedPackets` counts every packet that was dropped there since the interface was bound to its device, by reason. `Drops` are samples of them, the oldest first: one in 100 milliseconds at an interface at most, so that a flood costs nothing; the agent keeps the last 10,000 of its node.\n\nWithout `NextToken` the last ones are listed; with the `NextToken` of an answer those that came after it. To follow, call again and again with the newest `NextToken` and `WaitSeconds`: the answer comes with the first sample, or empty when the time is over. `LostCount` says how many samples of the node, of whichever interface, were overwritten before they were read; `Restarted` that the agent was restarted, or the interface bound to another node, so that what came between is not known and everything is listed that there is now.\n\n`Direction` is the way of the packet: `ingress` to the interface, `egress` from it. `Packet` is the packet as one line, where it was one of IP that could be read; otherwise `EtherType` says what it was. `DecidedBy` is there where rules were asked: Rule, with the rule and its security group, or NoRule, where no rule accepts it. The reasons are explained in `docs/dataplane.md` and by `ravelin drops --help`; `ravelin drops --follow` shows them as they come.",
    methods: Methods::GetOrPost,
    parameters: &[
        INTERFACE_ID,
        Parameter::optional(
            "NextToken",
            Kind::form(1, 40, Form::DROP_TOKEN),
            "Samples after those of the answer that this token is of.",
            "5f3c0e9d5f3c0e9d.7",
        ),
        MAX_RESULTS,
        Parameter::optional(
            "WaitSeconds",
            Kind::Integer { min: 0, max: WAIT_SECONDS_MAX },
            "For how many seconds the answer waits for the first sample where there is none yet; 0 where it is not given.",
            "20",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::text("NetworkInterfaceId", INTERFACE_EXAMPLE),
        Field::text("NodeId", NODE_EXAMPLE),
        Field::text("NodeName", "rack-7"),
        Field::integer("ConfirmedGeneration", "42"),
        Field::integer("DroppedPacketCount", "3"),
        Field::text("DroppedPackets.DroppedPacket[].Reason", "implicit"),
        Field::integer("DroppedPackets.DroppedPacket[].Count", "3"),
        Field::text("NextToken", "5f3c0e9d5f3c0e9d.7"),
        Field::integer("LostCount", "0"),
        Field::boolean("Restarted", "false"),
        Field::text("Drops.Drop[].Time", "2026-11-22T03:12:05Z"),
        Field::integer("Drops.Drop[].UnixMilliseconds", "1795317125123"),
        Field::text("Drops.Drop[].Direction", "ingress"),
        Field::text("Drops.Drop[].Packet", "tcp 10.0.0.9:50396 > 10.0.0.5:22"),
        Field::text("Drops.Drop[].EtherType", "0x88cc"),
        Field::integer("Drops.Drop[].Length", "74"),
        Field::text("Drops.Drop[].Reason", "rule"),
        Field::text("Drops.Drop[].DecidedBy", "Rule"),
        Field::text("Drops.Drop[].SecurityGroupId", "sg-5g9w3n8y4laeb2ii9zxxltlvz"),
        Field::text("Drops.Drop[].Rule", "ingress drop tcp to port 22"),
    ],
    errors: ERRORS_OF_ASKING,
    ram: Ram::all("ravelin:DescribeNetworkInterfaceDrops", Access::List),
    handler: Handler::Ask { inquiry, answer },
};

/// The longest that an answer waits, in seconds.
const WAIT_SECONDS_MAX: i64 = fleet::ANSWER_WAIT_MAX.as_secs().cast_signed();

fn inquiry(call: &Call<'_>, state: &State) -> Result<Inquiry, Fault> {
    let arguments = call.arguments;
    let from = match arguments.text("NextToken") {
        Some(token) => DropsFrom::After(read_token(token).ok_or_else(|| Fault::malformed("NextToken"))?),
        None => DropsFrom::Latest,
    };
    let seconds = arguments.integer("WaitSeconds").and_then(|seconds| u64::try_from(seconds).ok());
    let wait = Duration::from_secs(seconds.unwrap_or(0));
    let most = most(arguments);
    asking::inquiry(call, state, |interface| Question::Drops { interface: Some(interface), from, most, wait })
}

/// The place that a token stands for.
pub(crate) fn read_token(token: &str) -> Option<DropPlace> {
    let (process, place) = token.split_once('.')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !plain(process) || !plain(place) {
        return None;
    }
    Some(DropPlace { process: u64::from_str_radix(process, 16).ok()?, place: place.parse().ok()? })
}

fn token(place: DropPlace) -> String {
    format!("{:016x}.{}", place.process, place.place)
}

fn answer(inquiry: &Inquiry, standing: &NodeStanding, told: &fleet::Answer) -> Option<Answer> {
    let fleet::Answer::Drops { drops, next, lost, restarted, dropped_packets } = told else { return None };
    let mut answer = asking::head(inquiry, standing);
    asking::put_dropped(&mut answer, dropped_packets);
    answer.insert("NextToken".into(), json!(token(*next)));
    answer.insert("LostCount".into(), json!(lost));
    answer.insert("Restarted".into(), json!(restarted));
    let own = drops.iter().filter(|drop| drop.interface == inquiry.interface);
    let shown: Vec<Value> = own.map(shown).collect();
    answer.insert("Drops".into(), json!({ "Drop": shown }));
    Some(answer)
}

fn shown(drop: &NodeDrop) -> Value {
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("Time", json!(drop.at.to_text()));
    put("UnixMilliseconds", json!(drop.at.0));
    put("Direction", json!(asking::direction(drop.direction)));
    if let Some(packet) = drop.packet_text() {
        put("Packet", json!(packet));
    }
    if let Some(ethertype) = drop.ethertype {
        put("EtherType", json!(format!("{ethertype:#06x}")));
    }
    put("Length", json!(drop.length));
    put("Reason", json!(drop.reason));
    asking::put_decision(&mut shown, drop.decision, (drop.rule, &drop.rule_text));
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_place_of_a_process() {
        for place in [(1, 0), (u64::MAX, u64::MAX), (0x5f3c, 10)] {
            let place = DropPlace { process: place.0, place: place.1 };
            assert_eq!(read_token(&token(place)), Some(place));
        }
        for wrong in ["", ".", "1", "1.", ".1", "1.x", "g.1", "1.1.1", "+1.1", "1.-1", "11111111111111111.1"]
        {
            assert_eq!(read_token(wrong), None, "{wrong}");
        }
    }
}
