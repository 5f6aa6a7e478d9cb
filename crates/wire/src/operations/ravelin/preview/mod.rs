//! Previews: what a change would do, without doing it. One operation for each change that has one, with the very parameters
//! and errors of it.

mod shown;

use std::time::Duration;

use control::preview::{PreviewBounds, PreviewError, PreviewWish};

pub(super) use self::shown::piece_text;
use super::super::ens;
use crate::catalogue::{ErrorCode, fault_of, prelude::*};

/// How long nodes may take to answer, in seconds, where nothing else is asked for.
const WAIT_SECONDS: usize = 2;

const FLOW_WAIT: Parameter = Parameter::optional(
    "FlowWaitSeconds",
    Kind::Integer { min: 0, max: 10 },
    "For how many seconds nodes may take to say which flows they have; 2 where it is not given, 0: they are not asked.",
    "2",
);

const DESCRIPTION: &str = "Nothing is changed. The change is planned as the real one would be: where that would be refused, this is, with the same error.\n\n`Policies` has what would differ for the network interfaces concerned: those that are in the same security groups before and after stand together, and what differs for them is computed once, exactly, by the evaluator that enforcement is tested against. It is a list of pieces, none of which overlaps another and no two of which could be one: which way packets go, whether they would be accepted (Opens) or dropped (Closes) from then on, of which protocols, from where and to where. `Family` is IPv4, IPv6, or any: packets of both, such as all UDP for port 53. An empty list of prefixes or ports is all of them; a list has up to 1,000 entries, and all lists of an answer together some 20,000, from where on each has up to 32; `...Count` says how long a list is where it is cut. `Text` has the first 4 of each list and how many more there are. Of more pieces than are listed, those that close something are listed first; `OpeningPieceCount` and `ClosingPieceCount` count all. Where `Whole` is false, because it would have taken too much work to find all, there may be more than is listed and counted.\n\n`Flows` has the flows that run at the interfaces now, as their nodes say, and what would become of each: Cut, Revived (it was cut before, and would live again) or Continues; those that would be cut stand first, and of them those with the address that the caller calls from (`Own`): whether one of them is the connection that the caller works over is not known. Of more than 200 flows some of each fate are listed; the counts are of all. A TCP flow that both sides have ended, or one has reset, and that has been silent for 5 seconds is neither cut nor revived: nothing more is expected of it. A node that does not answer in time is named, with the reason, and `FlowsWhole` is false.\n\n`Warnings` say in plain words what one should know first, for programs with a code: OwnConnectionCut, OwnAccessEnds, LastGroup, AcceptsNothing, NothingDiffers, NobodyConcerned, NotEnforced, DifferenceNotWhole, InterfacesLeftOut, NodeSilent, FlowsLeftOut.";

/// What a Leave can be refused for; the vendor's table of it has more, which no Leave ever is.
const LEAVE_ERRORS: &[&ErrorCode] = &[
    &code::SECURITY_GROUP_NOT_FOUND,
    &code::INCORRECT_INSTANCE_STATUS,
    &code::INSTANCE_NOT_FOUND,
    &code::INTERFACE_NOT_FOUND,
];

/// The same of a Join.
const JOIN_ERRORS: &[&ErrorCode] = &[
    &code::SECURITY_GROUP_NOT_FOUND,
    &code::RULE_LIMIT,
    &code::INCORRECT_INSTANCE_STATUS,
    &code::INSTANCE_NOT_FOUND,
    &code::INTERFACE_NOT_FOUND,
    &code::INVALID_ENI_STATUS,
    &code::GROUP_LIMIT,
    &code::MEMBER_LIMIT,
];

/// The parameters of an operation, and how long nodes may take.
const fn with_wait<const N: usize>(own: &[Parameter]) -> [Parameter; N] {
    assert!(own.len() + 1 == N, "one parameter more");
    let mut all = [FLOW_WAIT; N];
    let mut place = 0;
    while place < own.len() {
        all[place] = own[place];
        place += 1;
    }
    all
}

