//! Whether a caller may do what it asks: the policies attached to it, evaluated for the operation's resources.
//!
//! This comes before the parameters are checked (contract, decision 7). So it reads the parameters that name a resource
//! as they were sent; one that is malformed is refused right after, whatever was decided here.
//!
//! Knows nothing of signatures: who the caller is has been proved already.

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use model::{
    AccountId, Actor, UnixMillis,
    ram::{
        PolicyName, User,
        document::{
            AccessRequest, Decision, PolicyDocument, ResourceName, ResourceOwner, SYSTEM_POLICIES, evaluate,
        },
    },
};

use crate::catalogue::{Access, Denied, Fault, Operation, Product, Resource, error_code as code};

/// The system policies, read once; in the order of [`SYSTEM_POLICIES`].
static SYSTEM_DOCUMENTS: LazyLock<Vec<Arc<PolicyDocument>>> = LazyLock::new(|| {
    let read = |text| PolicyDocument::parse(text).unwrap_or_else(|_| PolicyDocument::deny_all());
    SYSTEM_POLICIES.iter().map(|policy| Arc::new(read(policy.document))).collect()
});

/// The longest parameter that names a resource, in bytes. No resource has a longer name: a longer one is refused as
/// malformed right after, and until then it is no reason to compare megabytes with patterns.
const NAME_BYTES_MAX: usize = 256;

/// Decides whether the caller may call the operation. `parameter` gives a parameter's text as it was sent.
///
/// The account's root may do all. A user may do what its policies allow and none of them denies, for each resource that
/// the operation is about. Operations that need no permission are everybody's.
///
/// # Errors
/// `NoPermission`, as the operation's product words it.
pub fn authorise<'p>(
    caller: Option<&Policies>,
    actor: Actor,
    operation: &Operation,
    parameter: impl Fn(&str) -> Option<&'p str>,
    source: IpAddr,
    secure: bool,
    now: UnixMillis,
) -> Result<(), Fault> {
    decide(caller, actor, operation, parameter, (source, secure, now))
}

/// What decides about a caller: a user, and its policies. Taken out of the state, so that nobody waits while it is
/// compared with patterns.
pub fn policies(access: control::Access<'_>, actor: Actor) -> Option<Policies> {
    match actor {
        Actor::User(_, user) => {
            Policies::of(access.user(user)?, |account, name| access.document(account, name))
        }
        Actor::Operator | Actor::Clock | Actor::Root(_) | Actor::Node(_) => None,
    }
}

/// A user, and the documents in force of the policies that are attached to it.
pub struct Policies {
    user: Arc<User>,
    documents: Vec<Arc<PolicyDocument>>,
}

impl Policies {
    /// None where a policy of the account cannot be found, because it might have held a Deny. System policies deny
    /// nothing: one that this server does not have is passed over.
    fn of<'s>(
        user: &Arc<User>,
        document: impl Fn(AccountId, &str) -> Option<&'s Arc<PolicyDocument>>,
    ) -> Option<Self> {
        let mut documents = Vec::with_capacity(user.policies.len());
        for attachment in &user.policies {
            match &attachment.policy {
                PolicyName::System(name) => {
                    let place = SYSTEM_POLICIES.iter().position(|policy| policy.name == &**name);
                    documents.extend(place.and_then(|place| SYSTEM_DOCUMENTS.get(place)).cloned());
                }
                PolicyName::Custom(name) => documents.push(Arc::clone(document(user.account, name)?)),
            }
        }
        Some(Self { user: Arc::clone(user), documents })
    }
}

fn decide<'p>(
    caller: Option<&Policies>,
    actor: Actor,
    operation: &Operation,
    parameter: impl Fn(&str) -> Option<&'p str>,
    (source_ip, secure_transport, now): (IpAddr, bool, UnixMillis),
) -> Result<(), Fault> {
    let refused = || Err(no_permission(operation, None, false));
    let (account, user) = match actor {
        _ if operation.ram.access == Access::None => return Ok(()),
        Actor::Root(_) => return Ok(()),
        Actor::User(account, id) => {
            (account, caller.filter(|caller| caller.user.account == account && caller.user.id == id))
        }
        // Neither of them calls operations.
        Actor::Operator | Actor::Clock | Actor::Node(_) => return refused(),
    };
    let Some(Policies { user, documents }) = user else { return refused() };
    for (owner, relative_id) in names(account, user, operation, parameter) {
        let service = operation.ram.service();
        let resource = ResourceName { service, region: "*", owner, relative_id: &relative_id };
        let action = operation.ram.action;
        let request = AccessRequest { action, resource, source_ip, secure_transport, now };
        let decision = evaluate(documents.iter().map(|document| &**document), &request);
        if !decision.is_allowed() {
            let explicitly = matches!(decision, Decision::ExplicitDeny(_));
            return Err(no_permission(operation, Some(&request.resource), explicitly));
        }
    }
    Ok(())
}

fn no_permission(operation: &Operation, resource: Option<&ResourceName<'_>>, explicitly: bool) -> Fault {
    let fault = Fault::of(match operation.product {
        Product::Ram => &code::RAM_NO_PERMISSION,
        _ => &code::NO_PERMISSION,
    });
    let resource = resource.map(|of| {
        let owner = match of.owner {
            ResourceOwner::Account(account) => account.to_string(),
            ResourceOwner::System => "system".to_owned(),
        };
        format!("acs:{}:{}:{owner}:{}", of.service, of.region, of.relative_id)
    });
    let denied = Denied { action: operation.ram.action, resource, explicitly };
    Fault { denied: Some(Box::new(denied)), ..fault }
}

/// The resources that the call is about; never none.
fn names<'p>(
    account: AccountId,
    caller: &User,
    operation: &Operation,
    parameter: impl Fn(&str) -> Option<&'p str>,
) -> Vec<(ResourceOwner, String)> {
    // An empty parameter counts as not given (contract, decision 10).
    let given = |name: &str| parameter(name).filter(|text| !text.is_empty() && text.len() <= NAME_BYTES_MAX);
    let own = |kind: &str, name: &str| (ResourceOwner::Account(account), format!("{kind}/{name}"));
    let named = |kind: &str, name: &str| own(kind, given(name).unwrap_or("*"));
    let policy = || match given("PolicyType") {
        Some("System") => (ResourceOwner::System, named("policy", "PolicyName").1),
        _ => named("policy", "PolicyName"),
    };
    match operation.ram.resource {
        Resource::All => vec![(ResourceOwner::Account(account), "*".to_owned())],
        Resource::Named { kind, parameter } => vec![named(kind, parameter)],
        Resource::Every { kind } => vec![own(kind, "*")],
        Resource::UserOrCaller => vec![own("user", given("UserName").unwrap_or(&caller.name))],
        Resource::Policy => vec![policy()],
        Resource::UserAndPolicy => vec![named("user", "UserName"), policy()],
    }
}

#[cfg(test)]
mod tests;
