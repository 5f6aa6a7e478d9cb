//! The Leave: what it cuts, when, and what it leaves alone.

use std::time::SystemTime;

use wire::catalogue::Product::{Ens, Ravelin};

use super::{
    super::{
        receipt::Receipt,
        scene::{Answered, Caller, Scene, Seen, Stop, done, is, shows},
        time_line::TimeLine,
        watch::{Sight, Watched},
    },
    Cast, RECORDS, closed, sights,
};

/// Tells it. Gives the flows that go on.
pub(super) fn tell(
    scene: &mut Scene,
    root: &Caller,
    cast: &Cast,
    flows: Vec<Watched>,
) -> Result<Vec<Watched>, Stop> {
    scene.narrator.part("Leave: what no other group permits is cut, the rest goes on");
    let target = [("SecurityGroupId", cast.web.as_str()), ("InstanceId", &cast.server)];
    let title = "Leave the first group; the answer comes when the host has read it back from its kernel";
    let left = scene.enforce(root, title, (Ens, "LeaveSecurityGroup"), &target, done)?;
    // What is sent from here on is sent after the answer.
    let then: Vec<Sight> = flows.iter().map(Watched::look).collect();
    let generation = left.reply.generation.unwrap_or_default().to_string();
    let told = scene.call(
        root,
        "Which hosts it concerned, and which of them have it in force",
        (Ravelin, "DescribeEnforcement"),
        &[("Generation", &generation)],
        |reply| is(reply, "State", &["Confirmed"]).and(shows(reply, &["State", "Nodes.Node[].NodeId"])),
    )?;
    let (cut, kept): (Vec<Watched>, Vec<Watched>) = flows.into_iter().partition(|flow| flow.group == "web");
    let kept_seen: Vec<Sight> = kept.iter().map(|flow| flow.go_on(RECORDS)).collect();
    let cut_seen: Vec<Sight> = cut.into_iter().map(|flow| flow.abandon(RECORDS)).collect();
    scene.look("When it happened", "one clock: this machine's", || {
        Ok(when(&left, Receipt::read(&told.body, left.asked, left.answered), &cut_seen))
    })?;
    scene.look("What was cut: not one record that was sent after the answer arrived", "", || {
        Ok(cut_off(&then, &cut_seen))
    })?;
    scene.look("What the other group keeps alive has lost nothing", "", || {
        let lost: u64 = kept_seen.iter().map(Sight::missing).sum();
        let result = if lost == 0 {
            Ok("lost: 0; what has not come back yet was under way".into())
        } else {
            Err(format!("expected 0 lost; lost: {lost}"))
        };
        Ok(sights(&kept_seen, result))
    })?;
    closed(scene, cast, "Nor does a new connection get in")?;
    Ok(kept)
}

/// The time line of the change.
fn when(left: &Answered, receipt: Option<Receipt>, cut: &[Sight]) -> Seen {
    let mut line = TimeLine::begin(left.asked, "the call was made");
    if let Some(receipt) = receipt {
        line.add("durable", receipt.durable, "at the latest: the change is on disk");
        if let Some(switched) = receipt.switched {
            line.add("switched", switched, "at the latest: packets meet the new rules");
        }
        line.add("confirmed", receipt.confirmed, "the host has read it back from its kernel, and said so");
    }
    line.add("answered", left.answered, "the caller knows");
    let mut late = Vec::new();
    for sight in cut {
        let Some(last) = sight.last_arrival() else { continue };
        line.add("last packet", last, format!("of {}, as the receiver's kernel stamped it", sight.name()));
        if last > left.answered {
            late.push(sight.name().to_owned());
        }
    }
    let result = match (receipt, last_of(cut)) {
        (None, _) => Err("expected a receipt between the call and its answer; there is none".into()),
        (_, None) => Err("expected packets before the call; there was none".into()),
        _ if !late.is_empty() => {
            Err(format!("expected no packet after the answer; there was one of {}", late.join(" and ")))
        }
        (Some(_), Some(last)) => Ok(format!(
            "the last packet was {:.3} ms after the call was made, and none after its answer",
            line.milliseconds(last)
        )),
    };
    Seen { table: Some((&TimeLine::COLUMNS, line.rows())), json: ("time_line", line.as_json()), result }
}

fn last_of(sights: &[Sight]) -> Option<SystemTime> {
    sights.iter().filter_map(Sight::last_arrival).max()
}

/// The flows that were cut, as they are some time after the answer.
fn cut_off(then: &[Sight], now: &[Sight]) -> Seen {
    let mut sent = 0;
    let (mut arrived, mut idle) = (Vec::new(), Vec::new());
    for sight in now {
        let Some(before) = then.iter().find(|before| before.name() == sight.name()) else { continue };
        sent += sight.seen.sent - before.seen.sent;
        if sight.seen.sent == before.seen.sent {
            idle.push(sight.name().to_owned());
        }
        let last = sight.seen.there.last.map_or(0, |last| last.number);
        if last >= before.seen.sent {
            arrived.push(sight.name().to_owned());
        }
    }
    let result = if !idle.is_empty() {
        Err(format!("expected records to be sent after the answer; none were of {}", idle.join(" and ")))
    } else if arrived.is_empty() {
        Ok(format!("{sent} records were sent after the answer; arrived: 0"))
    } else {
        Err(format!("expected none after the answer; there are some of {}", arrived.join(" and ")))
    };
    sights(now, result)
}
