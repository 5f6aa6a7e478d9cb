//! Nodes: how a host becomes one, and how it ends.

mod authority;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{Plan, USERS_NAMED, binding, draft::Draft, hosting, instance};
use crate::{
    account::{AccountId, Actor},
    change::Changes,
    command::Outcome,
    context::{Context, UnixMillis},
    id::NodeId,
    node::{
        Binding, Digest, ENFORCEMENT_WAIT_SECONDS_MAX, EnforcementWait, NODE_NAME_MAX, Node, NodeCertificate,
        NodeCommand as Command, NodeStatus, NodeToken, NodeWish, TokenText,
    },
    refusal::{CertificateFault, Kind, Refusal, TokenFault},
    state::State,
};

pub(super) fn plan(
    state: &State,
    actor: Actor,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    // Who acts for no account has no node, and makes none.
    let account = || actor.account().ok_or(Refusal::NodeNotFound);
    match command {
        Command::EstablishAuthority { certificate, key } => {
            authority::establish(state, actor, &authority::Pair { certificate, key }, context.now)
        }
        Command::ReplaceAuthority { present, certificate, key, previous } => {
            let pair = authority::Pair { certificate, key };
            authority::replace(state, actor, *present, &pair, previous.as_ref(), context.now)
        }
        Command::CreateToken { wish, valid_ms } => create_token(state, account()?, wish, *valid_ms, context),
        Command::Join { node, secret, region, name, fingerprint, expires_at } => {
            let host = Host { secret: *secret, region: region.as_deref(), name };
            join(state, itself(state, actor, *node)?, &host, (*fingerprint, *expires_at), context.now)
        }
        Command::RenewCertificate { node, under, fingerprint, expires_at } => {
            renew(state, itself(state, actor, *node)?, *under, (*fingerprint, *expires_at), context.now)
        }
        Command::Readmit { node } => {
            let node = find(state, account()?, *node)?.id;
            Ok(Plan { changes: Changes::default(), outcome: Outcome::NodeReadmitted(node) })
        }
        Command::RevokeCertificates { node } => Ok(revoke(find(state, account()?, *node)?, context.now)),
        Command::Delete { node, force } => delete(state, account()?, *node, *force, context),
        Command::ReportInstances { node, reports } => {
            hosting::report(state, itself(state, actor, *node)?, reports, context)
        }
        Command::Bind { interface, node, device, adopt_seconds } => {
            let wish = binding::Wish { node: *node, device, adopt_seconds: *adopt_seconds };
            binding::bind(state, account()?, *interface, &wish, context)
        }
        Command::Unbind { interface } => binding::unbind(state, account()?, *interface),
        Command::ModifyEnforcement { interface, source_check, allowed_prefixes } => {
            let prefixes = allowed_prefixes.as_deref();
            binding::modify_enforcement(state, account()?, *interface, *source_check, prefixes, context)
        }
        Command::ModifyEnforcementWait { seconds } => modify_wait(state, account()?, *seconds),
    }
}

/// The node, if it is the account's.
pub(super) fn find(state: &State, account: AccountId, id: NodeId) -> Result<&Arc<Node>, Refusal> {
    state.nodes().of(account, &id).ok_or(Refusal::NodeNotFound)
}

/// The node, if it is the one that acts.
fn itself(state: &State, actor: Actor, id: NodeId) -> Result<&Arc<Node>, Refusal> {
    state.nodes().get(&id).filter(|_| actor == Actor::Node(id)).ok_or(Refusal::NodeNotFound)
}

fn replaced(before: &Arc<Node>, after: Node) -> Plan {
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    Plan::done(changes)
}

fn create_token(
    state: &State,
    account: AccountId,
    wish: &NodeWish,
    valid_ms: u64,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    let authority = state.node_authority().ok_or(Refusal::NoNodeAuthority)?.fingerprint();
    let (before, mut after) = match wish {
        NodeWish::New { region, name, lab } => {
            let name = name.clone().unwrap_or_default();
            (None, Node { name, lab: *lab, ..fresh(state, account, region, context)? })
        }
        NodeWish::Again(id) => {
            let before = find(state, account, *id)?;
            (Some(before), Node::clone(before))
        }
    };
    let (made, token) = TokenText::make(after.id, authority, context.entropy);
    let expires_at = context.now.plus(valid_ms);
    let node = after.id;
    after.token = Some(NodeToken { digest: made.digest, expires_at, used_at: None });
    let mut changes = Changes::default();
    match before {
        Some(before) => changes.update(Arc::clone(before), after),
        None => changes.create(after),
    }
    Ok(Plan { changes, outcome: Outcome::NodeToken { node, token, expires_at } })
}

fn modify_wait(state: &State, account: AccountId, seconds: Option<u8>) -> Result<Plan, Refusal> {
    if seconds.is_some_and(|seconds| seconds > ENFORCEMENT_WAIT_SECONDS_MAX) {
        let reason = format!("a change waits for nodes for {ENFORCEMENT_WAIT_SECONDS_MAX} seconds at most");
        return Err(Refusal::unfit("WaitSeconds", reason));
    }
    let mut changes = Changes::default();
    match (state.enforcement_wait(account), seconds.map(|seconds| EnforcementWait { account, seconds })) {
        (None, None) => {}
        (None, Some(after)) => changes.create(after),
        (Some(before), None) => changes.remove(Arc::clone(before)),
        (Some(before), Some(after)) if **before == after => {}
        (Some(before), Some(after)) => changes.update(Arc::clone(before), after),
    }
    Ok(Plan::done(changes))
}