macro_rules! previews {
    ($($name:ident of $of:ident, $text:literal, $count:literal, $errors:expr, $summary:literal;)*) => {$(
        pub(super) static $name: Operation = Operation {
            product: Product::Ravelin,
            name: concat!("Preview", $text),
            family: "preview",
            summary: $summary,
            description: DESCRIPTION,
            methods: Methods::GetOrPost,
            parameters: &with_wait::<$count>(ens::$of.parameters),
            exactly_one: ens::$of.exactly_one,
            answer: shown::ANSWER,
            errors: $errors,
            ram: Ram::all(concat!("ravelin:Preview", $text), Access::Get),
            handler: Handler::Survey(|call, control| Box::pin(preview(call, control, &ens::$of))),
        };
    )*};
}

previews! {
    LEAVE of LEAVE_SECURITY_GROUP, "LeaveSecurityGroup", 4, LEAVE_ERRORS,
        "Shows what LeaveSecurityGroup would do: which packets and which flows would stop.";
    JOIN of JOIN_SECURITY_GROUP, "JoinSecurityGroup", 4, JOIN_ERRORS,
        "Shows what JoinSecurityGroup would do: which packets would pass from then on, and which would stop.";
    AUTHORIZE of AUTHORIZE_SECURITY_GROUP, "AuthorizeSecurityGroup", 8, ens::AUTHORIZE_SECURITY_GROUP.errors,
        "Shows what AuthorizeSecurityGroup would do to all members of the group.";
    AUTHORIZE_EGRESS of AUTHORIZE_SECURITY_GROUP_EGRESS, "AuthorizeSecurityGroupEgress", 8, ens::AUTHORIZE_SECURITY_GROUP_EGRESS.errors,
        "Shows what AuthorizeSecurityGroupEgress would do to all members of the group.";
    REVOKE of REVOKE_SECURITY_GROUP, "RevokeSecurityGroup", 8, ens::REVOKE_SECURITY_GROUP.errors,
        "Shows what RevokeSecurityGroup would do to all members of the group.";
    REVOKE_EGRESS of REVOKE_SECURITY_GROUP_EGRESS, "RevokeSecurityGroupEgress", 8, ens::REVOKE_SECURITY_GROUP_EGRESS.errors,
        "Shows what RevokeSecurityGroupEgress would do to all members of the group.";
    CREATE_PERMISSIONS of CREATE_SECURITY_GROUP_PERMISSIONS, "CreateSecurityGroupPermissions", 3, ens::CREATE_SECURITY_GROUP_PERMISSIONS.errors,
        "Shows what CreateSecurityGroupPermissions would do to all members of the group.";
    DELETE_PERMISSIONS of DELETE_SECURITY_GROUP_PERMISSIONS, "DeleteSecurityGroupPermissions", 3, ens::DELETE_SECURITY_GROUP_PERMISSIONS.errors,
        "Shows what DeleteSecurityGroupPermissions would do to all members of the group.";
}

/// Previews the change that an operation would make.
async fn preview(
    call: &Call<'_>,
    control: &control::Control,
    of: &'static Operation,
) -> Result<Answer, Fault> {
    let Handler::Change { command, .. } = of.handler else { return Err(Fault::of(&code::INTERNAL_ERROR)) };
    let seconds = call.arguments.count("FlowWaitSeconds", WAIT_SECONDS);
    let wish = PreviewWish {
        actor: call.actor,
        command: command(call)?,
        source: call.source,
        flow_wait: Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
        bounds: PreviewBounds::default(),
    };
    match control.preview(wish).await {
        Ok(preview) => Ok(shown::shown(&preview, call.source)),
        Err(PreviewError::Refused(refusal)) => Err(fault_of(&refusal, of)),
        Err(PreviewError::Unavailable(_)) => Err(Fault::of(&code::SERVICE_UNAVAILABLE)),
    }
}