/// A node that nothing is known of but where it is to stand.
fn fresh(
    state: &State,
    account: AccountId,
    region: &str,
    context: &mut Context<'_>,
) -> Result<Node, Refusal> {
    if context.site.region(region).is_none() {
        return Err(Refusal::RegionNotFound);
    }
    let limit = context.limits.nodes_per_account;
    if state.nodes().count(account) >= limit {
        return Err(Refusal::Limit { kind: Kind::Node, limit });
    }
    Ok(Node {
        id: NodeId::from_entropy(context.entropy.next()),
        account,
        serial: state.next_serial(),
        region: state.symbol(region),
        name: "".into(),
        status: NodeStatus::Pending,
        lab: false,
        created_at: context.now,
        joined_at: None,
        token: None,
        certificates: [].into(),
    })
}

/// What a host that joins says of itself.
struct Host<'a> {
    secret: Digest,
    region: Option<&'a str>,
    name: &'a str,
}

/// The secret is looked at first: who does not have it learns nothing of the token. What is compared are digests: how
/// long that takes says nothing of the secret.
fn join(
    state: &State,
    before: &Arc<Node>,
    host: &Host<'_>,
    certificate: (Digest, UnixMillis),
    now: UnixMillis,
) -> Result<Plan, Refusal> {
    let refused = |fault| Err(Refusal::NodeToken(fault));
    let Some(token) = before.token.filter(|token| token.digest == host.secret) else {
        return refused(TokenFault::Unknown);
    };
    if token.used_at.is_some() {
        return refused(TokenFault::Used);
    }
    if token.expires_at <= now {
        return refused(TokenFault::Expired);
    }
    if host.region.is_some_and(|region| region != before.region.as_str()) {
        return refused(TokenFault::Region);
    }
    if !before.name.is_empty() && *before.name != *host.name {
        return refused(TokenFault::Name);
    }
    if host.name.is_empty() || host.name.chars().count() > NODE_NAME_MAX {
        let reason = format!("the name of a node has 1 to {NODE_NAME_MAX} characters");
        return Err(Refusal::unfit("NodeName", reason));
    }
    let certificate = new_certificate(state, certificate, now)?;
    let mut after = Node::clone(before);
    after.name = host.name.into();
    after.status = NodeStatus::Ready;
    after.joined_at = Some(now);
    after.token = Some(NodeToken { used_at: Some(now), ..token });
    after.certificates = [certificate].into();
    Ok(replaced(before, after))
}

fn renew(
    state: &State,
    before: &Arc<Node>,
    under: Digest,
    certificate: (Digest, UnixMillis),
    now: UnixMillis,
) -> Result<Plan, Refusal> {
    let under = before.certificate(under, now).ok_or(Refusal::NodeCertificate(CertificateFault::NotGood))?;
    let mut after = Node::clone(before);
    after.certificates = [new_certificate(state, certificate, now)?, *under].into();
    Ok(replaced(before, after))
}

fn new_certificate(
    state: &State,
    (fingerprint, expires_at): (Digest, UnixMillis),
    now: UnixMillis,
) -> Result<NodeCertificate, Refusal> {
    if state.node_with_certificate(fingerprint).is_some() {
        return Err(Refusal::NodeCertificate(CertificateFault::InUse));
    }
    if expires_at <= now {
        return Err(Refusal::NodeCertificate(CertificateFault::Expired));
    }
    Ok(NodeCertificate { fingerprint, expires_at, revoked_at: None })
}

fn revoke(before: &Arc<Node>, now: UnixMillis) -> Plan {
    if before.status == NodeStatus::Gone && before.token.is_none() {
        return Plan::done(Changes::default());
    }
    let mut after = Node::clone(before);
    after.status = NodeStatus::Gone;
    after.token = None;
    for certificate in &mut after.certificates {
        certificate.revoked_at.get_or_insert(now);
    }
    replaced(before, after)
}

/// By force, its instances are released, protected ones too. Nobody will say that they are gone: the clock ends that.
fn delete(
    state: &State,
    account: AccountId,
    id: NodeId,
    force: bool,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let node = find(state, account, id)?;
    if !force {
        check_unused(state, id)?;
    }
    let mut draft = Draft::new(state);
    for hosted in state.hosted_by(id) {
        draft.remove_hosting(hosted.instance);
        instance::release_at(&mut draft, hosted.instance, context.now, context.timing);
    }
    state.bound_to(id).for_each(|binding| draft.unbind(binding.interface));
    let mut changes = draft.finish();
    changes.remove(Arc::clone(node));
    Ok(Plan::done(changes))
}

/// The refusal of the end of a node that hosts instances, or to which something is bound. Interfaces of its instances
/// are not named beside these.
fn check_unused(state: &State, id: NodeId) -> Result<(), Refusal> {
    let own = |binding: &&Arc<Binding>| {
        let interface = state.interfaces().get(&binding.interface);
        interface.is_none_or(|interface| binding::hosting(state, interface).is_none())
    };
    let instances = state.hosted_by(id).map(|hosted| format!("instance {}", hosted.instance));
    let bound = state.bound_to(id).filter(own).map(|own| format!("network interface {}", own.interface));
    let mut users: Vec<String> = instances.chain(bound).collect();
    let total = users.len();
    users.truncate(USERS_NAMED);
    if total == 0 { Ok(()) } else { Err(Refusal::InUse { what: format!("node {id}"), users, total }) }
}
